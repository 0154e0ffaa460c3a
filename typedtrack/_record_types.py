"""How the instances of a record class and the columns of a stored result become each other.

A record that exists is valid: construction checks all fields at once, at a glance where it can, and whatever the glance
does not pass gets the closer look that decides.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from itertools import count
from types import SimpleNamespace
from typing import Any, Final, Generic, TypeVar, cast

import attrs

from typedtrack._fields import Leaf
from typedtrack._schema import RecordSchema
from typedtrack.errors import InvalidResultError, Problem, shown

__all__ = ["PLACES", "Member", "RecordType"]

R = TypeVar("R")

PLACES: Final = "c{}".format
"""What the column of a number is called where columns are attributes: names on the wire are none."""


@attrs.frozen
class Member:
    """One attribute: a leaf, or a record of its own."""

    attribute: str
    name: str
    content: Leaf | RecordType[Any]
    python_type: type
    glance: Callable[[Any], bool] | None
    optional: bool
    set: Callable[[object, object], None]

    def taken(self, value: object) -> tuple[object, str | None]:
        if isinstance(self.content, Leaf):
            return self.content.taken(value)
        if type(value) is self.python_type:
            return value, None
        return value, f"must be a {self.python_type.__name__}, not {type(value).__name__}"


class RecordType(Generic[R]):
    """How a record class and the columns of a stored result become each other."""

    def __init__(self, cls: type[R], schema: RecordSchema, members: tuple[Member, ...]) -> None:
        self.cls = cls
        self.schema = schema
        self.leaves = tuple(
            attrs.evolve(leaf, column=column) for leaf, column in zip(_leaves(members), schema.columns, strict=True)
        )
        self.members = members
        self._glances = tuple((member.python_type, member.glance, member.optional) for member in members)
        self._attributes = _getter([member.attribute for member in members])
        self.columns = _getter([column.attribute for column in schema.columns])
        """Return the values of a record's columns, in order, as the attributes hold them."""

    def check(self, instance: R) -> None:
        """Hold *instance*, just constructed, to its rules; values that can be taken losslessly are.

        Raises:
            InvalidResultError: it breaks some; lists every problem.
        """
        values = self._attributes(instance)
        for value, (python_type, glance, optional) in zip(values, self._glances):  # noqa: B905  # same length, hot
            if type(value) is python_type:
                if glance is None or glance(value):
                    continue
            elif value is None and optional:
                continue
            return self._check_closely(instance, values)
        return None

    def _check_closely(self, instance: R, values: tuple[object, ...]) -> None:
        problems: list[Problem] = []
        for member, value in zip(self.members, values, strict=True):
            taken, reason = member.taken(value)
            if reason is None:
                member.set(instance, taken)
            else:
                problems.append(Problem(member.name, reason, shown(value), member.attribute))
        if problems:
            raise InvalidResultError(tuple(problems), None, self.cls.__name__)

    @cached_property
    def assembled(self) -> Callable[[object], R]:
        """Return the record of an object whose attributes, `PLACES`, are its columns' values; they keep the rules.

        It is made as source, as attrs makes ``__init__``: a loop over the fields would take twice as long, which is
        most of the time of a read.
        """
        names: dict[str, Any] = {"new": object.__new__}
        lines: list[str] = []
        record = self._assembly(names, lines, (f"columns.{PLACES(number)}" for number in count()))
        exec("\n".join(["def assembled(columns):", *lines, f"    return {record}"]), names)
        return cast("Callable[[object], R]", names["assembled"])  # what the source defines

    def _assembly(self, names: dict[str, Any], lines: list[str], columns: Iterator[str]) -> str:
        """Add the *lines* that make the record of the next of *columns*, and the *names* in them; return its own."""
        number = len(lines)
        names[f"cls{number}"] = self.cls
        lines.append(f"    record{number} = new(cls{number})")
        for member in self.members:
            content = member.content
            value = next(columns) if isinstance(content, Leaf) else content._assembly(names, lines, columns)
            names[f"set{len(lines)}"] = member.set
            lines.append(f"    set{len(lines)}(record{number}, {value})")
        return f"record{number}"

    def of_columns(self, values: Iterable[object]) -> R:
        """Return the record whose columns have *values*, in order; they keep the rules."""
        return self.assembled(SimpleNamespace(**{PLACES(number): value for number, value in enumerate(values)}))


def _leaves(members: tuple[Member, ...]) -> Iterator[Leaf]:
    for member in members:
        if isinstance(member.content, Leaf):
            yield member.content
        else:
            yield from member.content.leaves


def _getter(paths: list[str]) -> Callable[[object], tuple[object, ...]]:
    if len(paths) == 1:
        get = operator.attrgetter(paths[0])
        return lambda instance: (get(instance),)
    return operator.attrgetter(*paths)
