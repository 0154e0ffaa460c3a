"""Results on a local disk, by plain system calls.

A put writes a hidden file beside its target and renames it; a create links it, which fails if the target exists. So
a reader sees a result whole or not at all, whenever the writer is killed. Names are UTF-8 whatever the locale is.
"""

from __future__ import annotations

import errno
import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Final

from typedtrack._primitives import READ_LIMIT, Read
from typedtrack._tracker import ResultTracker
from typedtrack.errors import KeyConflictError, UnsupportedOperationError

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

__all__ = ["LocalResultTracker", "local_path", "tracker_over"]

_SCHEMES: Final = ("file://", "file:", "local://", "local:")
_READ_FLAGS: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK  # the last: a FIFO in the way must not hang a get
_WRITE_FLAGS: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_FIRST_READ: Final = 16 * 1024  # bytes: more than most results have
_END: Final = b"}\n"  # of a stored result, and nowhere else in one
_ATTEMPTS: Final = 100  # at making a folder that others keep removing

_process: Final = os.urandom(6).hex().encode()
_writes = itertools.count()


def local_path(tracker_base: str | os.PathLike[str]) -> str | None:
    """Return the absolute path that *tracker_base* names, as fsspec reads it, or `None` if it is not a local one.

    >>> local_path("file:///tmp/results/"), local_path("s3://bucket/results")
    ('/tmp/results', None)
    """
    path = os.fspath(tracker_base)
    for scheme in _SCHEMES:
        if path.startswith(scheme):
            path = path[len(scheme) :]
            break
    if "://" in path or "::" in path:
        return None
    return os.path.abspath(os.path.expanduser(path))


class LocalResultTracker(ResultTracker):
    """Results under a local folder: ``<base>/<key>``. `typedtrack.open_tracker` makes one; it touches no storage.

    *fsync* makes a put survive the loss of power: it returns when file and folder are on the disk.
    """

    max_concurrency = 1  # a read takes microseconds: threads would only add to them

    def __init__(self, tracker_base: str | os.PathLike[str], *, fsync: bool = False) -> None:
        path = local_path(tracker_base)
        if path is None:
            raise ValueError(f"not a local path: {os.fspath(tracker_base)!r}; use open_tracker or FsspecResultTracker")
        self._folder = path
        self._above = f"{path.removesuffix('/')}/"  # every key
        self._above_bytes = os.fsencode(self._above)
        self._fsync = fsync

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._folder!r})"

    def _location(self, text: str) -> str:
        return self._above + text

    def _path(self, key: str) -> bytes:
        return self._above_bytes + key.encode()

    def _read(self, key: str, limit: int) -> bytes | None:
        try:
            fd = os.open(self._above_bytes + key.encode(), _READ_FLAGS)  # the path, without a call for it
        except (FileNotFoundError, NotADirectoryError):
            return None
        try:
            data = os.read(fd, limit if limit < _FIRST_READ else _FIRST_READ)
            if data.endswith(_END) and len(data) < _FIRST_READ:  # a whole result: nearly every get ends here
                return data
            while len(data) < limit and (more := os.read(fd, min(limit - len(data), max(len(data), _FIRST_READ)))):
                data += more
            return data
        except IsADirectoryError:  # a folder of results is no result
            return None
        finally:
            os.close(fd)

    def _read_many(self, keys: Iterable[str]) -> Iterator[tuple[str, Read]]:
        for key in keys:  # what the base class does with one at a time, in fewer steps
            try:
                read: Read = self._read(key, READ_LIMIT)
            except Exception as error:
                read = error
            yield key, read

    def _write(self, key: str, data: bytes, *, exclusive: bool = False) -> None:
        target = self._path(key)
        folder = target[: target.rindex(b"/")]
        temporary = b"%b/.typedtrack-%b-%d-%d.tmp" % (folder, _process, os.getpid(), next(_writes))
        try:
            fd = self._open_new(temporary, folder, key)
            try:
                left = memoryview(data)
                while left:
                    left = left[os.write(fd, left) :]
                if self._fsync:
                    os.fsync(fd)
            finally:
                os.close(fd)
            if exclusive:
                self._publish(key, temporary, target, os.link)
                os.unlink(temporary)
            else:
                self._publish(key, temporary, target, os.rename)
        except BaseException:
            _remove(temporary)
            raise
        if self._fsync:
            _sync_folder(folder)

    def _open_new(self, path: bytes, folder: bytes, key: str) -> int:
        for _ in range(_ATTEMPTS):
            try:
                try:
                    return os.open(path, _WRITE_FLAGS, 0o666)
                except FileNotFoundError:  # make the folder only now: nearly always it is there
                    self._make_folder(folder)
            except NotADirectoryError:
                self._refuse_result_above(key)  # else it is gone again, or is no result
        reason = "something on the way to it is no folder, or leads nowhere, or is removed again and again"
        raise NotADirectoryError(errno.ENOTDIR, reason, os.fsdecode(folder))

    def _make_folder(self, folder: bytes) -> None:
        missing: list[bytes] = []
        while not self._made(folder):
            missing.append(folder)
            folder = os.path.dirname(folder)
        while missing and self._made(missing.pop()):  # if removed again, the next attempt to open tells
            pass

    def _made(self, folder: bytes) -> bool:
        """Make *folder*, if there is none; return whether there is, `False` if the one above it is missing."""
        try:
            os.mkdir(folder)
        except FileExistsError:  # or it is a file, at which the next attempt to open stops
            return True
        except FileNotFoundError:
            return False
        if self._fsync:
            _sync_folder(os.path.dirname(folder))
        return True

    def _refuse_result_above(self, key: str) -> None:
        """Raise `KeyConflictError` if a segment above the last of *key* is a stored result."""
        end = key.find("/")
        while end != -1:
            if os.path.isfile(self._path(key[:end])):
                raise KeyConflictError(key, key[:end]) from None
            end = key.find("/", end + 1)

    def _publish(self, key: str, temporary: bytes, target: bytes, move: Callable[[bytes, bytes], None]) -> None:
        """Give the finished file its name by *move*, a system call that does it whole or not at all."""
        while True:
            try:
                return move(temporary, target)
            except (IsADirectoryError, FileExistsError) as error:
                if isinstance(error, FileExistsError) and not _is_folder(target):
                    raise
                if not _remove_empty_folders(target):
                    raise KeyConflictError(key, key) from None
            except OSError as error:
                if move is os.link and error.errno in (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK):
                    remedy = "its file system has no hard links; use `put`, or a base on another file system"
                    raise UnsupportedOperationError("create", repr(self), remedy) from error
                raise

    def _delete(self, key: str) -> None:
        path = self._path(key)
        try:
            os.unlink(path)
        except (NotADirectoryError, IsADirectoryError):
            raise FileNotFoundError(errno.ENOENT, "no result", os.fsdecode(path)) from None
        if self._fsync:
            _sync_folder(os.path.dirname(path))

    def _list(self, prefix: str) -> Iterator[str]:
        folders = [prefix]
        while folders:
            folder = folders.pop()
            try:
                entries = os.scandir(self._path(folder))
            except FileNotFoundError:  # nothing was ever put, or it was removed since
                continue
            except NotADirectoryError:
                if folder == prefix and os.path.isfile(self._path(prefix)):
                    yield prefix
                continue
            above = f"{folder}/" if folder else ""
            with entries:
                for entry in entries:
                    if entry.name.startswith(b"."):
                        continue
                    try:
                        text = above + entry.name.decode()
                    except UnicodeDecodeError:  # no key of ours
                        continue
                    if _is_file(entry):
                        yield text
                    elif entry.is_dir(follow_symlinks=False):
                        folders.append(text)


def _is_file(entry: os.DirEntry[bytes]) -> bool:
    try:
        return entry.is_file()
    except OSError as error:
        if error.errno == errno.ELOOP:  # a link to itself holds nothing
            return False
        raise


def _remove(path: bytes) -> None:
    try:
        os.unlink(path)
    except OSError:  # the error that is being raised matters more than what is left behind
        pass


def _is_folder(path: bytes) -> bool:
    return os.path.isdir(path) and not os.path.islink(path)


def _remove_empty_folders(path: bytes) -> bool:
    """Remove the folder *path* if nothing but empty folders is in it; return whether it may be gone."""
    folders = [path]
    try:
        for folder in folders:  # which grows meanwhile
            with os.scandir(folder) as entries:
                for entry in entries:
                    if not entry.is_dir(follow_symlinks=False):
                        return False
                    folders.append(entry.path)
        for folder in reversed(folders):
            os.rmdir(folder)
    except (FileNotFoundError, NotADirectoryError):  # others are at it too: look again
        return True
    except OSError:  # a result came in between, or it may not be removed
        return False
    return True


def _sync_folder(folder: bytes) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def tracker_over(fs: AbstractFileSystem, root: str, max_concurrency: int) -> ResultTracker:
    """Return the tracker in the folder *root* of *fs*."""
    return LocalResultTracker(root)
