"""Chunks of rows to Arrow batches, and a spool that keeps them until the types of all columns are known."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import BytesIO
from typing import Final
from weakref import finalize

from arro3.core import Array, RecordBatch
from arro3.io import read_ipc_stream, write_ipc_stream

from typedtrack._results.chunks import Chunk
from typedtrack.frame.columns import ARROW_TYPES, ArrowName, Extent, array_of, problems_of, schema_of_types

__all__ = ["CHUNK_ROWS", "Spool", "aligned", "batch_of", "batch_of_arrays"]

CHUNK_ROWS: Final = 8192
"""The most rows of one chunk, and so of one Arrow batch."""

_MEMORY: Final = 64 * 2**20  # bytes that a spool keeps in memory; the rest goes to a temporary file


def batch_of(chunk: Chunk, types: Mapping[str, ArrowName]) -> RecordBatch:
    """Return *chunk* as a batch whose columns have *types*, which hold all values."""
    absent = [None] * chunk.rows
    arrays = [array_of(chunk.columns.get(name, absent), arrow) for name, arrow in types.items()]
    return batch_of_arrays(arrays, types)


def batch_of_arrays(arrays: Sequence[Array], types: Mapping[str, ArrowName]) -> RecordBatch:
    """Return the batch of *arrays*, which have *types*."""
    schema = schema_of_types(types)
    return RecordBatch.from_arrays(arrays, schema=schema)  # pyright: ignore[reportUnknownMemberType]  # of arro3's stub


def aligned(batch: RecordBatch, types: Mapping[str, ArrowName]) -> RecordBatch:
    """Return the rows of *batch* with the columns and *types* of another, which hold its values."""
    there = set(batch.column_names)
    absent = [None] * batch.num_rows
    arrays = [
        batch[name].cast(ARROW_TYPES[arrow]) if name in there else array_of(absent, arrow)
        for name, arrow in types.items()
    ]
    return batch_of_arrays(arrays, types)


class Spool:
    """Chunks whose columns are not known at the start: written once, then read as batches of one schema.

    Each chunk is kept as Arrow arrays of the types that suffice for it alone. So memory is bounded, and nothing is read
    twice from the store.
    """

    def __init__(self, chunks: Iterable[Chunk]) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=_MEMORY)  # noqa: SIM115  # it lives as long as the spool
        finalize(self, self._file.close)
        self._sizes: list[int] = []  # of each chunk in the file, in bytes
        self.extents: dict[str, Extent] = {}
        for chunk in chunks:
            self._add(chunk)

    def _add(self, chunk: Chunk) -> None:
        types: dict[str, ArrowName] = {}
        for name, values in chunk.columns.items():
            extent = Extent.of(values)
            self.extents[name] = extent | self.extent_of(name)
            if extent.problem is None:  # else there will be no batch
                types[name] = extent.type
        memory = BytesIO()  # arro3 loses the types of a file's errors
        write_ipc_stream(batch_of(chunk, types), memory)
        self._sizes.append(self._file.write(memory.getvalue()))

    def extent_of(self, name: str) -> Extent:
        """Return the extent of the column *name*, which may be in no chunk."""
        return self.extents.get(name, Extent())

    @property
    def problems(self) -> dict[str, str]:
        """The columns that no Arrow type holds, with the reason."""
        return problems_of(self.extents)

    def batches(self, types: Mapping[str, ArrowName]) -> Iterator[RecordBatch]:
        """Yield the chunks as batches whose columns have *types*, those of the `extents`."""
        self._file.seek(0)
        for size in self._sizes:
            (batch,) = read_ipc_stream(BytesIO(self._file.read(size)))
            yield aligned(batch, types)
