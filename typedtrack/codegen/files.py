"""Generated files on disk: written if they differ, or compared."""

from __future__ import annotations

import difflib
import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path

__all__ = ["drift", "write_files"]


def write_files(files: Mapping[Path, str]) -> list[Path]:
    """Write each text of *files* to its path as UTF-8, and return the paths that changed.

    A file is replaced whole. Missing folders are made; a file that already holds its text is left alone. If a path is
    a link, its target is replaced. A replaced file keeps its mode.

    Raises:
        ValueError: a path exists and is not a file.
    """
    stale = [path for path, text in files.items() if _read(path) != text]
    for path in stale:
        file = path.resolve()
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
        stream = temporary.open("xb")  # never an existing file, nor through a link
        try:
            with stream:
                stream.write(files[path].encode())
            if file.exists():
                shutil.copymode(file, temporary)
            temporary.replace(file)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    return stale


def drift(files: Mapping[Path, str]) -> str:
    """Return the changes that `write_files` would make with *files*, as a unified diff; empty if there are none.

    Raises:
        ValueError: a path exists and is not a file.
    """
    return "".join(_diff(path, _read(path), text) for path, text in files.items())


def _read(path: Path) -> str | None:
    if path.exists() and not path.is_file():
        raise ValueError(f"{path} exists and is not a file; name a file")
    try:
        return path.read_bytes().decode(errors="surrogateescape")  # so that no invalid bytes equal the text
    except FileNotFoundError:
        return None


def _diff(path: Path, held: str | None, text: str) -> str:
    name = path.as_posix()
    before = [] if held is None else held.splitlines(keepends=True)
    old = os.devnull if held is None else name
    lines = difflib.unified_diff(before, text.splitlines(keepends=True), old, name)
    diff = "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
    return diff.encode(errors="surrogateescape").decode(errors="backslashreplace")
