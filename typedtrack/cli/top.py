"""``typedtrack top``: shows the best results, once or again and again."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.util import find_spec
from typing import NoReturn

import attrs
import click

from typedtrack._open import open_tracker
from typedtrack._results.chunks import Chunk, Direction
from typedtrack._results.values import Value
from typedtrack.cli.output import json_option, one_line, print_error, print_line, print_table, table_of
from typedtrack.cli.places import base_or_environment
from typedtrack.cli.tables import averaged, splitter
from typedtrack.errors import BulkError
from typedtrack.frame.frame import Frame
from typedtrack.report.contents import Column, Contents, contents_of

__all__ = ["top"]

_KEY = "key"
_CHUNK_ROWS = 8192
_PAUSE = 2.0  # seconds between two looks
_ABSENT = "–"


@click.command()
@click.argument("base", metavar="[BASE]", required=False)
@click.argument("prefix", default="")
@click.option("--by", metavar="FIELD", help="The metric; by default the first field that is a float.")
@click.option("--max/--min", "greatest", default=True, help="Whether the greatest value is the best, or the least.")
@click.option("--columns", metavar="NAME,…", help="Show these columns alone, in this order.")
@click.option("--key", "template", metavar="TEMPLATE", help="Split keys into columns: '{model}/seed_{seed}'.")
@click.option("--over", metavar="FIELD,…", help="Average over these fields of the key; needs --key.")
@click.option("--rows", type=click.IntRange(min=1), default=50, show_default=True, help="Show so many rows.")
@click.option("--watch", is_flag=True, help="Look again every two seconds, until Ctrl-C.")
@json_option
def top(
    base: str | None,
    prefix: str,
    by: str | None,
    greatest: bool,
    columns: str | None,
    template: str | None,
    over: str | None,
    rows: int,
    watch: bool,
    as_json: bool,
) -> None:
    """Show results as a table, the best first.

    A mean and its standard error, as a Stat has them, are one cell.
    """
    if over and not template:
        raise click.UsageError("--over needs --key: it averages over fields of the key")
    if watch and (as_json or not (sys.stdout.isatty() and find_spec("rich"))):
        raise click.UsageError("--watch needs a terminal, the package rich, and no --json")
    frame = open_tracker(base_or_environment(base)).frame(prefix)
    look = _Look(
        frame, by, "max" if greatest else "min", rows, template, tuple(over.split(",")) if over else (), columns
    )
    if watch:
        _watch(look)
    contents = look()
    if as_json:
        for row in range(contents.rows):
            result = {column.name: column.values[row] for column in contents.columns}
            print_line(result.pop(_KEY, None), {name: value for name, value in result.items() if value is not None})
    else:
        print_table(*_cells(contents))
        if sys.stdout.isatty():
            for note in contents.notes:
                print_error(note)
    if look.error is not None:
        raise look.error


class _Look:
    """One look at the results: what it shows, and in `error` what it could not read."""

    def __init__(
        self,
        frame: Frame,
        by: str | None,
        direction: Direction,
        rows: int,
        template: str | None,
        over: tuple[str, ...],
        columns: str | None,
    ) -> None:
        self._frame = frame
        self._by = by
        self._direction: Direction = direction
        self._rows = rows
        self._split: Callable[[Iterable[Chunk]], Iterator[Chunk]] | None = None
        self._keys: Sequence[str] = (_KEY,)
        if template is not None:
            self._split, self._keys = splitter(template, _KEY)
        self._over = over
        self._columns = columns.split(",") if columns else []
        self.error: BulkError | None = None

    def __call__(self) -> Contents:
        """Return the best rows, as they are stored now."""
        chunks: Iterable[Chunk] = self._read()
        keys: Sequence[str] = self._keys
        if self._split is not None:
            chunks = self._split(chunks)
        if self._over:
            chunks, keys = [averaged(chunks, keys, self._over)], [name for name in keys if name not in self._over]
        found = contents_of(chunks, keys, self._by, self._direction, self._rows, keep=self._columns)
        if not self._columns:
            return found
        by_name = {column.name: column for column in found.columns}
        for name in self._columns:
            if name not in by_name:
                raise ValueError(f"--columns {name}: there are {', '.join(by_name)}")
        return attrs.evolve(found, columns=tuple(by_name[name] for name in self._columns))

    def _read(self) -> Iterator[Chunk]:
        self.error = None
        try:
            yield from self._frame.rows.chunks(_CHUNK_ROWS)
        except BulkError as error:
            self.error = error


def _watch(look: Callable[[], Contents]) -> NoReturn:
    """Show the table again and again, until a signal ends the process; it leaves the terminal as it was."""
    from rich.console import Console, Group
    from rich.live import Live
    from rich.text import Text

    with Live(console=Console(markup=False, highlight=False), auto_refresh=False) as live:
        while True:
            contents = look()
            notes = [Text(one_line(note)) for note in contents.notes]
            live.update(Group(table_of(*_cells(contents)), *notes), refresh=True)
            time.sleep(_PAUSE)


def _cells(contents: Contents) -> tuple[list[str], list[list[str]]]:
    """Return the names of the columns, and the rows, as texts."""
    names = [column.name for column in contents.columns]
    return names, [[_cell(column, row) for column in contents.columns] for row in range(contents.rows)]


def _cell(column: Column, row: int) -> str:
    value = column.values[row]
    error = None if column.errors is None else column.errors[row]
    if value is None:
        return _ABSENT
    return _text(value) if error is None else f"{_text(value)} ± {_text(error)}"


def _text(value: Value) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
