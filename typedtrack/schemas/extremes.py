"""Sample values of a field that decide compatibility.

A reader that accepts the samples of a field accepts every value of it.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from itertools import islice, product
from typing import Final

import attrs

from typedtrack._results.values import MAX_INT, MIN_INT, Value
from typedtrack._schema.fields import FieldSchema, KindName

__all__ = ["extremes"]

_LARGEST: Final = sys.float_info.max
_SMALLEST: Final = math.ulp(0.0)  # every finite double is a multiple of it


def extremes(column: FieldSchema, distinct: int = 1) -> Iterator[Value]:
    """Yield sample values that *column* accepts: the lowest, the highest, and *distinct* others if it has so many.

    Neighbouring multiples are among them, so that they reveal the step of ``multiple_of``. A pattern is ignored.
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
    step = float(column.multiple_of or _SMALLEST)
    yield from (0.0, step, -step)
    lowest = max((float(bound) for bound in (column.ge, column.gt) if bound is not None), default=-_LARGEST)
    highest = min((float(bound) for bound in (column.le, column.lt) if bound is not None), default=_LARGEST)
    yield from islice(_multiples(lowest, step), 4)
    yield from islice((-value for value in _multiples(-highest, step)), 4)


_CANDIDATES: Final[Mapping[KindName, Callable[[FieldSchema, int], Iterator[Value]]]] = {
    "int": _ints,
    "float": _floats,
    "str": _strs,
}


def _multiples(lowest: float, step: float) -> Iterator[float]:
    """Yield the doubles that are exact multiples of *step*, upwards from *lowest*."""
    value: float | None = lowest
    while value is not None:
        value = _least_multiple(value, step) if value > 0 else 0.0 - _greatest_multiple(-value, step)
        if value is not None:
            yield value
            value = math.nextafter(value, math.inf)


def _least_multiple(lowest: float, step: float) -> float | None:
    """Return the least positive multiple from *lowest* on; `None` if no double is large enough."""
    lowest = max(lowest, step)
    while lowest <= _LARGEST:
        exponent = math.frexp(lowest)[1]
        grid = _grid(step, lowest)
        multiple = math.ceil(Fraction(lowest) / grid) * grid
        if multiple < Fraction(2) ** exponent:
            return float(multiple)
        lowest = math.ldexp(0.5, exponent) * 2  # infinity, after the largest exponent
    return None


def _greatest_multiple(highest: float, step: float) -> float:
    """Return the greatest multiple up to *highest*; it is not negative."""
    while highest >= step:
        exponent = math.frexp(highest)[1]
        grid = _grid(step, highest)
        multiple = Fraction(highest) // grid * grid
        if multiple >= Fraction(2) ** (exponent - 1):
            return float(multiple)
        highest = math.nextafter(math.ldexp(0.5, exponent), 0.0)
    return 0.0


def _grid(step: float, value: float) -> Fraction:
    """Return the spacing of the multiples of *step* that doubles near *value* represent exactly."""
    exact = Fraction(step)
    return exact * (exact / Fraction(math.ulp(value))).denominator
