"""Sorts more texts than memory holds."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from typedtrack import _sorting
from typedtrack._sorting import SortedTexts
from typedtrack.testing import keys


@given(st.lists(keys().map(str), max_size=20), st.integers(1, 8))
def test_texts_come_in_order_and_each_once(texts: list[str], most: int) -> None:
    """The order is that of Python, however many texts are in memory; a second iteration is the same."""
    with patch.object(_sorting, "_MOST", most), SortedTexts(iter(texts)) as in_order:
        assert [*in_order] == [*in_order] == sorted({*texts})


def test_the_error_of_a_temporary_file_names_the_folder_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error is that of the system; a note says which folder it is about."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "absent"))
    monkeypatch.setattr(_sorting, "_MOST", 3)
    with SortedTexts("ab") as in_order:  # few need no file
        assert [*in_order] == ["a", "b"]
    with pytest.raises(FileNotFoundError) as caught:
        SortedTexts("abc")
    assert caught.value.__notes__ == [
        "typedtrack: sort keys in temporary files, which are in the folder that TMPDIR names"
    ]


def test_no_file_stays_open_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of the texts themselves passes through; pytest makes an error of a file that stays open."""
    monkeypatch.setattr(_sorting, "_MOST", 3)

    def texts() -> Iterator[str]:
        yield from "abcd"
        raise PermissionError(13, "refused")

    with pytest.raises(PermissionError, match="refused"):
        SortedTexts(texts())
