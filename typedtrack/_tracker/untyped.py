"""`ResultTracker`: results as plain maps.

Half of the module is docstrings: they are the reference of these calls.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, NoReturn, Protocol, TypeAlias, TypeVar, cast, overload

from typedtrack._results.codec import decode_fast, encode
from typedtrack._results.keys import Key, key_text, listed_key, prefix_text
from typedtrack._results.values import Result, Value
from typedtrack._tracker.backend import READ_LIMIT, Backend, annotate, annotating, create, store
from typedtrack._tracker.bulk import HasItems
from typedtrack._tracker.calls import Calls
from typedtrack._tracker.face import decode_after_fast
from typedtrack.errors import InvalidResultError, Problem, ResultNotFoundError, shown

if TYPE_CHECKING:
    from typedtrack._progress import Progress
    from typedtrack._records.typed_keys import KeyClass
    from typedtrack._tracker.typed import TypedTracker, Unknown
    from typedtrack.frame.frame import Frame, OnError

__all__ = ["ResultTracker"]

K = TypeVar("K")
R = TypeVar("R")

_NOT_GIVEN: Final[Any] = object()

Fields: TypeAlias = Mapping[str, Value] | Iterable[tuple[str, Value]]


class Put(Protocol):
    """The signature of `ResultTracker.put`."""

    # Two, because a union of the two would leave a type checker no expected type for a dict of mixed values.
    @overload
    def __call__(self, key: Key, results: Mapping[str, Value] = ..., /, **fields: Value) -> None: ...
    @overload
    def __call__(self, key: Key, results: Iterable[tuple[str, Value]], /, **fields: Value) -> None: ...
    @overload
    def __call__(self, *, key: Key, **fields: Value) -> None: ...


def put(tracker: ResultTracker, key: Key = _NOT_GIVEN, results: Fields = (), /, **fields: Value) -> None:
    """Store a result under *key*, whole or not at all; it replaces what is stored there.

    On a local disk without *fsync*, a loss of power within half a minute may undo that, or leave an empty file.

    The result is given as for `dict.update`: *results* is a mapping or pairs, and *fields* are further fields. Numbers
    and strings of other types (numpy's, an `enum.IntEnum`, a 0-d array or tensor) are stored as `int`, `float` or `str`
    where that loses nothing. If no key is given by position, the keyword argument *key* is the key, as code for torchx
    may write it. Otherwise it is an ordinary field.

    Raises:
        InvalidKeyError: *key* breaks the rules.
        InvalidResultError: the result does; it lists every problem.
        KeyConflictError: on a store with real folders, ``a`` and ``a/b`` would both hold results.

    >>> from typedtrack import open_tracker
    >>> tracker = open_tracker("memory://docs/put")
    >>> tracker.put("app1_out", {"l2norm/mean": 1.2}, accuracy=0.93)
    >>> tracker["app1_out"]
    {'l2norm/mean': 1.2, 'accuracy': 0.93}
    """
    if key is _NOT_GIVEN:
        if "key" not in fields:
            raise TypeError("put() takes a key, then the result: put(key, {...}) or put(key, field=value, ...)")
        key = fields.pop("key")  # type: ignore[assignment]  # which key_text refuses if it is not a key
    text = key_text(key)
    store(tracker, text, encode(_values(results, fields, text), text))


class ResultTracker(Calls[Key, Result, Result], Backend):
    """Puts the results of applications under keys, and gets them.

    A result is a flat map of field names to `int`, `float` and `str` values: at most 1 MiB, a `str` at most 1,024
    bytes, a field name 1 to 256 bytes. A key is an `int` or a `str`. The rules hold on put and on get alike.

    It is the base class of every backend. A backend implements four primitives on keys that keep the rules and on
    bytes: ``_read``, ``_write``, ``_delete`` and ``_list``. It inherits every call; `typedtrack.testing` tests it. A
    subclass may implement `put` and `get` alone, as for torchx. It then lacks `create`, ``del`` and listing.

    >>> from typedtrack import FsspecResultTracker
    >>> tracker = FsspecResultTracker("memory://docs/tracker")
    >>> tracker["app1_out"] = {"accuracy": 0.93, "l2norm/mean": 1.2}
    >>> tracker["app1_out"]["accuracy"]
    0.93
    >>> tracker["app2_out"]
    {}
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        own = cls.put is not ResultTracker.put and cls.get is not ResultTracker.get
        if own and cls._read is ResultTracker._read:
            from typedtrack._tracker.put_get_only import PRIMITIVES  # here, because few classes need it

            for name, primitive in PRIMITIVES.items():
                if getattr(cls, name) is getattr(ResultTracker, name):
                    setattr(cls, name, primitive)

    # Not a method to a type checker, so that a subclass may override it as torchx has it: put(self, key, **fields).
    put: Put | Callable[..., None] = put

    @overload  # two, as for `Put`
    def create(self, key: Key, results: Mapping[str, Value] = ..., /, **fields: Value) -> None: ...
    @overload
    def create(self, key: Key, results: Iterable[tuple[str, Value]], /, **fields: Value) -> None: ...
    def create(self, key: Key, results: Fields = (), /, **fields: Value) -> None:
        """Store a result under *key* if nothing is stored there, atomically; an equal result there is not an error.

        *results* and *fields* are as for `put`.

        Raises:
            ResultExistsError: other content is stored there; it stays.
            UnsupportedOperationError: the store has no atomic create.
            InvalidKeyError, InvalidResultError, KeyConflictError: as `put`.

        >>> from typedtrack import open_tracker
        >>> tracker = open_tracker("memory://docs/create")
        >>> tracker.create("run_1", accuracy=0.93)
        >>> tracker.create("run_1", accuracy=0.5)
        Traceback (most recent call last):
            ...
        typedtrack.errors.ResultExistsError: key 'run_1' in ... already holds another result; ...
        """
        text = key_text(key)
        create(self, text, encode(_values(results, fields, text), text))

    def get(self, key: Key) -> Result:
        """Return the result under *key*; ``{}`` only when the store confirms that nothing is there.

        A field asked of that ``{}`` raises a `ResultNotFoundError` (a `KeyError`), which names key and tracker.

        Raises:
            InvalidKeyError: *key* breaks the rules.
            CorruptResultError: the stored bytes are not a result.
            ResultFailedError: the application stored a failure there.

        >>> from typedtrack import open_tracker
        >>> open_tracker("memory://docs/get").get("app1_out")
        {}
        """
        text = key_text(key)
        try:
            data = self._read(text, READ_LIMIT)
        except Exception as error:
            annotate(self, error, "get", text)
            raise
        return self._to_absent(text) if data is None else decode_fast(data) or decode_after_fast(self, data, text)

    def __getitem__(self, key: Key) -> Result:
        """Return the result under *key*, as `get` does."""
        return self.get(key)

    def __setitem__(self, key: Key, results: Mapping[str, Value]) -> None:
        """Store a result, as `put` does."""
        if type(self).put is ResultTracker.put:
            self.put(key, results)
        else:  # a subclass written for torchx may take keyword arguments alone
            self.put(key, **results)

    @overload
    def typed(self, key: KeyClass[K, R], /, *, unknown: Unknown = "ignore") -> TypedTracker[K, R]: ...
    @overload
    def typed(self, record: type[R], *, unknown: Unknown = "ignore") -> TypedTracker[Key, R]: ...
    @overload
    def typed(self, record: type[R], *, key: type[K], unknown: Unknown = "ignore") -> TypedTracker[K, R]: ...
    def typed(
        self, record: Any, *, key: type[Any] | None = None, unknown: Unknown = "ignore"
    ) -> TypedTracker[Any, Any]:
        """Return a view of this tracker whose results are records of the class *record*.

        *key* is a class of typed keys; without it the keys are `int` and `str`. If such a class carries its record,
        ``typed(TrialKey)`` has both. A missing field takes its default. An unknown field is ignored, or refused with
        ``unknown="error"``.

        Raises:
            RecordDefinitionError: *record* is not a `record` class, *key* is not a `key` class, or it carries another
                record.

        >>> from typedtrack import Stat, open_tracker
        >>> losses = open_tracker("memory://docs/records").typed(Stat)
        >>> losses["trial_7"] = Stat.of([0.4, 0.6])
        >>> losses["trial_7"].mean
        0.5
        """
        from typedtrack._records.typed_keys import PlainKeys, pair, template_keys  # here: untyped use loads no attrs
        from typedtrack._tracker.typed import TypedTracker

        record, key = pair(record, key)
        return TypedTracker(self, record, PlainKeys() if key is None else template_keys(key), unknown)

    @overload
    def put_many(self, results: HasItems[Key, Mapping[str, Value]], /) -> None: ...
    @overload
    def put_many(self, results: Iterable[tuple[Key, Mapping[str, Value]]], /) -> None: ...
    def put_many(self, results: Any, /) -> None:
        """Put *results*, each under its key, concurrently; they are a mapping, or pairs that are read as a stream.

        If a key comes twice, the later result stays. If the stream raises an error, so does this call, and some
        pairs before it may not be stored.

        Raises:
            BulkError: some keys failed; every other result is stored.

        >>> from typedtrack import open_tracker
        >>> tracker = open_tracker("memory://docs/put_many")
        >>> tracker.put_many((f"trial_{n}", {"loss": 1 / n}) for n in (1, 2))
        >>> sorted(tracker)
        ['trial_1', 'trial_2']
        """
        super().put_many(results)

    def frame(
        self, prefix: str = "", *, on_error: OnError = "raise", cache: str | os.PathLike[str] | None = None
    ) -> Frame:
        """Return the results stored now, at and below *prefix*, as a table; reads nothing yet.

        It has the column ``key``, then one for each field that some result has. Dataframe libraries take it as it is:
        `Frame` tells more. All results are read before the first row is handed over, to know the columns; a record
        knows them, so `TypedTracker.frame` streams.

        Results that cannot be read are one `BulkError` after the last row, or a warning with ``on_error="warn"``.
        *cache* is the path of a local file that keeps the results. Then each use of the frame reads only the results
        that changed since. A file there that is not a cache stays, and each use raises `FileExistsError`.

        Raises:
            ImportError: the extra ``arrow`` is not installed.
            ValueError: *cache* is not a local path, or is below the results themselves.

        >>> import polars
        >>> from typedtrack import open_tracker
        >>> tracker = open_tracker("memory://docs/untyped_frame")
        >>> tracker.put_many({"trial_1": {"loss": 0.5}, "trial_2": {"loss": 0.25}})
        >>> polars.DataFrame(tracker.frame()).sort("loss").rows()
        [('trial_2', 0.25), ('trial_1', 0.5)]
        """
        from typedtrack._tracker.rows import UntypedRows  # both here, because most processes make no table
        from typedtrack.frame.frame import Frame

        return Frame(UntypedRows(self, prefix_text(prefix)), on_error, cache=cache)

    def archive(
        self,
        path_or_url: str | os.PathLike[str],
        prefix: str = "",
        *,
        storage_options: Mapping[str, object] | None = None,
        progress: Progress | None = None,
    ) -> int:
        """Write all results and failures, at and below *prefix*, to one file; return how many it has.

        The file is ``.ndjson``, or ``.ndjson.gz`` to compress it, on a local path or any fsspec URL: one result a line,
        with its ``key``, in the order of the keys, whole or not at all. `open_tracker` opens it as a read-only tracker
        with the same values, which reads a million results at the price of one file. Nothing is deleted here.
        *storage_options* go to the filesystem of a URL. *progress* is a bar whose ``update(n)`` is called for each *n*
        results that are read. More than 100,000 keys are sorted in temporary files.

        Raises:
            ValueError: *path_or_url* ends otherwise, or is below the results themselves.
            BulkError: some results are corrupt, or were put or deleted meanwhile; the archive has all others. An error
                of the store leaves no archive, or the old one.

        >>> from typedtrack import open_tracker
        >>> tracker = open_tracker("memory://docs/archive")
        >>> tracker.put_many({"trial_1": {"loss": 0.5}, "trial_2": {"loss": 0.25}})
        >>> tracker.archive("memory://docs/sweep.ndjson")
        2
        >>> open_tracker("memory://docs/sweep.ndjson")["trial_2"]
        {'loss': 0.25}
        """
        from typedtrack._tracker.archiving import archive  # here, because few processes archive

        return archive(self, path_or_url, prefix_text(prefix), storage_options, progress)

    def remove_leftovers(self, older_than: float = 86_400.0) -> int:
        """Remove the hidden files that killed writers left below the base, and return their number.

        On a local disk and an sftp server a put begins with a hidden file, which a writer that is killed leaves there.
        It is never listed and does no harm but take space. Other stores have no such files, and this returns 0.
        *older_than* is in seconds: a put that takes longer loses its file and raises an error.

        Raises:
            ValueError: *older_than* is negative or NaN.

        >>> from typedtrack import open_tracker
        >>> open_tracker("memory://docs/remove_leftovers").remove_leftovers()
        0
        """
        if not older_than >= 0:
            raise ValueError(f"older_than is a number of seconds, at least 0, got {older_than!r}")
        with annotating(self, "remove leftovers below", ""):
            return self._remove_leftovers(older_than)

    def __bool__(self) -> bool:
        """Return `True`, whether or not anything is stored."""
        return True

    @property
    def _primitives(self) -> Backend:
        return self

    # Not methods that call these functions, since bulk calls make one such call a key.
    _to_text = staticmethod(key_text)  # pyright: ignore[reportAssignmentType]  # it wants a method here
    _to_key = staticmethod(listed_key)  # pyright: ignore[reportAssignmentType]  # as above

    def _to_bytes(self, result: Result, text: str) -> bytes:
        return encode(_values(result, {}, text), text)

    def _to_result(self, data: bytes, text: str) -> Result:
        return decode_fast(data) or decode_after_fast(self, data, text)

    def _to_results(self, lines: bytes) -> list[tuple[str, Result]] | None:
        from typedtrack._results.archive_lines import results_on  # here, because few processes read an archive

        return results_on(lines)

    def _to_absent(self, text: str) -> Result:
        return _Absent(text, self)


class _Absent(Result):
    """The ``{}`` that `get` returns for an absent key. A field asked of it raises an error that names the key."""

    def __init__(self, key: str, tracker: object) -> None:
        self._key = key
        self._tracker = tracker

    def __missing__(self, field: str) -> NoReturn:
        raise ResultNotFoundError(self._key, str(self._tracker))

    def __reduce__(self) -> tuple[object, ...]:  # the tracker as text, for it may not be pickled
        return type(self), (self._key, str(self._tracker)), None, None, iter(self.items())


def _values(results: Fields, fields: Result, key: str) -> Result:
    if type(results) is dict:
        values = cast("Result", results).copy()  # the test leaves a dict of unknown types
    else:
        try:
            values = dict(results)
        except (TypeError, ValueError) as error:
            from typedtrack._records.record_type import RECORD_TYPE  # here, because only this error needs it

            reason, name = "a result is a mapping of field names to values", type(results).__name__
            is_record = RECORD_TYPE in vars(type(results))
            remedy = f"use tracker.typed({name}), or give as_result(record)" if is_record else None
            raise InvalidResultError((Problem(None, reason, shown(results), remedy=remedy),), key) from error
    values.update(fields)
    return values
