"""Made files on disk: written where they differ, or compared."""

from __future__ import annotations

import difflib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

__all__ = ["drift", "write_files"]


def write_files(files: Mapping[Path, str]) -> list[Path]:
    """Make each path hold its text, as UTF-8; return those that did not.

    A file is replaced whole, its folder made where it is missing; one that holds its text is left alone. What a link
    is to is replaced, not the link; a new file has the mode of the old one.

    Raises:
        ValueError: there is something at a path that is no file.
    """
    stale = [path for path, text in files.items() if _held(path) != text]
    for path in stale:
        file = path.resolve()
        file.parent.mkdir(parents=True, exist_ok=True)
        beside = file.with_name(f".{file.name}.{os.getpid()}")
        try:
            beside.write_bytes(files[path].encode())
            if file.exists():
                shutil.copymode(file, beside)
            beside.replace(file)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
    return stale


def drift(files: Mapping[Path, str]) -> str:
    """Return what `write_files` would change, as a unified diff; empty if nothing.

    Raises:
        ValueError: there is something at a path that is no file.
    """
    return "".join(_diff(path, _held(path), text) for path, text in files.items())


def _held(path: Path) -> str | None:
    if path.exists() and not path.is_file():
        raise ValueError(f"{path} is there, and no file; name one")
    try:
        return path.read_bytes().decode(errors="surrogateescape")  # so that no other bytes look like the text
    except FileNotFoundError:
        return None


def _diff(path: Path, held: str | None, text: str) -> str:
    name = path.as_posix()
    before = [] if held is None else held.splitlines(keepends=True)
    old = os.devnull if held is None else name
    lines = difflib.unified_diff(before, text.splitlines(keepends=True), old, name)
    diff = "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
    return diff.encode(errors="surrogateescape").decode(errors="backslashreplace")
