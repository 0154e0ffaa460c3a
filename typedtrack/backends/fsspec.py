"""`FsspecResultTracker`: results under any base that fsspec can name.

It passes each call to the backend that `typedtrack.backends.filesystems` names for the base. A local path goes to the
local backend, without importing fsspec.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from typedtrack._bases import local_path
from typedtrack._tracker.backend import Listed, Read
from typedtrack._tracker.untyped import ResultTracker
from typedtrack.backends.local import LocalResultTracker
from typedtrack.errors import UnsupportedOperationError

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

    # The type of ``tracker_over`` in each backend module of the table.
    Opener: TypeAlias = Callable[[AbstractFileSystem, str, int], ResultTracker]

__all__ = ["FsspecResultTracker"]

T = TypeVar("T")
U = TypeVar("U")


class FsspecResultTracker(ResultTracker):
    """Results under *tracker_base*, a path or any fsspec URL; each is one file, ``<tracker_base>/<key>``.

    It replaces the tracker of that name in ``torchx.runtime.tracking``: same calls, same files. Making one touches no
    storage. *storage_options* go to the filesystem; they also configure the retries and time-outs of its client.
    *fsync* makes a put on a local disk survive a loss of power. *max_concurrency* limits the requests that a bulk call
    has under way at once; a local base has several only where a call waits for its disk or server.

    A tracker can be pickled, and used on both sides of a fork. Its ``repr`` shows no password.

    Raises:
        ImportError: the client for the base is not installed; the message has the ``pip install`` line.
        ValueError: fsspec knows no filesystem for *tracker_base*, or it names no bucket where it must.

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
            raise ValueError(f"max_concurrency must be at least 1, got {max_concurrency}")
        self._tracker_base = os.fspath(tracker_base)
        self._storage_options = dict(storage_options or {})
        self.max_concurrency = max_concurrency
        self._local: LocalResultTracker | None = None
        self._opened: tuple[int, ResultTracker] | None = None
        if local_path(self._tracker_base) is not None:
            self._local = LocalResultTracker(self._tracker_base, fsync=fsync, max_concurrency=max_concurrency)
        else:
            from typedtrack.backends.base_urls import require

            require(self._tracker_base)

    @property
    def _backend(self) -> ResultTracker:
        """The backend for the base; one that is not local is made at its first use in each process."""
        if self._local is not None:
            return self._local
        if self._opened is None or self._opened[0] != os.getpid():
            try:
                backend = _backend_of(*self._filesystem(), self._shown_base, self.max_concurrency)
            except Exception as error:
                error.add_note(f"typedtrack: open {self._shown_base}")
                raise
            self._opened = os.getpid(), backend
        return self._opened[1]

    @property
    def _shown_base(self) -> str:
        from typedtrack.backends.base_urls import without_password

        return without_password(self._tracker_base)

    def _filesystem(self) -> tuple[AbstractFileSystem, str]:
        import fsspec

        return fsspec.url_to_fs(self._tracker_base, **self._storage_options)

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_opened": None}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._shown_base!r})"

    def _location(self, text: str) -> str:
        if self._local is not None:
            return self._backend._location(text)
        base = self._shown_base  # not that of the backend: an error of opening the backend may need the location
        return base + text if base.endswith("/") else f"{base}/{text}"

    # Each primitive has a method here, so that a subclass may override any of them. One that encrypts, for example,
    # overrides `_read` and `_write`, and calls `super()`.

    def _read(self, key: str, limit: int) -> bytes | None:
        return self._backend._read(key, limit)

    def _write(self, key: str, data: bytes, *, exclusive: bool = False) -> None:
        self._backend._write(key, data, exclusive=exclusive)

    def _delete(self, key: str) -> None:
        self._backend._delete(key)

    def _list(self, prefix: str) -> Iterator[str]:
        return self._backend._list(prefix)

    def _list_details(self, prefix: str) -> Iterator[Listed]:
        return self._backend._list_details(prefix)

    def _check_writable(self, key: str) -> None:
        self._backend._check_writable(key)

    def _remove_leftovers(self, older_than: float) -> int:
        return self._backend._remove_leftovers(older_than)

    def _read_many(self, keys: Iterable[str]) -> Iterator[tuple[str, Read]]:
        return self._backend._read_many(keys)

    def _write_many(self, writes: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, Exception | None]]:
        return self._backend._write_many(writes)

    def _concurrently(
        self, call: Callable[[T], U], arguments: Iterable[T], threads: int | None = None
    ) -> Iterator[tuple[T, U | Exception]]:
        # For a subclass that overrides `_read` or `_write`. Some clients are not safe to call from several threads.
        return self._backend._concurrently(call, arguments, threads)


def _backend_of(fs: AbstractFileSystem, root: str, shown_base: str, max_concurrency: int) -> ResultTracker:
    """Return the backend for *fs* that the table names."""
    from importlib import import_module

    from fsspec.implementations.cached import CachingFileSystem

    from typedtrack.backends.filesystems import row_of

    if isinstance(fs, CachingFileSystem):
        remedy = "a caching filesystem returns old content; use the URL of the store itself"
        raise UnsupportedOperationError("tracking", shown_base, remedy)
    if getattr(fs, "asynchronous", False):
        remedy = "the filesystem has no event loop of its own; leave out the option asynchronous=True"
        raise UnsupportedOperationError("tracking", shown_base, remedy)
    tracker_over: Opener = import_module(row_of(type(fs)).backend).tracker_over
    return tracker_over(fs, root, max_concurrency)
