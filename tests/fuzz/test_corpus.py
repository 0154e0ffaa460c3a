"""Every input that fuzzing has found is handled as a stranger's input must be."""

from __future__ import annotations

import pytest

from tests.fuzz.__main__ import read_corpus
from tests.fuzz.targets import SEEDS, TARGETS


@pytest.mark.parametrize("target", TARGETS)
def test_the_corpus(target: str) -> None:
    """Each input is accepted rightly or refused by an error of typedtrack."""
    inputs = [*SEEDS[target], *read_corpus(target)]
    assert len(inputs) > 20
    for data in inputs:
        TARGETS[target](data)
