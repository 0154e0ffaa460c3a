"""How the instances of a record class and the columns of a stored result become each other.

A record that exists is valid: construction checks all fields at once, at a glance where it can, and whatever the glance
does not pass gets the closer look that decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import islice
from types import SimpleNamespace
from typing import Any, Final, Generic, TypeVar, cast

import attrs

from typedtrack._records.annotations import Leaf
from typedtrack._records.compiled import Source
from typedtrack._schema.records import MISSING, FieldSchema, Missing, RecordSchema
from typedtrack.errors import InvalidResultError, Problem, RecordDefinitionError, not_one, shown

__all__ = ["PLACES", "RECORD_TYPE", "Member", "RecordType", "absent", "record_type"]

R = TypeVar("R")

PLACES: Final = "c{}".format
"""What the column of a number is called where columns are attributes: names on the wire are none."""

RECORD_TYPE: Final = "__typedtrack_record__"
"""The attribute of a record class that holds its `RecordType`."""


@attrs.frozen
class Member:
    """One attribute: a leaf, or a record of its own."""

    attribute: str
    name: str
    content: Leaf | RecordType[Any]
    python_type: type
    optional: bool
    set: Callable[[object, object], None]

    def taken(self, value: object) -> tuple[object, str | None]:
        if isinstance(self.content, Leaf):
            return self.content.taken(value)
        if type(value) is self.python_type or (value is None and self.optional):
            return value, None
        return value, f"must be {not_one(self.python_type, value)}"

    def glance(self, record: str, source: Source) -> str:
        """Return a test of this attribute of *record*, as source: whether its value can be taken as it is."""
        value, access = "value", f"(value := {record}.{self.attribute})"
        rule = self.content.glance(value, source) if isinstance(self.content, Leaf) else None
        also = "" if rule is None else f" and {rule}"
        python_type = source.name(self.python_type)
        if self.optional:
            return f"({access} is None or type({value}) is {python_type}{also})"
        return f"type({access}) is {python_type}{also}"


class RecordType(Generic[R]):
    """How a record class and the columns of a stored result become each other."""

    def __init__(self, cls: type[R], schema: RecordSchema, members: tuple[Member, ...]) -> None:
        self.cls = cls
        self.schema = schema
        self.leaves = tuple(
            attrs.evolve(leaf, column=column) for leaf, column in zip(_leaves(members), schema.columns, strict=True)
        )
        self.members = members
        self.accesses = tuple(_accesses("record", members))
        """The values of the columns of ``record``, in order, as source."""

    def checker(self, look_closely: Callable[[Any], None]) -> Callable[[Any], None]:
        """Return what holds a record, just constructed, to its rules; it has *look_closely* decide when in doubt."""
        source = Source("record")
        tests = [f"type(record) is {source.name(self.cls)}"]
        tests.extend(member.glance("record", source) for member in self.members)
        with source.block(f"if not ({' and '.join(tests)}):"):
            source.add(f"{source.name(look_closely)}(record)")
        return source.function()

    def check_closely(self, instance: R) -> None:
        """Hold *instance*, just constructed, to its rules; values that can be taken losslessly are.

        Raises:
            InvalidResultError: it breaks some; lists every problem.
        """
        problems: list[Problem] = []
        for member in self.members:
            value = getattr(instance, member.attribute)
            taken, reason = member.taken(value)
            if reason is None:
                member.set(instance, taken)
            else:
                problems.append(Problem(member.name, reason, shown(value), member.attribute))
        if problems:
            raise InvalidResultError(tuple(problems), None, self.cls.__name__)

    @cached_property
    def columns(self) -> Callable[[R], tuple[object, ...]]:
        """Return the values of a record's columns, in order, as the attributes hold them."""
        source = Source("record")
        source.add(f"return ({', '.join(self.accesses)},)")
        return source.function()

    def of_columns(self, values: Iterable[object]) -> R:
        """Return the record whose columns have *values*, in order; they keep the rules."""
        return self._assembled(SimpleNamespace(**{PLACES(number): value for number, value in enumerate(values)}))

    @cached_property
    def _assembled(self) -> Callable[[object], R]:
        source = Source("columns")
        source.add(f"return {self.assembly(source, 'columns')}")
        return source.function()

    def assembly(self, source: Source, columns: str) -> str:
        """Add to *source* what makes the record of *columns*, the name of an object; return the name of the record.

        The attributes of that object, `PLACES`, are the values of the columns; they keep the rules. Of a nested record
        that is `None` all columns are `absent`; if some are, and are needed, it raises `ValueError`.
        """
        return self._assembly(source, [f"{columns}.{PLACES(number)}" for number in range(len(self.leaves))])

    def _assembly(self, source: Source, columns: Sequence[str]) -> str:
        record = source.variable()
        source.add(f"{record} = {source.name(object.__new__)}({source.name(self.cls)})")
        left = iter(columns)
        for member in self.members:
            if isinstance(member.content, Leaf):
                value = next(left)
            else:
                inner = [*islice(left, len(member.content.leaves))]
                value = member.content._part(source, inner, optional=member.optional)
            source.add(f"{source.name(member.set)}({record}, {value})")
        return record

    def _part(self, source: Source, columns: Sequence[str], *, optional: bool) -> str:
        """Do as `_assembly`, for a record in another: one that is `None`, if it can be and its columns are absent."""
        if not optional:
            return self._assembly(source, columns)
        part, missing = source.variable(), source.name(MISSING)
        placed = [*zip(columns, self.schema.columns, strict=True)]
        nothing = (f"{place} is {'None' if column.optional else missing}" for place, column in placed)
        lacking = (f"{place} is {missing}" for place, column in placed if not (column.optional or column.within))
        with source.block(f"if {' and '.join(nothing)}:"):
            source.add(f"{part} = None")
        with source.block(f"elif {' or '.join(lacking)}:"):
            source.add("raise ValueError")
        with source.block("else:"):
            source.add(f"{part} = {self._assembly(source, columns)}")
        return part


def record_type(cls: type[R]) -> RecordType[R]:
    """Return what `record` made of *cls*.

    Raises:
        RecordDefinitionError: *cls* is not a record class.
    """
    found = vars(cls).get(RECORD_TYPE) if hasattr(cls, "__dict__") else None
    if found is None:
        raise RecordDefinitionError(
            getattr(cls, "__name__", shown(cls)), None, "is not a record class; decorate it with @record"
        )
    return cast("RecordType[R]", found)  # set by `record` alone


def _leaves(members: tuple[Member, ...]) -> Iterator[Leaf]:
    for member in members:
        if isinstance(member.content, Leaf):
            yield member.content
        else:
            yield from member.content.leaves


def _accesses(record: str, members: tuple[Member, ...]) -> Iterator[str]:
    """Yield, as source, the values of the columns of what *record* says, as source: `None` below what is `None`."""
    for member in members:
        value = f"{record}.{member.attribute}"
        if isinstance(member.content, Leaf):
            yield value
        else:
            for access in _accesses(value, member.content.members):
                yield f"None if {value} is None else {access}" if member.optional else access


def absent(column: FieldSchema) -> Missing | None:
    """Return what stands for a *column* that is within a record that is `None`."""
    return None if column.optional else MISSING
