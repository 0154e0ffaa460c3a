"""A table to a file: Parquet, CSV or Arrow IPC, by the end of its name."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import IO, Any, Final

from arro3.core import RecordBatchReader
from arro3.io import write_csv, write_ipc, write_parquet

from typedtrack._files import writing

__all__ = ["write"]

_WRITERS: Final[Mapping[str, Callable[[RecordBatchReader, IO[bytes]], Any]]] = {
    ".parquet": write_parquet,
    ".csv": write_csv,
    ".arrow": write_ipc,
}


def write(
    reader: RecordBatchReader, path: str | os.PathLike[str], storage_options: Mapping[str, object] | None
) -> None:
    """Write what *reader* reads to *path*, whole or not at all.

    Raises:
        ValueError: *path* has none of the three endings.
    """
    name = os.fspath(path)
    for ending, write_to in _WRITERS.items():
        if name.endswith(ending):
            with writing(path, storage_options) as file:
                write_to(reader, file)
            return
    raise ValueError(f"cannot write {name!r}: a table is written to a file that ends in {', '.join(_WRITERS)}")
