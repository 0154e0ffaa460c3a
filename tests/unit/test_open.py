"""A base to the best backend for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from typedtrack import FsspecResultTracker, ResultTracker, open_tracker
from typedtrack.backends.local import LocalResultTracker


def test_a_local_base_is_plain_system_calls(tmp_path: Path) -> None:
    """A path or a file URL opens as the local tracker, with its options."""
    for base in (tmp_path, str(tmp_path), f"file://{tmp_path}"):
        tracker = open_tracker(base, fsync=True)
        assert isinstance(tracker, LocalResultTracker)
        assert tracker._fsync
        assert repr(tracker) == f"LocalResultTracker({str(tmp_path)!r})"


def test_any_other_base_is_fsspecs() -> None:
    """What is not local opens as `FsspecResultTracker`, with its options, and touches nothing."""
    tracker = open_tracker("s3://bucket/x", storage_options={"anon": True}, max_concurrency=7)
    assert isinstance(tracker, FsspecResultTracker)
    assert repr(tracker) == "FsspecResultTracker('s3://bucket/x')"
    assert tracker.max_concurrency == 7


@pytest.mark.parametrize("make", [FsspecResultTracker, open_tracker])
def test_a_concurrency_of_none_is_refused(make: type[FsspecResultTracker]) -> None:
    """At least one request is under way at once."""
    with pytest.raises(ValueError, match="max_concurrency is at least 1, got 0"):
        make("memory://x", max_concurrency=0)


def test_options_go_with_the_tracker(tmp_path: Path) -> None:
    """`FsspecResultTracker` of a local path hands `fsync` on, and is a `ResultTracker`."""
    tracker = FsspecResultTracker(tmp_path, fsync=True)
    assert isinstance(tracker, ResultTracker)
    tracker["k"] = {"n": 1}
    assert isinstance(tracker._backend, LocalResultTracker)
    assert tracker._backend._fsync
