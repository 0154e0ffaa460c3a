"""What one field of a record is, without the class: its name on the wire, its kind, its constraints, its default."""

from __future__ import annotations

import enum
import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Literal, NamedTuple, TypeAlias, cast

import attrs

from typedtrack._results.values import KINDS, MAX_INT, MAX_STR_BYTES, MIN_INT, Kind, Value, name_problem, value_problem
from typedtrack._schema.docstrings import kept
from typedtrack._schema.words import PYTHON, Words
from typedtrack.errors import shown

__all__ = ["CONSTRAINTS", "MISSING", "FieldSchema", "Flaw", "KindName", "Missing"]

KindName: TypeAlias = Literal["int", "float", "str"]

CONSTRAINTS: Final = ("gt", "ge", "lt", "le", "multiple_of", "min_length", "max_length", "pattern")
"""The constraints that a field may have besides the rules of every value: those of `msgspec.Meta`, with its meaning."""

_NUMBER_CONSTRAINTS: Final = frozenset({"gt", "ge", "lt", "le", "multiple_of"})
_TEXT_CONSTRAINTS: Final = frozenset({"min_length", "max_length", "pattern"})

_ROUNDED: Final[Mapping[str, Callable[[float], int]]] = {
    "ge": math.ceil,
    "gt": math.floor,
    "le": math.floor,
    "lt": math.ceil,
}
"""To the int that bounds the same ints as a number between two of them."""
_FAR: Final = 2.0**62

_KINDS: Final[dict[str, Kind]] = {kind.type.__name__: kind for kind in KINDS.values()}
_NUMBER_BYTES: Final = 32  # the longest int has 20 characters, the longest float 25
_ESCAPED_BYTES: Final = 6  # the longest escape of a character, \u0000


class Missing(enum.Enum):
    """The type of `MISSING`, which stands for no default."""

    MISSING = "MISSING"


MISSING: Final = Missing.MISSING


class Flaw(NamedTuple):
    """Something of a field that no field can have."""

    part: str
    """The attribute of `FieldSchema` that it is about."""
    reason: str
    place: int | None = None
    """Which of the choices, or of the aliases."""


def _unsigned_zero(bound: int | float | None) -> int | float | None:
    """Return 0.0 for -0.0. They bound the same numbers, and `typing` takes annotations with either for one."""
    return 0.0 if isinstance(bound, float) and not bound else bound


@attrs.frozen(kw_only=True)
class FieldSchema:
    """One field of one value: its name on the wire, its kind, its constraints, its default.

    Constraints mean what they mean to msgspec: lengths are in code points, a pattern is searched for, NaN is within no
    bound. The rules of every value (a `str` has 1,024 bytes at most, …) hold besides.
    """

    attribute: str
    """The Python attribute; of a column that a nested record brings the path to it, ``l2norm.mean``."""
    name: str
    kind: KindName
    optional: bool = False
    """Whether `None` is allowed, which is absent on the wire."""
    choices: tuple[int | str, ...] = ()
    """The only values allowed, where a `Literal` or an enumeration names them."""
    gt: int | float | None = attrs.field(default=None, converter=_unsigned_zero)
    ge: int | float | None = attrs.field(default=None, converter=_unsigned_zero)
    lt: int | float | None = attrs.field(default=None, converter=_unsigned_zero)
    le: int | float | None = attrs.field(default=None, converter=_unsigned_zero)
    multiple_of: int | float | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    default: Value | Missing | None = attrs.field(default=MISSING, eq=repr)  # NaN is NaN, and -0.0 is not 0.0
    aliases: tuple[str, ...] = ()
    """Names that older results have this field under."""
    doc: str = ""
    deprecated: bool = False
    within: tuple[str, ...] = ()
    """Of a column that nested records bring, those of them that can be `None`: the paths to them, outermost first."""

    def __attrs_post_init__(self) -> None:
        if self.doc:
            object.__setattr__(self, "doc", kept(self.doc))  # it is frozen

    @property
    def needed(self) -> bool:
        """Whether a result needs this field, unless a record that it is within is `None`."""
        return self.default is MISSING and not self.optional

    @property
    def required(self) -> bool:
        """Whether a result without this field is no such record."""
        return self.needed and not self.within

    @property
    def names(self) -> tuple[str, ...]:
        """The name on the wire, then the aliases."""
        return (self.name, *self.aliases)

    @property
    def constrained(self) -> bool:
        """Whether some values of the kind are refused."""
        return bool(self.choices) or any(getattr(self, constraint) is not None for constraint in CONSTRAINTS)

    @property
    def bounds(self) -> tuple[int | float, int | float]:
        """The least and the greatest number allowed (but for what ``multiple_of`` refuses between them)."""
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

    def problem(self, value: object, words: Words = PYTHON) -> str | None:
        """Return why this field refuses *value*, or `None`. An `int` is taken where a `float` is declared."""
        exact, declared = type(value), _KINDS[self.kind].type
        if exact is not declared and not (exact is int and self.kind == "float"):
            return f"must be {words.one(declared)}, not {words.type_name(exact)}"
        if (reason := value_problem(value)) is not None:
            return reason
        if self.choices:
            return None if value in self.choices else f"must be one of {', '.join(map(repr, self.choices))}"
        if isinstance(value, str):
            return self._text_problem(value)
        number = cast("int | float", value)
        return self._number_problem(float(number) if self.kind == "float" else number)

    def _text_problem(self, value: str) -> str | None:
        if self.min_length is not None and len(value) < self.min_length:
            return f"must have at least {self.min_length} characters, has {len(value)}"
        if self.max_length is not None and len(value) > self.max_length:
            return f"must have at most {self.max_length} characters, has {len(value)}"
        if self.pattern is not None and re.search(self.pattern, value) is None:
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
        if self.multiple_of is not None and not _is_multiple(value, self.multiple_of):
            return f"must be a multiple of {self.multiple_of!r}"
        return None

    def definition_problems(self) -> Iterator[str]:
        """Yield why this cannot be a field."""
        return (flaw.reason for flaw in self.flaws())

    def flaws(self, words: Words = PYTHON) -> Iterator[Flaw]:
        """Yield what of this no field can have, in the *words* of whoever declared it."""
        for place, name in enumerate(self.names):
            if (reason := name_problem(name)) is not None:
                part = "aliases" if place else "name"
                yield Flaw(part, f"cannot be named {shown(name)} on the wire: {reason}", place - 1 if place else None)
        broken = [*self._choice_flaws(), *self._constraint_flaws(words)]
        yield from broken
        empty = None if broken else self._empty()
        if empty is not None:
            yield Flaw(empty, "has constraints that no value can keep")
        # Constraints that are wrong themselves tell nothing of the default.
        none: dict[str, Any] = dict.fromkeys(CONSTRAINTS)
        sound = attrs.evolve(self, **none) if broken or empty else self
        if (reason := sound._default_problem(words)) is not None:
            yield Flaw("default", reason)

    def _default_problem(self, words: Words) -> str | None:
        if self.default is MISSING or (self.optional and self.default is None):
            return None
        if self.optional:
            return words.only_none
        if (reason := self.problem(self.default, words)) is not None:
            return f"has a default that it refuses: {reason}, got {shown(self.default)}"
        if self.kind == "float" and not _is_double(cast("int | float", self.default)):
            return f"has a default that no {words.double} equals: {self.default!r}"
        return None

    def _choice_flaws(self) -> Iterator[Flaw]:
        for place, choice in enumerate(self.choices):
            if (reason := value_problem(choice)) is not None:
                yield Flaw("choices", f"cannot allow {shown(choice)}: {reason}", place)
            elif isinstance(choice, int) and not MIN_INT <= choice < 2**63:
                yield Flaw("choices", f"takes choices from -2**63 to 2**63-1, not {choice}", place)

    def _constraint_flaws(self, words: Words) -> Iterator[Flaw]:
        given = {name for name in CONSTRAINTS if getattr(self, name) is not None}
        fitting = _TEXT_CONSTRAINTS if self.kind == "str" else _NUMBER_CONSTRAINTS
        for name in sorted(given if self.choices else given - fitting):
            if self.choices:
                yield Flaw(name, "names its values, so that it takes no further constraint")
            else:
                yield Flaw(name, f"takes no {words.constraint(name)}: it is {words.one(_KINDS[self.kind].type)}")
        for name in sorted(given & _NUMBER_CONSTRAINTS):
            if (reason := self._bound_problem(name, getattr(self, name), words)) is not None:
                yield Flaw(name, reason)
        for name in sorted(given & {"min_length", "max_length"}):
            if not 0 <= (length := getattr(self, name)) < 2**63:
                yield Flaw(name, f"takes a length from 0 to 2**63-1 for {words.constraint(name)}, not {length}")
        for one, other in (("gt", "ge"), ("lt", "le")):
            if {one, other} <= given:
                yield Flaw(one, f"takes {words.constraint(one)} or {words.constraint(other)}, not both")
        if self.pattern is not None:
            try:
                re.compile(self.pattern)
            except (re.error, OverflowError, RecursionError) as error:
                yield Flaw("pattern", f"has a pattern that is no regular expression: {error}")

    def _bound_problem(self, name: str, bound: int | float, words: Words) -> str | None:
        if self.kind == "str":
            return None
        said = words.constraint(name)
        if name == "multiple_of" and not bound > 0:
            return f"takes a {said} above 0"
        if self.kind == "int":
            if not (type(bound) is int and MIN_INT <= bound < 2**63):
                reason = f"takes {words.one(int)} from -2**63 to 2**63-1 for {said}, not {shown(bound)}"
                rounded = _ROUNDED.get(name)
                return f"{reason}; {rounded(bound)} says the same" if rounded and -_FAR < bound < _FAR else reason
            if (name, bound) in (("gt", 2**63 - 1), ("lt", MIN_INT)):
                either = f"{words.constraint('ge')} or {words.constraint('le')}"
                return f"takes {either} for a bound at the end of the 64-bit integers"
        elif not _is_double(bound):
            return f"takes a number that a {words.double} equals for {said}, not {shown(bound)}"
        elif not math.isfinite(bound):
            return f"takes a finite number for {said}, not {bound!r}"
        return None

    def _empty(self) -> str | None:
        """Return the last of the constraints that leave no value, or `None` if they leave one."""
        if self.kind == "str":
            longest = MAX_STR_BYTES if self.max_length is None else min(self.max_length, MAX_STR_BYTES)
            return "min_length" if (self.min_length or 0) > longest else None
        lowest, highest = self.bounds
        if lowest > highest:
            return next((name for name in ("lt", "le", "gt") if getattr(self, name) is not None), "ge")
        if self.multiple_of is not None and math.isfinite(lowest) and math.isfinite(highest):
            from fractions import Fraction  # here, because few fields ask for it

            step = Fraction(self.multiple_of)
            return "multiple_of" if math.ceil(Fraction(lowest) / step) > math.floor(Fraction(highest) / step) else None
        return None

    @property
    def most_bytes(self) -> int:
        """The most bytes that this column can have in a stored result."""
        line = len(self.name.encode(errors="surrogatepass")) + len('  "": ,\n')
        if self.kind != "str":
            return line + _NUMBER_BYTES
        longest = MAX_STR_BYTES if self.max_length is None else min(self.max_length, MAX_STR_BYTES)
        if self.choices:
            longest = max(len(str(choice)) for choice in self.choices)
        return line + 2 + _ESCAPED_BYTES * longest


def _is_double(number: int | float) -> bool:
    """Return whether *number* is a float, or an int that one equals."""
    try:
        return isinstance(number, float) or float(number) == number
    except OverflowError:
        return False


def _is_multiple(value: int | float, of: int | float) -> bool:
    if isinstance(value, int) and isinstance(of, int):
        return value % of == 0
    return math.isfinite(value) and math.fmod(value, of) == 0.0
