"""Schemas as a commit, a branch or a tag of a git repository has them."""

from __future__ import annotations

import subprocess
from pathlib import Path

from typedtrack._schema import RecordSchema
from typedtrack.schemas.files import SUFFIX, parse_document

__all__ = ["read_committed"]


def read_committed(path: Path, ref: str) -> dict[str, RecordSchema]:
    """Return the schemas at *path*, a file or a folder of ``*.schema.json``, as of *ref*, by ``<ref>:<path>``.

    Git runs in the folder of *path*; what is not committed is not seen.

    Raises:
        FileNotFoundError: there is no such ref, no repository, or no schema at *path* then.
        SchemaError: a file is not a supported document.
    """
    folder = path if path.is_dir() else path.parent
    within = "." if path.is_dir() else path.name
    # The ref is given where only a revision is read, so that none is taken for an option.
    listed = _git(
        folder, "ls-tree", "-z", "--name-only", "--end-of-options", ref, f"{within}/" if path.is_dir() else within
    )
    names = [name for name in listed.decode().split("\0") if name.endswith(SUFFIX) or (name and name == path.name)]
    if not names:
        raise FileNotFoundError(f"no *{SUFFIX} in {path} as of {ref}")
    schemas: dict[str, RecordSchema] = {}
    for name in sorted(names):
        source = f"{ref}:{(folder / name).as_posix()}"
        schemas[source] = parse_document(_git(folder, "cat-file", "blob", f"{ref}:./{name}"), source)
    return schemas


def _git(folder: Path, *arguments: str) -> bytes:
    ran = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, check=False)
    if ran.returncode:
        reason = " ".join(ran.stderr.decode(errors="replace").split())
        raise FileNotFoundError(f"git cannot read {folder}: {reason}")
    return ran.stdout
