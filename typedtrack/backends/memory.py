"""Results in fsspec's memory filesystem, which is one dictionary for the whole process.

A put is one assignment in the dictionary, and a create is `dict.setdefault`: each is atomic. Other users of the
filesystem see the results as ordinary files. A key needs no folder, so `a` and `a/b` can both hold results.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from fsspec.implementations.memory import MemoryFile, MemoryFileSystem

from typedtrack._tracker.backend import Listed
from typedtrack._tracker.untyped import ResultTracker

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

__all__ = ["MemoryResultTracker", "tracker_over"]


class MemoryResultTracker(ResultTracker):
    """Results below the folder *root* of the memory filesystem *fs*."""

    max_concurrency = 1  # a call waits for nothing

    def __init__(self, fs: MemoryFileSystem, root: str) -> None:
        self._fs = fs
        self._root = root.rstrip("/")

    def _read(self, key: str, limit: int) -> bytes | None:
        file = self._fs.store.get(f"{self._root}/{key}")
        return None if file is None else file.getvalue()[:limit]

    def _write(self, key: str, data: bytes, *, exclusive: bool = False) -> None:
        path = f"{self._root}/{key}"
        file = MemoryFile(self._fs, path, data)
        if not exclusive:
            self._fs.store[path] = file
        elif self._fs.store.setdefault(path, file) is not file:
            raise FileExistsError(path)

    def _delete(self, key: str) -> None:
        if self._fs.store.pop(f"{self._root}/{key}", None) is None:
            raise FileNotFoundError(key)

    def _list(self, prefix: str) -> Iterator[str]:
        above = f"{self._root}/"
        return (path[len(above) :] for path in tuple(self._fs.store) if path.startswith(above))

    def _list_details(self, prefix: str) -> Iterator[Listed]:
        above = f"{self._root}/"
        files = self._fs.store.copy().items()
        return ((path[len(above) :], None, file.modified.timestamp()) for path, file in files if path.startswith(above))


def tracker_over(fs: AbstractFileSystem, root: str, max_concurrency: int) -> ResultTracker:
    """Return the tracker in the folder *root* of *fs*."""
    assert isinstance(fs, MemoryFileSystem)
    return MemoryResultTracker(fs, root)
