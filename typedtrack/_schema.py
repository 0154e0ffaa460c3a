"""What a record is, without the class: the frozen description that everything else speaks through.

A `RecordSchema` holds fields as they are declared (a field may be another record) and, flattened from them, columns:
one per name on the wire. The codec, JSON Schema documents, generated code, compatibility rules and Hypothesis
strategies read columns; none of them looks at a class.
"""

from __future__ import annotations

import enum
import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from hashlib import sha256
from typing import Final, Literal, TypeAlias, cast

import attrs

from typedtrack._values import KINDS, MAX_RESULT_BYTES, MAX_STR_BYTES, MIN_INT, Kind, Value, name_problem, value_problem

__all__ = ["CONSTRAINTS", "MISSING", "FieldSchema", "KindName", "Missing", "NestedSchema", "RecordSchema"]

KindName: TypeAlias = Literal["int", "float", "str"]

CONSTRAINTS: Final = ("gt", "ge", "lt", "le", "multiple_of", "min_length", "max_length", "pattern")
"""The constraints that a field may have besides the rules of every value: those of `msgspec.Meta`, with its meaning."""

_NUMBER_CONSTRAINTS: Final = frozenset({"gt", "ge", "lt", "le", "multiple_of"})
_TEXT_CONSTRAINTS: Final = frozenset({"min_length", "max_length", "pattern"})

_KINDS: Final[dict[str, Kind]] = {kind.type.__name__: kind for kind in KINDS.values()}
_NUMBER_BYTES: Final = 32  # the longest int has 20 characters, the longest float 25
_ESCAPED_BYTES: Final = 6  # the longest escape of a character, \u0000


class Missing(enum.Enum):
    """The type of `MISSING`, which stands for no default."""

    MISSING = "MISSING"


MISSING: Final = Missing.MISSING


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
    gt: int | float | None = None
    ge: int | float | None = None
    lt: int | float | None = None
    le: int | float | None = None
    multiple_of: int | float | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    default: Value | Missing | None = MISSING
    aliases: tuple[str, ...] = ()
    """Names that older results have this field under."""
    doc: str = ""
    deprecated: bool = False

    @property
    def required(self) -> bool:
        """Whether a result without this field is no such record."""
        return self.default is MISSING and not self.optional

    @property
    def names(self) -> tuple[str, ...]:
        """The name on the wire, then the aliases."""
        return (self.name, *self.aliases)

    @property
    def constrained(self) -> bool:
        """Whether some values of the kind are refused."""
        return bool(self.choices) or any(getattr(self, constraint) is not None for constraint in CONSTRAINTS)

    def problem(self, value: object) -> str | None:
        """Return why this field refuses *value*, or `None`. An `int` is taken where a `float` is declared."""
        exact = type(value)
        if exact is not _KINDS[self.kind].type and not (exact is int and self.kind == "float"):
            return f"must be {'an int' if self.kind == 'int' else f'a {self.kind}'}, not {exact.__name__}"
        if (reason := value_problem(value)) is not None:
            return reason
        if self.choices:
            return None if value in self.choices else f"must be one of {', '.join(map(repr, self.choices))}"
        return self._text_problem(value) if isinstance(value, str) else self._number_problem(cast("int | float", value))

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
        for name in self.names:
            if (reason := name_problem(name)) is not None:
                yield f"cannot be named {name!r} on the wire: {reason}"
        yield from self._constraint_problems()
        for choice in self.choices:
            if (reason := value_problem(choice)) is not None:
                yield f"cannot allow {choice!r}: {reason}"
        if self.optional:
            if self.default is not MISSING and self.default is not None:
                yield "can be None, which is absent on the wire and must read back: its default can only be None"
        elif self.default is not MISSING and (reason := self.problem(self.default)) is not None:
            yield f"has a default that it refuses: {reason}, got {self.default!r}"

    def _constraint_problems(self) -> Iterator[str]:
        given = {name for name in CONSTRAINTS if getattr(self, name) is not None}
        fitting = _TEXT_CONSTRAINTS if self.kind == "str" else _NUMBER_CONSTRAINTS
        if self.choices and given:
            yield "names its values, so that it takes no further constraint"
        for choice in self.choices:
            if isinstance(choice, int) and not MIN_INT <= choice < 2**63:
                yield f"takes choices from -2**63 to 2**63-1, not {choice}"
        for name in sorted(given - fitting):
            yield f"takes no {name}: it is {'an int' if self.kind == 'int' else f'a {self.kind}'}"
        for name in sorted(given & _NUMBER_CONSTRAINTS):
            bound = getattr(self, name)
            if self.kind == "int" and not (type(bound) is int and MIN_INT <= bound < 2**63):
                yield f"takes an int from -2**63 to 2**63-1 for {name}, not {bound!r}"
            elif not math.isfinite(bound):
                yield f"takes a finite number for {name}, not {bound!r}"
        for one, other in (("gt", "ge"), ("lt", "le")):
            if {one, other} <= given:
                yield f"takes {one} or {other}, not both"
        if self.multiple_of is not None and not self.multiple_of > 0:
            yield "takes a multiple_of above 0"
        if self.pattern is not None:
            try:
                re.compile(self.pattern)
            except re.error as error:
                yield f"has a pattern that is no regular expression: {error}"
        if self._bounds_cross():
            yield "has constraints that no value can keep"

    def _bounds_cross(self) -> bool:
        lowest = self.ge if self.gt is None else self.gt
        highest = self.le if self.lt is None else self.lt
        if lowest is not None and highest is not None:
            both_included = self.gt is None and self.lt is None
            if lowest > highest or (lowest == highest and not both_included):
                return True
        return self.min_length is not None and self.max_length is not None and self.min_length > self.max_length

    @property
    def most_bytes(self) -> int:
        """The most bytes that this column can have in a stored result."""
        line = len(self.name.encode()) + len('  "": ,\n')
        if self.kind != "str":
            return line + _NUMBER_BYTES
        longest = MAX_STR_BYTES if self.max_length is None else min(self.max_length, MAX_STR_BYTES)
        if self.choices:
            longest = max(len(str(choice)) for choice in self.choices)
        return line + 2 + _ESCAPED_BYTES * longest


def _is_multiple(value: int | float, of: int | float) -> bool:
    if isinstance(value, int) and isinstance(of, int):
        return value % of == 0
    return math.isfinite(value) and math.fmod(value, of) == 0.0


@attrs.frozen(kw_only=True)
class NestedSchema:
    """A field that is another record: its names are flattened, ``<name>/<name there>``."""

    attribute: str
    name: str
    record: RecordSchema
    defaults: tuple[Value | None, ...] = ()
    """The default of each of the record's columns, where the field has a default."""
    aliases: tuple[str, ...] = ()
    doc: str = ""

    @property
    def columns(self) -> tuple[FieldSchema, ...]:
        """The columns that the nested record brings, named as in the record around it."""
        defaults: tuple[Value | Missing | None, ...] = self.defaults
        if not defaults:
            defaults = tuple(column.default for column in self.record.columns)
        columns: list[FieldSchema] = []
        for column, default in zip(self.record.columns, defaults, strict=True):
            name, *aliases = (f"{above}/{there}" for above in (self.name, *self.aliases) for there in column.names)
            columns.append(
                attrs.evolve(
                    column,
                    attribute=f"{self.attribute}.{column.attribute}",
                    name=name,
                    aliases=tuple(aliases),
                    default=default,
                )
            )
        return tuple(columns)


@attrs.frozen(kw_only=True, slots=False)  # a dictionary, for the cached properties
class RecordSchema:
    """A record: its name, what it is for, and its fields in order."""

    name: str
    fields: tuple[FieldSchema | NestedSchema, ...]
    doc: str = ""

    @cached_property
    def columns(self) -> tuple[FieldSchema, ...]:
        """One field schema per name on the wire, in order; what nested records bring is named ``<field>/<name>``."""
        columns: list[FieldSchema] = []
        for field in self.fields:
            columns.extend((field,) if isinstance(field, FieldSchema) else field.columns)
        return tuple(columns)

    @cached_property
    def fingerprint(self) -> str:
        """64 hexadecimal digits that two schemas share if they accept the same results and read them the same.

        It covers the columns' names, aliases, kinds, constraints and defaults; not their order, their documentation,
        the Python names, nor how columns are grouped into nested records.
        """
        shape = {
            column.name: [
                column.kind,
                column.optional,
                sorted(map(repr, column.choices)),
                sorted(column.aliases),
                [repr(getattr(column, constraint)) for constraint in CONSTRAINTS],
                repr(None if column.optional else column.default),
            ]
            for column in self.columns
        }
        return sha256(json.dumps(shape, sort_keys=True).encode()).hexdigest()

    def definition_problems(self) -> Iterator[tuple[str | None, str]]:
        """Yield why this cannot be a record: the attribute (`None`: the record itself) and the reason."""
        if all(column.optional for column in self.columns):
            yield None, "needs a field that cannot be None: a result has at least one"
        for field in self.fields:
            if isinstance(field, FieldSchema):
                for reason in field.definition_problems():
                    yield field.attribute, reason
            else:
                for column in field.columns:
                    for reason in column.definition_problems():
                        yield column.attribute, reason
        taken = Counter(name for column in self.columns for name in column.names)
        for column in self.columns:
            for name in column.names:
                if taken[name] > 1:
                    yield column.attribute, f"has the name {name!r} on the wire, and so has another field"
        if (most := sum(column.most_bytes for column in self.columns)) > MAX_RESULT_BYTES:
            yield (
                None,
                (
                    f"can be up to {most:,} bytes encoded; the limit is {MAX_RESULT_BYTES:,} bytes: "
                    "bound its str fields by msgspec.Meta(max_length=...), or split it"
                ),
            )
