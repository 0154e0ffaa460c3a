"""Columns of values to Arrow arrays, exactly: the type that a column needs, and its arrays.

An `int` column is int64, or uint64, or decimal128(20, 0): the first of them that holds every value. An `int` beside a
`float` becomes a float64 if it loses nothing. `None` stands for an absent field, and becomes null; NaN stays NaN.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias, cast

import attrs
from arro3.core import Array, DataType, Field, RecordBatch, RecordBatchReader, Schema

from typedtrack._results.values import EXACT_IN_DOUBLES, MAX_INT, MAX_INT64, Value
from typedtrack._schema.fields import FieldSchema

__all__ = [
    "ARROW_TYPES",
    "GROUP_ROWS",
    "ArrowName",
    "Extent",
    "array_of",
    "extent_of_type",
    "problems_of",
    "reader_of",
    "schema_of_types",
    "strings_of",
    "type_of_field",
    "values_of",
]

ArrowName: TypeAlias = Literal["int64", "uint64", "decimal128", "float64", "string"]

ARROW_TYPES: Final[Mapping[ArrowName, DataType]] = {
    "int64": DataType.int64(),
    "uint64": DataType.uint64(),
    "decimal128": DataType.decimal128(20, 0),
    "float64": DataType.float64(),
    "string": DataType.string(),
}
"""The types of columns, by names that pickle, which Arrow types of arro3 do not."""

GROUP_ROWS: Final = 131_072
"""The most rows of one group in a Parquet file, which is in memory until it is written."""


@attrs.define
class Extent:
    """The values of a column so far: their kinds, and how far its ints reach."""

    kinds: frozenset[type] = frozenset()
    lowest: int = 0
    highest: int = 0
    inexact: int | None = None
    """An `int` that no double equals."""

    @classmethod
    def of(cls, values: Sequence[Value | None]) -> Extent:
        """Return the extent of *values*."""
        kinds = frozenset(map(type, values)) - {type(None)}
        if int not in kinds:
            return cls(kinds)
        ints = [value for value in values if isinstance(value, int)]
        lowest, highest = min(ints), max(ints)
        inexact = None
        if lowest < -EXACT_IN_DOUBLES or highest > EXACT_IN_DOUBLES:
            inexact = next((value for value in ints if int(float(value)) != value), None)
        return cls(kinds, lowest, highest, inexact)

    def __or__(self, other: Extent) -> Extent:
        """Return the extent of both columns' values."""
        return Extent(
            self.kinds | other.kinds,
            min(self.lowest, other.lowest),
            max(self.highest, other.highest),
            other.inexact if self.inexact is None else self.inexact,
        )

    @property
    def problem(self) -> str | None:
        """The reason why no column holds all of these values, or `None`."""
        if str in self.kinds and len(self.kinds) > 1:
            return "holds a str in some results and a number in others"
        if float in self.kinds and self.inexact is not None:
            return f"holds a float in some results, and the int {self.inexact}, which no float equals, in others"
        return None

    @property
    def type(self) -> ArrowName:
        """The type that holds all of these values; they have no `problem`."""
        if str in self.kinds:
            return "string"
        if float in self.kinds:
            return "float64"
        if self.highest <= MAX_INT64:
            return "int64"
        return "uint64" if self.lowest >= 0 else "decimal128"


def array_of(values: Sequence[Value | None], arrow: ArrowName) -> Array:
    """Return *values* as an array of *arrow*, a type that holds them all."""
    if arrow == "decimal128":  # arro3 converts no Python int to it
        texts = [None if value is None else str(value) for value in values]
        return Array(texts, type=ARROW_TYPES["string"]).cast(ARROW_TYPES[arrow])
    return Array(values, type=ARROW_TYPES[arrow])


def values_of(array: Array, arrow: ArrowName) -> list[Value | None]:
    """Return the values of *array*, which `array_of` made with the type *arrow*."""
    values = cast("list[Any]", array.to_pylist())  # pyright: ignore[reportUnknownMemberType]  # of arro3's stub
    return [None if value is None else int(value) for value in values] if arrow == "decimal128" else values


def strings_of(array: Array) -> list[str]:
    """Return the texts of *array*."""
    return cast("list[str]", values_of(array, "string"))


def problems_of(extents: Mapping[str, Extent]) -> dict[str, str]:
    """Return the columns that no Arrow type holds, with the reason."""
    found = {name: extent.problem for name, extent in extents.items()}
    return {name: problem for name, problem in found.items() if problem is not None}


def extent_of_type(arrow: ArrowName) -> Extent:
    """Return the extent of a column whose values need the type *arrow*."""
    if arrow == "float64":
        return Extent(frozenset({float}))
    if arrow == "string":
        return Extent(frozenset({str}))
    lowest = -1 if arrow == "decimal128" else 0
    return Extent(frozenset({int}), lowest, 0 if arrow == "int64" else MAX_INT)


def schema_of_types(types: Mapping[str, ArrowName]) -> Schema:
    """Return the Arrow schema of columns that may be null."""
    return Schema([Field(name, ARROW_TYPES[arrow]) for name, arrow in types.items()])


def reader_of(types: Mapping[str, ArrowName], batches: Iterable[RecordBatch]) -> RecordBatchReader:
    """Return a reader that takes one batch after another from *batches*, whose columns have *types*."""
    # arro3 declares a sequence of batches, and takes any iterable, as its own tests do.
    return RecordBatchReader.from_batches(schema_of_types(types), cast("Sequence[RecordBatch]", batches))


def type_of_field(field: FieldSchema) -> ArrowName | None:
    """Return the type that holds every value of *field*; `None` where that depends on the values.

    An int64 holds all ints of a field only if it is bounded; of any other, the values themselves decide.
    """
    if field.kind != "int":
        return "float64" if field.kind == "float" else "string"
    if field.choices:
        return Extent.of(field.choices).type
    return "int64" if field.bounds[1] <= MAX_INT64 else None
