"""A table to a file: Parquet, CSV or Arrow IPC, by the end of its name."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import IO, Any, Final, TypeAlias

from arro3.core import RecordBatch, RecordBatchReader
from arro3.io import write_csv, write_ipc, write_parquet

from typedtrack.frame.columns import GROUP_ROWS, ArrowName, reader_of
from typedtrack.frame.guard import GuardedOutput

__all__ = ["Writer", "writer_of"]

Writer: TypeAlias = Callable[[Mapping[str, ArrowName], Iterable[RecordBatch], IO[bytes]], None]

_WRITERS: Final[Mapping[str, Callable[[RecordBatchReader, IO[bytes]], Any]]] = {
    ".parquet": partial(write_parquet, compression="snappy", max_row_group_size=GROUP_ROWS),
    ".csv": write_csv,
    ".arrow": write_ipc,
}


def writer_of(path: str | os.PathLike[str]) -> Writer:
    """Return the function that writes a table to a file of the format that the end of *path* names.

    Raises:
        ValueError: *path* has none of the three endings.
    """
    name = os.fspath(path)
    for ending, write in _WRITERS.items():
        if name.endswith(ending):
            return partial(_write, write)
    endings = ", ".join(_WRITERS)
    raise ValueError(f"cannot write {name!r}: a table ends in {endings}, and an archive in .ndjson or .ndjson.gz")


def _write(
    write: Callable[[RecordBatchReader, IO[bytes]], Any],
    types: Mapping[str, ArrowName],
    batches: Iterable[RecordBatch],
    file: IO[bytes],
) -> None:
    """Write *batches*, whose columns have *types*, to *file*."""
    with GuardedOutput(file) as output:
        write(reader_of(types, output.batches(batches)), output.memory)
