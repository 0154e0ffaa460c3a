"""The files below a folder on a local disk, listed while others write there.

POSIX does not say whether a listing shows an entry that is replaced meanwhile, and a put replaces one by a rename. So a
listing may lack a result that was there all the time (btrfs, tmpfs), or show one twice (tmpfs, xfs). Therefore each
name is yielded once, and a folder that changed meanwhile is listed again until that finds nothing new.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Callable, Iterator
from itertools import chain, islice
from typing import Final, TypeAlias

from typedtrack._results.keys import is_key

__all__ = ["details_of", "walk"]

_Entry: TypeAlias = os.DirEntry[bytes]
_Files: TypeAlias = tuple[str, list[_Entry]]

_BLOCK: Final = 1000  # entries that are read before the first of them is yielded
_MAX_PASSES: Final = 8  # over a folder that changes all the time
_IDLE_PASSES: Final = 2  # in a row that find nothing new, after which nothing is expected
_LAG: Final = 20_000_000  # nanoseconds by which a file system may date a change too early
_COARSE_LAG: Final = 2_000_000_000  # the same where it counts whole seconds


def walk(above: bytes, folder: str) -> Iterator[_Files]:
    """Yield the path of each folder at or below *folder*, with a slash at its end, and some of the files in it.

    *folder* is a path below *above*, whose last byte is a slash. Hidden files are yielded too. A link to a file counts
    as a file; a link to a folder is not followed. Folders that cannot hold results are left out.

    Raises:
        FileNotFoundError, NotADirectoryError: *folder* is missing, or is not a folder.
        PermissionError: a folder that can hold results may not be read.
    """
    levels = [_list_folder(above, folder, is_first=True)]
    while levels:  # depth-first, so that no more than a block of each level is in memory
        for found in levels[-1]:
            if isinstance(found, str):
                levels.append(_list_folder(above, found))
                break
            yield found
        else:
            levels.pop()


def _list_folder(above: bytes, folder: str, *, is_first: bool = False) -> Iterator[_Files | str]:
    """Yield the files in *folder* in blocks, and the path of each sub-folder that can hold results."""
    path = f"{folder}/" if folder else ""
    try:
        for entries in _list_entries(above + folder.encode()):
            files: list[_Entry] = []
            folders: list[_Entry] = []
            for entry in entries:
                if entry.is_file(follow_symlinks=False) or _leads_to_file(entry):
                    files.append(entry)
                elif entry.is_dir(follow_symlinks=False):
                    folders.append(entry)
            yield path, files
            for entry in folders:
                subfolder = path + entry.name.decode("utf-8", "surrogateescape")
                if is_key(subfolder):  # a name that is not UTF-8 gives none
                    yield subfolder
    except OSError as error:
        if is_first or not _holds_no_results(above + folder.encode(), error):
            raise


def _holds_no_results(folder: bytes, error: OSError) -> bool:
    """Return whether *folder*, which cannot be listed because of *error*, holds no results for certain."""
    if isinstance(error, PermissionError):  # no one but root may read the folder of an ext file system's own
        status = os.lstat(folder)
        mode = stat.S_IMODE(status.st_mode)
        return folder.endswith(b"/lost+found") and status.st_uid == 0 and mode == 0o700
    # Removed or replaced since its name was read; or a path so long that no put can reach a file below it.
    return error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG)


def _list_entries(path: bytes) -> Iterator[list[_Entry]]:
    """Yield the entries of the folder *path* in blocks, each entry once."""
    began = time.time_ns()
    with os.scandir(path) as entries:
        block = list(islice(entries, _BLOCK))
        if len(block) == _BLOCK or _has_changed(path, began):
            yield from _list_repeatedly(path, began, chain((block,), _blocks(entries)))
            return
    yield block  # after the folder is closed: its subfolders may take long


def _list_repeatedly(path: bytes, began: int, blocks: Iterator[list[_Entry]]) -> Iterator[list[_Entry]]:
    """Yield the entries in *blocks*, then those that are found when the folder *path* is listed again."""
    names, idle_passes = _Names(), 0
    for number in range(_MAX_PASSES):
        found, changed = 0, False
        for block in blocks:
            changed = _has_changed(path, began)
            new = names.add_new(block) if changed or number > 0 else names.add(block)
            found += len(new)
            yield new
        idle_passes = 0 if found else idle_passes + 1
        if not changed or idle_passes == _IDLE_PASSES:
            return
        began, blocks = time.time_ns(), _scan(path)


def _scan(path: bytes) -> Iterator[list[_Entry]]:
    with os.scandir(path) as entries:
        yield from _blocks(entries)


def _blocks(entries: Iterator[_Entry]) -> Iterator[list[_Entry]]:
    """Yield *entries* in blocks; the last one is not full, and may be empty."""
    while True:
        block = list(islice(entries, _BLOCK))
        yield block
        if len(block) < _BLOCK:
            return


def _has_changed(path: bytes, since: int) -> bool:
    """Return whether the folder *path* may have changed *since*, in nanoseconds of the system's clock."""
    return _may_be_later(os.stat(path).st_mtime_ns, since)


def details_of(stat_file: Callable[[], os.stat_result]) -> tuple[str | None, float]:
    """Return the version of the file whose status *stat_file* reads, and the time of its last put in seconds.

    The version changes whenever the file is replaced. It is `None` if the file is too young for that: the next file may
    have the number of one that was removed, and the same size, but no earlier time.
    """
    now = time.time_ns()
    file = stat_file()
    is_young = _may_be_later(file.st_ctime_ns, now)
    return None if is_young else f"{file.st_ino}-{file.st_size}-{file.st_ctime_ns}", file.st_mtime


def _may_be_later(changed: int, than: int) -> bool:
    """Return whether a change that a file system dates *changed* may have come later *than*, both in nanoseconds."""
    return changed >= than - (_LAG if changed % 1_000_000_000 else _COARSE_LAG)


class _Names:
    """The names of one folder: packed, at a few bytes each, until they must be compared."""

    def __init__(self) -> None:
        self._packed: list[bytes] = []
        self._names: set[bytes] = set()

    def add(self, entries: list[_Entry]) -> list[_Entry]:
        """Add the names of *entries*, which are all new; return these entries."""
        self._packed.append(b"/".join([entry.name for entry in entries]))
        return entries

    def add_new(self, entries: list[_Entry]) -> list[_Entry]:
        """Add the names of *entries*; return the entries whose names are new."""
        names = self._names
        while self._packed:
            names.update(self._packed.pop().split(b"/"))
        new = {entry.name: entry for entry in entries if entry.name not in names}
        names.update(new)
        return list(new.values())


def _leads_to_file(entry: _Entry) -> bool:
    """Return whether *entry* is a link to a file that can be reached."""
    try:
        return entry.is_symlink() and entry.is_file()
    except OSError as error:
        # A link to itself, through a file or through a folder that may not be entered; or its target is too long.
        if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.EACCES, errno.ENAMETOOLONG):
            return False
        raise
