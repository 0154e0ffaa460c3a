"""The suite of faults: what a tracker over an fsspec filesystem must do when that fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import pytest

from typedtrack import BulkError, CorruptResultError, Key, Result, ResultTimeoutError, ResultTracker
from typedtrack.testing.faults import FaultyFileSystem

__all__ = ["FaultSuite"]


class FaultSuite:
    """What a tracker over an fsspec filesystem must do when that fails. Inherit, and override ``tracker_on``."""

    writes_in_place: ClassVar[bool] = False
    """Whether a write that breaks off leaves a part (only where the filesystem has nothing better)."""

    @pytest.fixture
    def tracker_on(self) -> Callable[[FaultyFileSystem, str], ResultTracker]:
        """Return what makes a tracker in a folder of a filesystem."""
        raise NotImplementedError("override the fixture `tracker_on`")

    @pytest.fixture
    def faulty(self) -> FaultyFileSystem:
        """Return a filesystem whose faults the tests set."""
        return FaultyFileSystem()

    @pytest.fixture
    def tracker(
        self, tracker_on: Callable[[FaultyFileSystem, str], ResultTracker], faulty: FaultyFileSystem
    ) -> ResultTracker:
        """Return a tracker on it, which holds a result."""
        tracker = tracker_on(faulty, "/base")
        tracker["a"] = {"x": 1}
        return tracker

    @pytest.mark.parametrize(
        "error",
        [PermissionError(13, "refused"), ConnectionResetError(104, "reset"), TimeoutError("late"), OSError(5, "io")],
    )
    def test_errors_pass_unchanged(self, tracker: ResultTracker, faulty: FaultyFileSystem, error: Exception) -> None:
        """What the store raises reaches the caller itself, with a note that names the key; it is never ``{}``."""
        faulty.faults.errors = dict.fromkeys(("cat_file", "pipe_file", "rm_file", "ls", "info"), error)
        calls: tuple[Callable[[], object], ...] = (
            lambda: tracker["a"],
            lambda: tracker.put("a", x=2),
            lambda: tracker.__delitem__("a"),
            lambda: "a" in tracker,
            lambda: tracker.wait("a", timeout=5),
        )
        for call in calls:
            with pytest.raises(type(error)) as caught:
                call()
            assert caught.value is error
            assert any("a" in note and "typedtrack" in note for note in error.__notes__)
        with pytest.raises(type(error)):
            list(tracker)
        with pytest.raises(BulkError) as bulk:
            tracker.get_many(["a"])
        assert bulk.value.errors == {"a": error}
        faulty.faults.errors = {}
        assert tracker["a"] == {"x": 1}

    def test_torn_write(self, tracker: ResultTracker, faulty: FaultyFileSystem) -> None:
        """A write that breaks off is an error for its writer; a reader has the old result, or is told it is corrupt."""
        faulty.faults.torn_write = ConnectionResetError(104, "reset")
        with pytest.raises(ConnectionResetError):
            tracker["a"] = {"x": 2}
        faulty.faults.torn_write = None
        if self.writes_in_place:
            with pytest.raises(CorruptResultError):
                tracker.get("a")
        else:
            assert tracker["a"] == {"x": 1}
        tracker["a"] = {"x": 3}
        assert tracker["a"] == {"x": 3}
        assert list(tracker) == ["a"]

    def test_torn_read(self, tracker: ResultTracker, faulty: FaultyFileSystem) -> None:
        """Half of the bytes of a result are no result."""
        faulty.faults.torn_read = True
        with pytest.raises(CorruptResultError):
            tracker.get("a")

    def test_stale_listings(self, tracker: ResultTracker, faulty: FaultyFileSystem) -> None:
        """A filesystem that answers listings from a cache is asked anew."""
        faulty.faults.stale_listings = True
        assert list(tracker) == ["a"]
        faulty.fs.pipe_file("/base/b", b'{"x": 2}')
        faulty.fs.pipe_file("/base/c/d", b'{"x": 3}')
        assert sorted(tracker) == ["a", "b", "c/d"]
        assert dict(tracker.items()) == {"a": {"x": 1}, "b": {"x": 2}, "c/d": {"x": 3}}
        faulty.fs.rm_file("/base/a")
        assert sorted(tracker) == ["b", "c/d"]
        assert tracker["a"] == {}

    def test_latency(self, tracker: ResultTracker, faulty: FaultyFileSystem) -> None:
        """A slow store changes no answer."""
        faulty.faults.latency = 0.01
        several: dict[Key, Result] = {f"slow/{number}": {"number": number} for number in range(8)}
        tracker.put_many(several)
        assert dict(tracker.items("slow")) == {f"slow/{number}": {"number": number} for number in range(8)}
        with pytest.raises(ResultTimeoutError):
            tracker.wait("never", timeout=0.02)
