"""One field of a record, described without a class: wire name, kind, constraints, default.

The rules for values and the rules for declarations stand together, because both read the same constraints.
"""

from __future__ import annotations

import enum
import math
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple, cast

import attrs

from typedtrack._results.values import (
    KINDS_BY_NAME,
    MAX_INT,
    MAX_INT64,
    MAX_STR_BYTES,
    MIN_INT,
    KindName,
    Value,
    name_problem,
    value_problem,
)
from typedtrack._schema.docstrings import kept
from typedtrack._schema.multiples import is_multiple, least_multiple
from typedtrack._schema.patterns import compile_pattern
from typedtrack.errors import shown

__all__ = ["CONSTRAINTS", "DEFAULT_OF_OPTIONAL", "MISSING", "FieldSchema", "Flaw", "Missing"]

CONSTRAINTS: Final = ("gt", "ge", "lt", "le", "multiple_of", "min_length", "max_length", "pattern")
"""The constraints that a field may have besides the rules for all values. They have the meaning of `msgspec.Meta`."""

_NUMBER_CONSTRAINTS: Final[Mapping[str, str]] = {
    "gt": ">",
    "ge": ">=",
    "lt": "<",
    "le": "<=",
    "multiple_of": "a multiple of",
}
"""The constraints of numbers, as error messages write them: the same for Python and for JSON Schema."""

_ROUNDED: Final[Mapping[str, Callable[[float], int]]] = {
    "ge": math.ceil,
    "gt": math.floor,
    "le": math.floor,
    "lt": math.ceil,
}
"""How to round a bound between two ints to the int that means the same."""
_MAX_ROUNDED: Final = 2.0**62

_NUMBER_BYTES: Final = 32  # the longest int has 20 characters, the longest float 25
_ESCAPED_BYTES: Final = 6  # the longest escape of a character, \u0000

DEFAULT_OF_OPTIONAL: Final = (
    "is optional, so its default can only be None (null): a value that is not stored must read back as it was; "
    "let it not be None (null), or leave the default out"
)


class Missing(enum.Enum):
    """The type of `MISSING`, which marks a field without a default."""

    MISSING = "MISSING"


MISSING: Final = Missing.MISSING


class Flaw(NamedTuple):
    """A reason why a field cannot be declared."""

    part: str
    """The attribute of `FieldSchema` at fault."""
    reason: str
    position: int | None = None
    """The index of the choice or alias at fault."""


def _as_float(bound: Any) -> Any:
    """Return *bound* as a float where one equals it; the rules report any other. -0.0 bounds the same as 0.0."""
    try:
        return float(bound) or 0.0 if float(bound) == bound else bound
    except (TypeError, ValueError, OverflowError):
        return bound


@attrs.frozen(kw_only=True)
class FieldSchema:
    """A field of one value: its wire name, kind, constraints and default.

    Constraints have the meaning of msgspec's. Lengths count code points, a pattern may match anywhere in the text, and
    NaN is outside every bound. The rules for all values (a `str` has at most 1,024 bytes, …) apply as well.
    """

    attribute: str
    """The Python attribute. For a column of a nested record, the path to it: ``l2norm.mean``."""
    name: str
    """The name on the wire."""
    kind: KindName
    """``"int"``, ``"float"`` or ``"str"``."""
    optional: bool = False
    """Whether `None` is allowed. It is stored by leaving the field out."""
    choices: tuple[int | str, ...] = attrs.field(default=(), eq=frozenset)
    """The only values allowed, from a `Literal` or an enumeration. Empty: any value. Their order means nothing."""
    gt: int | float | None = None
    """The value is greater than this number; `None`: no such bound."""
    ge: int | float | None = None
    """The value is at least this number."""
    lt: int | float | None = None
    """The value is less than this number."""
    le: int | float | None = None
    """The value is at most this number."""
    multiple_of: int | float | None = None
    """The value is a multiple of this number, in decimals as they are written."""
    min_length: int | None = None
    """The least length of a `str`, in code points."""
    max_length: int | None = None
    """The greatest length of a `str`, in code points."""
    pattern: str | None = None
    """A regular expression of Python's `re` that matches somewhere in a `str`."""
    default: Value | Missing | None = attrs.field(default=MISSING, eq=repr)  # NaN is NaN, and -0.0 is not 0.0
    """The value of a field that a result lacks; `MISSING`: a result must have the field."""
    aliases: tuple[str, ...] = ()
    """Names under which older results store this field."""
    doc: str = ""
    """Documentation, as the schema file and generated code show it."""
    deprecated: bool = False
    """Whether the schema file marks the field as deprecated."""
    within: tuple[str, ...] = ()
    """For a column of nested records: the paths of those records that can be `None`, outermost first."""

    # Not a cached property: with one, attrs gives the class a `__getattr__`, which makes all attributes slower to read.
    _allowed: frozenset[int | str] = attrs.field(init=False, eq=False, repr=False)
    """The choices as a set, since there may be thousands."""

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "_allowed", frozenset(self.choices))
        if self.kind == "float":
            for name in _NUMBER_CONSTRAINTS:
                if (bound := getattr(self, name)) is not None:
                    object.__setattr__(self, name, _as_float(bound))  # it is frozen
        if self.doc:
            object.__setattr__(self, "doc", kept(self.doc))

    @property
    def needed(self) -> bool:
        """Whether a result must have this field, unless a record around it is `None`."""
        return self.default is MISSING and not self.optional

    @property
    def required(self) -> bool:
        """Whether every result must have this field."""
        return self.needed and not self.within

    @property
    def names(self) -> tuple[str, ...]:
        """The wire name, then the aliases."""
        return (self.name, *self.aliases)

    @property
    def constrained(self) -> bool:
        """Whether the field refuses some values of its kind."""
        return bool(self.choices) or any(getattr(self, constraint) is not None for constraint in CONSTRAINTS)

    @property
    def bounds(self) -> tuple[int | float, int | float]:
        """The least and the greatest number allowed, ``multiple_of`` aside."""
        lowest: int | float = MIN_INT if self.kind == "int" else -math.inf
        highest: int | float = MAX_INT if self.kind == "int" else math.inf
        if self.ge is not None:
            lowest = self.ge
        elif self.gt is not None:
            lowest = self.gt + 1 if self.kind == "int" else math.nextafter(self.gt, math.inf)
        if self.le is not None:
            highest = self.le
        elif self.lt is not None:
            highest = self.lt - 1 if self.kind == "int" else math.nextafter(self.lt, -math.inf)
        return lowest, highest

    @property
    def most_characters(self) -> int:
        """The most characters that a `str` of this field can have."""
        return MAX_STR_BYTES if self.max_length is None else min(self.max_length, MAX_STR_BYTES)

    def problem(self, value: object) -> str | None:
        """Return why this field refuses *value*, or `None`. A `float` field accepts an `int`."""
        exact, declared = type(value), KINDS_BY_NAME[self.kind]
        if exact is not declared.type and not (exact is int and self.kind == "float"):
            return f"must be {declared.article}, not {exact.__name__}"
        if (reason := value_problem(value)) is not None:
            return reason
        if self.choices:
            return None if value in self._allowed else f"must be one of {', '.join(map(repr, self.choices))}"
        if isinstance(value, str):
            return self._text_problem(value)
        number = cast("int | float", value)
        return self._number_problem(float(number) if self.kind == "float" else number)

    def _text_problem(self, value: str) -> str | None:
        if self.min_length is not None and len(value) < self.min_length:
            return f"must have at least {self.min_length} characters, has {len(value)}"
        if self.max_length is not None and len(value) > self.max_length:
            return f"must have at most {self.max_length} characters, has {len(value)}"
        if self.pattern is not None and compile_pattern(self.pattern).search(value) is None:
            return f"must match the pattern {self.pattern!r}"
        return None

    def _number_problem(self, value: int | float) -> str | None:
        if self.gt is not None and not value > self.gt:
            return f"must be > {self.gt!r}"
        if self.ge is not None and not value >= self.ge:
            return f"must be >= {self.ge!r}"
        if self.lt is not None and not value < self.lt:
            return f"must be < {self.lt!r}"
        if self.le is not None and not value <= self.le:
            return f"must be <= {self.le!r}"
        if self.multiple_of is not None and not is_multiple(value, self.multiple_of):
            return f"must be a multiple of {self.multiple_of!r}"
        return None

    def definition_problems(self) -> Iterator[str]:
        """Yield the reasons why such a field cannot be declared."""
        return (flaw.reason for flaw in self.flaws())

    def flaws(self) -> Iterator[Flaw]:
        """Yield the reasons why such a field cannot be declared, each with the part at fault."""
        for index, name in enumerate(self.names):
            if (reason := name_problem(name)) is not None:
                reason = f"cannot be named {shown(name)} on the wire: {reason}"
                yield Flaw("aliases", reason, index - 1) if index else Flaw("name", reason)
        broken = [*self._choice_flaws(), *self._constraint_flaws()]
        yield from broken
        empty = None if broken else self._empty()
        if empty is not None:
            yield Flaw(empty, "has constraints that no value can keep")
        # Broken constraints say nothing about the default.
        none: dict[str, Any] = dict.fromkeys(CONSTRAINTS)
        sound = attrs.evolve(self, **none) if broken or empty else self
        if (reason := sound._default_problem()) is not None:
            yield Flaw("default", reason)

    def _default_problem(self) -> str | None:
        if self.default is MISSING or (self.optional and self.default is None):
            return None
        if self.optional:
            return DEFAULT_OF_OPTIONAL
        if (reason := self.problem(self.default)) is not None:
            return f"has a default that it refuses: {reason}, got {shown(self.default)}"
        if self.kind == "float" and not _is_double(cast("int | float", self.default)):
            return f"has a default that no float equals: {self.default!r}"
        return None

    def _choice_flaws(self) -> Iterator[Flaw]:
        for index, choice in enumerate(self.choices):
            if (reason := value_problem(choice)) is not None:
                yield Flaw("choices", f"cannot allow {shown(choice)}: {reason}", index)
            elif isinstance(choice, int) and not MIN_INT <= choice <= MAX_INT64:
                yield Flaw("choices", f"cannot allow {choice}: a choice is from -2**63 to 2**63-1", index)

    def _constraint_flaws(self) -> Iterator[Flaw]:
        given = [name for name in CONSTRAINTS if getattr(self, name) is not None]
        for name in given:
            if self.choices:
                yield Flaw(name, "lists its choices, so it takes no other constraint")
            elif (name in _NUMBER_CONSTRAINTS) is (self.kind == "str"):
                yield Flaw(name, f"takes no {name}: it is {KINDS_BY_NAME[self.kind].article}")
            elif (reason := self._bound_problem(name, getattr(self, name))) is not None:
                yield Flaw(name, reason)
        for one, other in (("gt", "ge"), ("lt", "le")):
            if one in given and other in given:
                both = f"{_NUMBER_CONSTRAINTS[one]} and {_NUMBER_CONSTRAINTS[other]}"
                yield Flaw(one, f"has two bounds on one side, {both}; keep one")

    def _bound_problem(self, name: str, bound: Any) -> str | None:
        if name == "pattern":
            return _pattern_problem(bound)
        if name not in _NUMBER_CONSTRAINTS:
            return None if 0 <= bound <= MAX_INT64 else f"takes a length from 0 to 2**63-1, not {bound}"
        sign = _NUMBER_CONSTRAINTS[name]
        refused = f"cannot be bounded by {sign} {shown(bound)}"
        if name == "multiple_of" and not bound > 0:
            return f"{refused}: it must be above 0"
        if self.kind == "int":
            if not (type(bound) is int and MIN_INT <= bound <= MAX_INT64):
                reason = f"{refused}: the bounds of an int are ints from -2**63 to 2**63-1"
                rounded = _ROUNDED.get(name)
                if rounded is None or not -_MAX_ROUNDED < bound < _MAX_ROUNDED:
                    return reason
                return f"{reason}; {sign} {rounded(bound)} means the same"
            if (name, bound) in (("gt", MAX_INT64), ("lt", MIN_INT)):
                return f"{refused}: use >= or <= at the end of the 64-bit integers"
        elif not _is_double(bound):
            return f"{refused}: no float equals that"
        elif not math.isfinite(bound):
            return f"{refused}: the bounds of a float are finite"
        return None

    def _empty(self) -> str | None:
        """Return the constraint at fault where all of them together leave no value, or `None`."""
        if self.kind == "str":
            return "min_length" if (self.min_length or 0) > self.most_characters else None
        lowest, highest = self.bounds
        if lowest > highest:
            return next((name for name in ("lt", "le", "gt") if getattr(self, name) is not None), "ge")
        if self.multiple_of is not None:
            least: float | None
            if self.kind == "int":
                least = -(-lowest // self.multiple_of) * self.multiple_of
            else:
                least = least_multiple(max(lowest, -sys.float_info.max), self.multiple_of)
            return "multiple_of" if least is None or least > highest else None
        return None

    @property
    def most_bytes(self) -> int:
        """The most bytes that this column can take in a stored result."""
        line = len(self.name.encode(errors="surrogatepass")) + len('  "": ,\n')
        if self.kind != "str":
            return line + _NUMBER_BYTES
        longest = max(map(len, map(str, self.choices))) if self.choices else self.most_characters
        return line + 2 + _ESCAPED_BYTES * longest


def _pattern_problem(pattern: str) -> str | None:
    try:
        compile_pattern(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        return f"has a pattern that Python's re cannot compile: {error}"
    return None


def _is_double(number: int | float) -> bool:
    """Return whether *number* is a float, or an int that some float equals."""
    try:
        return isinstance(number, float) or float(number) == number
    except OverflowError:
        return False
