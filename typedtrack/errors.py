"""Every error that typedtrack raises itself, in one tree and so in one module.

::

    TypedtrackError
    ├── InvalidKeyError            ValueError           a key breaks the rules
    ├── InvalidResultError         ValueError           a result or a record to be made breaks the rules
    ├── RecordDefinitionError      TypeError            a record or key class cannot be declared so
    ├── ResultNotFoundError        KeyError             nothing is stored under that key
    ├── ResultExistsError          FileExistsError      create found other content
    ├── KeyConflictError           OSError              a beside a/b where folders are real
    ├── CorruptResultError         ValueError           the stored bytes are not a result
    ├── SchemaMismatchError        ValueError           a stored result is not such a record
    ├── SchemaError                ValueError           a schema document cannot be used
    ├── ResultFailedError          RuntimeError         the application under that key failed
    ├── ResultTimeoutError         TimeoutError         wait gave up
    ├── UnsupportedOperationError  NotImplementedError  the store cannot do this safely
    └── BulkError                  ExceptionGroup       some keys of a bulk call failed, each with its own error

Every error carries its data as attributes, takes them as positional arguments (so it pickles), and says what to do
next. The errors of a store (``PermissionError``, ``ConnectionError``, …) are not in this tree: they pass through
unchanged, with a note that names the key and the operation.
"""

from __future__ import annotations

import errno
from collections.abc import Collection, Mapping
from itertools import islice
from typing import Any, Final, NamedTuple, Protocol, runtime_checkable

__all__ = [
    "MISSING_FIELD",
    "BulkError",
    "CorruptResultError",
    "FailureLike",
    "InvalidKeyError",
    "InvalidResultError",
    "KeyConflictError",
    "Problem",
    "RecordDefinitionError",
    "ResultExistsError",
    "ResultFailedError",
    "ResultNotFoundError",
    "ResultTimeoutError",
    "SchemaError",
    "SchemaMismatchError",
    "TypedtrackError",
    "UnsupportedOperationError",
    "shown",
]

MISSING_FIELD = "is missing"
"""The reason of a problem with a field that is not there."""

_SHOWN_CHARACTERS: Final = 80
_SHOWN_MESSAGE: Final = 300  # characters of a failure's message; the failure itself has all


def shown(value: object, limit: int = _SHOWN_CHARACTERS) -> str:
    """Return the ``repr`` of *value* for an error message, shortened in its middle to *limit* characters."""
    try:
        text = repr(value)
    except Exception:  # a broken __repr__ must not hide the error that is being reported
        text = object.__repr__(value)
    return shortened(text, limit)


def shortened(text: str, limit: int) -> str:
    """Return *text*, shortened in its middle to *limit* characters."""
    half = (limit - 1) // 2
    return text if len(text) <= limit else f"{text[:half]}…{text[-half:]}"


def expected_instance(cls: type, value: object) -> str:
    """Return ``an instance of A, not B`` for *value* of the class B; with modules if both names are the same."""
    wanted, found = cls.__name__, type(value).__name__
    if wanted == found:
        wanted, found = (f"{each.__module__}.{each.__qualname__}" for each in (cls, type(value)))
    return f"an instance of {wanted}, not {found}"


class Problem(NamedTuple):
    """One broken rule: the field, the reason, and the refused value as text.

    ``field`` is the field name on the wire, or `None` if the rule concerns the whole result. ``attribute`` is the
    Python attribute of the field in a record. ``remedy`` is the advice, if the reason has none.
    """

    field: str | None
    reason: str
    value: str | None = None
    attribute: str | None = None
    remedy: str | None = None

    def __str__(self) -> str:
        attribute = "" if self.attribute in (None, self.field) else f" (attribute {self.attribute})"
        where = "" if self.field is None else f"field {shown(self.field)}{attribute}: "
        got = "" if self.value is None else f", got {self.value}"
        remedy = "" if self.remedy is None else f"; {self.remedy}"
        return f"{where}{self.reason}{got}{remedy}"


def _lines(head: str, problems: tuple[Problem, ...]) -> str:
    if len(problems) == 1:
        return f"{head}: {problems[0]}"
    return "\n".join([f"{head}: {len(problems)} problems", *(f"  {problem}" for problem in problems)])


def _first_of(keys: Collection[object]) -> str:
    return ", ".join(map(shown, islice(keys, 3))) + (", …" if len(keys) > 3 else "")


class TypedtrackError(Exception):
    """The root of the tree: ``except TypedtrackError`` catches every error that typedtrack raises itself."""


class InvalidKeyError(TypedtrackError, ValueError):
    """A key breaks the rules. Attributes: ``key`` (text as an error shows it), ``reason``."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(key, reason)
        self.key = key
        self.reason = reason

    def __str__(self) -> str:
        return f"key {self.key}: {self.reason}"


class InvalidResultError(TypedtrackError, ValueError):
    """A result to be put, or a record to be made, breaks the rules. Nothing was written.

    Attributes: ``problems`` (all of them), ``key`` (`None` if there is none yet), ``record`` (the name of the record
    class, `None` for an untyped result).
    """

    def __init__(self, problems: tuple[Problem, ...], key: str | None = None, record: str | None = None) -> None:
        super().__init__(problems, key, record)
        self.problems = problems
        self.key = key
        self.record = record

    def __str__(self) -> str:
        what = "result" if self.record is None else self.record
        where = "" if self.key is None else f" for key {shown(self.key)}, nothing was written"
        return _lines(f"invalid {what}{where}", self.problems)


class RecordDefinitionError(TypedtrackError, TypeError):
    """A class cannot be a record or a typed key. Attributes: ``cls`` (its name), ``field`` (or `None`), ``reason``."""

    def __init__(self, cls: str, field: str | None, reason: str) -> None:
        super().__init__(cls, field, reason)
        self.cls = cls
        self.field = field
        self.reason = reason

    def __str__(self) -> str:
        where = self.cls if self.field is None else f"{self.cls}.{self.field}"
        return f"{where}: {self.reason}"


class ResultNotFoundError(TypedtrackError, KeyError):
    """Nothing is stored under that key. Attributes: ``key``, ``tracker`` (as text), ``advice`` (what to do)."""

    def __init__(self, key: str, tracker: str, advice: str = "`wait` for it if it is still to come") -> None:
        super().__init__(key, tracker, advice)
        self.key = key
        self.tracker = tracker
        self.advice = advice

    def __str__(self) -> str:
        return f"no result under key {shown(self.key)} in {self.tracker}; {self.advice}"


class ResultExistsError(TypedtrackError, FileExistsError):
    """``create`` found other content under the key, and left it.

    Attributes: ``key``, ``tracker``, ``is_failure`` (whether the stored result is a failure).
    """

    def __init__(self, key: str, tracker: str, is_failure: bool = False) -> None:
        super().__init__(key, tracker)  # without the third argument, which an OSError takes for the name of a file
        self.key = key
        self.tracker = tracker
        self.is_failure = is_failure
        self.errno, self.strerror = errno.EEXIST, str(self)

    def __reduce__(self) -> tuple[type[ResultExistsError], tuple[object, ...], dict[str, object]]:
        return type(self), (self.key, self.tracker, self.is_failure), vars(self)  # the last for its notes

    def __str__(self) -> str:
        where = f"key {shown(self.key)} in {self.tracker}"
        if self.is_failure:
            return f"{where} already holds a failure; delete it, or replace it by `put`"
        return f"{where} already holds another result; `put` replaces it, another key keeps both"


class KeyConflictError(TypedtrackError, OSError):
    """One key would have to be both a result and a folder of results. The first result stays.

    Attributes: ``key`` (refused), ``other`` (the key or folder in its way).
    """

    def __init__(self, key: str, other: str) -> None:
        super().__init__(key, other)
        self.key = key
        self.other = other
        self.errno, self.strerror = errno.EEXIST, str(self)

    def __str__(self) -> str:
        is_folder = self.key == self.other
        held = "a folder that is not empty" if is_folder else f"a result, stored under key {shown(self.other)}"
        return f"key {shown(self.key)}: in its way is {held}; on this store no key can be both, choose another key"


class CorruptResultError(TypedtrackError, ValueError):
    """The stored bytes are not a result. ``tracker.get_bytes(key)`` returns them.

    Attributes: ``file`` (where they are stored), ``field`` (or `None`), ``reason``, ``advice`` (what to do).
    """

    def __init__(
        self, file: str, field: str | None, reason: str, advice: str = "get_bytes() returns its bytes"
    ) -> None:
        super().__init__(file, field, reason, advice)
        self.file = file
        self.field = field
        self.reason = reason
        self.advice = advice

    def __str__(self) -> str:
        where = "" if self.field is None else f" field {shown(self.field)}:"
        return f"{self.file}:{where} {self.reason}; {self.advice}"


class SchemaMismatchError(TypedtrackError, ValueError):
    """A stored result does not fit the record, or results do not fit a table.

    Attributes: ``record`` (its name), ``file``, ``problems`` (all), ``advice`` (what to do).
    """

    def __init__(self, record: str, file: str, problems: tuple[Problem, ...], advice: str | None = None) -> None:
        super().__init__(record, file, problems, advice)
        self.record = record
        self.file = file
        self.problems = problems
        if advice is None:
            advice = "the untyped tracker reads it as a map"
            if any(problem.reason == MISSING_FIELD for problem in problems):
                advice = f"a default or an alias lets the record read results that lack the field; {advice}"
        self.advice = advice

    def __str__(self) -> str:
        return f"{_lines(f'{self.file} does not fit {self.record}', self.problems)}\n{self.advice}"


class SchemaError(TypedtrackError, ValueError):
    """A schema document cannot be used. Attributes: ``source`` (file or title), ``problems``.

    ``problems`` are pairs of a JSON Pointer and a reason, all of them.
    """

    def __init__(self, source: str, problems: tuple[tuple[str, str], ...]) -> None:
        super().__init__(source, problems)
        self.source = source
        self.problems = problems

    def __str__(self) -> str:
        lines = (f"  {pointer or '(document)'}: {reason}" for pointer, reason in self.problems)
        return "\n".join([f"schema {self.source} cannot be used:", *lines])


@runtime_checkable
class FailureLike(Protocol):
    """The attributes of a `typedtrack.Failure`; this module does not load its class."""

    @property
    def type(self) -> str: ...  # noqa: D102
    @property
    def message(self) -> str: ...  # noqa: D102
    @property
    def exit_code(self) -> int | None: ...  # noqa: D102
    @property
    def host(self) -> str | None: ...  # noqa: D102


class ResultFailedError(TypedtrackError, RuntimeError):
    """The application under that key failed.

    Attributes: ``key``, ``failure`` (a `typedtrack.Failure`), ``is_stored`` (false if `wait` found that the application
    is gone).
    """

    def __init__(self, key: str, failure: FailureLike, is_stored: bool = True) -> None:
        super().__init__(key, failure, is_stored)
        self.key = key
        self.failure = failure
        self.is_stored = is_stored

    def __str__(self) -> str:
        failure = self.failure
        code = "" if failure.exit_code is None else f", exit code {failure.exit_code}"
        host = "" if failure.host is None else f", on host {shown(failure.host)}"
        reason = shown(f"{failure.type}: {failure.message}", _SHOWN_MESSAGE)
        advice = "delete this failure, or replace it by `put`" if self.is_stored else "start it again"
        return f"key {shown(self.key)}: the application failed with {reason}{code}{host}; {advice}"


class ResultTimeoutError(TypedtrackError, TimeoutError):
    """``wait`` gave up. Attributes: ``keys`` (the caller's own, those still absent), ``timeout`` (seconds)."""

    def __init__(self, keys: tuple[object, ...], timeout: float) -> None:
        super().__init__(keys, timeout)
        self.keys = keys
        self.timeout = timeout
        self.errno, self.strerror = errno.ETIMEDOUT, str(self)

    def __str__(self) -> str:
        where = f"{len(self.keys)} key(s): {_first_of(self.keys)}"
        return f"no result after {self.timeout:g} s under {where}; wait longer, or look at the writer"


class UnsupportedOperationError(TypedtrackError, NotImplementedError):
    """The store cannot do this safely. Attributes: ``operation``, ``tracker``, ``remedy``."""

    def __init__(self, operation: str, tracker: str, remedy: str) -> None:
        super().__init__(operation, tracker, remedy)
        self.operation = operation
        self.tracker = tracker
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.operation} is not safe on {self.tracker}: {self.remedy}"


class BulkError(ExceptionGroup[Exception], TypedtrackError):
    """Some keys of a bulk call failed. Every other key was served.

    Attributes: ``errors`` (by failed key; by its `repr` if it is neither an `int` nor a `str`, or cannot be hashed),
    ``results`` (those that ``get_many`` read, by key; empty after the calls that hand results over one by one).
    ``except*`` works on it.
    """

    errors: Mapping[object, Exception]
    results: Mapping[object, object]

    # A mapping is invariant in its keys, so Any accepts those of every tracker; the attributes show them as objects.
    def __new__(cls, errors: Mapping[Any, Exception], results: Mapping[Any, object] | None = None) -> BulkError:
        """Make the group of *errors*: an `ExceptionGroup` takes its members before ``__init__`` runs."""
        message = f"{len(errors)} key(s) failed, all others were served: {_first_of(errors)}; see its `errors`"
        each_once = {id(error): error for error in errors.values()}  # one time-out is the error of many keys
        self = super().__new__(cls, message, list(each_once.values()))
        self.errors = errors
        self.results = {} if results is None else results
        return self

    def __init__(self, errors: Mapping[Any, Exception], results: Mapping[Any, object] | None = None) -> None:
        super().__init__(self.message, self.exceptions)

    def __reduce__(self) -> tuple[type[BulkError], tuple[object, ...], dict[str, object]]:
        return type(self), (self.errors, self.results), vars(self)  # the last for its notes
