"""Hypothesis strategies for records of a class, and for the values of a column."""

from __future__ import annotations

import math
import sys
from functools import partial
from typing import Any, Final, TypeVar

from hypothesis import reject
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from typedtrack._records.annotations import Leaf
from typedtrack._records.declare import for_each_record
from typedtrack._records.record_type import RecordType, record_type
from typedtrack._records.stat import Stat
from typedtrack._results.values import MAX_STR_BYTES, Value
from typedtrack._schema.multiples import least_multiple
from typedtrack._schema.patterns import without_warnings
from typedtrack._schema.records import FieldSchema
from typedtrack.errors import InvalidResultError
from typedtrack.testing.patterns import matching_texts
from typedtrack.testing.strategies import EDGE_CHARACTERS, VALID_CHARACTERS, floats, ints, strs

__all__ = ["column_values", "records"]

R = TypeVar("R")

_MAX_FLOAT: Final = sys.float_info.max


def records(cls: type[R]) -> SearchStrategy[R]:
    """Return a strategy for records of the class *cls*, which keep every constraint of its fields.

    Where ``__attrs_post_init__`` refuses a record, another is drawn; where it refuses nearly all, build records
    yourself.

    Raises:
        RecordDefinitionError: *cls* is not a record class.

    >>> from hypothesis import find
    >>> from typedtrack import Stat
    >>> find(records(Stat), lambda stat: stat.sem > 1)
    Stat(mean=0.0, sem=2.0)
    """
    return _records(record_type(cls))


def _records(of: RecordType[R]) -> SearchStrategy[R]:
    fields: dict[str, SearchStrategy[Any]] = {}
    for member in of.members:
        if member.leaf is not None:
            fields[member.attribute] = _leaf_values(member.leaf)
        else:
            values = _records(member.record)
            fields[member.attribute] = st.none() | values if member.optional else values
    if of.cls is Stat:  # its hook would reject every second one
        fields["sem"] = st.floats(0) | st.just(math.nan)
    elif of.hook is not None:
        return st.builds(partial(_accepted, of.cls), **fields)
    return st.builds(of.cls, **fields)


def _accepted(cls: type[R], **values: Any) -> R:
    try:
        return cls(**values)
    except InvalidResultError:  # by __attrs_post_init__: every field keeps its own constraints
        reject()


def _leaf_values(leaf: Leaf) -> SearchStrategy[Any]:
    column = leaf.column
    values = column_values(column) if leaf.enumeration is None else st.sampled_from(leaf.enumeration)
    return st.none() | values if column.optional else values


def column_values(column: FieldSchema) -> SearchStrategy[Value]:
    """Return a strategy for the values that *column* allows, besides `None`."""
    values: SearchStrategy[Value]
    if column.choices:
        return st.sampled_from(column.choices)
    if column.kind == "int":
        values = _int_values(column) if column.constrained else ints()
    elif column.kind == "float":
        values = _float_values(column) if column.constrained else floats()
    else:
        values = _str_values(column) if column.constrained else strs()
    return values.filter(lambda value: column.problem(value) is None)


def _int_values(column: FieldSchema) -> SearchStrategy[int]:
    step = int(column.multiple_of or 1)
    lowest, highest = map(int, column.bounds)
    return st.integers(-(-lowest // step), highest // step).map(lambda number: number * step)


def _float_values(column: FieldSchema) -> SearchStrategy[float]:
    lowest, highest = column.bounds
    if column.multiple_of is None:
        return st.floats(lowest, highest, allow_nan=False)
    return _multiples(max(lowest, -_MAX_FLOAT), min(highest, _MAX_FLOAT), column.multiple_of)


def _multiples(lowest: float, highest: float, step: float) -> SearchStrategy[float]:
    """Return a strategy for the multiples of *step* among the doubles from *lowest* to *highest*, which has some."""

    def nearest(value: float) -> float:
        above = least_multiple(value, step)
        return above if above is not None and above <= highest else -(least_multiple(-value, step) or 0.0)

    small = st.integers(-1_000, 1_000).map(lambda count: min(max(count * step, lowest), highest))
    return (st.floats(lowest, highest) | small).map(nearest)


def _str_values(column: FieldSchema) -> SearchStrategy[str]:
    least = column.min_length or 0
    most = column.most_characters
    if (pattern := column.pattern) is not None:
        unbounded = column.min_length is None and column.max_length is None
        texts = None if unbounded else matching_texts(pattern, least, most)
        return st.deferred(lambda: _from_regex(pattern)) if texts is None else texts
    short = st.text(VALID_CHARACTERS, max_size=most).map(lambda text: text.ljust(least, "x"))
    return short | st.sampled_from([c * min(most, MAX_STR_BYTES // len(c.encode())) for c in EDGE_CHARACTERS])


def _from_regex(pattern: str) -> SearchStrategy[str]:
    with without_warnings():
        texts = st.from_regex(pattern, alphabet=VALID_CHARACTERS)
        texts.validate()  # Hypothesis parses the pattern here, and not before
        return texts


def _register(cls: type) -> None:
    if cls.__module__ != "typedtrack.testing":  # of `record_classes` there are too many for Hypothesis to keep
        st.register_type_strategy(cls, records)


for_each_record(_register)
