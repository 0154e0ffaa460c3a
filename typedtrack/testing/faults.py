"""A filesystem that fails on purpose: torn writes, torn reads, stale listings, latency and errors."""

from __future__ import annotations

import time
from typing import Any, ClassVar

from fsspec.implementations.memory import MemoryFileSystem
from fsspec.spec import AbstractFileSystem

__all__ = ["Faults", "FaultyFileSystem"]


class Faults:
    """What goes wrong; all of it may be changed at any time.

    Attributes:
        errors: call (``"cat_file"``, ``"pipe_file"``, ``"rm_file"``, ``"ls"``) → what it raises, having done nothing.
        torn_write: what a write raises when it has stored the first half of the bytes; `None`: it stores them all.
        torn_read: whether a read returns the first half of the bytes only.
        stale_listings: whether a listing is answered from what was last listed, until the cache is dropped.
        latency: seconds that each call takes longer.
        calls: the calls so far, each with its path.
    """

    def __init__(self) -> None:
        self.errors: dict[str, Exception] = {}
        self.torn_write: Exception | None = None
        self.torn_read = False
        self.stale_listings = False
        self.latency = 0.0
        self.calls: list[tuple[str, str]] = []

    def strike(self, call: str, path: str) -> None:
        """Note the *call*, wait as long as it shall, and raise what it shall raise."""
        self.calls.append((call, path))
        time.sleep(self.latency)
        if call in self.errors:
            raise self.errors[call]


class _OwnMemory(MemoryFileSystem):
    """A memory filesystem of its own: the files of the class itself are shared by the whole process."""

    def __init__(self, **storage_options: object) -> None:
        super().__init__(**storage_options)
        vars(self).update(store={}, pseudo_dirs=[""])


class FaultyFileSystem(AbstractFileSystem):
    """The filesystem *fs* (one in memory, if none is given) with *faults*; it overwrites in place, as many do.

    >>> fs = FaultyFileSystem()
    >>> fs.pipe_file("/base/key", b"whole")
    >>> fs.faults.torn_read = True
    >>> fs.cat_file("/base/key")
    b'wh'
    """

    protocol: ClassVar[str | tuple[str, ...]] = "faulty"
    cachable = False  # each has faults of its own

    def __init__(self, fs: AbstractFileSystem | None = None, faults: Faults | None = None) -> None:
        super().__init__()
        if fs is None:
            fs = _OwnMemory(skip_instance_cache=True)
        self.fs = fs
        self.faults = Faults() if faults is None else faults
        self._listed: dict[str, list[Any]] = {}

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return "/" + path.removeprefix("faulty://").strip("/")

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **kwargs: object) -> bytes:
        """Return the bytes of a file; half of them, if that is the fault."""
        self.faults.strike("cat_file", path)
        data = self.fs.cat_file(path, start, end)
        return data[: len(data) // 2] if self.faults.torn_read else data

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **kwargs: object) -> None:
        """Write a file in place; half of it, if that is the fault. *mode* is ignored, as many filesystems do."""
        self.faults.strike("pipe_file", path)
        if self.faults.torn_write is not None:
            self.fs.pipe_file(path, value[: len(value) // 2])
            raise self.faults.torn_write
        self.fs.pipe_file(path, value)

    def rm_file(self, path: str) -> None:
        """Remove a file."""
        self.faults.strike("rm_file", path)
        self.fs.rm_file(path)

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        """Make a folder and those above it."""
        self.fs.makedirs(path, exist_ok=exist_ok)

    def rmdir(self, path: str) -> None:
        """Remove a folder that is empty."""
        self.fs.rmdir(path)

    def info(self, path: str, **kwargs: object) -> Any:
        """Return what is at *path*."""
        self.faults.strike("info", path)
        return self.fs.info(path)

    def ls(self, path: str, detail: bool = True, **kwargs: object) -> Any:
        """List a folder; as it was when it was last listed, if that is the fault."""
        self.faults.strike("ls", path)
        if not self.faults.stale_listings or path not in self._listed:
            self._listed[path] = self.fs.ls(path, detail=True)
        entries = self._listed[path]
        return entries if detail else [entry["name"] for entry in entries]

    def invalidate_cache(self, path: str | None = None) -> None:
        """Drop the listings that were kept."""
        self._listed.clear()
