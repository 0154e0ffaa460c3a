"""The cache of a frame: each result in a local file with its version, so that a renewal reads only what changed.

A renewal lists the base with versions. It keeps the cached rows whose versions are still listed, reads all others, and
writes the file anew if anything changed. Failures are kept, too. Errors are not, so unreadable results are read again,
and so are results whose version is unknown.

A column of the file holds values of one kind: ``float:loss`` beside ``int:loss``. So a table from a cache has the types
that the values stored now need, as any other frame has.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Final, Protocol

from arro3.core import Array, RecordBatch

from typedtrack._bases import local_path
from typedtrack._results.chunks import Chunk
from typedtrack._results.values import KINDS, Value
from typedtrack.errors import BulkError
from typedtrack.frame.cache_file import CacheFile
from typedtrack.frame.chunks import CHUNK_ROWS, Spool, aligned, batch_of_arrays
from typedtrack.frame.columns import (
    ARROW_TYPES,
    ArrowName,
    Extent,
    array_of,
    extent_of_type,
    problems_of,
    strings_of,
    values_of,
)

__all__ = ["CachedRows", "CachedTable", "cache_path", "renew"]

_FORMAT: Final = 1  # of the file and of how results become rows: a cache of another number is read anew
_KEY, _VERSION, _FAILED = "key", "version", "failed"
_OWN: Final[Mapping[str, ArrowName]] = {_KEY: "string", _VERSION: "string", _FAILED: "int64"}
"""The columns of each row beside its values, whose columns have a colon in their names."""


class CachedRows(Protocol):
    """The rows of a frame that can be cached."""

    @property
    def keys(self) -> Sequence[str]:
        """The columns of the key."""
        ...

    @property
    def identity(self) -> str:
        """A text that another frame has only if its rows are the same."""
        ...

    @property
    def failed(self) -> Sequence[str]:
        """The texts of the keys of the failures that the last reading has met."""
        ...

    @property
    def check(self) -> Callable[[Mapping[str, Value | None]], bool] | None:
        """The function that tells whether a cached row is still valid; `None` if each is."""
        ...

    def changes(self, known: dict[str, str | None]) -> Iterator[tuple[str, str | None]]:
        """Yield the texts of the keys stored now, each with its version.

        A key that *known* has with the same version is removed there instead. In the end *known* has the keys that are
        deleted or have other versions.
        """
        ...

    def chunks(self, rows: int, texts: Iterable[str] | None = None) -> Iterator[Chunk]:
        """Yield the rows of the keys *texts*, at most *rows* at a time; raise one `BulkError` at the end."""
        ...


def cache_path(path: str | os.PathLike[str]) -> str:
    """Return the absolute path of a cache.

    Raises:
        ValueError: it is not a local path.
    """
    found = local_path(path)
    if found is None:
        raise ValueError(f"cache={os.fspath(path)!r} is not a local path; a cache is a file on this machine")
    return found


class CachedTable:
    """The rows in a cache *file*: results, whose keys have the columns *keys*, and failures."""

    def __init__(self, file: CacheFile, keys: Sequence[str]) -> None:
        self._file = file
        self._columns: dict[str, list[str]] = {}
        for column in file.types:
            if column not in _OWN:
                self._columns.setdefault(column.partition(":")[2], []).append(column)
        if tuple(keys) == (_KEY,):
            self._columns.setdefault(_KEY, [_KEY])  # a key that has no fields is its text
        self.extents: dict[str, Extent] = {name: self._extent(columns) for name, columns in self._columns.items()}

    @property
    def problems(self) -> dict[str, str]:
        """The columns that no Arrow type holds, with the reason."""
        return problems_of(self.extents)

    @property
    def failures(self) -> int:
        """How many failures there are."""
        return sum(_values_in(batch[_FAILED]) for batch in self._file.batches())

    def chunks(self) -> Iterator[Chunk]:
        """Yield the results as chunks, with the texts of their keys."""
        for batch in self._results():
            columns = {name: self._values(batch, columns) for name, columns in self._columns.items()}
            yield Chunk(batch.num_rows, columns, strings_of(batch[_KEY]))

    def extent_of(self, name: str) -> Extent:
        """Return the extent of the column *name*, which may be in no row."""
        return self.extents.get(name, Extent())

    def batches(self, types: Mapping[str, ArrowName]) -> Iterator[RecordBatch]:
        """Yield the results as batches whose columns have *types*, which hold all values."""
        for batch in self._results():
            arrays = [self._array(batch, self._columns.get(name, []), arrow) for name, arrow in types.items()]
            yield batch_of_arrays(arrays, types)

    def _results(self) -> Iterator[RecordBatch]:
        """Yield the rows of the file that are not failures."""
        for batch in self._file.batches():
            if _values_in(batch[_FAILED]):
                failed = values_of(batch[_FAILED], _OWN[_FAILED])
                yield _taken(batch, array_of([row for row, value in enumerate(failed) if value is None], "uint64"))
            else:
                yield batch

    def _array(self, batch: RecordBatch, columns: Sequence[str], arrow: ArrowName) -> Array:
        if not columns:
            return array_of([None] * batch.num_rows, arrow)
        if len(columns) == 1:
            array = batch[columns[0]]
            return array if self._file.types[columns[0]] == arrow else array.cast(ARROW_TYPES[arrow])
        return array_of(self._values(batch, columns), arrow)

    def _extent(self, columns: Sequence[str]) -> Extent:
        """Return the extent of one column of the table, which *columns* of the file make up."""
        extent = Extent()
        for column in columns:
            extent |= extent_of_type(self._file.types[column])
            if len(columns) > 1 and self._file.types[column] not in ("float64", "string"):  # it may equal no float
                for batch in self._file.batches():
                    extent |= Extent.of(values_of(batch[column], self._file.types[column]))
        return extent

    def _values(self, batch: RecordBatch, columns: Sequence[str]) -> list[Value | None]:
        """Return the values of one column of the table, which *columns* of the file make up."""
        parts = [values_of(batch[column], self._file.types[column]) for column in columns]
        return [next((value for value in row if value is not None), None) for row in zip(*parts, strict=True)]


def renew(path: str, rows: CachedRows, errors: list[BulkError]) -> CachedTable:
    """Renew the cache at *path*, and return the table of *rows* from it.

    Errors of unreadable results are added to *errors*.
    """
    identity = f"{_FORMAT}\n{rows.identity}"
    old = CacheFile.open(path, identity)
    texts: list[list[str]] = []
    cached = {} if old is None else _versions_in(old, texts, rows)
    if cached is None:
        old, cached = None, {}
    pending: dict[str, str | None] = {}

    def changed() -> Iterator[str]:
        for text, version in rows.changes(cached):
            pending[text] = version
            yield text

    spool = Spool(_cached_chunks(rows, changed(), pending, errors))
    if old is not None and not spool.extents and not cached:
        return CachedTable(old, rows.keys)
    kept = _Kept(old, texts, cached)
    types = kept.types_with(spool.extents)
    batches = chain((aligned(batch, types) for batch in kept.batches()), spool.batches(types))
    new = CacheFile.write(path, identity, types, batches)
    return CachedTable(new, rows.keys)


def _versions_in(file: CacheFile, texts: list[list[str]], rows: CachedRows) -> dict[str, str | None] | None:
    """Return the versions of the rows in *file* by their keys; `None` where a key has two rows.

    Append the keys of each batch to *texts*.
    """
    found: dict[str, str | None] = {}
    for batch in file.batches():
        texts.append(strings_of(batch[_KEY]))
        found.update(zip(texts[-1], strings_of(batch[_VERSION]), strict=True))
    if (is_valid := rows.check) is not None:
        for chunk in CachedTable(file, rows.keys).chunks():
            for text, *values in zip(chunk.texts, *chunk.columns.values(), strict=True):
                if not is_valid(dict(zip(chunk.columns, values, strict=True))):
                    found[text] = None  # read again, for its error
    return found if len(found) == sum(map(len, texts)) else None


def _cached_chunks(
    rows: CachedRows, texts: Iterator[str], pending: dict[str, str | None], errors: list[BulkError]
) -> Iterator[Chunk]:
    """Yield the rows of *texts* as the cache holds them, then the failures; take their versions from *pending*."""
    try:
        for chunk in rows.chunks(CHUNK_ROWS, texts):
            yield _cached_chunk(chunk.texts, pending, chunk.columns)
    except BulkError as error:
        errors.append(error)
    if rows.failed:
        chunk = _cached_chunk(rows.failed, pending, {})
        yield Chunk(chunk.rows, {**chunk.columns, _FAILED: [1] * chunk.rows})


def _cached_chunk(
    texts: Sequence[str], pending: dict[str, str | None], columns: Mapping[str, Sequence[Value | None]]
) -> Chunk:
    found: dict[str, Sequence[Value | None]] = {_KEY: texts, _VERSION: [pending.pop(text, None) for text in texts]}
    for name, values in columns.items():
        if values is texts:  # the column of a key that is its text
            continue
        kinds = {*map(type, values)} - {type(None)}
        for kind in kinds:
            own = values if len(kinds) == 1 else [value if type(value) is kind else None for value in values]
            found[f"{KINDS[kind].name}:{name}"] = own
    return Chunk(len(texts), found)


class _Kept:
    """The rows of *file* that stay: those of all keys but the *stale*. *texts* has the keys of each batch."""

    def __init__(self, file: CacheFile | None, texts: Iterable[Sequence[str]], stale: Collection[str]) -> None:
        self._file = file
        self._are_all = not stale
        self._rows: list[Array | None] = []  # the numbers of the rows that stay in each batch; `None` if all do
        self._columns: set[str] = set()  # the columns that have a value in these rows
        if file is not None:
            for batch, keys in zip(file.batches(), texts, strict=True):
                self._add(batch, [row for row, text in enumerate(keys) if text in stale] if stale else [])

    def _add(self, batch: RecordBatch, gone: Sequence[int]) -> None:
        lost = _taken(batch, array_of(gone, "uint64"))
        self._columns.update(name for name in batch.column_names if _values_in(batch[name]) > _values_in(lost[name]))
        if gone:
            ends = zip([-1, *gone], [*gone, batch.num_rows], strict=True)
            rows = [*chain.from_iterable(range(start + 1, end) for start, end in ends)]
            self._rows.append(array_of(rows, "uint64"))
        else:
            self._rows.append(None)

    def batches(self) -> Iterator[RecordBatch]:
        """Yield the rows."""
        if self._file is not None:
            for batch, rows in zip(self._file.batches(), self._rows, strict=True):
                yield batch if rows is None else _taken(batch, rows)

    def types_with(self, new: Mapping[str, Extent]) -> dict[str, ArrowName]:
        """Return the columns and types that hold these rows and others whose columns have the extents *new*."""
        old: dict[str, ArrowName] = {}
        if self._file is not None:
            old |= {name: arrow for name, arrow in self._file.types.items() if name in self._columns}
        types: dict[str, ArrowName] = {**_OWN}
        for name in (*old, *new):
            if name not in types:
                types[name] = (self._extent(name, old.get(name), new) | new.get(name, Extent())).type
        return types

    def _extent(self, name: str, old: ArrowName | None, new: Mapping[str, Extent]) -> Extent:
        """Return an extent of the column *name* that is exact enough for its type."""
        if old is None:
            return Extent()
        if old == "int64":
            is_enough = name not in new or new[name].type == "int64"
        else:
            is_enough = self._are_all or old in ("float64", "string")
        if is_enough:
            return extent_of_type(old)
        extent = Extent()
        for batch in self.batches():
            extent |= Extent.of(values_of(batch[name], old))
        return extent


def _values_in(array: Array) -> int:
    return len(array) - array.null_count


def _taken(batch: RecordBatch, rows: Array) -> RecordBatch:
    return batch.take(rows)  # pyright: ignore[reportUnknownMemberType]  # of arro3's stub
