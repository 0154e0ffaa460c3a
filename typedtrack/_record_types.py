"""How the instances of a record class and the columns of a stored result become each other.

A record that exists is valid: construction checks all fields at once, at a glance where it can, and whatever the glance
does not pass gets the closer look that decides.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from functools import cached_property
from itertools import islice
from typing import Any, Generic, TypeVar, cast

import attrs

from typedtrack._fields import Leaf
from typedtrack._schema import RecordSchema
from typedtrack.errors import InvalidResultError, Problem, shown

__all__ = ["Member", "RecordType"]

R = TypeVar("R")


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
    def assembled(self) -> Callable[..., R]:
        """Return the record whose columns have the arguments, in order; they are known to keep the rules.

        It is made as source, as attrs makes ``__init__``: a loop over the fields would take twice as long, which is
        most of the time of a read.
        """
        names: dict[str, Any] = {"cls": self.cls, "new": object.__new__}
        parameters = [f"c{place}" for place in range(len(self.leaves))]
        left = iter(parameters)
        lines = [f"def assembled({', '.join(parameters)}):", "    record = new(cls)"]
        for place, member in enumerate(self.members):
            names[f"set{place}"] = member.set
            if isinstance(member.content, Leaf):
                value = next(left)
            else:
                names[f"nested{place}"] = member.content.assembled
                value = f"nested{place}({', '.join(islice(left, len(member.content.leaves)))})"
            lines.append(f"    set{place}(record, {value})")
        exec("\n".join([*lines, "    return record"]), names)
        return cast("Callable[..., R]", names["assembled"])  # what the source defines


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
