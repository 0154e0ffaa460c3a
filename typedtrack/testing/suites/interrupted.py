"""Tests of calls between two instructions of another call, from this process and from another one."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Final

import pytest

from typedtrack import Result, ResultTracker
from typedtrack.testing.interruptions import interleave
from typedtrack.testing.suites.store import Store

__all__ = ["Interrupted"]

_LARGE: Final[tuple[Result, ...]] = tuple(
    {f"field {field}": f"{number}" * 1000 for field in range(300 + 300 * number)} for number in range(2)
)
_READS: Final = 20


def _create(tracker: ResultTracker, key: str, data: bytes) -> bytes | None:
    """Create *data*; return it, or `None` where something was there."""
    try:
        tracker._write(key, data, exclusive=True)
    except FileExistsError:
        return None
    return data


def _read_and_create(tracker: ResultTracker, key: str, data: bytes) -> tuple[bytes | None, bytes | None]:
    """Read, then create *data*; return the bytes that were there, and *data* or `None`."""
    return tracker._read(key, 9), _create(tracker, key, data)


def _read_and_put(tracker: ResultTracker, key: str, data: bytes) -> bytes | None:
    """Read, then put *data*; return the bytes that were there."""
    found = tracker._read(key, 9)
    tracker._write(key, data)
    return found


def _read_often(tracker: ResultTracker, key: str) -> None:
    """Read *key* repeatedly, and check that it holds one of the large results."""
    for _ in range(_READS):
        found = tracker[key]
        assert found in _LARGE, f"a reader found {len(found)} fields, not {len(_LARGE[0])} or {len(_LARGE[1])}"


class Interrupted(Store):
    """Two callers of the primitives, one between two instructions of the other: no write is lost, no read is torn."""

    def test_create_interrupted(self, tracker: ResultTracker) -> None:
        """A second create runs within the first: one of them succeeds, its content stays, and is never read in part."""
        self._creates_once(tracker, partial(_read_and_create, tracker, data=b"second"))

    def test_replace_interrupted(self, tracker: ResultTracker) -> None:
        """A reader within a put gets the old or the new result, whole; of two puts, one result stays."""
        self._replaces_whole(tracker, partial(_read_and_put, tracker))

    def test_interrupted_elsewhere(self, tracker: ResultTracker, elsewhere: ProcessPoolExecutor) -> None:
        """The same holds for calls of another process, and for a reader there that never stops reading."""
        self._replaces_whole(tracker, lambda key, data: elsewhere.submit(_read_and_put, tracker, key, data).result())
        tracker["large"] = _LARGE[0]
        reading, number = elsewhere.submit(_read_often, tracker, "large"), 1
        while not reading.done():
            tracker["large"] = _LARGE[number % 2]
            number += 1
        reading.result()
        self._creates_once(tracker, lambda key: elsewhere.submit(_read_and_create, tracker, key, b"second").result())

    def _creates_once(
        self, tracker: ResultTracker, read_and_create: Callable[[str], tuple[bytes | None, bytes | None]]
    ) -> None:
        if not self.exclusive_create:
            pytest.skip("the store has no atomic create")
        both = interleave(
            lambda number: _create(tracker, f"{number}", b"first"), lambda number: read_and_create(f"{number}")
        )
        for number, (first, (found, second)) in enumerate(both):
            stays = tracker._read(f"{number}", 9)
            assert [stays] == [data for data in (first, second) if data is not None]
            assert found in (None, stays)

    def _replaces_whole(self, tracker: ResultTracker, read_and_put: Callable[[str, bytes], bytes | None]) -> None:
        results = (b"one", b"another")  # a write in place of the shorter one leaves the end of the longer one
        tracker._write("hot", results[1])
        both = interleave(
            lambda number: tracker._write("hot", results[number % 2]),
            lambda number: read_and_put("hot", results[(number + 1) % 2]),
        )
        for _, found in both:
            assert {found, tracker._read("hot", 9)} <= set(results)
