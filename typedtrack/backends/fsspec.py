"""`FsspecResultTracker`: results under any base that fsspec can name.

It hands each base to the backend that knows how a write there becomes visible whole and how a create is exclusive.
Local paths go to the local backend, by the same system calls and without importing fsspec.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

from typedtrack._calls import Read
from typedtrack._tracker import ResultTracker
from typedtrack.backends.local import LocalResultTracker, local_path
from typedtrack.errors import UnsupportedOperationError

__all__ = ["FsspecResultTracker"]


class FsspecResultTracker(ResultTracker):
    """Results under *tracker_base*, a path or any fsspec URL: one file ``<tracker_base>/<key>`` each.

    A drop-in for the tracker of that name in ``torchx.runtime.tracking``: same calls, same files. Making one touches no
    storage. *storage_options* go to the filesystem. *fsync* makes a put on a local disk survive the loss of power.
    *max_concurrency* is how many requests a bulk call has under way at once (a local base reads one by one).

    >>> tracker = FsspecResultTracker("memory://docs/fsspec")
    >>> tracker["attempt_1/out"] = {"accuracy": 0.233}
    >>> tracker["attempt_1/out"]["accuracy"]
    0.233
    """

    def __init__(
        self,
        tracker_base: str | os.PathLike[str],
        *,
        storage_options: Mapping[str, object] | None = None,
        fsync: bool = False,
        max_concurrency: int = 64,
    ) -> None:
        if max_concurrency < 1:
            raise ValueError(f"max_concurrency is at least 1, got {max_concurrency}")
        self._tracker_base = os.fspath(tracker_base)
        self._storage_options = dict(storage_options or {})
        self._fsync = fsync
        self.max_concurrency = max_concurrency

    @cached_property
    def _backend(self) -> ResultTracker:
        if local_path(self._tracker_base) is not None:
            return LocalResultTracker(self._tracker_base, fsync=self._fsync)

        from fsspec.core import url_to_fs
        from fsspec.implementations.memory import MemoryFileSystem

        fs, root = url_to_fs(self._tracker_base, **self._storage_options)
        if isinstance(fs, MemoryFileSystem):
            from typedtrack.backends.memory import MemoryResultTracker

            return MemoryResultTracker(fs, root)
        raise UnsupportedOperationError("tracking", self._tracker_base, "use a local path or a memory:// base")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._tracker_base!r})"

    def _location(self, text: str) -> str:
        return self._backend._location(text)

    def _read(self, key: str, limit: int) -> bytes | None:
        return self._backend._read(key, limit)

    def _write(self, key: str, data: bytes, *, exclusive: bool = False) -> None:
        self._backend._write(key, data, exclusive=exclusive)

    def _delete(self, key: str) -> None:
        self._backend._delete(key)

    def _list(self, prefix: str) -> Iterator[str]:
        return self._backend._list(prefix)

    def _read_many(self, keys: Iterable[str]) -> Iterator[tuple[str, Read]]:
        return self._backend._read_many(keys)

    def _write_many(self, writes: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, Exception | None]]:
        return self._backend._write_many(writes)
