"""Schemas as a commit, a branch or a tag of a git repository has them."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

from typedtrack._schema.records import RecordSchema
from typedtrack.schemas.files import SUFFIX, parse_document

__all__ = ["read_committed"]

_LINK: Final = b"120000 "  # how the line of one begins: with its mode


def read_committed(path: Path, ref: str) -> dict[str, RecordSchema]:
    """Return the schemas at *path*, a file or a folder of ``*.schema.json``, as of *ref*, by ``<ref>:<path>``.

    Git runs in the folder of *path*, which is there now, too; what is not committed is not seen.

    Raises:
        FileNotFoundError: there is no such path, ref or repository, no schema at *path* then, or no git.
        SchemaError: a file is not a supported document.
    """
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist; git:REF is for what is there now, as of then")
    folder = path if path.is_dir() else path.parent
    _git(folder, "rev-parse", "--git-dir", otherwise=f"{path} is in no git repository")
    # The ref is given where only a revision is read, so that none is taken for an option.
    commit = _git(
        folder,
        *("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}"),
        otherwise=f"{ref!r} is no commit, branch or tag of the repository of {path}; fetch it, or name another",
    )
    revision = commit.decode().split()[-1]
    names = [path.name]
    if path.is_dir():
        listed = _git(folder, "ls-tree", "-z", "--name-only", revision, "./", otherwise=f"git cannot list {path}")
        names = [name for name in listed.decode().split("\0") if name.endswith(SUFFIX)]
        if not names:
            raise FileNotFoundError(f"{path} held no *{SUFFIX} as of {ref}, if it existed; name a later commit")
    schemas: dict[str, RecordSchema] = {}
    for name in sorted(names):
        source = f"{ref}:{(folder / name).as_posix()}"
        absent = f"{folder / name} did not exist as of {ref}; name a later commit"
        data = _git(folder, "cat-file", "blob", f"{revision}:./{name}", otherwise=absent)
        if _git(folder, "ls-tree", revision, f"./{name}", otherwise=absent).startswith(_LINK):
            target = data.decode(errors="replace")
            raise FileNotFoundError(f"{folder / name} was a link as of {ref}, to {target!r}; name what it was to")
        schemas[source] = parse_document(data, source)
    return schemas


def _git(folder: Path, *arguments: str, otherwise: str) -> bytes:
    """Return what git answers.

    Raises:
        FileNotFoundError: it fails, which means *otherwise*; or is not there.
    """
    try:
        ran = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, check=False)
    except FileNotFoundError:
        raise FileNotFoundError("git is not installed, or not on the PATH") from None
    if ran.returncode:
        reason = " ".join(ran.stderr.decode(errors="replace").split())
        raise FileNotFoundError(f"{otherwise} ({reason})" if reason else otherwise)
    return ran.stdout
