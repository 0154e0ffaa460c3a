"""Results as rows, which a `Frame` reads through a tracker, untyped or typed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from itertools import chain, pairwise
from typing import Any, Final, Generic, Protocol, TypeVar

from typedtrack._progress import Progress, counted
from typedtrack._records.codec import RecordCodec
from typedtrack._results.chunks import Chunk
from typedtrack._results.codec import decode_fast
from typedtrack._results.keys import Key
from typedtrack._results.values import Result, Value
from typedtrack._schema.fields import FieldSchema
from typedtrack._tracker.below import changes_below, decoded_reads, keys_below, reads
from typedtrack._tracker.face import Face, result_in
from typedtrack.errors import BulkError, CorruptResultError, Problem, ResultFailedError, SchemaMismatchError
from typedtrack.frame.columns import ArrowName, type_of_field

__all__ = ["KeyColumns", "TypedRows", "UntypedRows"]

K = TypeVar("K")
R = TypeVar("R")
T = TypeVar("T")

_KEY: Final = "key"


class KeyColumns(Protocol):
    """The fields and values of keys, as `PlainKeys` and `TemplateKeys` have them."""

    @property
    def fields(self) -> Mapping[str, FieldSchema]:
        """The fields of a key, by their names; none where a key is its text."""
        ...

    def values(self, key: object) -> Sequence[Value]:
        """Return the values of the fields of *key*, or its text."""
        ...


class Rows(ABC, Generic[K, R, T]):
    """The rows of a frame over *face*: of all keys at and below *prefix*, listed at each use, or of the keys *only*.

    `T` is the type of a row before it is part of a chunk.
    """

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
        self._failed: list[str] = []
        self._store_error: Exception | None = None
        self._progress: Progress | None = None

    @property
    def title(self) -> str:
        """The source of the rows, for people."""
        whole = f"{self._face!r}" + (f" below {self._prefix!r}" if self._prefix else "")
        if self._only is None:
            return whole
        count = len(self._only)
        return f"a part of {whole} with {count:,} result{'' if count == 1 else 's'}"

    @property
    def location(self) -> str:
        """Where the results are stored: the path or URL of the prefix, if the store has one."""
        return self._face._primitives._location(self._prefix)

    @property
    def identity(self) -> str:
        """A text that another frame has only if its rows are the same: those of this base, prefix and record."""
        return "\n".join((repr(self._face), self.location, self._prefix))

    @property
    def is_archive(self) -> bool:
        """Whether one file holds all rows, so that a cache gains nothing."""
        return self._face._primitives._list_contents("") is not None

    @property
    def failed(self) -> Sequence[str]:
        """The texts of the keys under which the last reading found failures."""
        return self._failed

    @property
    def store_error(self) -> Exception | None:
        """The first error of the store in the last reading."""
        return self._store_error

    @property
    def check(self) -> Callable[[Mapping[str, Value | None]], bool] | None:
        """The function that tells whether a row from a cache is still valid; `None` if each is."""
        return None

    @property
    @abstractmethod
    def _decode_fast(self) -> Callable[[bytes], T | None]:
        """Return the function that decodes a row, or returns `None` where only `_decode_slow` can."""

    @abstractmethod
    def _decode_slow(self, text: str, read: bytes | Exception) -> T:
        """Return the row that *read* holds, or raise its error."""

    @abstractmethod
    def _decode_lines(self, lines: bytes) -> list[tuple[str, T]] | None:
        """Return the keys and rows on *lines* of an archive, or `None` where each must be decoded by itself."""

    @abstractmethod
    def _columns(self, keys: Sequence[K], texts: Sequence[str], rows: list[T]) -> Mapping[str, Sequence[Value | None]]:
        """Return *rows* column by column, those of the key first."""

    @abstractmethod
    def _restricted_to(self, only: Sequence[K]) -> Rows[K, R, T]:
        """Return the rows of the keys *only*."""

    def changes(self, known: dict[str, str | None]) -> Iterator[tuple[str, str | None]]:
        """Yield the texts of the keys stored now, each with its version, as `Backend._list_details` has them.

        A key that *known* has with the same version is removed there instead.
        """
        return changes_below(self._face, self._prefix, known)

    def chunks(self, rows: int, texts: Iterable[str] | None = None) -> Iterator[Chunk]:
        """Yield the rows, or those of the keys *texts* alone, at most *rows* at a time.

        Raises:
            BulkError: (at the end) some results cannot be read; it names them all.
        """
        errors: dict[object, Exception] = {}
        self._failed, self._store_error = [], None
        keys: list[K] = []
        found: list[str] = []
        values: list[T] = []
        decode = self._decode_fast
        stream = self._reads(texts)
        for key, text, read in stream if self._progress is None else counted(stream, self._progress):
            row = decode(read) if isinstance(read, bytes) else None
            if row is None:
                try:
                    row = self._decode_slow(text, read) if isinstance(read, (bytes, Exception)) else read
                except ResultFailedError:
                    self._failed.append(text)
                    continue
                except Exception as error:
                    errors[key] = error
                    if error is read and not isinstance(error, CorruptResultError):
                        self._store_error = self._store_error or error
                    continue
            keys.append(key)
            found.append(text)
            values.append(row)
            if len(values) == rows:
                yield Chunk(rows, self._columns(keys, found, values), found)
                keys, found, values = [], [], []
        if values:
            yield Chunk(len(values), self._columns(keys, found, values), found)
        if errors:
            raise BulkError(errors)

    def _reads(self, texts: Iterable[str] | None) -> Iterator[tuple[K, str, bytes | Exception | T]]:
        face = self._face
        if texts is not None:
            keys = ((face._to_key(text), text) for text in texts)
            return reads(face, self._prefix, ((key, text) for key, text in keys if key is not None))
        if self._only is not None:
            return reads(face, self._prefix, ((key, face._to_text(key)) for key in self._only))
        return decoded_reads(face, self._prefix, self._decode_lines)

    def counted(self, progress: Progress) -> Rows[K, R, T]:
        """Return the same rows, which count the results that they read on *progress*."""
        rows = copy(self)
        rows._progress = progress
        return rows

    def parts(self, n: int) -> Sequence[Rows[K, R, T]]:
        """Return the rows of the keys stored now in at most *n* parts of about the same size."""
        keys = [key for key, _ in keys_below(self._face, self._prefix)] if self._only is None else self._only
        ends = [len(keys) * part // n for part in range(n + 1)]
        return [self._restricted_to(keys[start:end]) for start, end in pairwise(ends) if start < end]


class UntypedRows(Rows[Key, Result, Result]):
    """The rows of plain maps: the column ``key``, and one for each field that some result has."""

    is_complete = False
    keys: tuple[str, ...] = (_KEY,)
    columns: Mapping[str, ArrowName | None] = {_KEY: "string"}

    @property
    def _decode_fast(self) -> Callable[[bytes], Result | None]:
        return decode_fast

    def _restricted_to(self, only: Sequence[Key]) -> UntypedRows:
        return UntypedRows(self._face, self._prefix, only)

    def _decode_slow(self, text: str, read: bytes | Exception) -> Result:
        return result_in(self._face, text, read)

    def _decode_lines(self, lines: bytes) -> list[tuple[str, Result]] | None:
        return self._face._to_results(lines)

    def _columns(
        self, keys: Sequence[Key], texts: Sequence[str], rows: list[Result]
    ) -> Mapping[str, Sequence[Value | None]]:
        names = dict.fromkeys(chain.from_iterable(rows))
        if _KEY in names:
            remedy = "read the results as records, by a key class whose fields have other names"
            raise _shared_name(self.title, _KEY, remedy)
        return {_KEY: texts, **{name: [row.get(name) for row in rows] for name in names}}


class TypedRows(Rows[K, R, tuple[Value | None, ...]]):
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
                raise _shared_name(self.title, field.name, remedy)
        columns: dict[str, ArrowName | None] = {}
        if not key_form.fields:
            columns[_KEY] = "string"
        columns.update((name, type_of_field(field)) for name, field in key_form.fields.items())
        columns.update((field.name, type_of_field(field)) for field in codec.schema.columns)
        self.columns = columns

    @property
    def identity(self) -> str:
        """A text that another frame has only if its rows are the same: those of this base, prefix, record and keys."""
        return f"{super().identity}\n{self._codec.schema.fingerprint}\n{[*self._key_form.fields.values()]}"

    @property
    def check(self) -> Callable[[Mapping[str, Value | None]], bool] | None:
        """The function that tells whether the record's hook still accepts a row; `None` if it has no hook."""
        return self._is_valid if self._codec.decode_columns is None else None

    def _is_valid(self, row: Mapping[str, Value | None]) -> bool:
        result = {name: value for name, value in row.items() if name not in self.keys and value is not None}
        try:
            self._codec.from_result(result, "")
        except Exception:  # a hook may raise any; the result is read again, and its error names the key
            return False
        return True

    @property
    def _decode_fast(self) -> Callable[[bytes], tuple[Value | None, ...] | None]:
        return self._codec.decode_columns or _leave_to_slow_path

    def _restricted_to(self, only: Sequence[K]) -> TypedRows[K, R]:
        return TypedRows(self._face, self._prefix, only, self._key_form, self._codec)

    def _decode_slow(self, text: str, read: bytes | Exception) -> tuple[Value | None, ...]:
        return self._codec.values(result_in(self._face, text, read))

    def _decode_lines(self, lines: bytes) -> list[tuple[str, tuple[Value | None, ...]]] | None:
        decode = self._codec.decode_lines_to_columns
        return None if decode is None else decode(lines)

    def _columns(
        self, keys: Sequence[K], texts: Sequence[str], rows: list[tuple[Value | None, ...]]
    ) -> Mapping[str, Sequence[Value | None]]:
        columns: Iterable[Sequence[Value | None]] = zip(*rows, strict=True)
        if self._key_form.fields:
            of_keys: Iterable[Sequence[Value]] = zip(*map(self._key_form.values, keys), strict=True)
        else:
            of_keys = (texts,)
        return dict(zip(self.columns, chain(of_keys, columns), strict=True))


def _leave_to_slow_path(data: bytes) -> None:
    """Return `None`: only a record tells whether its hook accepts *data*."""


def _shared_name(title: str, name: str, remedy: str) -> SchemaMismatchError:
    reason = "is the name of a column of the key, too"
    return SchemaMismatchError("a table", title, (Problem(name, reason),), remedy)
