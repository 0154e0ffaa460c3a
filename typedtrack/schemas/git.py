"""Schemas as of a commit, a branch or a tag of a git repository.

A repository may come from anywhere, and its settings name programs. So git may not fetch (a fetch would run programs
on behalf of a remote), runs no hook and no file system monitor, and only reads objects.
"""

from __future__ import annotations

import os
import posixpath
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from typedtrack._schema.records import RecordSchema
from typedtrack.schemas.files import SUFFIX, check_size, parse_document

__all__ = ["read_committed"]

_OPTIONS: Final = (
    *("--no-pager", "--literal-pathspecs"),
    *("-c", "protocol.allow=never", "-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}"),
)
# The settings of a repository may allow single protocols, and so undo protocol.allow; the variable outranks them.
_VARIABLES: Final = {"GIT_ALLOW_PROTOCOL": "", "GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0"}
# Git sets these for hooks. They name a repository, and we want the one around the schemas.
_OTHER_REPOSITORY: Final = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR"})
_LINK: Final = "120000"
_FOLDER: Final = "040000"


def read_committed(path: Path, revision: str) -> dict[str, RecordSchema]:
    """Return the schemas at *path*, a file or a folder of ``*.schema.json``, as of *revision*, by ``REF:path``.

    *revision* is a commit, a branch or a tag. *path* must exist now; if it did not exist then, the result is empty.
    Or *revision* is ``REF:PATH``, as for ``git show``: *PATH* counts from the top of the repository of *path*, and must
    have existed. Changes that are not committed are ignored. Git fetches nothing, and runs no program that the
    repository names.

    Raises:
        FileNotFoundError: the path, the ref or the repository does not exist, or git is not installed.
        SchemaError: a file is not a supported document.
    """
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist; git:REF reads the same path as of REF")
    folder = path if path.is_dir() else path.parent
    _git(folder, "rev-parse", "--git-dir", otherwise=f"{path} is not in a git repository")
    ref, named, place = revision.partition(":")
    # Git gets the ref only here, behind --end-of-options, so it never reads a ref as an option.
    commit = _git(
        folder,
        *("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}"),
        otherwise=f"{ref!r} is not a commit, branch or tag of the repository of {path}; fetch it, or name another",
    ).split()[-1]
    shown = place.rstrip("/") if named else path.as_posix()
    if not named:
        prefix = _git(folder, "rev-parse", "--show-prefix", otherwise=f"git cannot find {path}")
        place = prefix.removesuffix("\n") + ("" if path.is_dir() else path.name)
    schemas: dict[str, RecordSchema] = {}
    for entry in _files(folder, commit, posixpath.normpath(place or ".")):
        source = f"{ref}:{posixpath.join(shown, entry.name) if entry.name else shown}"
        schemas[source] = parse_document(_read(folder, entry, source), source)
    if named and not schemas:
        raise FileNotFoundError(f"{shown} has no {SUFFIX} file as of {ref}")
    return schemas


class _Entry(NamedTuple):
    """A file in a commit. Its name is empty if it is the path that was asked for."""

    mode: str
    object: str
    name: str


def _files(folder: Path, commit: str, place: str) -> Iterator[_Entry]:
    """Yield the file at *place*, a path from the top of the repository, or the schema files of the folder there."""
    if place == ".":
        found = _Entry(_FOLDER, commit, "")
    else:
        entries = [*_list(folder, commit, place)]
        if not entries:
            return
        found = entries[0]._replace(name="")
    if found.mode != _FOLDER:
        yield found
    else:
        files = (entry for entry in _list(folder, found.object) if entry.mode != _FOLDER)
        yield from sorted((entry for entry in files if entry.name.endswith(SUFFIX)), key=lambda entry: entry.name)


def _list(folder: Path, tree: str, *place: str) -> Iterator[_Entry]:
    listed = _git(folder, "ls-tree", "-z", "--full-tree", tree, "--", *place, otherwise=f"git cannot list {folder}")
    for line in listed.split("\0")[:-1]:
        about, _, name = line.partition("\t")
        mode, _, found = about.split(" ")
        yield _Entry(mode, found, name)


def _read(folder: Path, entry: _Entry, source: str) -> bytes:
    unreadable = f"git cannot read {source}"
    size = int(_git(folder, "cat-file", "-s", entry.object, otherwise=unreadable))
    check_size(size, source)
    text = _git(folder, "cat-file", "blob", entry.object, otherwise=unreadable)
    if entry.mode == _LINK:
        raise FileNotFoundError(f"{source} was a link to {text!r}; name its target")
    return os.fsencode(text)


def _git(folder: Path, *arguments: str, otherwise: str) -> str:
    """Return the output of git, with bytes that are not UTF-8 as `os.fsdecode` shows them.

    Raises:
        FileNotFoundError: git fails, and the message says *otherwise*; or git is not installed.
    """
    command = ["git", *_OPTIONS, *arguments]
    environment = {name: value for name, value in os.environ.items() if name not in _OTHER_REPOSITORY}
    try:
        ran = subprocess.run(
            command,
            cwd=folder,
            env=environment | _VARIABLES,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError:
        raise FileNotFoundError("git is not installed, or not on the PATH") from None
    if ran.returncode:
        reason = " ".join(ran.stderr.decode(errors="replace").split())
        raise FileNotFoundError(f"{otherwise} ({reason})" if reason else otherwise)
    return os.fsdecode(ran.stdout)
