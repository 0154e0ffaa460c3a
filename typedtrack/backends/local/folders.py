"""Folders and hidden files on a local disk: how a put makes, removes and synchronises them."""

from __future__ import annotations

import errno
import itertools
import os
import time
from typing import Final

__all__ = [
    "KERNEL",
    "in_kernel",
    "is_leftover",
    "make_folders",
    "nearest",
    "no_place",
    "remove_empty_file",
    "remove_empty_folders",
    "remove_if_empty",
    "remove_quietly",
    "sync",
    "takes_results",
    "temporary_in",
]

KERNEL: Final = (b"/proc/", b"/sys/")
"""Folders of the kernel, in which nobody can store a file. Links in them lead elsewhere, as /proc/self/cwd does."""

_LITTER_AGE: Final = 3600.0  # seconds; every writer renames its hidden file sooner, or else gets an error
_LOCK_PAUSE: Final = 0.01  # seconds, far more than a creator holds the lock
_SYNC_FLAGS: Final = (os.O_RDONLY | os.O_CLOEXEC,)
_LOCK_FLAGS: Final = (os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW,)

# As in the module of the tracker, `map` opens a file, so that no signal's handler can lose its number.

_process: Final = os.urandom(6).hex().encode()
_writes = itertools.count()


def temporary_in(folder: bytes) -> bytes:
    """Return the path of a hidden file in *folder* that no other writer uses."""
    return b"%b/.typedtrack-%b-%d-%d.tmp" % (folder, _process, os.getpid(), next(_writes))


def is_leftover(entry: os.DirEntry[bytes], older_than: float) -> bool:
    """Return whether *entry* is a writer's hidden file that is older than so many seconds: its writer was killed."""
    if not (entry.name.startswith(b".typedtrack-") and entry.name.endswith(b".tmp")):
        return False
    return entry.stat(follow_symlinks=False).st_mtime < time.time() - older_than


def nearest(folder: bytes) -> bytes:
    """Return *folder* if it exists, else the nearest path above it that does."""
    while not os.path.lexists(folder):
        folder = os.path.dirname(folder)
    return folder


def in_kernel(path: bytes) -> bool:
    """Return whether *path* leads to a folder of the kernel."""
    return (os.path.realpath(path) + b"/").startswith(KERNEL)


def takes_results(path: bytes) -> bool:
    """Return whether results can be stored below *path*, which is a folder, or which another process has removed."""
    return not in_kernel(path) and (os.path.isdir(path) or not os.path.lexists(path))


def no_place(path: bytes) -> OSError:
    """Return the error that says why no result can be stored below *path*."""
    if in_kernel(path):
        reason = "the kernel keeps no results here; choose a folder on a disk"
        return OSError(errno.EROFS, reason, os.fsdecode(path))
    if os.path.exists(path):
        reason = "this is not a folder, so no result can be below it"
    else:
        reason = "this link leads nowhere, so no result can be below it; mount or make its target"
    return NotADirectoryError(errno.ENOTDIR, reason, os.fsdecode(path))


def make_folders(folder: bytes, made: list[bytes]) -> None:
    """Make *folder* and the missing folders above it; append each that is made to *made*.

    Others may remove one meanwhile: then *folder* may still be missing.
    """
    missing: list[bytes] = []
    while not _exists_when_made(folder, made):
        missing.append(folder)
        folder = os.path.dirname(folder)
    while missing and _exists_when_made(missing.pop(), made):
        pass


def _exists_when_made(folder: bytes, made: list[bytes]) -> bool:
    """Make *folder* unless it exists; return `False` if the folder above it is missing."""
    try:
        os.mkdir(folder)
    except FileExistsError:  # perhaps as a file: the next attempt to open a file in it tells
        return True
    except FileNotFoundError:
        return False
    made.append(folder)
    return True


def remove_quietly(path: bytes) -> None:
    """Remove the file *path* if possible, while another error is on its way to the caller."""
    try:
        os.unlink(path)
    except OSError:
        pass


def remove_if_empty(folder: bytes) -> None:
    """Remove *folder* unless it holds something, or another process has removed it."""
    try:
        os.rmdir(folder)
    except OSError:
        pass


def remove_empty_folders(path: bytes) -> bool:
    """Remove the folder *path* if it holds only empty folders and leftovers; return whether the caller may try again.

    The caller may also try again if another process changed the folder meanwhile: the next attempt finds its state.
    """
    folders, leftovers = [path], list[bytes]()
    try:
        for folder in folders:  # which grows meanwhile
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    elif is_leftover(entry, _LITTER_AGE):
                        leftovers.append(entry.path)
                    else:
                        return False
        for leftover in leftovers:
            os.unlink(leftover)
        for folder in reversed(folders):
            os.rmdir(folder)
    except (FileNotFoundError, NotADirectoryError):  # others remove them too
        return True
    except OSError:  # a result came in between, or the folder may not be removed
        return False
    return True


def remove_empty_file(path: bytes) -> bool:
    """Remove the file *path* if it is empty, as a loss of power may leave one; return whether to go on.

    A lock on the empty file itself lets one of several creators remove it. A put takes no lock: where it replaces the
    file after the last look, its result is moved back to *path*, unless a later put has come first.
    """
    import fcntl  # here: hardly any process ever meets an empty file

    try:
        (fd,) = map(os.open, (path,), _LOCK_FLAGS)
    except FileNotFoundError:
        return True
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # not waited for: perhaps a signal's handler has interrupted this thread's own create
            time.sleep(_LOCK_PAUSE)
            return True
        except OSError:  # this file system has no locks
            return False
        try:
            empty = os.fstat(fd)
            if empty.st_size == 0 and os.path.samestat(empty, os.lstat(path)):  # not replaced in the meantime
                _remove_unless_replaced(path, empty)
        except FileNotFoundError:  # removed in the meantime
            pass
    finally:
        os.close(fd)
    return True


def _remove_unless_replaced(path: bytes, file: os.stat_result) -> None:
    """Remove *path* if it is still *file*: move it aside, look at it, and move it back if it is another."""
    aside = temporary_in(os.path.dirname(path))
    try:
        os.rename(path, aside)
        _move_back_unless(file, aside, path)
    except BaseException:  # even if a signal's handler raises, no result may stay hidden
        _move_back_unless(file, aside, path)
        raise


def _move_back_unless(file: os.stat_result, aside: bytes, path: bytes) -> None:
    try:
        if not os.path.samestat(file, os.lstat(aside)):
            os.link(aside, path)
    except (FileNotFoundError, FileExistsError):  # nothing was moved, or a later put has come first
        pass
    remove_quietly(aside)


def sync(path: bytes) -> None:
    """Make the file or folder *path* survive a loss of power; do nothing where another process has removed it.

    Raises:
        OSError: its file system cannot synchronise it; `filename` is the path.
    """
    try:
        (fd,) = map(os.open, (path,), _SYNC_FLAGS)
    except (FileNotFoundError, NotADirectoryError):
        return
    try:
        os.fsync(fd)
    except OSError as error:
        error.filename = os.fsdecode(path)
        raise
    finally:
        os.close(fd)
