"""Tests of several processes at one store; skipped where it is of one process."""

from __future__ import annotations

import pickle
from concurrent.futures import ProcessPoolExecutor
from typing import Final

import pytest

from typedtrack import Result, ResultTracker
from typedtrack.testing.suites.store import Store

__all__ = ["OtherProcesses"]

_LARGE: Final[tuple[Result, ...]] = tuple(
    {f"field {field}": f"{number}" * 1000 for field in range(300 + 300 * number)} for number in range(2)
)
_READS: Final = 20


def _put(tracker: ResultTracker, key: str, result: Result) -> None:
    tracker[key] = result


def _delete(tracker: ResultTracker, key: str) -> None:
    del tracker[key]


def _read(tracker: ResultTracker, key: str) -> None:
    """Read *key* again and again: it holds one of the large results."""
    for _ in range(_READS):
        found = tracker[key]
        assert found in _LARGE, f"of {len(_LARGE[0])} or {len(_LARGE[1])} fields a reader found {len(found)}"


class OtherProcesses(Store):
    """Callers in several processes, and in several trackers of one."""

    def test_pickles(self, tracker: ResultTracker) -> None:
        """A pickled tracker is as good as the first, before its first use and after, and whatever it saw before."""
        if not self.shared_by_processes:
            pytest.skip("the store is of one process")
        copy = pickle.loads(pickle.dumps(tracker))
        for number in range(2):
            assert sorted(copy) == ["a", "b"][:number]
            assert copy["b"] == {}
            tracker["ab"[number]] = {"x": number}
            assert copy["ab"[number]] == {"x": number}
        tracker["a"] = {"x": 2}
        assert copy["a"] == {"x": 2}
        assert pickle.loads(pickle.dumps(tracker))["a"] == {"x": 2}

    def test_other_process(self, tracker: ResultTracker, elsewhere: ProcessPoolExecutor) -> None:
        """What another process puts, replaces and deletes is seen by a tracker that has read and listed before."""
        tracker["old"] = {"x": 0}
        assert tracker["old"] == {"x": 0}
        assert tracker["new"] == {}
        assert "new" not in tracker
        assert list(tracker) == ["old"]
        elsewhere.submit(_put, tracker, "old", {"x": 1}).result()
        elsewhere.submit(_put, tracker, "new", {"x": 2}).result()
        assert tracker["old"] == {"x": 1}
        assert tracker["new"] == {"x": 2}
        assert "new" in tracker
        assert sorted(tracker) == ["new", "old"]
        assert dict(tracker.items()) == tracker.get_many(["old", "new"]) == {"old": {"x": 1}, "new": {"x": 2}}
        elsewhere.submit(_delete, tracker, "old").result()
        assert tracker["old"] == {}
        assert "old" not in tracker
        assert list(tracker) == ["new"]

    def test_replaced_whole_elsewhere(self, tracker: ResultTracker, elsewhere: ProcessPoolExecutor) -> None:
        """A reader in another process sees one large result or another, never a part or a mixture, and never none."""
        tracker["hot"] = _LARGE[0]
        reading = elsewhere.submit(_read, tracker, "hot")
        number = 1
        while not reading.done():
            tracker["hot"] = _LARGE[number % 2]
            number += 1
        reading.result()
