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

from typedtrack._bases import local_path
from typedtrack._results.codec import END
from typedtrack._tracker.backend import READ_LIMIT, Read
from typedtrack._tracker.untyped import ResultTracker
from typedtrack.backends.local.folders import exists_when_made, remove_empty_folders, remove_if_empty, sync
from typedtrack.errors import KeyConflictError, UnsupportedOperationError

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

__all__ = ["LocalResultTracker", "tracker_over"]

_READ_FLAGS: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK  # the last: a FIFO in the way must not hang a get
_WRITE_FLAGS: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_FIRST_READ: Final = 16 * 1024  # bytes: more than most results have
_ATTEMPTS: Final = 100  # at making a folder that others keep removing

_process: Final = os.urandom(6).hex().encode()
_writes = itertools.count()


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
        self._synced_above = False

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._folder!r})"

    def _location(self, text: str) -> str:
        return self._above + text

    def _path(self, key: str) -> bytes:
        return self._above_bytes + key.encode()

    def _read(self, key: str, limit: int) -> bytes | None:
        try:
            fd = os.open(self._above_bytes + key.encode(), _READ_FLAGS)  # the path, without a call for it
        except FileNotFoundError:
            return None
        except NotADirectoryError:
            self._check_base()
            return None
        try:
            data = os.read(fd, limit if limit < _FIRST_READ else _FIRST_READ)
            if data.endswith(END) and len(data) < _FIRST_READ:  # a whole result: nearly every get ends here
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
        made: list[bytes] = []
        try:
            fd = self._open_new(temporary, folder, key, made)
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
        except BaseException as error:
            _remove(temporary)
            for path in reversed(made):
                remove_if_empty(path)
            if self._fsync and isinstance(error, FileExistsError):  # what is there may be acknowledged in its place
                sync(target)
                self._sync_folders(folder, made)
            raise
        if self._fsync:
            self._sync_folders(folder, made)

    def _open_new(self, path: bytes, folder: bytes, key: str, made: list[bytes]) -> int:
        """Open a new file, in a folder that is made if need be; note in *made* which folders are."""
        for _ in range(_ATTEMPTS):
            try:
                try:
                    return os.open(path, _WRITE_FLAGS, 0o666)
                except FileNotFoundError:  # make the folder only now: nearly always it is there
                    self._make_folder(folder, made)
            except NotADirectoryError:
                self._check_base()
                self._refuse_result_above(key)  # else it is gone again, or is no result
        reason = "something on the way to it is no folder, or leads nowhere, or is removed again and again"
        raise NotADirectoryError(errno.ENOTDIR, reason, os.fsdecode(folder))

    def _check_base(self) -> None:
        """Raise `NotADirectoryError` if the base cannot be a folder: that it has no results would confirm nothing."""
        path = self._folder
        while not os.path.lexists(path):
            path = os.path.dirname(path)
        if not os.path.isdir(path):
            raise NotADirectoryError(errno.ENOTDIR, "no tracker base can be there: it is no folder", path) from None

    def _make_folder(self, folder: bytes, made: list[bytes]) -> None:
        missing: list[bytes] = []
        while not exists_when_made(folder, made):
            missing.append(folder)
            folder = os.path.dirname(folder)
        while missing and exists_when_made(missing.pop(), made):  # if removed again, the next attempt to open tells
            pass

    def _sync_folders(self, folder: bytes, made: list[bytes]) -> None:
        """Let the names in *folder*, and of the folders on the way to it, survive the loss of power.

        Whoever made them may not have synchronised them. Above the base, that is so once for each tracker.
        """
        above = {os.path.dirname(path) for path in made}
        while True:
            within = folder.startswith(self._above_bytes[:-1])
            if within or folder in above or not self._synced_above:
                try:
                    sync(folder)
                except PermissionError:  # of a folder that was there before
                    if within or folder in above:
                        raise
            if folder in (b"/", b""):
                break
            folder = os.path.dirname(folder)
        self._synced_above = True

    def _refuse_result_above(self, key: str) -> None:
        """Raise `KeyConflictError` if a segment above the last of *key* is a stored result."""
        end = key.find("/")
        while end != -1:
            if os.path.isfile(self._path(key[:end])):
                raise KeyConflictError(key, key[:end]) from None
            end = key.find("/", end + 1)

    def _publish(self, key: str, temporary: bytes, target: bytes, move: Callable[[bytes, bytes], None]) -> None:
        """Give the finished file its name by *move*, a system call that does it whole or not at all."""
        if move is os.rename and _is_linked_folder(target):  # which a rename would replace, with all that is below it
            raise KeyConflictError(key, key)
        while True:
            try:
                return move(temporary, target)
            except (IsADirectoryError, FileExistsError) as error:
                if isinstance(error, FileExistsError) and not os.path.isdir(target):
                    if not os.path.exists(target) and os.path.islink(target):
                        reason = "in its way is a link that leads nowhere; `put` replaces it"
                        raise FileExistsError(errno.EEXIST, reason, os.fsdecode(target)) from None
                    raise
                if os.path.islink(target) or not remove_empty_folders(target):
                    raise KeyConflictError(key, key) from None
            except OSError as error:
                if move is os.link and error.errno in (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK):
                    remedy = "its file system has no hard links; use `put`, or a base on another file system"
                    raise UnsupportedOperationError("create", repr(self), remedy) from error
                raise

    def _delete(self, key: str) -> None:
        path = self._path(key)
        if os.path.islink(path) and not os.path.isfile(path):  # a link to no result is no result
            raise FileNotFoundError(errno.ENOENT, "no result", os.fsdecode(path))
        try:
            os.unlink(path)
        except (NotADirectoryError, IsADirectoryError):
            raise FileNotFoundError(errno.ENOENT, "no result", os.fsdecode(path)) from None
        if self._fsync:
            sync(os.path.dirname(path))

    def _list(self, prefix: str) -> Iterator[str]:
        folders = [prefix]
        while folders:
            folder = folders.pop()
            try:
                entries = os.scandir(self._path(folder))
            except FileNotFoundError:  # nothing was ever put, or it was removed since
                continue
            except NotADirectoryError:
                self._check_base()
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


def _is_linked_folder(path: bytes) -> bool:
    return os.path.islink(path) and os.path.isdir(path)


def tracker_over(fs: AbstractFileSystem, root: str, max_concurrency: int) -> ResultTracker:
    """Return the tracker in the folder *root* of *fs*."""
    return LocalResultTracker(root)
