"""Folders of results on a local disk: made, removed where nothing is left in them, synchronised."""

from __future__ import annotations

import os
import time
from typing import Final

__all__ = ["exists_when_made", "remove_empty_folders", "remove_if_empty", "sync"]

_LITTER_AGE: Final = 3600.0  # seconds: no writer takes so long from its file to the rename; if one does, it is told


def exists_when_made(folder: bytes, made: list[bytes]) -> bool:
    """Make *folder*, if there is none, and note it; return whether there is, `False` if the one above it is missing."""
    try:
        os.mkdir(folder)
    except FileExistsError:  # or it is a file, at which the next attempt to open stops
        return True
    except FileNotFoundError:
        return False
    made.append(folder)
    return True


def remove_if_empty(folder: bytes) -> None:
    """Remove *folder*, if nothing is in it."""
    try:
        os.rmdir(folder)
    except OSError:  # others use it meanwhile
        pass


def remove_empty_folders(path: bytes) -> bool:
    """Remove the folder *path* if nothing but empty folders, and what killed writers left, is in it.

    Return whether it may be gone.
    """
    folders, litter = [path], list[bytes]()
    try:
        for folder in folders:  # which grows meanwhile
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    elif _is_litter(entry):
                        litter.append(entry.path)
                    else:
                        return False
        for left_over in litter:
            os.unlink(left_over)
        for folder in reversed(folders):
            os.rmdir(folder)
    except (FileNotFoundError, NotADirectoryError):  # others are at it too: look again
        return True
    except OSError:  # a result came in between, or it may not be removed
        return False
    return True


def _is_litter(entry: os.DirEntry[bytes]) -> bool:
    """Return whether *entry* is a temporary file whose writer was killed, as its age tells."""
    if not (entry.name.startswith(b".typedtrack-") and entry.name.endswith(b".tmp")):
        return False
    return entry.stat(follow_symlinks=False).st_mtime < time.time() - _LITTER_AGE


def sync(path: bytes) -> None:
    """Let what the file or the folder *path* holds survive the loss of power."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
