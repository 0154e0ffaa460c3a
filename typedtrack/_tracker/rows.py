"""Results as rows: what a `Frame` reads through a tracker, untyped or typed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, Generic, Protocol, TypeVar

from typedtrack._records.codec import RecordCodec
from typedtrack._results.chunks import Chunk
from typedtrack._results.keys import Key
from typedtrack._results.values import Result, Value
from typedtrack._schema.fields import FieldSchema
from typedtrack._tracker.face import Face, result_in
from typedtrack._tracker.listing import keys_below, reads
from typedtrack.errors import BulkError, Problem, ResultFailedError, SchemaMismatchError
from typedtrack.frame.columns import ArrowName, type_of_field

__all__ = ["KeyColumns", "TypedRows", "UntypedRows"]

K = TypeVar("K")
R = TypeVar("R")

_KEY: Final = "key"


class KeyColumns(Protocol):
    """How a key becomes values: `PlainKeys` and `TemplateKeys` know."""

    @property
    def fields(self) -> Mapping[str, FieldSchema]:
        """The fields of a key, by their names; none where a key is its text."""
        ...

    def values(self, key: object) -> Sequence[Value]:
        """Return the values of the fields of *key*, or its text."""
        ...


class Rows(ABC, Generic[K, R]):
    """The rows of a frame over *face*: of all keys at and below *prefix*, listed at each use, or of the keys *only*."""

    is_complete: bool
    """Whether there are no other columns than `columns`."""
    keys: tuple[str, ...]
    """The columns of the key."""
    columns: Mapping[str, ArrowName | None]
    """The columns that are known before any row is read, and their types if these are known too."""

    def __init__(self, face: Face[K, R, Any], prefix: str, only: Sequence[K] | None = None) -> None:
        self._face = face
        self._prefix = prefix
        self._only = only
        self._failures = 0

    @property
    def title(self) -> str:
        """How to show where the rows come from."""
        return f"{self._face!r}" + (f" below {self._prefix!r}" if self._prefix else "")

    @property
    def failures(self) -> int:
        """How many failures the last reading of all rows has met."""
        return self._failures

    @abstractmethod
    def _add(self, table: dict[str, list[Value | None]], row: int, key: K, result: R) -> None:
        """Add *result* to *table* as its *row*."""

    @abstractmethod
    def _of(self, only: Sequence[K]) -> Rows[K, R]:
        """Return the same rows of the keys *only*."""

    def chunks(self, rows: int) -> Iterator[Chunk]:
        """Yield the rows, at most *rows* at a time; raise one `BulkError` at the end for all that cannot be read."""
        errors: dict[object, Exception] = {}
        self._failures = 0
        table: dict[str, list[Value | None]] = {}
        row = 0
        for key, text, read in reads(self._face, self._prefix, self._only):
            try:
                result = result_in(self._face, text, read)
            except ResultFailedError:
                self._failures += 1
                continue
            except Exception as error:
                errors[key] = error
                continue
            self._add(table, row, key, result)
            row += 1
            if row == rows:
                yield _chunk(table, row)
                table, row = {}, 0
        if row:
            yield _chunk(table, row)
        if errors:
            raise BulkError(errors)

    def parts(self, n: int) -> Sequence[Rows[K, R]]:
        """Return the rows of the keys stored now in at most *n* parts of about the same size."""
        keys = [key for key, _ in keys_below(self._face, self._prefix)] if self._only is None else self._only
        ends = [len(keys) * part // n for part in range(n + 1)]
        return [self._of(keys[start:end]) for start, end in pairwise(ends) if start < end]


class UntypedRows(Rows[Key, Result]):
    """The rows of plain maps: the column ``key``, and whatever fields the results have."""

    is_complete = False
    keys: tuple[str, ...] = (_KEY,)
    columns: Mapping[str, ArrowName | None] = {_KEY: "string"}

    def _of(self, only: Sequence[Key]) -> UntypedRows:
        return UntypedRows(self._face, self._prefix, only)

    def _add(self, table: dict[str, list[Value | None]], row: int, key: Key, result: Result) -> None:
        if _KEY in result:
            raise _shared(self.title, _KEY, "read the results as records, by a key class whose fields have other names")
        append(table, row, _KEY, str(key))
        for name, value in result.items():
            append(table, row, name, value)


class TypedRows(Rows[K, R]):
    """The rows of records: a column for each field of the key, then one for each column of the record."""

    is_complete = True

    def __init__(
        self,
        face: Face[K, R, Any],
        prefix: str,
        only: Sequence[K] | None,
        key_form: KeyColumns,
        codec: RecordCodec[R],
    ) -> None:
        super().__init__(face, prefix, only)
        self._key_form = key_form
        self._codec = codec
        self.keys = (*key_form.fields,) or (_KEY,)
        for field in codec.schema.columns:
            if field.name in self.keys:
                remedy = f"give this field of {codec.schema.name}, or that of the key, another name"
                raise _shared(self.title, field.name, remedy)
        columns: dict[str, ArrowName | None] = {}
        if not key_form.fields:
            columns[_KEY] = "string"
        columns.update((name, type_of_field(field)) for name, field in key_form.fields.items())
        columns.update((field.name, type_of_field(field)) for field in codec.schema.columns)
        self.columns = columns

    def _of(self, only: Sequence[K]) -> TypedRows[K, R]:
        return TypedRows(self._face, self._prefix, only, self._key_form, self._codec)

    def _add(self, table: dict[str, list[Value | None]], row: int, key: K, result: R) -> None:
        values = (*self._key_form.values(key), *self._codec.values(result))
        for name, value in zip(self.columns, values, strict=True):
            append(table, row, name, value)


def append(table: dict[str, list[Value | None]], row: int, name: str, value: Value | None) -> None:
    """Append *value* to the column *name* of *table* as that of *row*; rows that lack it have `None`."""
    values = table.setdefault(name, [])
    if len(values) < row:
        values.extend([None] * (row - len(values)))
    values.append(value)


def _shared(title: str, name: str, remedy: str) -> SchemaMismatchError:
    reason = f"is the name of a column of the key, too; {remedy}"
    return SchemaMismatchError("a table", title, (Problem(name, reason),))


def _chunk(table: dict[str, list[Value | None]], rows: int) -> Chunk:
    for values in table.values():
        values.extend([None] * (rows - len(values)))
    return Chunk(rows, table)
