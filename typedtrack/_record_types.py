"""How the instances of a record class and the columns of a stored result become each other.

A record that exists is valid: construction checks all fields at once, at a glance where it can, and whatever the glance
does not pass gets the closer look that decides.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property, reduce
from itertools import islice
from types import SimpleNamespace
from typing import Any, Final, Generic, TypeVar, cast

import attrs

from typedtrack._fields import Leaf
from typedtrack._schema import MISSING, FieldSchema, Missing, RecordSchema
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
        if type(value) is self.python_type or (value is None and self.optional):
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
        getter = _optional_getter if schema.columns_within else _getter
        self.columns = getter([column.attribute for column in schema.columns])
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

        Of a nested record that is `None` all columns are `absent`; if some are, and are needed, it raises `ValueError`.
        It is made as source, as attrs makes ``__init__``: a loop over the fields would take twice as long, which is
        most of the time of a read.
        """
        names: dict[str, Any] = {"new": object.__new__, "missing": MISSING}
        lines = ["def assembled(columns):"]
        places = [f"columns.{PLACES(number)}" for number in range(len(self.leaves))]
        lines.append(f"    return {self._assembly(names, lines, places, '    ')}")
        exec("\n".join(lines), names)
        return cast("Callable[[object], R]", names["assembled"])  # what the source defines

    def _assembly(self, names: dict[str, Any], lines: list[str], columns: Sequence[str], indent: str) -> str:
        """Add the *lines* that make the record of *columns*, and the *names* in them; return its own."""
        number = len(lines)
        names[f"cls{number}"] = self.cls
        lines.append(f"{indent}record{number} = new(cls{number})")
        left = iter(columns)
        for member in self.members:
            if isinstance(member.content, Leaf):
                value = next(left)
            else:
                inner = [*islice(left, len(member.content.leaves))]
                value = member.content._part(names, lines, inner, indent, optional=member.optional)
            names[f"set{len(lines)}"] = member.set
            lines.append(f"{indent}set{len(lines)}(record{number}, {value})")
        return f"record{number}"

    def _part(
        self, names: dict[str, Any], lines: list[str], columns: Sequence[str], indent: str, *, optional: bool
    ) -> str:
        """Add the *lines* that make the record of *columns*, nested in another, or `None` if it can be that."""
        if not optional:
            return self._assembly(names, lines, columns, indent)
        part = f"part{len(lines)}"
        placed = [*zip(columns, self.schema.columns, strict=True)]
        nothing = (f"{place} is {'None' if column.optional else 'missing'}" for place, column in placed)
        lacking = (f"{place} is missing" for place, column in placed if not (column.optional or column.within))
        lines.append(f"{indent}if {' and '.join(nothing)}:")
        lines.append(f"{indent}    {part} = None")
        lines.append(f"{indent}elif {' or '.join(lacking)}:")
        lines.append(f"{indent}    raise ValueError")
        lines.append(f"{indent}else:")
        lines.append(f"{indent}    {part} = {self._assembly(names, lines, columns, indent + '    ')}")
        return part

    def of_columns(self, values: Iterable[object]) -> R:
        """Return the record whose columns have *values*, in order; they keep the rules."""
        return self.assembled(SimpleNamespace(**{PLACES(number): value for number, value in enumerate(values)}))


def _leaves(members: tuple[Member, ...]) -> Iterator[Leaf]:
    for member in members:
        if isinstance(member.content, Leaf):
            yield member.content
        else:
            yield from member.content.leaves


def absent(column: FieldSchema) -> Missing | None:
    """Return what stands for a *column* that is within a record that is `None`."""
    return None if column.optional else MISSING


def _getter(paths: list[str]) -> Callable[[object], tuple[object, ...]]:
    if len(paths) == 1:
        get = operator.attrgetter(paths[0])
        return lambda instance: (get(instance),)
    return operator.attrgetter(*paths)


def _optional_getter(paths: list[str]) -> Callable[[object], tuple[object, ...]]:
    """Return what gets the attributes at *paths*, where records on the way may be `None`, and so are theirs then."""
    get = _getter(paths)

    def get_or_none(instance: object) -> tuple[object, ...]:
        try:
            return get(instance)
        except AttributeError:
            return tuple(reduce(lambda found, name: getattr(found, name, None), path, instance) for path in split)

    split = [path.split(".") for path in paths]
    return get_or_none
