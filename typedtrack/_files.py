"""Output files, written whole or not at all: on a local path, or at any fsspec URL."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from typing import IO, Final

from typedtrack._bases import local_path
from typedtrack._results.keys import is_below, is_key

__all__ = ["check_outside", "writing"]

_BLOCK: Final = 2**20  # bytes copied at a time


def check_outside(path_or_url: str | os.PathLike[str], results: str) -> None:
    """Check that a file at *path_or_url* is not one of the *results* to be read, the path or URL of a prefix of keys.

    Raises:
        ValueError: the next listing of the results would find the file, and a get of it would fail.
    """
    path = local_path(path_or_url) or os.fspath(path_or_url)
    name = path[len(results) :].lstrip("/")
    if is_below(path, results) and (not name or is_key(name)):  # no key has a segment that begins with a dot
        reason = "is among the results that it is made of, and would be read as one of them"
        raise ValueError(f"{path!r} {reason}; write it outside {results!r}")


@contextmanager
def writing(
    path_or_url: str | os.PathLike[str], storage_options: Mapping[str, object] | None = None
) -> Generator[IO[bytes]]:
    """Return a binary file whose content replaces *path_or_url* when the block ends, and only if it ends well.

    On a local disk the file is written beside its target and renamed. For a URL it is written to a temporary file of
    this machine first, and uploaded when it is complete.

    Raises:
        FileNotFoundError: the folder of a local path does not exist.
    """
    path = local_path(path_or_url)
    if path is None:
        with tempfile.TemporaryFile() as file:
            yield file
            file.seek(0)
            _upload(file, os.fspath(path_or_url), storage_options or {})
        return
    folder, name = os.path.split(path)
    temporary = os.path.join(folder, f".{name}-{os.urandom(4).hex()}.tmp")
    try:
        try:
            output = open(temporary, "xb")  # noqa: SIM115  # below; "x": no existing file, and through no link
        except OSError as error:
            error.filename = folder  # the user knows no temporary file
            raise
        with output:
            yield output
        os.replace(temporary, path)
    except BaseException:
        try:  # not by `suppress`, because a signal's handler may raise when a function begins
            os.unlink(temporary)
        except OSError:  # the error that is being raised matters more than the file that stays
            pass
        raise


def _upload(file: IO[bytes], url: str, storage_options: Mapping[str, object]) -> None:
    """Copy *file* to *url*: under a hidden name first, since filesystems of fsspec show a file that is half written."""
    from fsspec.core import url_to_fs  # here, because a local path needs none of it

    filesystem, path = url_to_fs(url, **storage_options)
    folder, _, name = path.rpartition("/")
    temporary = f"{folder}/.{name}-{os.urandom(6).hex()}.tmp"
    try:
        with filesystem.open(temporary, "wb") as remote:
            shutil.copyfileobj(file, remote, _BLOCK)
        filesystem.mv(temporary, path)
    except BaseException:
        with suppress(Exception):  # as above
            filesystem.rm_file(temporary)
        raise
