"""The system calls that tests of faults put below the local backend."""

from __future__ import annotations

import pytest

from tests.faults.system import System


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> System:
    """Return the system calls that the local backend makes in this test."""
    system = System()
    for module in ("folders", "listing", "tracker"):
        monkeypatch.setattr(f"typedtrack.backends.local.{module}.os", system)
    return system
