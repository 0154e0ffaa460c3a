"""Which bases are local, and the environment variables that name a base and a key."""

from __future__ import annotations

import os
from typing import Final

__all__ = ["BASE_VARIABLE", "KEY_VARIABLE", "RETRIES_VARIABLE", "local_path"]

# ``typedtrack run`` sets these for its program.
BASE_VARIABLE: Final = "TYPEDTRACK_BASE"
KEY_VARIABLE: Final = "TYPEDTRACK_KEY"
RETRIES_VARIABLE: Final = "TYPEDTRACK_RETRIES"  # how often the program will be started again if it fails

_SCHEMES: Final = ("file://", "file:", "local://", "local:")
_PATHS: Final = ("/", "./", "../", "~")


def local_path(tracker_base: str | os.PathLike[str]) -> str | None:
    """Return the absolute path that *tracker_base* names, or `None` if it is not a local one.

    It is read as fsspec reads it, but that what begins as only a path does (``/``, ``./``, ``../``, ``~``) is one,
    whatever comes after.

    Raises:
        ValueError: it is empty, as an environment variable that is not set.

    >>> local_path("file:///tmp/results/"), local_path("s3://bucket/results")
    ('/tmp/results', None)
    """
    path = os.fspath(tracker_base)
    if not isinstance(path, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # whoever does not check types
        raise TypeError(f"a tracker base is a str or a path of str, got {path!r}")
    for scheme in _SCHEMES:
        if path.startswith(scheme):
            path = path[len(scheme) :]
            break
    if not path:
        raise ValueError(f"a tracker base is not empty, got {tracker_base!r}; the current folder is '.'")
    if not path.startswith(_PATHS) and ("://" in path or "::" in path):
        return None
    return os.path.abspath(os.path.expanduser(path))
