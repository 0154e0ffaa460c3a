"""The rows of a report: read once, and kept until it is known which of them the page has."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TypeAlias
from weakref import finalize

import attrs
import msgspec

from typedtrack._results.chunks import Chunk
from typedtrack._results.values import Value

__all__ = ["Row", "Rows", "Seen"]

Row: TypeAlias = tuple[Value | None, ...]
"""A value or `None` for each column."""

_encode: Final = msgspec.msgpack.Encoder().encode  # it keeps every value to the bit, and reading it runs no code
_decode: Final = msgspec.msgpack.Decoder(tuple[int, dict[str, list[Value | None]]]).decode

_MEMORY: Final = 16 * 2**20  # bytes of rows in memory; the others go to a temporary file


@attrs.define
class Seen:
    """The values of a column, summed up."""

    count: int = 0
    """How many there are; the other rows have `None`."""
    has_float: bool = False
    text: str | None = None
    """The first `str` among them."""

    @property
    def is_number(self) -> bool:
        """Whether there are values, and all are numbers."""
        return self.count > 0 and self.text is None

    def add(self, values: Sequence[Value | None]) -> None:
        """Add the *values* of more rows."""
        kinds = {*map(type, values)}
        self.count += len(values) - values.count(None)
        self.has_float |= float in kinds
        if self.text is None and str in kinds:
            self.text = next(value for value in values if isinstance(value, str))


class Rows:
    """The rows in *chunks*, which need not have the same columns; those of *keys* come first.

    The metric is known only when all rows have been read. So they are kept: up to 16 MiB in memory, then in a temporary
    file.
    """

    def __init__(self, chunks: Iterable[Chunk], keys: Sequence[str]) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=_MEMORY)  # noqa: SIM115  # it lives as long as the rows
        finalize(self, self._file.close)
        self._sizes: list[int] = []  # of each chunk in the file, in bytes
        self.count = 0
        """How many rows there are."""
        self.seen: dict[str, Seen] = {name: Seen() for name in keys}
        """The columns, in the order in which they came."""
        for chunk in chunks:
            self._add(chunk)

    def _add(self, chunk: Chunk) -> None:
        for name, values in chunk.columns.items():
            self.seen.setdefault(name, Seen()).add(values)
        self._sizes.append(self._file.write(_encode((chunk.rows, {**chunk.columns}))))
        self.count += chunk.rows

    def __iter__(self) -> Iterator[Row]:
        """Iterate over the rows, each with all columns."""
        self._file.seek(0)
        for size in self._sizes:
            rows, columns = _decode(self._file.read(size))
            absent = [None] * rows
            yield from zip(*(columns.get(name, absent) for name in self.seen), strict=True)
