"""URLs of bases: the protocol, the text without a login, and the check that fsspec can open the base.

The check imports no filesystem.
"""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from typedtrack._bases import PATHS
from typedtrack.backends.filesystems import TABLE, Filesystem

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

__all__ = ["protocol_of", "require", "without_password"]

# The part of a URL before its host ends at the last @. A password may have a slash; then no port follows the colon.
_password = re.compile(r"(?<=://)(?:[^/:]*:[^/]*|(?!arn:)[^/:@]*:(?!\d*/).*)@")


def protocol_of(tracker_base: str) -> str:
    """Return the protocol of the URL *tracker_base*; of a chain of URLs, that of the first.

    >>> protocol_of("s3://bucket/results"), protocol_of("simplecache::s3://bucket/results")
    ('s3', 'simplecache')
    """
    outermost = tracker_base.partition("::")[0]
    return outermost.partition("://")[0]


def without_password(tracker_base: str) -> str:
    """Return *tracker_base* without a login, as errors may show it.

    >>> without_password("sftp://me:secret@host/results")
    'sftp://***@host/results'
    >>> without_password("sftp://me:s@cret@host/results@home")
    'sftp://***@host/results@home'
    """
    return _password.sub("***@", tracker_base)


def require(tracker_base: str) -> None:
    """Check that *tracker_base* names a folder and that the filesystem for it is installed, without importing it.

    Raises:
        ImportError: the filesystem is not installed; the message has the ``pip install`` line.
        ValueError: fsspec knows no such filesystem, the URL names no bucket where it must, or the filesystem's client
            would take it for another folder.
    """
    protocol = protocol_of(tracker_base)
    if protocol != protocol.lower() and _names_a_filesystem(protocol.lower()):
        meant = protocol.lower() + without_password(tracker_base)[len(protocol) :]
        raise ValueError(f"{without_password(tracker_base)!r} has a protocol in capitals; write {meant!r}")
    rows = [row for row in TABLE if protocol in row.protocols]
    if (problem := _problem(tracker_base, rows)) is not None:
        raise ValueError(f"{without_password(tracker_base)!r} {problem}")
    if any(row.extra is None or find_spec(row.package) for row in rows):
        return

    from fsspec.registry import known_implementations, registry

    if protocol in registry and not (rows and _is_fsspecs_own(registry[protocol])):
        return  # because the process has registered a filesystem itself
    if rows:
        row = rows[0]
        raise ImportError(f"{protocol}:// needs {row.package}: pip install 'typedtrack[{row.extra}]'", name=row.package)
    if protocol not in known_implementations:
        remedy = "see fsspec.available_protocols(), or add a filesystem by fsspec.register_implementation"
        raise ValueError(
            f"fsspec knows no filesystem for {protocol}:// in {without_password(tracker_base)!r}; {remedy}"
        )


def _is_fsspecs_own(filesystem: type[AbstractFileSystem]) -> bool:
    """Return whether *filesystem* ships with fsspec, as the one for sftp does that needs paramiko."""
    return filesystem.__module__.startswith("fsspec.implementations.")


def _problem(tracker_base: str, rows: list[Filesystem]) -> str | None:
    """Return the problem of *tracker_base* for the filesystems of *rows*, as a clause that follows its name."""
    if not all(_names_a_filesystem(link) for link in tracker_base.split("::")[1:]):
        return "has a '::', by which fsspec chains URLs, and no URL after it"
    protocol, _, rest = tracker_base.partition("://")
    first = rest.partition("/")[0]
    for row in rows:
        if row.bucket is not None and not first:
            return f"names no {row.bucket}: {protocol}://{row.bucket}/folder"
        if row.bucket == "bucket" and ("@" in first or ":" in first) and not first.startswith("arn:"):
            return "has a login; give it by storage_options or the environment"
        if row.extra == "sftp" and not _has_a_port_or_none(tracker_base):
            return "has a port that is not a number; give a password that has a slash by storage_options"
        for character in row.reserved:
            if character in rest:
                return f"has a {character!r}, which the client does not take for part of a folder's name"
    return None


def _names_a_filesystem(link: str) -> bool:
    """Return whether *link*, a part of a chain of URLs, is a URL, a path, or the name of a filesystem."""
    from fsspec.registry import known_implementations, registry

    return "://" in link or link.startswith(PATHS) or link in known_implementations or link in registry


def _has_a_port_or_none(url: str) -> bool:
    try:
        _ = urlsplit(url).port
    except ValueError:
        return False
    return True
