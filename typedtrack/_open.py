"""`open_tracker`: a base to its best backend; imports only that one."""

from __future__ import annotations

import os
from collections.abc import Mapping

from typedtrack._bases import ARCHIVES, BASE_VARIABLE, local_path
from typedtrack._tracker.untyped import ResultTracker
from typedtrack.backends.local import LocalResultTracker

__all__ = ["open_tracker"]


def open_tracker(
    tracker_base: str | os.PathLike[str] | None = None,
    *,
    storage_options: Mapping[str, object] | None = None,
    fsync: bool = False,
    max_concurrency: int = 64,
) -> ResultTracker:
    """Return the fastest installed tracker for *tracker_base*.

    System calls serve a local path. obstore, where it is installed, serves ``s3://``, ``gs://`` and ``az://`` if there
    are no *storage_options* or only obstore's own (``config``, ``client_options``, ``retry_config``,
    ``credential_provider``). `FsspecResultTracker`, which has the same options, serves everything else. All see the
    same results.

    A base that ends in ``.ndjson`` or ``.ndjson.gz`` is an archive, which `ResultTracker.archive` has written: one
    file, read-only.

    *fsync* makes a put on a local disk survive a loss of power. *max_concurrency* limits the requests that a bulk call
    has under way at once.

    The default *tracker_base* is the environment variable ``TYPEDTRACK_BASE``, which ``typedtrack run`` sets.

    Raises:
        ImportError: the client for the base is not installed; the message has the ``pip install`` line.
        ValueError: *tracker_base* is empty or not valid for its backend, or missing here and in the environment; or
            *max_concurrency* is less than 1.

    >>> open_tracker("/tmp/results")
    LocalResultTracker('/tmp/results')
    """
    if max_concurrency < 1:
        raise ValueError(f"max_concurrency must be at least 1, got {max_concurrency}")
    if tracker_base is None:
        tracker_base = os.environ.get(BASE_VARIABLE)
        if not tracker_base:
            raise ValueError(
                f"no tracker base: pass one to open_tracker(), or set the environment variable {BASE_VARIABLE}"
            )
    path, base = local_path(tracker_base), os.fspath(tracker_base)
    if base.endswith(ARCHIVES):
        from typedtrack.backends.archive import ArchiveResultTracker

        return ArchiveResultTracker(base, storage_options=storage_options)
    if path is not None:
        return LocalResultTracker(base, fsync=fsync, max_concurrency=max_concurrency)

    from typedtrack.backends.obstore_client import check_options, is_installed, needs, serves

    check_options(base, storage_options or {})
    served = serves(base, storage_options or {})
    if served and (storage_options or is_installed()):
        from typedtrack.backends.obstore import ObstoreResultTracker

        return ObstoreResultTracker(base, storage_options=storage_options, max_concurrency=max_concurrency)

    from typedtrack.backends.fsspec import FsspecResultTracker

    try:
        return FsspecResultTracker(base, storage_options=storage_options, fsync=fsync, max_concurrency=max_concurrency)
    except ImportError as error:
        if served:
            raise ImportError(f"{needs(base.partition('://')[0])}; through fsspec, {error}", name="obstore") from None
        raise
