"""Results on a local disk, by plain system calls.

A put writes a hidden file beside its target and renames it. A create links it instead, which fails if the target
exists. So a reader sees a whole result or none, whenever the writer is killed. File names are UTF-8 in every locale.

The steps of all calls stand in this one module, because each step must expect what another call may do beside it.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain, repeat
from typing import TYPE_CHECKING, Final, TypeVar

from typedtrack._bases import local_path
from typedtrack._results.codec import END
from typedtrack._tracker.backend import Listed
from typedtrack._tracker.untyped import ResultTracker
from typedtrack.backends.local.folders import (
    KERNEL,
    in_kernel,
    is_leftover,
    make_folders,
    nearest,
    no_place,
    remove_empty_file,
    remove_empty_folders,
    remove_if_empty,
    sync,
    takes_results,
    temporary_in,
)
from typedtrack.errors import KeyConflictError, UnsupportedOperationError

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

__all__ = ["LocalResultTracker", "tracker_over"]

T = TypeVar("T")
U = TypeVar("U")

_READ_FLAGS: Final = repeat(os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # non-blocking: a FIFO cannot hang a get
_WRITE_FLAGS: Final = repeat(os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC)
_MODE: Final = repeat(0o666)
_FIRST_READ: Final = 16 * 1024  # bytes: more than most results have
_ATTEMPTS: Final = 100  # at a step that other processes can undo

# A signal's handler may raise as soon as a call returns to Python, and the number of a file that was just opened would
# be lost. So `map` opens it, and a loop or an assignment takes it out: between the two Python runs no handler.


class LocalResultTracker(ResultTracker):
    """Results below a local folder: each is the file ``<base>/<key>``. `typedtrack.open_tracker` makes one.

    With *fsync* a put returns only when its file and the folders of the base are on the disk, so that its result
    survives a loss of power. To make a tracker touches no storage.

    Raises:
        ValueError: *tracker_base* is not a local path.
    """

    def __init__(self, tracker_base: str | os.PathLike[str], *, fsync: bool = False, max_concurrency: int = 64) -> None:
        path = local_path(tracker_base)
        if path is None:
            raise ValueError(f"not a local path: {os.fspath(tracker_base)!r}; use open_tracker or FsspecResultTracker")
        self._base = path
        self._base_prefix = f"{path.removesuffix('/')}/"  # of each file, before its key
        self._base_prefix_bytes = os.fsencode(self._base_prefix)
        self._fsync = fsync
        self.max_concurrency = max_concurrency

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._base!r})"

    def _location(self, text: str) -> str:
        return self._base_prefix + text

    def _path(self, key: str) -> bytes:
        return self._base_prefix_bytes + key.encode()

    def _folder(self, path: str) -> bytes:
        """Return the folder *path* of the base, which is the base itself if *path* is empty."""
        return self._path(path).rstrip(b"/") or b"/"

    def _concurrently(
        self, call: Callable[[T], U], arguments: Iterable[T], threads: int | None = None
    ) -> Iterator[tuple[T, U | Exception]]:
        """Make the calls in chunks, and in this thread alone while the disk is fast."""
        from typedtrack.backends.local.pace import Pace  # here, because calls for one key need none

        def make(chunk: list[T]) -> list[tuple[T, U | Exception]]:
            made: list[tuple[T, U | Exception]] = []
            for argument in chunk:
                try:
                    made.append((argument, call(argument)))
                except Exception as error:
                    made.append((argument, error))
            return made

        left, pace = iter(arguments), Pace(threads or self.max_concurrency)
        for chunk in pace.chunks(left):
            yield from pace.measure(make, chunk)
            if pace.threads > 1:
                break
        for _, made in super()._concurrently(make, pace.chunks(left), pace.threads):
            assert isinstance(made, list)  # no error: `make` returns those of each call
            yield from made

    # -- reading ------------------------------------------------------------------------------------------------------

    def _read(self, key: str, limit: int) -> bytes | None:
        path = self._base_prefix_bytes + key.encode()
        try:
            (fd,) = map(os.open, (path,), _READ_FLAGS)
            try:
                data = os.read(fd, limit if limit < _FIRST_READ else _FIRST_READ)
                if len(data) == _FIRST_READ or not data.endswith(END):  # nearly every result is whole by now
                    data = _read_on(fd, data, limit)
                return data
            finally:
                os.close(fd)
        except (FileNotFoundError, NotADirectoryError):
            self._confirm_absence(path[: path.rindex(b"/")] or b"/")
        except IsADirectoryError:  # a folder holds results, but is not one
            pass
        return None

    def _confirm_absence(self, folder: bytes) -> None:
        """Raise `OSError` unless a file is missing in *folder* because nothing was put.

        That is so where a folder is missing, and below a result. But a link that leads nowhere may be the way to
        storage that is not mounted. A base that is a file, or that lies in /proc, is a mistake: readers would wait for
        ever.
        """
        if os.path.isdir(folder) and not self._base_prefix_bytes.startswith(KERNEL):
            return
        path = nearest(folder)
        try:
            may_hold_results = stat.S_ISDIR(os.stat(path).st_mode) or path.startswith(self._base_prefix_bytes)
        except (FileNotFoundError, NotADirectoryError):
            may_hold_results = not os.path.islink(path)  # else another process has removed it meanwhile
        if in_kernel(path) or not may_hold_results:
            raise no_place(path) from None

    # -- writing ------------------------------------------------------------------------------------------------------

    def _write(self, key: str, data: bytes, *, exclusive: bool = False) -> None:
        target = self._path(key)
        folder = target[: target.rindex(b"/")] or b"/"
        temporary = temporary_in(folder)
        made: list[bytes] = []
        try:
            self._write_file(temporary, key, data, folder, made)
            if exclusive:
                self._link(key, temporary, target)
                os.unlink(temporary)
            else:
                self._rename(key, temporary, target)
        except BaseException as error:
            try:  # here, because a signal's handler may raise when a function begins
                os.unlink(temporary)
            except OSError:
                pass
            for path in reversed(made):
                remove_if_empty(path)
            if self._fsync and isinstance(error, FileExistsError):  # the caller may accept the stored result as its own
                if os.path.isfile(target):
                    sync(target)
                self._sync_folders(folder, made)
            raise
        if self._fsync:
            self._sync_folders(folder, made)

    def _write_file(self, path: bytes, key: str, data: bytes, folder: bytes, made: list[bytes]) -> None:
        """Write *data* to the new file *path* in *folder*; append to *made* the folders that are made for it."""
        for _ in range(_ATTEMPTS):
            try:
                try:
                    (fd,) = map(os.open, (path,), _WRITE_FLAGS, _MODE)
                except FileNotFoundError:  # make the folder only now: nearly always it exists
                    make_folders(folder, made)
                    continue
            except NotADirectoryError:
                self._refuse_result_above(key)
                continue
            try:
                written = os.write(fd, data)
                while written < len(data):  # a signal, or a disk that is nearly full
                    written += os.write(fd, data[written:])
                if self._fsync:
                    os.fsync(fd)
            finally:
                os.close(fd)
            return
        there = nearest(folder)
        if not takes_results(there):
            raise no_place(there)
        reason = "no folder can be made here: others remove it each time"
        raise FileNotFoundError(errno.ENOENT, reason, os.fsdecode(there))

    def _refuse_result_above(self, key: str) -> None:
        """Raise `KeyConflictError` if a segment above the last of *key* is a stored result."""
        end = key.find("/")
        while end != -1:
            if os.path.isfile(self._path(key[:end])):
                raise KeyConflictError(key, key[:end]) from None
            end = key.find("/", end + 1)

    def _rename(self, key: str, temporary: bytes, target: bytes) -> None:
        """Rename the finished file to *target*, over a result that is there, but never over a folder in use."""
        # A rename would replace a link to a folder. The first test takes half the time, and tells of any folder.
        if os.access(target + b"/", os.F_OK) and os.path.islink(target):
            raise KeyConflictError(key, key)
        for _ in range(_ATTEMPTS):
            try:
                return os.rename(temporary, target)
            except IsADirectoryError:
                if not remove_empty_folders(target):
                    break
        raise KeyConflictError(key, key)

    def _link(self, key: str, temporary: bytes, target: bytes) -> None:
        """Link the finished file to *target*, where nothing may be but an empty folder or an empty file.

        Raises:
            FileExistsError: something else is there.
        """
        for _ in range(_ATTEMPTS):
            try:
                return os.link(temporary, target)
            except FileExistsError:
                if not self._make_room(key, target):
                    raise
            except OSError as error:
                if error.errno in (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK):
                    remedy = "its file system has no hard links; use `put`, or a base on another file system"
                    raise UnsupportedOperationError("create", repr(self), remedy) from error
                raise
        raise FileExistsError(errno.EEXIST, "others put something here each time", os.fsdecode(target))

    def _make_room(self, key: str, target: bytes) -> bool:
        """Remove an empty folder or an empty file at *target*; return whether there may be room now."""
        try:
            status = os.lstat(target)
        except FileNotFoundError:
            return True
        if stat.S_ISREG(status.st_mode):
            return status.st_size == 0 and remove_empty_file(target)
        if stat.S_ISDIR(status.st_mode):
            if remove_empty_folders(target):
                return True
            raise KeyConflictError(key, key) from None
        if os.path.isdir(target):  # a link to one
            raise KeyConflictError(key, key) from None
        if not os.path.exists(target):
            reason = "this link leads nowhere; `put` replaces it"
            raise FileExistsError(errno.EEXIST, reason, os.fsdecode(target)) from None
        return False

    def _check_writable(self, key: str) -> None:
        target = self._path(key)
        folder = nearest(os.path.dirname(target))
        self._refuse_result_above(key)
        if not takes_results(folder):
            raise no_place(folder)
        if os.path.isdir(target) and (os.path.islink(target) or next(iter(self.keys(key)), None) is not None):
            raise KeyConflictError(key, key)
        if not os.access(folder, os.W_OK | os.X_OK) and os.path.isdir(folder):
            reason = "no file can be made in this folder; mend its permissions, or choose another base"
            raise PermissionError(errno.EACCES, reason, os.fsdecode(folder))

    def _sync_folders(self, folder: bytes, made: list[bytes]) -> None:
        """Make the name of a file in *folder* survive a loss of power.

        Synchronises the folders from *folder* to the base, as others may have made them without that, and the parents
        of the folders in *made*. Those above are not the tracker's: some file systems cannot synchronise them.
        """
        while True:
            sync(folder)
            if folder == b"/" or not (folder.startswith(self._base_prefix_bytes) or folder in made):
                return
            folder = os.path.dirname(folder)

    # -- deleting and listing -----------------------------------------------------------------------------------------

    def _delete(self, key: str) -> None:
        path = self._path(key)
        if os.path.islink(path) and not os.path.isfile(path):  # a link holds a result only if it leads to a file
            raise FileNotFoundError(errno.ENOENT, "no result", os.fsdecode(path))
        try:
            os.unlink(path)
        except (NotADirectoryError, IsADirectoryError):
            raise FileNotFoundError(errno.ENOENT, "no result", os.fsdecode(path)) from None
        if self._fsync:
            sync(os.path.dirname(path))

    def _list(self, prefix: str) -> Iterator[str]:
        return chain.from_iterable(texts for texts, _ in self._blocks(prefix))

    def _list_details(self, prefix: str) -> Iterator[Listed]:
        from typedtrack.backends.local.listing import details_of

        for texts, entries in self._blocks(prefix):
            for text, entry in zip(texts, entries, strict=True):
                try:
                    yield text, *details_of(partial(os.stat, self._path(text)) if entry is None else entry.stat)
                except (FileNotFoundError, NotADirectoryError):  # deleted since it was listed
                    pass

    def _blocks(self, prefix: str) -> Iterator[tuple[list[str], Sequence[os.DirEntry[bytes] | None]]]:
        """Yield the keys that `_list` yields in blocks, with their entries, or *prefix* itself with `None`."""
        from typedtrack.backends.local.listing import walk  # here, because a put or a get lists nothing

        try:
            for above, files in walk(self._base_prefix_bytes, prefix):
                # The caller drops a name that is not UTF-8, because the lone surrogate here makes it no key.
                yield [above + entry.name.decode("utf-8", "surrogateescape") for entry in files], files
        except (FileNotFoundError, NotADirectoryError):
            path = self._folder(prefix)
            self._confirm_absence(path)
            if os.path.isfile(path):
                yield [prefix], [None]

    def _remove_leftovers(self, older_than: float) -> int:
        from typedtrack.backends.local.listing import walk

        removed = 0
        failure: OSError | None = None
        try:
            for _, files in walk(self._base_prefix_bytes, ""):
                for entry in files:
                    try:
                        if is_leftover(entry, older_than):
                            os.unlink(entry.path)
                            removed += 1
                    except (FileNotFoundError, NotADirectoryError):  # its writer lives, or another process removed it
                        pass
                    except OSError as error:  # of another user, for example: the others can still be removed
                        failure = failure or error
        except (FileNotFoundError, NotADirectoryError):
            self._confirm_absence(self._folder(""))
        if failure is not None:
            raise failure
        return removed


def _read_on(fd: int, data: bytes, limit: int) -> bytes:
    """Return *data*, the beginning of the file *fd*, and the rest of it, *limit* bytes at most in all."""
    while len(data) < limit and (more := os.read(fd, min(limit - len(data), max(len(data), _FIRST_READ)))):
        data += more
    return data


def tracker_over(fs: AbstractFileSystem, root: str, max_concurrency: int) -> ResultTracker:
    """Return the tracker in the folder *root* of the filesystem *fs*."""
    return LocalResultTracker(root, max_concurrency=max_concurrency)
