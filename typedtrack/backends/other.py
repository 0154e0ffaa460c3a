"""Results on a filesystem that the table does not list, by fsspec's common calls.

It is unknown how a write becomes visible there. So the first put of a tracker warns, and a create is refused. It is
also unknown how the client reads a name. Many clients build URLs from names, where ``?``, ``#`` and ``%`` have a
meaning, and one key could reach the file of another. So a key with one of these is refused, unless the filesystem is
known to take names literally.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from typedtrack._tracker.untyped import ResultTracker
from typedtrack.backends.answers import readable_answers
from typedtrack.backends.base_urls import without_password
from typedtrack.backends.filesystems import names_of
from typedtrack.errors import KeyConflictError, UnsupportedOperationError

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

__all__ = ["OtherResultTracker", "tracker_over"]

_RESERVED: Final = "?#%"  # the characters that have a meaning in a URL
_LITERAL: Final = frozenset(
    {
        "fsspec.implementations.arrow.HadoopFileSystem",
        "fsspec.implementations.dbfs.DatabricksFileSystem",
        "fsspec.implementations.ftp.FTPFileSystem",
        "fsspec.implementations.git.GitFileSystem",
        "fsspec.implementations.libarchive.LibArchiveFileSystem",
        "fsspec.implementations.sftp.SFTPFileSystem",
        "fsspec.implementations.smb.SMBFileSystem",
        "fsspec.implementations.tar.TarFileSystem",
        "fsspec.implementations.zip.ZipFileSystem",
        "typedtrack.testing.faults.FaultyFileSystem",
    }
)
"""The filesystems whose clients take every character of a name literally."""


class OtherResultTracker(ResultTracker):
    """Results in the folder *root* of the filesystem *fs*; one request at a time, as *fs* may not be thread-safe."""

    max_concurrency = 1

    def __init__(self, fs: AbstractFileSystem, root: str) -> None:
        self._fs = fs
        self._root = root.rstrip("/")
        self._reserved = "" if _LITERAL.intersection(names_of(type(fs))) else _RESERVED
        self._has_warned = False

    def __repr__(self) -> str:
        return f"{type(self).__name__}({type(self._fs).__name__}, {without_password(self._root)!r})"

    def _location(self, text: str) -> str:
        return f"{type(self._fs).__name__}:{without_password(self._root)}/{text}"

    def _path(self, key: str) -> str:
        """Return the path of *key*.

        Raises:
            UnsupportedOperationError: the filesystem's client may take the path for another one.
        """
        for character in self._reserved:
            if character in key:
                name = type(self._fs).__name__
                remedy = f"the client of {name} may give {character!r} a meaning and reach another key; leave it out"
                raise UnsupportedOperationError(f"the key {key!r}", repr(self), remedy)
        return f"{self._root}/{key}"

    def _key(self, path: str) -> str | None:
        """Return the key of the file *path*, which a listing has found below the root, or `None` if it has none."""
        return path.removeprefix(self._root).lstrip("/")

    def _read(self, key: str, limit: int) -> bytes | None:
        path = self._path(key)
        with readable_answers():
            self._fs.invalidate_cache()
            try:
                return self._contents(path, limit)
            except (FileNotFoundError, IsADirectoryError):
                return None
            except ConnectionError:
                raise
            except Exception:
                if self._is_empty(path):  # some filesystems refuse a range of an empty file
                    return b""
                raise

    def _contents(self, path: str, limit: int) -> bytes:
        return self._fs.cat_file(path, start=0, end=limit)[:limit]  # some filesystems ignore the range

    def _is_empty(self, path: str) -> bool:
        try:
            entry = self._fs.info(path)
        except Exception:  # the error of the read is the one to raise
            return False
        return entry["type"] == "file" and entry["size"] == 0

    def _write(self, key: str, data: bytes, *, exclusive: bool = False) -> None:
        if exclusive:
            remedy = "typedtrack knows no atomic create for this filesystem; use `put`, or another store"
            raise UnsupportedOperationError("create", repr(self), remedy)
        path = self._path(key)
        if not self._has_warned:
            self._has_warned = True
            reason = f"typedtrack does not know how {type(self._fs).__name__} makes a write visible"
            warnings.warn(f"{reason}: a reader may see part of a result during a put", stacklevel=2)
        with readable_answers():
            try:
                self._fs.makedirs(path.rpartition("/")[0], exist_ok=True)
                self._store(path, data)
            except IsADirectoryError:
                self._replace_empty_folder(key, path, data)
            except (FileExistsError, NotADirectoryError):
                raise KeyConflictError(key, self._result_above(key)) from None

    def _store(self, path: str, data: bytes) -> None:
        self._fs.pipe_file(path, data)

    def _replace_empty_folder(self, key: str, path: str, data: bytes) -> None:
        try:
            self._remove_empty_folders(path)
            self._store(path, data)
        except OSError:
            raise KeyConflictError(key, key) from None

    def _remove_empty_folders(self, path: str) -> None:
        for entry in self._fs.ls(path, detail=True):
            if entry["type"] != "directory":
                raise IsADirectoryError(path)
            self._remove_empty_folders(self._fs._strip_protocol(entry["name"]))
        self._fs.rmdir(path)

    def _result_above(self, key: str) -> str:
        """Return the part of *key* that is a result in the way of *key*, or else *key*."""
        ends = (end for end, character in enumerate(key) if character == "/")
        return next((key[:end] for end in ends if self._fs.isfile(self._path(key[:end]))), key)

    def _delete(self, key: str) -> None:
        if self._read(key, 1) is None:  # some filesystems do not tell whether there was something to delete
            raise FileNotFoundError(key)
        with readable_answers():
            self._fs.rm_file(self._path(key))

    def _list(self, prefix: str) -> Iterator[str]:
        with readable_answers():
            self._fs.invalidate_cache()
            if prefix and self._read(prefix, 1) is not None:
                yield prefix
            folders = [self._path(prefix).rstrip("/")]
            while folders:
                folder = folders.pop()
                try:
                    entries = self._fs.ls(folder, detail=True)
                except (FileNotFoundError, NotADirectoryError):  # nothing was ever put, or the folder was removed since
                    continue
                for entry in entries:
                    path = self._fs._strip_protocol(entry["name"]).rstrip("/")
                    if path == folder or path.rpartition("/")[2].startswith("."):  # a file lists itself
                        continue
                    if entry["type"] == "directory":
                        folders.append(path)
                    elif (key := self._key(path)) is not None:
                        yield key


def tracker_over(fs: AbstractFileSystem, root: str, max_concurrency: int) -> ResultTracker:
    """Return the tracker in the folder *root* of *fs*."""
    return OtherResultTracker(fs, root)
