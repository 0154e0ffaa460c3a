"""A base to the best backend for it, importing only that one."""

from __future__ import annotations

import os
from collections.abc import Mapping

from typedtrack._tracker import ResultTracker
from typedtrack.backends.local import LocalResultTracker, local_path

__all__ = ["open_tracker"]


def open_tracker(
    tracker_base: str | os.PathLike[str],
    *,
    storage_options: Mapping[str, object] | None = None,
    fsync: bool = False,
    max_concurrency: int = 64,
) -> ResultTracker:
    """Return the best installed tracker for *tracker_base*; it sees the same results as `FsspecResultTracker` there.

    The options are those of `FsspecResultTracker`.

    >>> open_tracker("/tmp/results")
    LocalResultTracker('/tmp/results')
    """
    if local_path(tracker_base) is not None:
        return LocalResultTracker(tracker_base, fsync=fsync)

    from typedtrack.backends.fsspec import FsspecResultTracker

    return FsspecResultTracker(
        tracker_base, storage_options=storage_options, fsync=fsync, max_concurrency=max_concurrency
    )
