"""Tests of calls that come between two instructions of another, from this process and from another one."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
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


def _read_and_create(tracker: ResultTracker, key: str, data: bytes) -> tuple[bytes | None, bytes | None]:
    """Return what was there before, and *data*, if they could be created."""
    return tracker._read(key, 9), _create(tracker, key, data)


def _read_and_put(tracker: ResultTracker, key: str, data: bytes) -> bytes | None:
    """Return what was there before *data*."""
    found = tracker._read(key, 9)
    tracker._write(key, data)
    return found


def _read_often(tracker: ResultTracker, key: str) -> None:
    """Read *key* again and again: it holds one of the large results."""
    for _ in range(_READS):
        found = tracker[key]
        assert found in _LARGE, f"of {len(_LARGE[0])} or {len(_LARGE[1])} fields a reader found {len(found)}"


class Interrupted(Store):
    """The primitives, by two callers: nothing that comes between may be lost, or see what is not finished."""

    def test_create_interrupted(self, tracker: ResultTracker) -> None:
        """Of a create and one that comes between, exactly one creates; its content stays, and no part of it is seen."""
        self._creates_once(tracker, partial(_read_and_create, tracker, data=b"second"))

    def test_replace_interrupted(self, tracker: ResultTracker) -> None:
        """A reader that comes between sees the one or the other result, whole; of two writers the one result stays."""
        self._replaces_whole(tracker, partial(_read_and_put, tracker))

    def test_interrupted_elsewhere(self, tracker: ResultTracker, elsewhere: ProcessPoolExecutor) -> None:
        """So it is with callers of another process, in which at last a reader reads all the time, and one creates."""
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
        both = interrupted(
            lambda number: _create(tracker, f"{number}", b"first"), lambda number: read_and_create(f"{number}")
        )
        for number, (first, (found, second)) in enumerate(both):
            stays = tracker._read(f"{number}", 9)
            assert [stays] == [data for data in (first, second) if data is not None]
            assert found in (None, stays)

    def _replaces_whole(self, tracker: ResultTracker, read_and_put: Callable[[str, bytes], bytes | None]) -> None:
        results = (b"one", b"another")  # the shorter leaves some of the longer, if it is written over it
        tracker._write("hot", results[1])
        both = interrupted(
            lambda number: tracker._write("hot", results[number % 2]),
            lambda number: read_and_put("hot", results[(number + 1) % 2]),
        )
        for _, found in both:
            assert {found, tracker._read("hot", 9)} <= set(results)
