"""Functions that take a record: `evolve` and `as_result`."""

from __future__ import annotations

from typing import Any, TypeVar, cast

import attrs

from typedtrack._records.record_type import RecordType, record_type
from typedtrack._results.values import Result

__all__ = ["as_result", "evolve"]

R = TypeVar("R")


def evolve(record: R, /, **changes: object) -> R:
    """Return a copy of *record* with *changes* to its fields; it is checked as any new record is.

    It is `attrs.evolve`, with types that every type checker understands. A typed key has it, too.

    Raises:
        TypeError: a change is not a field.
        InvalidResultError: the copy breaks a rule; it lists every problem.

    >>> from typedtrack import Stat
    >>> evolve(Stat(mean=0.5, sem=0.1), sem=0.2)
    Stat(mean=0.5, sem=0.2)
    """
    changed = attrs.evolve(cast("Any", record), **changes)  # to mypy, a record is not an attrs class
    return cast("R", changed)


def as_result(record: object, /) -> Result:
    """Return the flat map that stores *record*: names on the wire and their values, without fields that are `None`.

    Raises:
        RecordDefinitionError: *record* is not an instance of a record class.

    >>> from typedtrack import Stat
    >>> as_result(Stat(mean=0.5, sem=0.1))
    {'mean': 0.5, 'sem': 0.1}
    """
    of: RecordType[object] = record_type(type(record))
    return of.to_result(of.to_columns(record))
