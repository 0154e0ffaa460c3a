"""Sample values of a field that decide compatibility.

A reader that accepts the samples of a field accepts every value of it.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Mapping
from itertools import islice, product
from typing import Final

import attrs

from typedtrack._results.values import MAX_INT, MIN_INT, KindName, Value
from typedtrack._schema.fields import FieldSchema
from typedtrack._schema.multiples import least_multiple

__all__ = ["extremes"]

_LARGEST: Final = sys.float_info.max
_SMALLEST: Final = math.ulp(0.0)


def extremes(column: FieldSchema, distinct: int = 1) -> Iterator[Value]:
    """Yield sample values that *column* accepts: the lowest, the highest, and *distinct* others if it has so many.

    Neighbouring multiples are among them, because they show the step of ``multiple_of``. A pattern is ignored.
    """
    column = attrs.evolve(column, pattern=None)
    candidates = iter(column.choices) if column.choices else _CANDIDATES[column.kind](column, distinct)
    return (value for value in candidates if column.problem(value) is None)


def _strs(column: FieldSchema, distinct: int) -> Iterator[str]:
    most = column.most_characters
    least = min(column.min_length or 0, most)
    yield from ("a" * least, "a" * most)
    letters = [chr(point) for point in range(ord(" "), ord("~"))]
    for length in range(1, min(most, 3) + 1):
        others = ("".join(head) + "a" * (most - length) for head in product(letters, repeat=length))
        yield from islice(others, distinct)


def _ints(column: FieldSchema, distinct: int) -> Iterator[int]:
    step = int(column.multiple_of or 1)
    lowest = max((int(bound) for bound in (column.ge, column.gt) if bound is not None), default=MIN_INT)
    highest = min((int(bound) for bound in (column.le, column.lt) if bound is not None), default=MAX_INT)
    first, last = -(-lowest // step) * step, highest // step * step
    yield from (first, last)
    yield from range(first, first + (distinct + 3) * step, step)
    yield from range(last - 2 * step, last + step, step)
    yield from (0, step, -step)
    for exponent in range(53, 65):  # from 2**53 on, a reader's doubles skip some ints
        middle = 2**exponent // step * step
        for value in range(middle - step, middle + 3 * step, step):
            yield from (value, -value)


def _floats(column: FieldSchema, _distinct: int) -> Iterator[float]:
    yield from (math.nan, math.inf, -math.inf)
    step = None if column.multiple_of is None else float(column.multiple_of)
    yield from (0.0, step or _SMALLEST, -(step or _SMALLEST))
    lowest = max((float(bound) for bound in (column.ge, column.gt) if bound is not None), default=-_LARGEST)
    highest = min((float(bound) for bound in (column.le, column.lt) if bound is not None), default=_LARGEST)
    yield from islice(_upwards(lowest, step), 4)
    yield from islice((-value for value in _upwards(-highest, step)), 4)


_CANDIDATES: Final[Mapping[KindName, Callable[[FieldSchema, int], Iterator[Value]]]] = {
    "int": _ints,
    "float": _floats,
    "str": _strs,
}


def _upwards(lowest: float, step: float | None) -> Iterator[float]:
    """Yield the doubles from *lowest* on, upwards; only the multiples of *step*, if there is one."""
    value: float | None = lowest
    while value is not None and value < math.inf:
        value = value if step is None else least_multiple(value, step)
        if value is not None:
            yield value
            value = math.nextafter(value, math.inf)
