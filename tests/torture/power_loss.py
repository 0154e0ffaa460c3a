"""A loss of power after each system call of a write, by a model of what a disk may hold then.

POSIX promises to keep a file that was synchronised, and the names in a folder that was synchronised. Of what came later
the model keeps any part: each change of a name or not, and all content of a file or none. So it is worse than any real
disk, and a result that survives it survives on all of them.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias
from unittest.mock import patch

from typedtrack.backends.local import folders, tracker

__all__ = ["Disk"]


class _File:
    """A file: its content, and the content that the disk keeps for certain."""

    def __init__(self) -> None:
        self.content = self.kept = b""

    def sync(self) -> None:
        self.kept = self.content


class _Folder:
    """A folder: the names that the disk keeps for certain, and the changes since, which it may keep or lose."""

    def __init__(self) -> None:
        self.kept: _Names = {}
        self.changes: list[_Names] = []

    def names(self, changes: list[_Names] | None = None) -> dict[str, _File | _Folder]:
        """Return the names after *changes*, by default all."""
        names = dict(self.kept)
        for change in self.changes if changes is None else changes:
            names.update(change)
        return {name: entry for name, entry in names.items() if entry is not None}

    def sync(self) -> None:
        self.kept, self.changes = dict(self.names()), []

    def after_a_loss_of_power(self) -> Iterator[dict[str, _File | _Folder]]:
        """Yield each set of names that the disk may have then."""
        for is_kept in itertools.product((False, True), repeat=len(self.changes)):
            yield self.names(list(itertools.compress(self.changes, is_kept)))


_Names: TypeAlias = Mapping[str, _File | _Folder | None]


class Disk:
    """The folder *root* of a real disk, and the model of it, which every system call of the local backend changes.

    Attributes:
        after_each: is called after each system call that changes something.
    """

    def __init__(self, root: Path) -> None:
        self.after_each: Callable[[], object] = lambda: None
        self._root = os.fsencode(root)
        self._tree = _Folder()
        self._open: dict[int, _File | _Folder] = {}

    def __getattr__(self, name: str) -> object:
        return getattr(os, name)

    @contextmanager
    def mounted(self) -> Generator[None]:
        """Let the local backend use this disk."""
        with patch.object(folders, "os", self), patch.object(tracker, "os", self):
            yield

    def sync_all(self) -> None:
        """Synchronise everything, as time does."""
        left: list[_File | _Folder] = [self._tree]
        for entry in left:  # which grows meanwhile
            entry.sync()
            if isinstance(entry, _Folder):
                left += entry.names().values()

    def contents(self, path: str) -> set[bytes | None]:
        """Return each content that the file *path* may have after a loss of power now; `None` if it may be missing."""
        return self._contents(self._tree, path.split("/"))

    def _contents(self, folder: _Folder, path: list[str]) -> set[bytes | None]:
        contents: set[bytes | None] = set()
        name, *below = path
        for names in folder.after_a_loss_of_power():
            entry = names.get(name)
            if isinstance(entry, _Folder):
                contents |= self._contents(entry, below) if below else {None}
            else:
                contents |= {None} if entry is None or below else {entry.content, entry.kept}
        return contents

    def _folder_of(self, path: bytes) -> tuple[_Folder, str]:
        *above, name = os.fsdecode(path).removeprefix(f"{os.fsdecode(self._root)}/").split("/")
        folder = self._tree
        for part in above:
            entry = folder.names()[part]
            assert isinstance(entry, _Folder)
            folder = entry
        return folder, name

    def _entry(self, path: bytes) -> _File | _Folder:
        if path == self._root:
            return self._tree
        folder, name = self._folder_of(path)
        return folder.names()[name]

    def _change(self, path: bytes, entry: _File | _Folder | None, gone: bytes | None = None) -> None:
        """Give the name *path* to *entry*, and take the name *gone* from it: one change."""
        folder, name = self._folder_of(path)
        folder.changes.append({name: entry} if gone is None else {self._folder_of(gone)[1]: None, name: entry})
        self.after_each()

    # -- the system calls of the local backend ------------------------------------------------------------------------

    def open(self, path: bytes, flags: int, mode: int = 0o777) -> int:
        """Open a file or a folder."""
        fd = os.open(path, flags, mode)
        if flags & os.O_CREAT:
            self._open[fd] = file = _File()
            self._change(path, file)
        elif path.startswith(self._root):
            self._open[fd] = self._entry(path)
        return fd

    def write(self, fd: int, data: bytes) -> int:
        """Write to a file."""
        written, file = os.write(fd, data), self._open[fd]
        assert isinstance(file, _File)
        file.content += data[:written]
        self.after_each()
        return written

    def fsync(self, fd: int) -> None:
        """Synchronise a file or a folder."""
        self._open[fd].sync()
        self.after_each()

    def close(self, fd: int) -> None:
        """Close a file or a folder."""
        del self._open[fd]
        os.close(fd)

    def rename(self, source: bytes, target: bytes) -> None:
        """Rename a file within its folder."""
        entry = self._entry(source)
        os.rename(source, target)
        self._change(target, entry, gone=source)

    def link(self, source: bytes, target: bytes) -> None:
        """Give a file another name."""
        os.link(source, target)
        self._change(target, self._entry(source))

    def unlink(self, path: bytes) -> None:
        """Remove a name."""
        os.unlink(path)
        self._change(path, None)

    def mkdir(self, path: bytes) -> None:
        """Make a folder."""
        os.mkdir(path)
        self._change(path, _Folder())

    def rmdir(self, path: bytes) -> None:
        """Remove a folder."""
        os.rmdir(path)
        self._change(path, None)
