"""A base to the best backend for it, importing only that one."""

from __future__ import annotations

import os
from collections.abc import Mapping

from typedtrack._tracker.untyped import ResultTracker
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

    A local path is served by plain system calls; ``s3://``, ``gs://`` and ``az://`` by obstore where it is installed
    and *storage_options* are in its words (``config``, ``client_options``, ``retry_config``, ``credential_provider``)
    or none; everything else by `FsspecResultTracker`, whose options these are.

    Raises:
        ImportError: what the base needs is not installed; names the ``pip install`` line.
        ValueError: *tracker_base* is empty or none for its backend, or *max_concurrency* less than 1.

    >>> open_tracker("/tmp/results")
    LocalResultTracker('/tmp/results')
    """
    if max_concurrency < 1:
        raise ValueError(f"max_concurrency is at least 1, got {max_concurrency}")
    if local_path(tracker_base) is not None:
        return LocalResultTracker(tracker_base, fsync=fsync)

    from typedtrack.backends.obstore import ObstoreResultTracker, is_installed, needs, serves

    base = os.fspath(tracker_base)
    served = serves(base, storage_options or {})
    if served and (storage_options or is_installed()):
        return ObstoreResultTracker(base, storage_options=storage_options, max_concurrency=max_concurrency)

    from typedtrack.backends.fsspec import FsspecResultTracker

    try:
        return FsspecResultTracker(base, storage_options=storage_options, fsync=fsync, max_concurrency=max_concurrency)
    except ImportError as error:
        if served:
            raise ImportError(f"{needs(base.partition('://')[0])}; through fsspec, {error}", name="obstore") from None
        raise
