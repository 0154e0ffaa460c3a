"""Tests of calls that come between two instructions of another, from this process and from another one."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Final

import pytest

from typedtrack import Result, ResultTracker
from typedtrack.testing.interruptions import interrupted
from typedtrack.testing.suites.store import Store

__all__ = ["Interrupted"]

_LARGE: Final[tuple[Result, ...]] = tuple(
    {f"field {field}": f"{number}" * 1000 for field in range(300 + 300 * number)} for number in range(2)
)
_READS: Final = 20


def _create(tracker: ResultTracker, key: str, data: bytes) -> bytes | None:
    """Return *data*, if they could be created."""
    try:
        tracker._write(key, data, exclusive=True)
    except FileExistsError:
        return None
    return data


def _read_often(tracker: ResultTracker, key: str) -> None:
    """Read *key* again and again: it holds one of the large results."""
    for _ in range(_READS):
        found = tracker[key]
        assert found in _LARGE, f"of {len(_LARGE[0])} or {len(_LARGE[1])} fields a reader found {len(found)}"


class Interrupted(Store):
    """The primitives, by two callers: nothing that comes between may be lost, or see what is not finished."""

    def test_create_interrupted(self, tracker: ResultTracker) -> None:
        """Of a create and one that comes between, exactly one creates, and its content stays."""
        self._creates_once(tracker, lambda key: _create(tracker, key, b"second"))

    def test_replace_interrupted(self, tracker: ResultTracker) -> None:
        """A reader that comes between sees the one or the other result, whole."""
        self._replaces_whole(tracker, lambda key: tracker._read(key, 9))

    def test_interrupted_elsewhere(self, tracker: ResultTracker, elsewhere: ProcessPoolExecutor) -> None:
        """So it is with a reader of another process, which at last reads all the time, and with a create of one."""
        self._replaces_whole(tracker, lambda key: elsewhere.submit(tracker._read, key, 9).result())
        tracker["large"] = _LARGE[0]
        reading, number = elsewhere.submit(_read_often, tracker, "large"), 1
        while not reading.done():
            tracker["large"] = _LARGE[number % 2]
            number += 1
        reading.result()
        self._creates_once(tracker, lambda key: elsewhere.submit(_create, tracker, key, b"second").result())

    def _creates_once(self, tracker: ResultTracker, create: Callable[[str], bytes | None]) -> None:
        if not self.exclusive_create:
            pytest.skip("the store has no atomic create")
        both = interrupted(lambda number: _create(tracker, f"{number}", b"first"), lambda number: create(f"{number}"))
        for number, created in enumerate(both):
            assert [tracker._read(f"{number}", 9)] == [data for data in created if data is not None]

    def _replaces_whole(self, tracker: ResultTracker, read: Callable[[str], bytes | None]) -> None:
        results = (b"one", b"another")
        tracker._write("hot", results[1])
        both = interrupted(lambda number: tracker._write("hot", results[number % 2]), lambda _: read("hot"))
        assert {found for _, found in both} <= set(results)
