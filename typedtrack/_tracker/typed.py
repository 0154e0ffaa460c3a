"""`TypedTracker`: results as records, under plain or typed keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, TypeVar, overload

from typedtrack._records.codec import RecordCodec, record_codec
from typedtrack._records.record_type import record_type
from typedtrack._results.codec import decode_fast
from typedtrack._results.keys import prefix_text
from typedtrack._results.values import FAILURE_TYPE, Value
from typedtrack._schema.fields import FieldSchema
from typedtrack._tracker.backend import Backend, annotate, create, load, store
from typedtrack._tracker.calls import Calls
from typedtrack._tracker.face import decode_after_fast
from typedtrack.errors import (
    BulkError,
    InvalidResultError,
    Problem,
    RecordDefinitionError,
    ResultExistsError,
    ResultNotFoundError,
    expected_instance,
    shown,
)

if TYPE_CHECKING:
    import os

    from typedtrack._records.summary import Summary
    from typedtrack.frame.frame import Frame, OnError

__all__ = ["KeyForm", "TypedTracker", "Unknown"]

K = TypeVar("K")
K_co = TypeVar("K_co", covariant=True)
R = TypeVar("R")
T = TypeVar("T")

Unknown: TypeAlias = Literal["ignore", "error"]


class KeyForm(Protocol[K_co]):
    """Converts keys to text and back, as `PlainKeys` and `TemplateKeys` do."""

    prefix: str
    """The whole segments with which every key begins."""
    argument: str
    """The argument that shows the keys in the ``repr`` of a view."""

    @property
    def fields(self) -> Mapping[str, FieldSchema]:
        """The fields of a key, by their names."""
        ...

    def values(self, key: object) -> tuple[Value, ...]:
        """Return the values of the fields of *key*; its text, where it has no fields."""
        ...

    def to_text(self, key: object) -> str:
        """Return the text of *key*, or raise `InvalidKeyError`."""
        ...

    def to_key(self, text: str) -> K_co | None:
        """Return the key whose text is *text*, or `None` if *text* does not fit its template."""


class TypedTracker(Calls[K, R, None], MutableMapping[K, R]):
    """A view of a tracker whose results are records of one class: a mapping from keys to records.

    `ResultTracker.typed` makes it. It shares the tracker's store: a record put here is a plain map there, and a map put
    there is a record here if it fits.

    >>> from typedtrack import FsspecResultTracker, Stat
    >>> tracker = FsspecResultTracker("memory://docs/typed")
    >>> view = tracker.typed(Stat)
    >>> view["app1_out"] = Stat(mean=0.93, sem=0.01)
    >>> view["app1_out"].mean, tracker["app1_out"]
    (0.93, {'mean': 0.93, 'sem': 0.01})
    """

    def __init__(self, tracker: Backend, record: type[R], keys: KeyForm[K], unknown: Unknown) -> None:
        if unknown not in ("ignore", "error"):
            raise ValueError(f"unknown is 'ignore' or 'error', got {unknown!r}")
        kind = record_type(record)
        if any(FAILURE_TYPE in column.names for column in kind.schema.columns):
            reason = "describes failures, which are no results; use tracker.failures(), and tracker.fail() to store one"
            raise RecordDefinitionError(record.__name__, None, reason)
        self._tracker = tracker
        self._record = record
        self._keys = keys
        self._unknown = unknown
        self._key_prefix = keys.prefix
        self._codec: RecordCodec[R] = record_codec(kind)

    def __reduce__(self) -> tuple[type[TypedTracker[K, R]], tuple[object, ...]]:
        return type(self), (self._tracker, self._record, self._keys, self._unknown)

    def __repr__(self) -> str:
        unknown = "" if self._unknown == "ignore" else f", unknown={self._unknown!r}"
        return f"{self._tracker!r}.typed({self._record.__name__}{self._keys.argument}{unknown})"

    @property
    def max_concurrency(self) -> int:
        """How many reads or writes a bulk call makes at once."""
        return self._tracker.max_concurrency

    def put(self, key: K, record: R, /) -> None:
        """Store *record* under *key*, whole or not at all; it replaces what is stored there.

        On a local disk without *fsync*, a loss of power within half a minute may undo that, or leave an empty file.

        Raises:
            InvalidKeyError: *key* breaks the rules.
            InvalidResultError: *record* is not of this tracker's class.
            KeyConflictError: on a store with real folders, ``a`` and ``a/b`` would both hold results.
        """
        text = self._to_text(key)
        store(self._tracker, text, self._to_bytes(record, text))

    __setitem__ = put

    def create(self, key: K, record: R, /) -> None:
        """Store *record* under *key* if nothing is stored there, atomically; an equal record there is not an error.

        Raises:
            ResultExistsError: other content is stored there; it stays.
            UnsupportedOperationError: the store has no atomic create.
            InvalidKeyError, InvalidResultError, KeyConflictError: as `put`.
        """
        text = self._to_text(key)
        create(self._tracker, text, self._to_bytes(record, text))

    def __getitem__(self, key: K, /) -> R:
        """Return the record under *key*.

        Raises:
            ResultNotFoundError: the store confirms that nothing is there.
            ResultFailedError: the application stored a failure there.
            SchemaMismatchError: the result does not fit the record; lists every problem.
            CorruptResultError: the stored bytes are not a result.
        """
        text = self._to_text(key)
        data = load(self._tracker, text)
        if data is None:
            raise ResultNotFoundError(text, repr(self._tracker))
        return self._to_result(data, text)

    @overload
    def get(self, key: K, /) -> R | None: ...
    @overload
    def get(self, key: K, /, default: R | T) -> R | T: ...
    def get(self, key: K, /, default: T | None = None) -> R | T | None:
        """Return the record under *key*, or *default* only when the store confirms that nothing is there.

        Raises:
            ResultFailedError, SchemaMismatchError, CorruptResultError: as ``view[key]``.
        """
        text = self._to_text(key)
        data = load(self._tracker, text)
        return default if data is None else self._to_result(data, text)

    def setdefault(self, key: K, default: R, /) -> R:
        """Return the record under *key*; if there is none, store *default* there, atomically, and return it."""
        try:
            self.create(key, default)
        except ResultExistsError:
            return self[key]
        return default

    def frame(
        self, prefix: str = "", *, on_error: OnError = "raise", cache: str | os.PathLike[str] | None = None
    ) -> Frame:
        """Return the records stored now, at and below *prefix*, as a table; reads nothing yet.

        It has a column for each field of the key, or one named ``key`` where keys are plain, then one for each field of
        the record, by its name on the wire. Dataframe libraries take it as it is: `Frame` tells more.

        Results that cannot be read are one `BulkError` after the last row, or a warning with ``on_error="warn"``.
        *cache* is the path of a local file that keeps the results. Then each use of the frame reads only the results
        that changed since. A file there that is not a cache stays, and each use raises `FileExistsError`.

        Raises:
            ImportError: the extra ``arrow`` is not installed.
            ValueError: *cache* is not a local path, or is below the results themselves.
            SchemaMismatchError: a field of the key and a field of the record have one name.

        >>> import polars
        >>> from typedtrack import Stat, open_tracker
        >>> view = open_tracker("memory://docs/typed_frame").typed(Stat)
        >>> view["trial_1"] = Stat(mean=0.5, sem=0.1)
        >>> polars.DataFrame(view.frame()).rows(named=True)
        [{'key': 'trial_1', 'mean': 0.5, 'sem': 0.1}]
        """
        from typedtrack._tracker.rows import TypedRows  # both here, because most processes make no table
        from typedtrack.frame.frame import Frame

        return Frame(TypedRows(self, prefix_text(prefix), None, self._keys, self._codec), on_error, cache=cache)

    def over(self, *fields: str, prefix: str = "") -> Iterator[tuple[dict[str, Value], Summary]]:
        """Yield the records that differ only in *fields* of their keys, as ``(group, Summary)``: over seeds, say.

        Only the records at and below *prefix* count. *group* maps the other fields of the key to their values; groups
        come in the order of these. All numbers are kept in memory until the last record is read.

        Raises:
            ValueError: the keys have no such field, or no fields.
            BulkError: (at the end) some keys failed; every other record counts.

        >>> from typedtrack import KeyTemplate, Stat, key, open_tracker
        >>> @key("{model}/seed_{seed}")
        ... class RunKey(KeyTemplate):
        ...     model: str
        ...     seed: int
        >>> runs = open_tracker("memory://docs/over").typed(Stat, key=RunKey)
        >>> runs.put_many({RunKey("small", seed): Stat(mean=seed / 2, sem=0.1) for seed in (1, 2, 3)})
        >>> for group, summary in runs.over("seed"):
        ...     print(group, summary.count, summary["mean"].mean)
        {'model': 'small'} 3 1.0
        """
        from typedtrack._records.summary import summary_of  # here, because few processes summarise

        names = tuple(self._keys.fields)
        for field in fields or ("",):
            if field not in names:
                has = f"the fields {', '.join(map(repr, names))}" if names else "no fields: give typed(..., key=...)"
                raise ValueError(f"cannot summarise over {field!r}: the keys have {has}")
        groups: dict[tuple[Value, ...], list[tuple[Value | None, ...]]] = {}
        error: BulkError | None = None
        try:
            for key, record in self.items(prefix):
                values = zip(names, self._keys.values(key), strict=True)
                group = tuple(value for name, value in values if name not in fields)
                groups.setdefault(group, []).append(self._codec.values(record))
        except BulkError as caught:
            error = caught
        others = [name for name in names if name not in fields]
        columns = [column.name for column in self._codec.schema.columns]
        for group in sorted(groups):
            yield dict(zip(others, group, strict=True)), summary_of(columns, groups[group])
        if error is not None:
            raise error

    def clear(self) -> None:
        """Delete everything that this view lists: results that fit the record or do not, and failures."""
        for key in self:
            try:
                del self[key]
            except ResultNotFoundError:  # another process has deleted it since
                continue

    def __bool__(self) -> bool:
        """Return whether anything is stored now, by listing up to the first key."""
        return any(True for _ in self)

    @property
    def _primitives(self) -> Backend:
        return self._tracker

    def _to_text(self, key: K) -> str:
        return self._keys.to_text(key)

    @property
    def _to_key(self) -> Callable[[str], K | None]:  # pyright: ignore[reportIncompatibleMethodOverride]  # saves a call
        return self._keys.to_key

    def _to_bytes(self, result: R, text: str) -> bytes:
        if type(result) is not self._record:
            reason = f"a result here is {expected_instance(self._record, result)}"
            raise InvalidResultError((Problem(None, reason, shown(result)),), text, self._record.__name__)
        return self._codec.encode(result)

    def _to_result(self, data: bytes, text: str) -> R:
        record = self._codec.decode_fast(data)
        if record is None:
            result = decode_fast(data) or decode_after_fast(self._tracker, data, text)
            try:
                record = self._codec.from_result(result, self._tracker._location(text), closed=self._unknown == "error")
            except Exception as error:  # a hook may raise any
                annotate(self._tracker, error, "get", text)
                raise
        return record

    def _to_results(self, lines: bytes) -> list[tuple[str, R]] | None:
        decode = self._codec.decode_lines
        return None if decode is None else decode(lines)

    def _to_absent(self, text: str) -> None:
        return None
