"""`open_tracker` chooses the best backend for a base."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from typedtrack import FsspecResultTracker, ResultTracker, open_tracker
from typedtrack.backends.local import LocalResultTracker


def test_local_base_opens_the_local_tracker(tmp_path: Path) -> None:
    """A path or a file URL opens the local tracker, with its options."""
    for base in (tmp_path, str(tmp_path), f"file://{tmp_path}"):
        tracker = open_tracker(base, fsync=True)
        assert isinstance(tracker, LocalResultTracker)
        assert tracker._fsync
        assert repr(tracker) == f"LocalResultTracker({str(tmp_path)!r})"


@pytest.mark.parametrize("make", [FsspecResultTracker, open_tracker])
def test_bytes_are_not_a_base(make: Any) -> None:
    """The error says which types are."""
    with pytest.raises(TypeError, match="must be a str or a path of str, got b'results'"):
        make(b"results")


def test_other_base_opens_the_fsspec_tracker() -> None:
    """A base that is not local opens `FsspecResultTracker`, with its options, and touches no storage."""
    tracker = open_tracker("s3://bucket/x", storage_options={"anon": True}, max_concurrency=7)
    assert isinstance(tracker, FsspecResultTracker)
    assert repr(tracker) == "FsspecResultTracker('s3://bucket/x')"
    assert tracker.max_concurrency == 7


@pytest.mark.parametrize("make", [FsspecResultTracker, open_tracker])
def test_concurrency_of_zero_is_refused(make: type[FsspecResultTracker]) -> None:
    """A concurrency of less than one is refused when the tracker is made."""
    for base in ("memory://x", "s3://b/x"):
        with pytest.raises(ValueError, match="max_concurrency must be at least 1, got 0"):
            make(base, max_concurrency=0)


def test_fsspec_tracker_of_a_local_path_has_its_options(tmp_path: Path) -> None:
    """`FsspecResultTracker` passes `fsync` to the local tracker, and is a `ResultTracker`."""
    tracker = FsspecResultTracker(tmp_path, fsync=True)
    assert isinstance(tracker, ResultTracker)
    tracker["k"] = {"n": 1}
    assert isinstance(tracker._backend, LocalResultTracker)
    assert tracker._backend._fsync
