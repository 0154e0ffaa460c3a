"""The contents of a report: its columns and rows, and in words what it leaves out."""

from __future__ import annotations

import heapq
import math
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from typing import Final

import attrs

from typedtrack._results.chunks import Chunk, Direction
from typedtrack._results.values import Value
from typedtrack.errors import shown

__all__ = ["MEAN", "MOST_ROWS", "SEM", "Column", "Contents", "contents_of", "is_stat"]

MOST_ROWS: Final = 10_000
"""The most rows of one page: a browser draws no more within seconds."""

MEAN: Final = "/mean"
SEM: Final = "/sem"


@attrs.define
class Column:
    """A column of the page: a field, a part of the key, or a `Stat`, whose standard errors are beside its means."""

    name: str
    values: list[Value | None]
    errors: list[Value | None] | None = None

    @property
    def is_number(self) -> bool:
        """Whether every value is a number."""
        return all(not isinstance(value, str) for value in self.values)

    @property
    def is_constant(self) -> bool:
        """Whether all rows have the same value, and the same standard error."""
        return len({*map(repr, self.values)}) == 1 and len({*map(repr, self.errors or ())}) <= 1


@attrs.frozen
class Contents:
    """The columns of a page, the number of the column that ranks the rows, and notes for the reader.

    ``left_out`` has those of the notes that tell of results without a row.
    """

    columns: tuple[Column, ...]
    rows: int
    by: int | None
    direction: Direction
    notes: tuple[str, ...]
    left_out: tuple[str, ...]


def contents_of(
    chunks: Iterable[Chunk],
    keys: Sequence[str],
    by: str | None,
    direction: Direction,
    most: int = MOST_ROWS,
    keep: Collection[str] = (),
    *,
    keep_constant: bool = False,
) -> Contents:
    """Return the contents of a page for the rows in *chunks*; *keys* are the names of the columns of their keys.

    It has the best *most* rows, the best first. A column that is the same in all rows is left out, unless its name
    is in *keep*, or *keep_constant* is true.

    *by* names the metric: a numeric field, or a `Stat` by its name without ``/mean``. By default it is the first float
    field; if no field is a float, it is the first `int` field.

    Raises:
        ValueError: no result has a numeric field named *by*, or *direction* is neither ``"max"`` nor ``"min"``.
    """
    if direction not in ("max", "min"):
        raise ValueError(f"direction is 'max' or 'min', not {direction!r}")
    table, count = _gathered(chunks, keys)
    columns = _with_errors(table)
    metric = _metric(columns, keys, by)
    heading: list[str] = []
    left_out: list[str] = []
    notes: list[str] = []
    if metric is not None:
        rows = [row for row in range(count) if metric.values[row] is not None]
        if missing := count - len(rows):
            left_out.append(f"{_counted(missing, 'row')} without {metric.name} left out")
        if len(rows) > most:
            left_out.append(f"The best {most:,} of {len(rows):,} rows")
        rows = _best(metric, rows, direction, most)
        columns = [_rows_of(column, rows) for column in columns]
        metric = columns[next(place for place, column in enumerate(columns) if column.name == metric.name)]
        count = len(rows)
        if odd := sum(not math.isfinite(value) for value in metric.values if isinstance(value, float)):
            notes.append(f"{_counted(odd, 'row')} in the table alone: {metric.name} is NaN or infinite")
    elif count > most:
        left_out.append(f"The first {most:,} of {count:,} rows")
        columns = [_rows_of(column, range(most)) for column in columns]
        count = most
    keep = {*keep, *keys}
    constant = [column for column in columns if column.name not in keep and column is not metric and column.is_constant]
    if constant and count > 1 and not keep_constant:
        notes.append(
            "The same in every row: " + ", ".join(f"{column.name} = {column.values[0]}" for column in constant)
        )
        columns = [column for column in columns if all(column is not other for other in constant)]
    if metric is not None and (best := _best_row(metric, direction)) is not None:
        key = ", ".join(str(column.values[best]) for column in columns if column.name in keys)
        heading.append(f"Best: {key} ({metric.name} {metric.values[best]})")
    place = next((place for place, column in enumerate(columns) if column is metric), None)
    return Contents(tuple(columns), count, place, direction, (*heading, *left_out, *notes), tuple(left_out))


def _gathered(chunks: Iterable[Chunk], keys: Sequence[str]) -> tuple[dict[str, list[Value | None]], int]:
    table: dict[str, list[Value | None]] = {name: [] for name in keys}
    count = 0
    for chunk in chunks:
        for name in chunk.columns:
            table.setdefault(name, [None] * count)
        for name, values in table.items():
            values.extend(chunk.columns.get(name) or [None] * chunk.rows)
        count += chunk.rows
    return table, count


def is_stat(name: str, names: Container[str]) -> bool:
    """Return whether the column *name* is the mean of a `Stat`: its error is among *names*, and their base is not."""
    base = name.removesuffix(MEAN)
    return base != name and base not in names and base + SEM in names


def _with_errors(table: Mapping[str, list[Value | None]]) -> list[Column]:
    """Return a column for each name; those of a `Stat` are one."""
    columns: list[Column] = []
    for name, values in table.items():
        if is_stat(name, table):
            base = name.removesuffix(MEAN)
            columns.append(Column(base, values, table[base + SEM]))
        elif not (name.endswith(SEM) and is_stat(name.removesuffix(SEM) + MEAN, table)):
            columns.append(Column(name, values))
    return columns


def _metric(columns: Sequence[Column], keys: Sequence[str], by: str | None) -> Column | None:
    numeric = [column for column in columns if column.is_number and any(value is not None for value in column.values)]
    if by is not None:
        for column in numeric:
            if by in (column.name, f"{column.name}{MEAN}"):
                return column
        named = ", ".join(shown(column.name) for column in numeric) or "none"
        for column in columns:
            text = next((value for value in column.values if isinstance(value, str)), None)
            if by == column.name and text is not None:
                name, found = shown(by), shown(text)
                raise ValueError(
                    f"by={by!r}: field {name} is not numeric: a result has the text {found}; numeric fields: {named}"
                )
        raise ValueError(f"by={by!r}: no result has a numeric field of that name; there are: {named}")
    fields = [column for column in numeric if column.name not in keys]
    floats = [column for column in fields if any(isinstance(value, float) for value in column.values)]
    return next(iter(floats or fields), None)


def _order(value: Value | None, direction: Direction) -> float:
    """Return a number by which the best value comes first; NaN comes last."""
    number = float(value) if isinstance(value, (int, float)) else math.nan
    if math.isnan(number):
        return math.inf
    return -number if direction == "max" else number


def _best(metric: Column, rows: Sequence[int], direction: Direction, most: int) -> list[int]:
    """Return the best *most* of *rows*, the best first."""
    return heapq.nsmallest(most, rows, key=lambda row: (_order(metric.values[row], direction), row))


def _best_row(metric: Column, direction: Direction) -> int | None:
    finite = [
        row for row, value in enumerate(metric.values) if isinstance(value, (int, float)) and math.isfinite(value)
    ]
    return min(finite, key=lambda row: _order(metric.values[row], direction), default=None)


def _rows_of(column: Column, rows: Iterable[int]) -> Column:
    kept = [*rows]
    errors = None if column.errors is None else [column.errors[row] for row in kept]
    return Column(column.name, [column.values[row] for row in kept], errors)


def _counted(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'' if count == 1 else 's'}"
