"""`Frame`: results as a table that dataframe libraries take as it is."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from typing import Final, Literal, Protocol, TypeAlias, TypeVar

from arro3.core import RecordBatch, Schema

from typedtrack._files import check_outside, writing
from typedtrack._progress import Progress, check_progress
from typedtrack._results.chunks import Chunk, Direction
from typedtrack.errors import BulkError, Problem, SchemaMismatchError
from typedtrack.frame.cache import CachedRows, CachedTable, cache_path, renew
from typedtrack.frame.chunks import CHUNK_ROWS, Spool, batch_of
from typedtrack.frame.columns import ArrowName, reader_of, schema_of_types
from typedtrack.frame.files import writer_of
from typedtrack.frame.html import as_html

__all__ = ["Frame", "OnError", "Rows"]

OnError: TypeAlias = Literal["raise", "warn"]

T = TypeVar("T")

_SHOWN_ROWS: Final = 20
_PAGES: Final = (".html", ".htm")  # endings of a page's name: any other file could be one of the user's own
_ADVICE: Final = (
    "a column has one type; a record declares it, and a frame of records leaves out the results that do not fit"
)


class Rows(CachedRows, Protocol):
    """The rows of a frame, as a tracker reads them."""

    @property
    def title(self) -> str:
        """The source of the rows, for people."""
        ...

    @property
    def location(self) -> str:
        """Where the results are stored, as a path or a URL."""
        ...

    @property
    def columns(self) -> Mapping[str, ArrowName | None]:
        """The columns that are known before any row is read, and their types if these are known too."""
        ...

    @property
    def is_complete(self) -> bool:
        """Whether there are no other columns."""
        ...

    @property
    def is_archive(self) -> bool:
        """Whether one file holds all rows, so that a cache would save nothing."""
        ...

    @property
    def store_error(self) -> Exception | None:
        """The first error of the store that the last reading has met."""
        ...

    def counted(self, progress: Progress) -> Rows:
        """Return the same rows, which count the results that they read on *progress*."""
        ...

    def parts(self, n: int) -> Sequence[Rows]:
        """Return the rows stored now in at most *n* parts of about the same size, which pickle."""
        ...


class Frame:
    """Results as a table: one row a result, the columns of its key first, then one column a field.

    `ResultTracker.frame` and `TypedTracker.frame` make it. It has the Arrow PyCapsule interface, so polars, DuckDB,
    pandas 3, pyarrow, narwhals, Ibis, DataFusion and Daft take it as it is: ``polars.DataFrame(frame)``. It keeps no
    rows: each use reads the results stored then, in batches of at most 8,192 rows.

    Values are exact. An `int` column is int64, or uint64, or decimal128(20, 0), whichever holds all values. `int`
    beside `float` is float64 if every int equals a float. An absent field is null, and NaN is NaN.

    Failures are left out (`ResultTracker.failures` lists them). So are results that cannot be read: one `BulkError`
    names them all when every other row has been handed over. With ``on_error="warn"`` it is a warning instead.

    With *cache*, the path of a local file, each use reads only what changed since the last, and keeps the rest there.

    >>> from typedtrack import open_tracker
    >>> tracker = open_tracker("memory://docs/frame")
    >>> tracker.put_many({"trial_1": {"loss": 0.5, "epochs": 3}, "trial_2": {"loss": 0.25}})
    >>> import polars
    >>> polars.DataFrame(tracker.frame()).sort("loss").rows()
    [('trial_2', 0.25, None), ('trial_1', 0.5, 3)]
    """

    def __init__(
        self,
        rows: Rows,
        on_error: OnError = "raise",
        types: Mapping[str, ArrowName] | None = None,
        cache: str | os.PathLike[str] | None = None,
    ) -> None:
        if on_error not in ("raise", "warn"):
            raise ValueError(f"on_error is 'raise' or 'warn', not {on_error!r}")
        self.rows = rows
        """The rows in chunks, without Arrow."""
        self._on_error: OnError = on_error
        self._types = types
        self._cache = None if cache is None else cache_path(cache)
        if cache is not None:
            check_outside(cache, rows.location)

    def __repr__(self) -> str:
        return f"<Frame of {self.rows.title}: hand it to a dataframe library, or call write(path)>"

    @property
    def schema(self) -> Schema:
        """The Arrow schema of the table.

        A record with bounded ints knows it. For any other frame this reads every result.

        Raises:
            SchemaMismatchError: a column holds values that no Arrow type holds together; names all such columns.
        """
        return schema_of_types(self._read([])[0])

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Return the table as an Arrow C stream in a PyCapsule."""
        errors: list[BulkError] = []
        types, batches = self._read(errors)
        return reader_of(types, self._then_telling(batches, errors)).__arrow_c_stream__(requested_schema)

    def write(
        self,
        path: str | os.PathLike[str],
        *,
        storage_options: Mapping[str, object] | None = None,
        progress: Progress | None = None,
    ) -> None:
        """Write the table to a file, whole or not at all: ``.parquet``, ``.csv`` or ``.arrow`` (Arrow IPC).

        *path* is a local path or any fsspec URL, to whose filesystem *storage_options* go. A CSV file shows an absent
        field and an empty `str` alike. *progress* is a bar whose ``update(n)`` is called for each *n* results that are
        read.

        Raises:
            ValueError: *path* ends otherwise, or is below the results themselves.
            BulkError: some results are corrupt or do not fit the record; the file has all others.
            OSError: or another error of the store, which could not read some results; the old file stays as it was.
        """
        if progress is not None:
            return self._counted(progress).write(path, storage_options=storage_options)
        write = writer_of(path)
        check_outside(path, self.rows.location)
        errors: list[BulkError] = []
        types, batches = self._read(errors)
        with writing(path, storage_options) as file:
            write(types, batches, file)
            self._check_store()
        self._tell(errors)

    def report(
        self,
        path: str | os.PathLike[str],
        by: str | None = None,
        *,
        direction: Direction = "max",
        title: str = "Results",
        storage_options: Mapping[str, object] | None = None,
        progress: Progress | None = None,
    ) -> None:
        """Write a page to look at to *path*, whole or not at all: one HTML file that needs no network.

        It has a table, a plot of the metric over each column, and parallel coordinates; a brush on one of their axes
        filters the page. *by* names the metric, by default the first `float` field; a `Stat` is named without
        ``/mean``. *direction* says whether its greatest (``"max"``) or least value is the best. The page has the best
        10,000 rows, and says in words what it leaves out. More than 16 MiB of rows wait in a temporary file until it is
        known which are the best. *title* is its heading. *storage_options* and *progress* are as for `write`.

        Raises:
            ValueError: *path* does not end in ``.html`` or ``.htm``, or is below the results themselves; or no result
                has a numeric field named *by*.
            FileNotFoundError: the page's script is not built, as in an editable install; says how to build it.
            BulkError: some results are corrupt or do not fit the record; the page has all others.
            OSError: or another error of the store, which could not read some results; the old page stays as it was.
        """
        name = os.fspath(path)
        if not name.endswith(_PAGES):
            raise ValueError(f"cannot write {name!r}: a page is written to a file that ends in {' or '.join(_PAGES)}")
        if progress is not None:
            counted = self._counted(progress)
            return counted.report(path, by, direction=direction, title=title, storage_options=storage_options)

        check_outside(path, self.rows.location)

        from typedtrack.report.contents import contents_of  # here, because most frames become no page
        from typedtrack.report.page import page

        errors: list[BulkError] = []
        cached = self._renewed(errors)
        chunks = _deferring(self.rows.chunks(CHUNK_ROWS), errors) if cached is None else cached.chunks()
        contents = contents_of(chunks, self.rows.keys, by, direction)
        self._check_store()
        notes = [*contents.notes]
        if failures := len(self.rows.failed) if cached is None else cached.failures:
            notes.append(f"Failed and left out: {failures:,}")
        notes += [f"Not readable and left out: {len(error.errors):,}" for error in errors]
        with writing(path, storage_options) as file:
            file.write(page(contents, title, notes).encode())
        self._tell(errors)

    def parts(self, n: int) -> list[Frame]:
        """Return the table in at most *n* frames of about the same size and the same schema, which pickle.

        The keys are listed now; each part reads its own results when it is used, in any process:
        ``dask.dataframe.from_map(pandas.DataFrame.from_arrow, frame.parts(8))``.

        Raises:
            ValueError: *n* is less than 1.
        """
        if n < 1:
            raise ValueError(f"a frame has at least 1 part, not {n}")
        types, _ = self._read([])
        return [Frame(rows, self._on_error, types) for rows in self.rows.parts(n)]

    def _counted(self, progress: Progress) -> Frame:
        """Return the same frame, which counts the results that it reads on *progress*."""
        check_progress(progress)
        frame = copy(self)
        frame.rows = self.rows.counted(progress)
        return frame

    def _repr_html_(self) -> str:
        """Return the first rows as an HTML table, for notebooks."""
        chunks = self.rows.chunks(_SHOWN_ROWS + 1)
        note = ""
        try:
            chunk = next(chunks, Chunk(0, dict.fromkeys(self.rows.columns, ())))
        except BulkError as error:
            chunk, note = Chunk(0, dict.fromkeys(self.rows.columns, ())), str(error)
        return as_html(chunk, _SHOWN_ROWS, note)

    def _read(self, errors: list[BulkError]) -> tuple[Mapping[str, ArrowName], Iterator[RecordBatch]]:
        """Return the types of the columns, and the batches, which are read as they are asked for.

        Errors of unreadable results are added to *errors*, some of them only at the end.
        """
        cached = self._renewed(errors)
        known = self.rows.columns
        types = self._types or {name: found for name, found in known.items() if found is not None}
        if cached is not None:
            table: Spool | CachedTable = cached
        elif self._types is not None or (self.rows.is_complete and len(types) == len(known)):
            chunks = _deferring(self.rows.chunks(CHUNK_ROWS), errors)
            return types, (batch_of(chunk, types) for chunk in chunks)
        else:
            table = Spool(_deferring(self.rows.chunks(CHUNK_ROWS), errors))
        if problems := table.problems:
            reasons = tuple(Problem(name, problem) for name, problem in problems.items())
            raise SchemaMismatchError("a table", self.rows.title, reasons, _ADVICE)
        names = [*known, *(name for name in table.extents if name not in known)]
        found: dict[str, ArrowName] = {name: types.get(name) or table.extent_of(name).type for name in names}
        return found, table.batches(found)

    def _renewed(self, errors: list[BulkError]) -> CachedTable | None:
        """Return the table in the cache after its renewal; `None` without a cache."""
        return None if self._cache is None or self.rows.is_archive else renew(self._cache, self.rows, errors)

    def _check_store(self) -> None:
        """Raise the error of the store, if there was one: an incomplete file must not replace a complete one.

        A result that is corrupt or does not fit has no such error. It stays so, and is left out of any file.
        """
        if self.rows.store_error is not None:
            raise self.rows.store_error

    def _then_telling(self, items: Iterator[T], errors: list[BulkError]) -> Iterator[T]:
        """Yield *items*; then raise the *errors* of unreadable results, or warn of them."""
        yield from items
        self._tell(errors)

    def _tell(self, errors: list[BulkError]) -> None:
        """Raise the *errors* of unreadable results, or warn of them."""
        for error in errors:
            if self._on_error == "raise":
                raise error
            warnings.warn(str(error), stacklevel=3)


def _deferring(items: Iterator[T], errors: list[BulkError]) -> Iterator[T]:
    """Yield *items*; add the `BulkError` at their end to *errors*."""
    try:
        yield from items
    except BulkError as error:
        errors.append(error)
