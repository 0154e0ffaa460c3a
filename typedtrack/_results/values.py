"""What a value and a field name may be: the one table of kinds, and the rules that put and get share.

Limits are in bytes of UTF-8, never in characters. A rule is a function that returns the reason for which it refuses,
or `None`; the road that asked decides which error that becomes.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, NamedTuple, TypeAlias, cast

from typedtrack.errors import InvalidResultError, Problem, shown

__all__ = [
    "FAILURE_TYPE",
    "KINDS",
    "MAX_INT",
    "MAX_NAME_BYTES",
    "MAX_PLAIN_STR",
    "MAX_RESULT_BYTES",
    "MAX_STR_BYTES",
    "MIN_INT",
    "Kind",
    "Result",
    "Value",
    "checked",
    "control_character",
    "known_names",
    "name_problem",
    "names_at_a_glance",
    "normalised",
    "plain",
    "problems_of",
    "text_problem",
    "value_problem",
]

Value: TypeAlias = int | float | str
Result: TypeAlias = dict[str, Value]

MIN_INT: Final = -(2**63)
MAX_INT: Final = 2**64 - 1
MAX_STR_BYTES: Final = 1024
MAX_PLAIN_STR: Final = MAX_STR_BYTES // 4  # characters: so many fit whatever they are
MAX_NAME_BYTES: Final = 256
MAX_RESULT_BYTES: Final = 2**20

FAILURE_TYPE: Final = "failure/type"
"""The name of the field that makes a result a failure."""

_TIMES: Final = ("m", "M")  # the kinds of numpy's times, whose item() may be an int without the unit
_REMEMBERED_NAMES = 4096


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
    """Every double is a value: NaN, the infinities and -0.0 too."""


def _str_problem(value: str) -> str | None:
    reason = text_problem(value, MAX_STR_BYTES)
    return None if reason is None else f"the str {reason}"


class Kind(NamedTuple):
    """One kind of value: its Python type, its JSON Schema type, and its rule for a value of exactly that type."""

    type: type[Value]
    json_type: str
    problem: Callable[..., str | None]


KINDS: Final[Mapping[type, Kind]] = {
    int: Kind(int, "integer", _int_problem),
    float: Kind(float, "number", _float_problem),
    str: Kind(str, "string", _str_problem),
}


def value_problem(value: object) -> str | None:
    """Return why *value* is not a value, or `None`. Only an exact `int`, `float` or `str` is one."""
    kind = KINDS.get(type(value))
    if kind is None:
        return f"a value is an int, a float or a str, not {type(value).__name__}"
    return kind.problem(value)


def normalised(value: object) -> object:
    """Return *value* as an exact `int`, `float` or `str` where that loses nothing, else *value* itself.

    Subclasses, whatever is registered as `numbers.Integral` or `numbers.Real`, and arrays and tensors with an
    ``item()`` method and an empty ``shape`` are taken; `bool` is no number here. Neither numpy nor torch is imported.
    """
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int.__int__(value)
    if isinstance(value, float):
        return float.__float__(value)
    if isinstance(value, str):
        return str.__str__(value)
    return _normalised_foreign(value)


def _normalised_foreign(value: object) -> object:
    import numbers  # here, because few processes ever store a foreign number
    from decimal import Decimal
    from fractions import Fraction

    if isinstance(value, (Decimal, Fraction)):
        return value
    try:
        if isinstance(value, numbers.Integral):
            exact: object = operator.index(value)
        elif isinstance(value, numbers.Real):
            exact = float(value)
        elif getattr(value, "shape", None) == () and (scalar := cast("Any", value).item()) is not value:  # if it has
            if getattr(getattr(value, "dtype", None), "kind", None) in _TIMES:
                return value
            exact = normalised(scalar)
        else:
            return value
        return exact if type(exact) in KINDS and (exact == value or exact != exact) else value
    except Exception:  # a foreign type may raise anything here; what does not convert is refused by its name
        return value


_names: set[str] = set()  # field names that passed name_problem: an application has few, and puts them often
names_at_a_glance: Final = _names.issuperset
"""Whether all of some names are among those that `known_names` remembers."""


def known_names(names: Collection[str]) -> bool:
    """Return whether all *names* keep the rules; remember (a bounded number of) those that do.

    `FAILURE_TYPE` is never remembered, so that failures take the slow paths and the fast ones need no check for them.
    """
    if names_at_a_glance(names):
        return True
    if FAILURE_TYPE in names or any(name_problem(name) is not None for name in names):
        return False
    if len(_names) + len(names) > _REMEMBERED_NAMES:
        _names.clear()
    if len(names) <= _REMEMBERED_NAMES:
        _names.update(names)
    return True


def plain(values: dict[str, Any]) -> bool:
    """Return whether *values* keep every rule and are finite, at a glance: `False` means that a closer look is due.

    One thing is left to the encoder, which refuses a lone surrogate itself.
    """
    if not values or not (names_at_a_glance(values) or known_names(values)):
        return False
    for value in values.values():
        kind = type(value)  # pyright: ignore[reportUnknownVariableType]  # value is Any: its type is the question
        if kind is float:
            if value - value != 0.0:  # NaN and the infinities alone
                return False
        elif kind is int:
            if not MIN_INT <= value <= MAX_INT:
                return False
        elif kind is not str or len(value) > MAX_PLAIN_STR:
            return False
    return True


def checked(values: dict[str, Any], key: str | None = None) -> Result:
    """Return *values*, normalised, as a result.

    Raises:
        InvalidResultError: a field name or a value breaks the rules, or there is no field; lists every problem.
    """
    normal = {normalised(name): normalised(value) for name, value in values.items()}
    problems = problems_of(normal)
    if problems:
        raise InvalidResultError(tuple(problems), key)
    return cast("Result", normal)  # what problems_of found no fault with


def problems_of(values: Mapping[Any, object]) -> list[Problem]:
    """Return every rule that *values* break, in their order; only exact values pass."""
    if not values:
        return [Problem(None, "an empty result could not be told from an absent one; give it a field")]
    problems: list[Problem] = []
    for name, value in values.items():
        field = name if isinstance(name, str) else shown(name)
        if (reason := name_problem(name)) is not None:
            problems.append(Problem(field, reason))
        if (reason := value_problem(value)) is not None:
            problems.append(Problem(field, reason, shown(value)))
    return problems
