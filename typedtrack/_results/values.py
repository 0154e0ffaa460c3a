"""The rules for values and field names, which put and get share, and the table of kinds.

Limits are in bytes of UTF-8, not in characters. A rule is a function that returns the reason for a refusal, or `None`;
the caller decides which error to raise.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from typedtrack.errors import Problem, shown

__all__ = [
    "EXACT_IN_DOUBLES",
    "FAILURE_TYPE",
    "KINDS",
    "KINDS_BY_NAME",
    "MAX_INT",
    "MAX_INT64",
    "MAX_NAME_BYTES",
    "MAX_PLAIN_STR",
    "MAX_RESULT_BYTES",
    "MAX_STR_BYTES",
    "MIN_INT",
    "Kind",
    "KindName",
    "Result",
    "Value",
    "are_known",
    "control_character",
    "learn_names",
    "name_problem",
    "normalised",
    "problems_of",
    "text_problem",
    "value_problem",
]

Value: TypeAlias = int | float | str
KindName: TypeAlias = Literal["int", "float", "str"]
Result: TypeAlias = dict[str, Value]

MIN_INT: Final = -(2**63)
MAX_INT: Final = 2**64 - 1
MAX_INT64: Final = 2**63 - 1
"""The largest int that msgspec takes as a bound, and that Arrow's int64 holds."""
EXACT_IN_DOUBLES: Final = 2**53
"""Every int of at most this size is a double."""

MAX_STR_BYTES: Final = 1024
MAX_PLAIN_STR: Final = MAX_STR_BYTES // 4
"""A str of so many characters always fits: UTF-8 has at most four bytes for one."""

MAX_NAME_BYTES: Final = 256
MAX_RESULT_BYTES: Final = 2**20

FAILURE_TYPE: Final = "failure/type"
"""The name of the field that makes a result a failure."""

_REMEMBERED_NAMES: Final = 4096
_REMEMBERED_TYPES: Final = 256


def text_problem(text: str, limit: int) -> str | None:
    """Return why *text* is not valid Unicode of at most *limit* bytes, or `None`."""
    if text.isascii():
        size = len(text)
    else:
        try:
            size = len(text.encode())
        except UnicodeEncodeError as error:
            return f"is not valid Unicode: lone surrogate at position {error.start}"
    if size > limit:
        return f"is {size:,} bytes of UTF-8; the limit is {limit:,} bytes"
    return None


def control_character(text: str) -> str | None:
    """Return the first control character (Unicode category Cc) of *text*, or `None`."""
    return next((c for c in text if c < " " or "\x7f" <= c <= "\x9f"), None)


def name_problem(name: object) -> str | None:
    r"""Return why *name* is not a field name, or `None`: 1 to 256 bytes, no control character, no ``"``, no ``\``."""
    if not isinstance(name, str):
        return f"a field name is a str, not {type(name).__name__}"
    if not name:
        return "a field name is not empty"
    if (reason := text_problem(name, MAX_NAME_BYTES)) is not None:
        return f"the field name {reason}"
    if (control := control_character(name)) is not None:
        return f"a field name has no control character ({control!r})"
    if '"' in name or "\\" in name:
        return 'a field name has no " and no \\'
    return None


def _int_problem(value: int) -> str | None:
    if MIN_INT <= value <= MAX_INT:
        return None
    return "an int is from -2**63 to 2**64-1; store it as a float or a str"


def _float_problem(value: float) -> None:
    """Accept every double: NaN, the infinities and -0.0 too."""


def _str_problem(value: str) -> str | None:
    reason = text_problem(value, MAX_STR_BYTES)
    return None if reason is None else f"the str {reason}"


class Kind(NamedTuple):
    """One kind of value. Tables elsewhere have one row for each kind; tests/unit/test_kinds.py finds a missing row."""

    name: KindName
    type: type[Value]
    article: str
    """``an int``, for messages."""
    json_type: str
    """The type of JSON Schema."""
    is_number: bool
    problem: Callable[..., str | None]
    """The rule for a value of exactly that type."""


KINDS: Final[Mapping[type, Kind]] = {
    kind.type: kind
    for kind in (
        Kind("int", int, "an int", "integer", is_number=True, problem=_int_problem),
        Kind("float", float, "a float", "number", is_number=True, problem=_float_problem),
        Kind("str", str, "a str", "string", is_number=False, problem=_str_problem),
    )
}
KINDS_BY_NAME: Final[Mapping[KindName, Kind]] = {kind.name: kind for kind in KINDS.values()}

*_FIRST, _LAST = (kind.article for kind in KINDS.values())
_ALLOWED: Final = f"{', '.join(_FIRST)} or {_LAST}"


def value_problem(value: object) -> str | None:
    """Return why *value* is not a value, or `None`. Only an exact `int`, `float` or `str` is one."""
    kind = KINDS.get(type(value))
    if kind is None:
        return f"a value is {_ALLOWED}, not {type(value).__name__}"
    return kind.problem(value)


def normalised(value: object) -> object:
    """Return *value* as an exact `int`, `float` or `str` where that loses nothing, else *value* itself.

    Besides subclasses of the three, it takes numbers (of `numbers.Integral` or `numbers.Real`), and arrays, tensors and
    variables without dimensions. It imports no library that defines them. It leaves `bool` alone, and a value that
    carries a unit.
    """
    kind = type(value)
    if kind in KINDS:
        return value
    try:
        normal = (_converters.get(kind) or _learn_type(kind))(value)
    except Exception:  # a foreign type may raise anything; a value that does not convert is refused by its type
        return value
    return normal if type(normal) in KINDS else value


_converters: dict[type, Callable[[Any], object]] = {}  # by the types of values: to choose one takes long


def _learn_type(cls: type) -> Callable[[Any], object]:
    """Return the function that normalises values of *cls*, and remember it; the memory is bounded."""
    from typedtrack._results.other_types import converter  # here, because many processes store no other type

    if len(_converters) >= _REMEMBERED_TYPES:  # of classes that the program makes as it runs
        _converters.clear()
    _converters[cls] = convert = converter(cls)
    return convert


_names: set[str] = set()  # field names that keep the rules: an application has few, and puts them often
are_known: Final = _names.issuperset
"""Whether all of some names are among those that `learn_names` remembers."""


def learn_names(names: Collection[str]) -> bool:
    """Return whether all *names* keep the rules, and if so remember them; the memory is bounded.

    `FAILURE_TYPE` is never remembered. So failures take the slow paths, and the fast ones need no check for them.
    """
    if are_known(names):
        return True
    if FAILURE_TYPE in names or any(name_problem(name) is not None for name in names):
        return False
    if len(_names) + len(names) > _REMEMBERED_NAMES:
        _names.clear()
    if len(names) <= _REMEMBERED_NAMES:
        _names.update(names)
    return True


def problems_of(values: Mapping[Any, object], remedy: Callable[[object], str | None] | None = None) -> list[Problem]:
    """Return every rule that *values* break, in order; only exact values pass.

    *remedy* returns the advice for a value of another type. A get needs none: its caller has not written the value.
    """
    if not values:
        return [Problem(None, "an empty result could not be told from an absent one; give it a field")]
    problems: list[Problem] = []
    for name, value in values.items():
        field = name if isinstance(name, str) else shown(name)
        if (reason := name_problem(name)) is not None:
            problems.append(Problem(field, reason))
        if (reason := value_problem(value)) is not None:
            advice = None if remedy is None or type(value) in KINDS else remedy(value)
            problems.append(Problem(field, reason, shown(value), remedy=advice))
    return problems
