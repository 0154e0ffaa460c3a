"""A filesystem that fails on purpose: errors, torn writes, torn reads, stale listings, latency."""

from __future__ import annotations

import time
from typing import Any, ClassVar

from fsspec.implementations.memory import MemoryFileSystem
from fsspec.spec import AbstractFileSystem

__all__ = ["Faults", "FaultyFileSystem"]


class Faults:
    """The faults of a `FaultyFileSystem`. Each attribute may change at any time.

    Attributes:
        errors: maps a call (``"cat_file"``, ``"pipe_file"``, ``"rm_file"``, ``"ls"``, ``"info"``) to the exception
            that it raises. The call then does nothing else.
        torn_write: the exception that a write raises after it stored the first half of the bytes. `None` turns this
            fault off.
        torn_read: whether a read returns only the first half of the bytes.
        stale_listings: whether a folder's second listing repeats the first one, until `invalidate_cache`.
        latency: seconds by which each call takes longer.
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
        """Record the *call* on *path*, sleep for the latency, and raise the error for this call, if there is one."""
        self.calls.append((call, path))
        time.sleep(self.latency)
        if call in self.errors:
            raise self.errors[call]


class _SeparateMemory(MemoryFileSystem):
    """A memory filesystem with its own files. All instances of its base class share their files."""

    def __init__(self, **storage_options: object) -> None:
        super().__init__(**storage_options)
        vars(self).update(store={}, pseudo_dirs=[""])


class FaultyFileSystem(AbstractFileSystem):
    """An fsspec filesystem that wraps *fs*, and fails as its `faults` say. Like many, it overwrites files in place.

    Args:
        fs: the filesystem that stores the files; by default an empty one in memory.
        faults: the faults; by default an own `Faults`, which has none at first.

    >>> fs = FaultyFileSystem()
    >>> fs.pipe_file("/base/key", b"whole")
    >>> fs.faults.torn_read = True
    >>> fs.cat_file("/base/key")
    b'wh'
    """

    protocol: ClassVar[str | tuple[str, ...]] = "faulty"
    cachable = False  # otherwise fsspec would share instances, and their faults

    def __init__(self, fs: AbstractFileSystem | None = None, faults: Faults | None = None) -> None:
        super().__init__()
        if fs is None:
            fs = _SeparateMemory(skip_instance_cache=True)
        self.fs = fs
        self.faults = Faults() if faults is None else faults
        self._listed: dict[str, list[Any]] = {}

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return "/" + path.removeprefix("faulty://").strip("/")

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **kwargs: object) -> bytes:
        """Return the bytes of a file, or with the fault `torn_read` half of them."""
        self.faults.strike("cat_file", path)
        data = self.fs.cat_file(path, start, end)
        return data[: len(data) // 2] if self.faults.torn_read else data

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **kwargs: object) -> None:
        """Write a file in place, or with the fault `torn_write` half of it. Like many filesystems, ignore *mode*."""
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
        """Make a folder and its parents."""
        self.fs.makedirs(path, exist_ok=exist_ok)

    def rmdir(self, path: str) -> None:
        """Remove an empty folder."""
        self.fs.rmdir(path)

    def info(self, path: str, **kwargs: object) -> Any:
        """Return fsspec's description of *path*."""
        self.faults.strike("info", path)
        return self.fs.info(path)

    def ls(self, path: str, detail: bool = True, **kwargs: object) -> Any:
        """List a folder, or with the fault `stale_listings` repeat its earlier listing."""
        self.faults.strike("ls", path)
        if not self.faults.stale_listings or path not in self._listed:
            self._listed[path] = self.fs.ls(path, detail=True)
        entries = self._listed[path]
        return entries if detail else [entry["name"] for entry in entries]

    def invalidate_cache(self, path: str | None = None) -> None:
        """Drop the cached listings."""
        self._listed.clear()
