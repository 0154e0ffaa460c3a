"""The contents of a report: its columns and rows, and in words what it leaves out."""

from __future__ import annotations

import heapq
import json
import math
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from itertools import islice
from typing import Final

import attrs

from typedtrack._results.chunks import Chunk, Direction
from typedtrack._results.values import Value
from typedtrack.errors import shown
from typedtrack.report.rows import Row, Rows, Seen

__all__ = ["MEAN", "MOST_ROWS", "SEM", "Column", "Contents", "contents_of", "is_stat", "text_of"]

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
    rows = Rows(chunks, keys)
    sources = _sources(rows.seen)
    by = _metric(rows.seen, sources, keys, by)
    heading: list[str] = []
    left_out: list[str] = []
    notes: list[str] = []
    if by is not None:
        source, _ = sources[by]
        there = rows.seen[source].count
        if missing := rows.count - there:
            left_out.append(f"{_counted(missing, 'row')} without {by} left out")
        if there > most:
            left_out.append(f"The best {most:,} of {there:,} rows")
        kept = _best(rows, [*rows.seen].index(source), direction, most)
    else:
        if rows.count > most:
            left_out.append(f"The first {most:,} of {rows.count:,} rows")
        kept = [*islice(rows, most)]
    count = len(kept)
    columns = _columns_of(kept, rows.seen, sources)
    metric = next((column for column in columns if column.name == by), None)
    ranked = [] if metric is None else metric.values
    if odd := sum(not math.isfinite(value) for value in ranked if isinstance(value, float)):
        notes.append(f"{by} is NaN or infinite in {_counted(odd, 'row')}, which no chart can show")
    keep = {*keep, *keys}
    constant = [column for column in columns if column.name not in keep and column is not metric and column.is_constant]
    if constant and count > 1 and not keep_constant:
        shared = ", ".join(f"{column.name} = {text_of(column.values[0])}" for column in constant)
        notes.append(f"The same in {'every row' if count == rows.count else 'each of these rows'}: {shared}")
        columns = [column for column in columns if all(column is not other for other in constant)]
    if metric is not None and (best := _best_row(metric, direction)) is not None:
        key = ", ".join(str(column.values[best]) for column in columns if column.name in keys)
        heading.append(f"Best: {key} ({metric.name} {metric.values[best]})")
    place = next((place for place, column in enumerate(columns) if column is metric), None)
    return Contents(tuple(columns), count, place, direction, (*heading, *left_out, *notes), tuple(left_out))


def is_stat(name: str, names: Container[str]) -> bool:
    """Return whether the column *name* is the mean of a `Stat`: its error is among *names*, and their base is not."""
    base = name.removesuffix(MEAN)
    return base != name and base not in names and base + SEM in names


def _sources(names: Collection[str]) -> dict[str, tuple[str, str | None]]:
    """Return the columns of the page, each with the name of its values and of its errors, by *names*."""
    sources: dict[str, tuple[str, str | None]] = {}
    for name in names:
        if is_stat(name, names):
            base = name.removesuffix(MEAN)
            sources[base] = name, base + SEM
        elif not (name.endswith(SEM) and is_stat(name.removesuffix(SEM) + MEAN, names)):
            sources[name] = name, None
    return sources


def _metric(
    seen: Mapping[str, Seen], sources: Mapping[str, tuple[str, str | None]], keys: Sequence[str], by: str | None
) -> str | None:
    """Return the column of the page that ranks the rows."""
    columns = {name: seen[source] for name, (source, _) in sources.items()}
    numeric = [name for name, values in columns.items() if values.is_number]
    if by is not None:
        for name in numeric:
            if by in (name, f"{name}{MEAN}"):
                return name
        named = ", ".join(map(shown, numeric)) or "none"
        if by in columns and (text := columns[by].text) is not None:
            reason = f"is not numeric: a result has the text {shown(text)}; numeric fields: {named}"
            raise ValueError(f"by={by!r}: field {shown(by)} {reason}")
        raise ValueError(f"by={by!r}: no result has a numeric field of that name; there are: {named}")
    fields = [name for name in numeric if name not in keys]
    floats = [name for name in fields if columns[name].has_float]
    return next(iter(floats or fields), None)


def _order(value: Value | None, direction: Direction) -> float:
    """Return a number by which the best value comes first; NaN comes last."""
    number = float(value) if isinstance(value, (int, float)) else math.nan
    if math.isnan(number):
        return math.inf
    return -number if direction == "max" else number


def _best(rows: Iterable[Row], place: int, direction: Direction, most: int) -> list[Row]:
    """Return the best *most* of the *rows* that have a value at *place*, the best first."""
    ranked = ((_order(row[place], direction), number, row) for number, row in enumerate(rows) if row[place] is not None)
    return [row for _, _, row in heapq.nsmallest(most, ranked)]  # it keeps no other rows in memory


def _columns_of(
    rows: Sequence[Row], names: Iterable[str], sources: Mapping[str, tuple[str, str | None]]
) -> list[Column]:
    values = {name: [row[place] for row in rows] for place, name in enumerate(names)}
    return [
        Column(name, values[source], None if errors is None else values[errors])
        for name, (source, errors) in sources.items()
    ]


def _best_row(metric: Column, direction: Direction) -> int | None:
    finite = [
        row for row, value in enumerate(metric.values) if isinstance(value, (int, float)) and math.isfinite(value)
    ]
    return min(finite, key=lambda row: _order(metric.values[row], direction), default=None)


def text_of(value: Value | None) -> str:
    """Return *value* as a page shows it: NaN and the infinities as in a stored result, an absent field as a dash."""
    if value is None:
        return "–"
    return json.dumps(value) if isinstance(value, float) else str(value)


def _counted(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'' if count == 1 else 's'}"
