"""Results in an archive: one NDJSON file, a result or failure a line, in the order of their keys. Read-only.

The file is mapped into memory. A key is found by binary search, after one pass has checked the order of all lines, so
that an absent key is known to be absent. A compressed or remote file is first copied to a temporary file.
"""

from __future__ import annotations

import gzip
import mmap
import os
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import IO, Any, Final, NoReturn, TypeVar

from typedtrack._bases import local_path
from typedtrack._results.archive_lines import ARCHIVE_AGAIN, are_lines, results_on, split_line
from typedtrack._tracker.untyped import ResultTracker
from typedtrack.errors import CorruptResultError, UnsupportedOperationError

__all__ = ["ArchiveResultTracker"]

R = TypeVar("R")

_BLOCK: Final = 2**20  # bytes that are copied at a time
_MAX_LINES: Final = 2**16  # bytes of lines that are decoded at once


class ArchiveResultTracker(ResultTracker):
    """The results in the archive *base*, a local path or any fsspec URL. `typedtrack.open_tracker` makes one.

    It reads the archive as it was at the first call. *storage_options* go to the filesystem of a URL.

    Raises:
        ImportError, ValueError: as for `FsspecResultTracker`.
    """

    max_concurrency = 1  # reading is a slice of memory

    def __init__(self, base: str | os.PathLike[str], *, storage_options: Mapping[str, object] | None = None) -> None:
        self._base = self._shown_base = os.fspath(base)
        self._storage_options = dict(storage_options or {})
        self._lines: _Lines | None = None
        self._path = local_path(base)
        if self._path is None:
            from typedtrack.backends.base_urls import require, without_password

            require(self._base)
            self._shown_base = without_password(self._base)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._shown_base!r})"

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_lines": None}

    def _location(self, text: str) -> str:
        return f"{self._shown_base}[{text!r}]"

    @property
    def _opened(self) -> _Lines:
        if self._lines is None:
            self._lines = _Lines(self._mapped(), self._shown_base)
        return self._lines

    def _mapped(self) -> mmap.mmap | bytes:
        """Return the uncompressed content of the archive."""
        with self._file() as file:
            if self._base.endswith(".gz"):
                with tempfile.TemporaryFile() as plain, gzip.open(file) as compressed:
                    try:
                        if not _size_of(file):  # which `gzip` takes for a file without content
                            raise EOFError("the file is empty")
                        shutil.copyfileobj(compressed, plain, _BLOCK)
                    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
                        reason = f"the archive is not whole gzip ({error})"
                        raise CorruptResultError(self._shown_base, None, reason, ARCHIVE_AGAIN) from error
                    return _map(plain)
            return _map(file)

    def _file(self) -> IO[bytes]:
        if self._path is not None:
            return open(self._path, "rb")  # the caller closes it

        from fsspec.core import url_to_fs

        filesystem, path = url_to_fs(self._base, **self._storage_options)
        copy = tempfile.TemporaryFile()  # noqa: SIM115  # as above
        try:
            with filesystem.open(path, "rb") as remote:
                shutil.copyfileobj(remote, copy, _BLOCK)
        except BaseException:
            copy.close()
            raise
        copy.seek(0)
        return copy

    def _read(self, key: str, limit: int) -> bytes | None:
        found = self._opened.find(key)
        return None if found is None else found[:limit]

    def _write(self, key: str, data: bytes, *, exclusive: bool = False) -> NoReturn:
        self._refuse("create" if exclusive else "put")

    def _check_writable(self, key: str) -> NoReturn:
        self._refuse("put")

    def _delete(self, key: str) -> NoReturn:
        self._refuse("del")

    def _refuse(self, operation: str) -> NoReturn:
        remedy = "an archive is read-only; use the base that it was made from, and archive that again"
        raise UnsupportedOperationError(operation, repr(self), remedy)

    def _list(self, prefix: str) -> Iterator[str]:
        return (key for key, _ in chain.from_iterable(self._opened.scan(prefix)))

    def _list_contents(
        self, prefix: str, decode: Callable[[bytes], list[tuple[str, R]] | None] | None = None
    ) -> Iterator[list[tuple[str, bytes | R]]]:
        yield from self._opened.scan(prefix, decode)  # a generator, so that only an iteration opens the archive


class _Lines:
    """The lines of an archive that *data* holds; *file* names it in errors."""

    def __init__(self, data: mmap.mmap | bytes, file: str) -> None:
        self._data = data
        self._file = file
        self._is_checked = False

    def scan(
        self, prefix: str, decode: Callable[[bytes], list[tuple[str, R]] | None] | None = None
    ) -> Iterator[list[tuple[str, bytes | R]]]:
        """Yield the keys at and below *prefix*, and a few between, as `Backend._list_contents` does.

        Each key is checked to follow the last one.
        """
        start, before = (self._first(prefix) if prefix else 0), ""
        stop = self._first(f"{prefix}0") if prefix else len(self._data)  # the next character after a slash
        size = most = 1 if decode is None else _MAX_LINES
        while start < stop:
            first_end = self._end(start) + 1
            end = min(max(self._data.rfind(b"\n", start, start + size) + 1, first_end), stop)
            lines = self._data[start:end]
            pairs: list[tuple[str, Any]] | None = None if decode is None else decode(lines)
            if not pairs or not are_lines(lines, [key for key, _ in pairs], before):
                if end > first_end:
                    size = len(lines) // 8  # so that few lines beside one with a NaN, say, are read by themselves
                    continue
                pairs = [self._checked(start, before)]
            yield pairs
            start, before = end, pairs[-1][0]
            size = min(2 * max(size, len(lines)), most)

    def _checked(self, start: int, before: str) -> tuple[str, bytes]:
        """Return the key and the result of a line, after a check that it follows the key *before*."""
        key, result = self._split(start)
        if key <= before:
            reason = f"key {key!r} comes after {before!r}: the lines are in the order of their keys, each once"
            raise CorruptResultError(self._place(start), None, reason, ARCHIVE_AGAIN)
        return key, result

    def find(self, key: str) -> bytes | None:
        """Return the result under *key*, or `None`."""
        start = self._first(key)
        if start >= len(self._data):
            return None
        found, result = self._split(start)
        return result if found == key else None

    def _first(self, key: str) -> int:
        """Return where the first line begins whose key is not before *key*."""
        if not self._is_checked:
            for _ in self.scan("", results_on):
                pass
            self._is_checked = True
        low, high = 0, len(self._data)
        while low < high:
            start = self._data.rfind(b"\n", 0, (low + high) // 2) + 1
            start = max(start, low)
            if self._split(start)[0] < key:
                low = self._end(start) + 1
            else:
                high = start
        return low

    def _split(self, start: int) -> tuple[str, bytes]:
        return split_line(self._data[start : self._end(start)], self._place(start))

    def _place(self, start: int) -> str:
        return f"{self._file}, byte {start}"

    def _end(self, start: int) -> int:
        end = self._data.find(b"\n", start)
        return len(self._data) if end < 0 else end


def _map(file: IO[bytes]) -> mmap.mmap | bytes:
    file.flush()
    return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if _size_of(file) else b""


def _size_of(file: IO[bytes]) -> int:
    return os.fstat(file.fileno()).st_size
