"""The suite of faults, for a tracker over an fsspec filesystem that fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import pytest

from typedtrack import BulkError, CorruptResultError, Key, Result, ResultTimeoutError, ResultTracker
from typedtrack.testing.faults import FaultyFileSystem

__all__ = ["FaultSuite"]


class FaultSuite:
    """Tests of a tracker over an fsspec filesystem that fails. Inherit it, and override the fixture ``tracker_on``."""

    writes_in_place: ClassVar[bool] = False
    """Whether a broken write leaves a part of the result, because the filesystem can only overwrite in place."""

    @pytest.fixture
    def tracker_on(self) -> Callable[[FaultyFileSystem, str], ResultTracker]:
        """Return a function that makes a tracker in a folder of a filesystem: to be overridden."""
        raise NotImplementedError("override the fixture `tracker_on`")

    @pytest.fixture
    def faulty(self) -> FaultyFileSystem:
        """Return a filesystem whose faults a test sets."""
        return FaultyFileSystem()

    @pytest.fixture
    def tracker(
        self, tracker_on: Callable[[FaultyFileSystem, str], ResultTracker], faulty: FaultyFileSystem
    ) -> ResultTracker:
        """Return a tracker on that filesystem, with one result."""
        tracker = tracker_on(faulty, "/base")
        tracker["a"] = {"x": 1}
        return tracker

    @pytest.mark.parametrize(
        "error",
        [PermissionError(13, "refused"), ConnectionResetError(104, "reset"), TimeoutError("late"), OSError(5, "io")],
    )
    def test_errors_pass_unchanged(self, tracker: ResultTracker, faulty: FaultyFileSystem, error: Exception) -> None:
        """An error of the store reaches the caller unchanged, with a note that names the key."""
        faulty.faults.errors = dict.fromkeys(("cat_file", "pipe_file", "rm_file", "ls", "info"), error)
        calls: tuple[Callable[[], object], ...] = (
            lambda: tracker["a"],
            lambda: tracker.put("a", x=2),
            lambda: tracker.__delitem__("a"),
            lambda: "a" in tracker,
            lambda: tracker.wait("a", timeout=300),
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
        """A broken write raises; a reader then gets the old result, or an error that it is corrupt."""
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
        """Half of a result's bytes raise."""
        faulty.faults.torn_read = True
        with pytest.raises(CorruptResultError):
            tracker.get("a")

    def test_stale_listings(self, tracker: ResultTracker, faulty: FaultyFileSystem) -> None:
        """A tracker lists anew, although its filesystem caches listings."""
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
        """A slow store gives the same results."""
        faulty.faults.latency = 0.01
        several: dict[Key, Result] = {f"slow/{number}": {"number": number} for number in range(8)}
        tracker.put_many(several)
        assert dict(tracker.items("slow")) == {f"slow/{number}": {"number": number} for number in range(8)}
        with pytest.raises(ResultTimeoutError):
            tracker.wait("never", timeout=0.02)
