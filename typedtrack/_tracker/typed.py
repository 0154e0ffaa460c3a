"""`TypedTracker`: results as records, under plain or typed keys."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Literal, Protocol, TypeAlias, TypeVar, overload

from typedtrack._records.codec import RecordCodec, record_codec
from typedtrack._records.record_type import record_type
from typedtrack._results.codec import decode_fast
from typedtrack._results.values import FAILURE_TYPE
from typedtrack._tracker.backend import Backend, create, load, store
from typedtrack._tracker.calls import Calls
from typedtrack._tracker.face import decode_after_fast
from typedtrack.errors import (
    InvalidResultError,
    Problem,
    RecordDefinitionError,
    ResultExistsError,
    ResultNotFoundError,
    not_one,
    shown,
)

__all__ = ["KeyForm", "TypedTracker", "Unknown"]

K = TypeVar("K")
K_co = TypeVar("K_co", covariant=True)
R = TypeVar("R")
T = TypeVar("T")

Unknown: TypeAlias = Literal["ignore", "error"]


class KeyForm(Protocol[K_co]):
    """How keys and their text become each other: `PlainKeys` and `TemplateKeys` do."""

    prefix: str
    argument: str

    def to_text(self, key: object) -> str:
        """Return the text of *key*, or raise `InvalidKeyError`."""
        ...

    def to_key(self, text: str) -> K_co | None:
        """Return the key that *text* is, `None` if it is none of these keys."""


class TypedTracker(Calls[K, R, None], MutableMapping[K, R]):
    """The results of a tracker as records of one class: a mapping from keys to records.

    `ResultTracker.typed` makes it, over the tracker's own store: what is put here reads there as a plain map, and what
    is put there reads here as a record where it fits.

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
        made_for = record_type(record)
        if any(FAILURE_TYPE in column.names for column in made_for.schema.columns):
            reason = "describes failures, which are no results; use tracker.failures(), and tracker.fail() to store one"
            raise RecordDefinitionError(record.__name__, None, reason)
        self._tracker = tracker
        self._record = record
        self._keys = keys
        self._unknown = unknown
        self._key_prefix = keys.prefix
        self._codec: RecordCodec[R] = record_codec(made_for)

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
        """Store *record* under *key*, whole or not at all, in place of what it held.

        Raises:
            InvalidKeyError: *key* breaks the rules.
            InvalidResultError: *record* is not of this tracker's class.
            KeyConflictError: on a store with real folders, ``a`` and ``a/b`` would both hold results.
        """
        text = self._to_text(key)
        store(self._tracker, text, self._to_bytes(record, text))

    __setitem__ = put

    def create(self, key: K, record: R, /) -> None:
        """Store *record* under *key* if it holds nothing, atomically; the same result again is no error.

        Raises:
            ResultExistsError: it holds other content, which stays.
            UnsupportedOperationError: the store cannot do it atomically.
            InvalidKeyError, InvalidResultError, KeyConflictError: as `put`.
        """
        text = self._to_text(key)
        create(self._tracker, text, self._to_bytes(record, text))

    def __getitem__(self, key: K, /) -> R:
        """Return the record under *key*.

        Raises:
            ResultNotFoundError: the store confirms that nothing is there.
            SchemaMismatchError: the result is not such a record; lists every problem.
            CorruptResultError: what is stored there is not a result.
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
        """Return the record under *key*, *default* only when the store confirms that nothing is there.

        Raises:
            SchemaMismatchError, CorruptResultError: as ``view[key]``.
        """
        text = self._to_text(key)
        data = load(self._tracker, text)
        return default if data is None else self._to_result(data, text)

    def setdefault(self, key: K, default: R, /) -> R:
        """Return the record under *key*, after creating *default* there if there was none, atomically."""
        try:
            self.create(key, default)
        except ResultExistsError:
            return self[key]
        return default

    def clear(self) -> None:
        """Delete every result that this view lists, whether or not it fits the record."""
        for key in self:
            try:
                del self[key]
            except ResultNotFoundError:  # by another, in between
                continue

    def __bool__(self) -> bool:
        """Return whether anything is stored now; looks no further than the first key."""
        return any(True for _ in self)

    @property
    def _primitives(self) -> Backend:
        return self._tracker

    def _to_text(self, key: K) -> str:
        return self._keys.to_text(key)

    def _to_key(self, text: str) -> K | None:
        return self._keys.to_key(text)

    def _to_bytes(self, result: R, text: str) -> bytes:
        if type(result) is not self._record:
            reason = f"a result here is {not_one(self._record, result)}"
            raise InvalidResultError((Problem(None, reason, shown(result)),), text, self._record.__name__)
        return self._codec.encode(result)

    def _to_result(self, data: bytes, text: str) -> R:
        record = self._codec.decode_fast(data)
        if record is None:
            result = decode_fast(data) or decode_after_fast(self._tracker, data, text)
            record = self._codec.from_result(result, self._tracker._location(text), closed=self._unknown == "error")
        return record

    def _to_absent(self, text: str) -> None:
        return None
