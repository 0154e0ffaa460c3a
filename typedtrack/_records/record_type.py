"""A record class as data: its schema, its attributes, and how its instances become columns and back.

The functions here handle every case and find every problem. `generated_functions` has fast ones for the common case.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Final, Generic, NoReturn, TypeVar, cast

import attrs

from typedtrack._records.annotations import Leaf
from typedtrack._records.classes import HOOK, declared_as
from typedtrack._results.values import KINDS, Result, normalised
from typedtrack._schema.records import MISSING, FieldSchema, Missing, RecordSchema
from typedtrack.errors import InvalidResultError, Problem, expected_instance, shown

__all__ = [
    "BROKEN",
    "HOOK",
    "PLACES",
    "RECORD_TYPE",
    "Member",
    "RecordType",
    "absent",
    "convert",
    "record_type",
    "refuse",
]

R = TypeVar("R")

PLACES: Final = "c{}".format
"""The name of a column, by its number, where columns are attributes: a name on the wire need not be an identifier."""

RECORD_TYPE: Final = "__typedtrack_record__"
"""The attribute of a record class that holds its `RecordType`."""

BROKEN: Final[Any] = object()
"""Stands for a column or a record that has a problem."""


@attrs.frozen
class Member:
    """One attribute of a record: a value, or another record."""

    attribute: str
    name: str
    """The name on the wire."""
    python_type: type
    """The exact type of the attribute's value, unless it is `None`."""
    optional: bool
    default: object
    """The value where the constructor is given none; `attrs.NOTHING` if it must be given one."""
    leaf: Leaf | None
    """The field of a value; `None` for another record."""

    @property
    def record(self) -> RecordType[Any]:
        """The type of the other record."""
        found: RecordType[Any] = vars(self.python_type)[RECORD_TYPE]
        return found

    def convert(self, value: object) -> tuple[object, str | None]:
        """Return *value* as the attribute holds it, and the reason if the attribute refuses it."""
        if self.leaf is not None:
            return self.leaf.convert(value)
        if type(value) is self.python_type or (value is None and self.optional):
            return value, None
        return value, f"must be {expected_instance(self.python_type, value)}"


class RecordType(Generic[R]):
    """A record class, its schema and its members."""

    def __init__(self, cls: type[R], schema: RecordSchema, members: tuple[Member, ...]) -> None:
        self.cls = cls
        self.schema = schema
        self.members = members
        self.leaves = tuple(
            attrs.evolve(leaf, column=column) for leaf, column in zip(_leaves(members), schema.columns, strict=True)
        )
        """The field of each column, those of nested records too."""

    @property
    def hook(self) -> Callable[[R], object] | None:
        """The method of the class that checks several fields together, if it has or inherits one."""
        return getattr(self.cls, HOOK, None)

    def to_columns(self, record: R | None) -> list[object]:
        """Return the values of the columns of *record* as the attributes hold them; all are `None` if it is `None`."""
        columns: list[object] = []
        for member in self.members:
            value = None if record is None else getattr(record, member.attribute)
            if member.leaf is None:
                columns += member.record.to_columns(value)
            else:
                columns.append(value)
        return columns

    def to_result(self, columns: Iterable[object]) -> Result:
        """Return the flat map that stores a record with these *columns*."""
        wires = {leaf.column.name: leaf.to_wire(value) for leaf, value in zip(self.leaves, columns, strict=True)}
        return {name: wire for name, wire in wires.items() if wire is not None}

    def from_columns(self, values: Iterable[object], problems: list[Problem]) -> R:
        """Return the record whose columns hold *values*, as its attributes hold them.

        `BROKEN` stands for a value that has a problem, and for a record that has such a value. It also stands for a
        record that its hook refuses; the reason is then added to *problems*. A nested record that may be `None` is
        `None` if all its columns are `absent`.
        """
        return self._build(iter(values), problems, None, None)

    def _build(self, values: Iterator[object], problems: list[Problem], name: str | None, path: str | None) -> R:
        held: list[object] = []
        for member in self.members:
            if member.leaf is not None:
                held.append(next(values))
                continue
            nested = member.record
            inner = [*islice(values, len(nested.leaves))]
            if member.optional and all(map(_is_absent, inner, nested.schema.columns)):
                held.append(None)
            else:
                place = member.name if name is None else f"{name}/{member.name}"
                attribute = member.attribute if path is None else f"{path}.{member.attribute}"
                held.append(nested._build(iter(inner), problems, place, attribute))
        if BROKEN in held:
            return cast("R", BROKEN)
        record = object.__new__(self.cls)
        for member, value in zip(self.members, held, strict=True):
            object.__setattr__(record, member.attribute, value)  # it is frozen
        if self.hook is not None:
            try:
                self.hook(record)
            except ValueError as error:
                problems.append(Problem(name, _reason(error), None, path))
                return cast("R", BROKEN)
            except Exception as error:
                where = self.schema.name if name is None else f"{self.schema.name}, field {name!r}"
                error.add_note(f"typedtrack: {HOOK} of {where}; it reports a bad record by a ValueError")
                raise
        return record


def record_type(cls: type[R]) -> RecordType[R]:
    """Return the `RecordType` of *cls*.

    Raises:
        RecordDefinitionError: *cls* is not a record class.
    """
    found: RecordType[R] = declared_as(cls, RECORD_TYPE, "a record class; decorate it with @record")
    return found


def convert(
    record: object, positional: tuple[object, ...], unexpected: Mapping[str, object], values: tuple[object, ...]
) -> tuple[object, ...]:
    """Return *values*, the arguments of a constructor, as the attributes of *record* hold them.

    Raises:
        TypeError: there are positional or unexpected arguments, or one is missing.
        InvalidResultError: values break the rules; it lists every problem.
        RecordDefinitionError: the class of *record* is not a record class, but inherits from one.
    """
    of = record_type(type(record))
    _check_arguments(of, positional, unexpected, values)
    converted: list[object] = []
    problems: list[Problem] = []
    for member, value in zip(of.members, values, strict=True):
        held, reason = member.convert(value)
        converted.append(held)
        if reason is not None:
            problems.append(Problem(member.name, reason, shown(value), member.attribute, _remedy(member, value)))
    if problems:
        raise InvalidResultError(tuple(problems), None, of.cls.__name__)
    return tuple(converted)


def _remedy(member: Member, value: object) -> str | None:
    """Return the remedy for *value* if no field takes its type."""
    if member.leaf is None or type(normalised(value)) in KINDS:
        return None
    if value is None:
        return "annotate the field with `| None` to leave it out"
    from typedtrack._results.other_types import remedy  # here, because only this error needs it

    return remedy(value)


def _check_arguments(
    of: RecordType[Any], positional: tuple[object, ...], unexpected: Mapping[str, object], values: tuple[object, ...]
) -> None:
    name = of.cls.__name__
    attributes = [member.attribute for member in of.members]
    if positional:
        raise TypeError(f"{name}() takes its fields as keyword arguments: {name}({attributes[0]}=...)")
    for argument in unexpected:
        from difflib import get_close_matches  # here, because only this error needs it

        close = get_close_matches(argument, attributes, 1)
        remedy = f"did you mean {close[0]!r}?" if close else f"its fields are {', '.join(attributes)}"
        raise TypeError(f"{name}() has no field {argument!r}; {remedy}")
    missing = [attribute for attribute, value in zip(attributes, values, strict=True) if value is attrs.NOTHING]
    if missing:
        raise TypeError(f"{name}() is missing the field{'s' * (len(missing) > 1)} {', '.join(missing)}")


def refuse(record: object, error: ValueError) -> NoReturn:
    """Raise *error*, which the hook of *record* raised, as a problem of the record."""
    raise InvalidResultError((Problem(None, _reason(error)),), None, type(record).__name__) from error


def _reason(error: ValueError) -> str:
    return str(error) or type(error).__name__


def _leaves(members: tuple[Member, ...]) -> Iterator[Leaf]:
    for member in members:
        if member.leaf is None:
            yield from member.record.leaves
        else:
            yield member.leaf


def absent(column: FieldSchema) -> Missing | None:
    """Return the value that stands for *column* where the nested record that holds it is `None`."""
    return None if column.optional else MISSING


def _is_absent(value: object, column: FieldSchema) -> bool:
    return value is absent(column)
