"""Tests of several processes at one store. They are skipped where other processes cannot reach the store."""

from __future__ import annotations

import pickle
from concurrent.futures import ProcessPoolExecutor

import pytest

from typedtrack import Result, ResultTracker
from typedtrack.testing.suites.store import Store

__all__ = ["OtherProcesses"]


def _put(tracker: ResultTracker, key: str, result: Result) -> None:
    tracker[key] = result


def _delete(tracker: ResultTracker, key: str) -> None:
    del tracker[key]


class OtherProcesses(Store):
    """Calls from several processes, and by several trackers of one process."""

    def test_pickles(self, tracker: ResultTracker) -> None:
        """A copy of a tracker, by pickle, sees the same results, whether the tracker was in use before or not."""
        if not self.shared_by_processes:
            pytest.skip("other processes cannot reach the store")
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
        """A tracker sees each put and delete of another process, though it read and listed before."""
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
        for keys in (["s/1"], ["s/1", "s/2"]):  # the first put makes the folder, the second finds it there
            elsewhere.submit(_put, tracker, keys[-1], {"x": 3}).result()
            assert sorted(tracker) == ["new", *keys]
        elsewhere.submit(_delete, tracker, "s/1").result()
        assert sorted(tracker) == ["new", "s/2"]
