"""Tracker bases: which are local paths, and the environment variables for a base and a key."""

from __future__ import annotations

import os
import re
from typing import Final

__all__ = ["ARCHIVES", "BASE_VARIABLE", "KEY_VARIABLE", "PATHS", "RETRIES_VARIABLE", "local_path"]

# ``typedtrack run`` sets these for its program.
BASE_VARIABLE: Final = "TYPEDTRACK_BASE"
KEY_VARIABLE: Final = "TYPEDTRACK_KEY"
RETRIES_VARIABLE: Final = "TYPEDTRACK_RETRIES"  # how often the program will be started again if it fails

ARCHIVES: Final = (".ndjson", ".ndjson.gz")
"""The endings of a base that is an archive."""

PATHS: Final = ("/", "./", "../", "~")
"""The beginnings of a base that can only be a path."""
_SCHEMES: Final = ("file://", "file:", "local://", "local:")
_ROOTED: Final = ("dbfs", "file", "hdfs", "local")  # protocols whose URLs have no bucket or host: file:///folder

# Few bases need these, so they are not compiled at import.
_WINDOWS: Final = r"[A-Za-z]:[\\/]"
_SCHEME: Final = "([A-Za-z][A-Za-z0-9+.-]*):(/?)"
_LOGIN: Final = "(?<=:)/*[^@]*@"


def local_path(tracker_base: str | os.PathLike[str]) -> str | None:
    """Return the absolute path that *tracker_base* names, or `None` if it is a URL of another filesystem.

    A base that begins with ``/``, ``./``, ``../`` or ``~`` is a path, whatever follows. Any other base that has ``://``
    or ``::`` is a URL.

    Raises:
        ValueError: it is empty, as an unset environment variable is, or it is nearly a URL or a path of Windows.

    >>> local_path("file:///tmp/results/"), local_path("s3://bucket/results")
    ('/tmp/results', None)
    """
    path = os.fspath(tracker_base)
    if not isinstance(path, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # for users without a type checker
        raise TypeError(f"a tracker base must be a str or a path of str, got {path!r}")
    for scheme in _SCHEMES:
        if path.startswith(scheme):
            path = path[len(scheme) :]
            break
    if not path:
        raise ValueError(f"a tracker base must not be empty, got {tracker_base!r}; the current folder is '.'")
    if not path.startswith(PATHS):
        if "://" in path or "::" in path:
            return None
        if ":" in path:
            _check_that_it_is_a_path(path)
    return os.path.abspath(os.path.expanduser(path))


def _check_that_it_is_a_path(base: str) -> None:
    r"""Check that *base*, which has a colon, is not nearly a URL.

    Raises:
        ValueError: it is ``s3:/bucket``, ``s3:bucket``, ``C:\folder`` or the like.
    """
    if re.match(_WINDOWS, base):
        raise ValueError(f"the tracker base {base!r} is a path of Windows, which typedtrack does not support")
    if (match := re.match(_SCHEME, base)) is None:
        return
    if not match[2]:  # only a known protocol: a folder may have a name like run:7
        from fsspec.registry import known_implementations, registry  # here, because a local base needs no fsspec

        if match[1].lower() not in {*known_implementations, *registry}:
            return
    protocol, rest = match[1].lower(), base[match.end(1) + 1 :]
    url = f"{protocol}://{'/' + rest.lstrip('/') if protocol in _ROOTED else rest.lstrip('/')}"
    shown, url = re.sub(_LOGIN, "***@", base), re.sub(_LOGIN, "//***@", url)
    raise ValueError(
        f"the tracker base {shown!r} is nearly a URL; write {url!r}, or {'./' + shown!r} for a local folder"
    )
