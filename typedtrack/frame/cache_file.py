"""The file of a cache: Parquet with a checksum, replaced as a whole.

Another process may replace the file at any time. So a reader keeps the file open that it checked or wrote.
"""

from __future__ import annotations

import errno
import json
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import IO, Final
from weakref import finalize

from arro3.core import RecordBatch, RecordBatchReader
from arro3.io import read_parquet, write_parquet

from typedtrack._files import writing
from typedtrack.frame.columns import ARROW_TYPES, GROUP_ROWS, ArrowName, reader_of
from typedtrack.frame.guard import GuardedFile, GuardedOutput

__all__ = ["CacheFile"]

_METADATA: Final = "typedtrack"
_SEAL: Final = b"typedtrack cache, crc32 "  # Parquet's "created by", whose last characters are the checksum
_UNSEALED: Final = b"00000000"
_PARTS_OF_SEAL: Final = (b"typedtrack cache", b", crc32 ")  # one changed byte leaves one of them
_MAGIC: Final = b"PAR1"  # at both ends of a Parquet file
_BATCH_ROWS: Final = 65_536
_BLOCK: Final = 2**20  # bytes that are read at a time


class CacheFile:
    """An open file of cached rows, which is sound."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        finalize(self, file.close)
        with GuardedFile(file) as guarded:
            schema = _read(guarded).schema
        names: dict[str, ArrowName] = {str(kind): name for name, kind in ARROW_TYPES.items()}
        self.types: Mapping[str, ArrowName] = {
            name: names[str(kind)] for name, kind in zip(schema.names, schema.types, strict=True)
        }
        """The columns and their types."""
        self.identity = schema.metadata_str.get(_METADATA, "")

    @classmethod
    def open(cls, path: str, identity: str) -> CacheFile | None:
        """Return the file at *path*, or `None` where there is none, it is damaged, or it has another *identity*.

        Raises:
            FileExistsError: it is not a cache, so it must not be replaced.
            OSError: it cannot be read.
        """
        try:
            file = open(path, "rb")  # noqa: SIM115  # `CacheFile` closes it
        except FileNotFoundError:
            return None
        if not _is_sound(file):
            with file:
                if not _was_cache(file):
                    reason = "this file is not a cache of typedtrack, so cache= does not replace it"
                    raise FileExistsError(errno.EEXIST, f"{reason}; give another name, or delete it", path)
            return None
        found = cls(file)
        return found if found.identity == _text_of(identity) else None

    @classmethod
    def write(
        cls, path: str, identity: str, types: Mapping[str, ArrowName], batches: Iterable[RecordBatch]
    ) -> CacheFile:
        """Write *batches*, whose columns have *types*, to a new file that replaces the one at *path*."""
        with writing(path) as file:
            with GuardedOutput(file) as output:
                write_parquet(
                    reader_of(types, output.batches(batches)),
                    output.memory,
                    compression="snappy",  # decoded in half the time of lz4_raw
                    dictionary_enabled=False,  # helps few columns, and takes most of the time
                    created_by=(_SEAL + _UNSEALED).decode(),
                    key_value_metadata={_METADATA: _text_of(identity)},
                    max_row_group_size=GROUP_ROWS,
                )
            file.flush()
            written = open(file.name, "rb")  # noqa: SIM115  # as above
            try:
                place = _place_of_seal(written)
                assert place is not None  # it was written above
                checksum = _checksum(written, place)
                file.seek(place)
                file.write(checksum)
                file.flush()
            except BaseException:
                written.close()
                raise
        return cls(written)

    def batches(self) -> Iterator[RecordBatch]:
        """Yield the rows."""
        with GuardedFile(self._file) as guarded:
            yield from _read(guarded)


def _read(file: IO[bytes]) -> RecordBatchReader:
    file.seek(0)
    return read_parquet(file, batch_size=_BATCH_ROWS)


def _text_of(identity: str) -> str:
    return json.dumps(identity)  # ASCII, even if a file name is not


def _is_sound(file: IO[bytes]) -> bool:
    """Return whether *file* is as it was written."""
    place = _place_of_seal(file)
    if place is None:
        return False
    file.seek(place)
    return file.read(len(_UNSEALED)) == _checksum(file, place)


def _was_cache(file: IO[bytes]) -> bool:
    """Return whether *file*, which is not sound, may be a damaged cache.

    It may be one if it is empty or has zeros alone, or begins as Parquet and does not end so. A whole Parquet file must
    have a part of the seal.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(max(size - _BLOCK, 0))
    end = file.read()
    if any(part in end for part in _PARTS_OF_SEAL):
        return True
    file.seek(0)
    start = file.read(len(_MAGIC))
    if start == _MAGIC[:size]:
        footer = int.from_bytes(end[-8:-4], "little")
        return not end.endswith(_MAGIC) or not 0 < footer <= size - 12
    file.seek(0)
    return not any(block.strip(b"\0") for block in iter(lambda: file.read(_BLOCK), b""))


def _place_of_seal(file: IO[bytes]) -> int | None:
    """Return the place of the checksum in *file*: near the end, behind all names and metadata; `None` without one."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(size - 8, 0))
    footer = int.from_bytes(file.read(4), "little") + 8
    if footer > size:
        return None
    file.seek(size - footer)
    place = file.read(footer).rfind(_SEAL)
    return None if place < 0 else size - footer + place + len(_SEAL)


def _checksum(file: IO[bytes], place: int) -> bytes:
    """Return the checksum of *file* as it was before the checksum was written at *place*."""
    file.seek(0)
    checksum, left = 0, place
    while left:
        block = file.read(min(left, _BLOCK))
        checksum, left = zlib.crc32(block, checksum), left - len(block)
    checksum = zlib.crc32(_UNSEALED, checksum)
    file.seek(place + len(_UNSEALED))
    while block := file.read(_BLOCK):
        checksum = zlib.crc32(block, checksum)
    return b"%08x" % checksum
