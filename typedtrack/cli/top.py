"""``typedtrack top``: shows the best results, once or again and again."""

from __future__ import annotations

import signal
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from importlib.util import find_spec
from math import floor, isfinite, log10
from typing import Final, NoReturn

import attrs
import click

from typedtrack._open import open_tracker
from typedtrack._results.chunks import Chunk, Direction
from typedtrack._results.values import Value
from typedtrack.cli.base_and_key import base_to_read, complete_file
from typedtrack.cli.output import json_option, one_line, print_error, print_line, print_table, progress, table_of
from typedtrack.cli.tables import Splitter, averaged, splitter
from typedtrack.cli.values import value_text
from typedtrack.errors import BulkError
from typedtrack.frame.cache import renew
from typedtrack.frame.chunks import CHUNK_ROWS
from typedtrack.frame.frame import Rows
from typedtrack.report.contents import Column, Contents, contents_of

__all__ = ["Look", "top"]

_KEY: Final = "key"
_PAUSE: Final = 2.0  # seconds between two looks
_ABSENT: Final = "–"
_TERMINATED: Final = 143  # 128 + SIGTERM, as in shells


@click.command()
@click.argument("base", metavar="[BASE]", required=False, shell_complete=complete_file)
@click.argument("prefix", default="")
@click.option("--by", metavar="FIELD", help="The metric; by default the first field that is a float.")
@click.option("--max/--min", "greatest", default=True, help="Whether the greatest value is the best, or the least.")
@click.option("--columns", metavar="NAME,…", help="Show these columns alone, in this order.")
@click.option("--key", "template", metavar="TEMPLATE", help="Split keys into columns: '{model}/seed_{seed}'.")
@click.option("--over", metavar="FIELD,…", help="Average over these fields of the key; needs --key.")
@click.option("--rows", type=click.IntRange(min=1), default=50, show_default=True, help="Show so many rows, the best.")
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

    A mean and its standard error, as a Stat has them, are one cell. A pipe gets the same rows as a terminal, one a
    line. Lines on standard error say which rows are left out.
    """
    if over and not template:
        raise click.UsageError("--over needs --key: it averages over fields of the key")
    if watch and (as_json or not (sys.stdout.isatty() and find_spec("rich"))):
        raise click.UsageError("--watch needs a terminal, the package rich, and no --json")
    stored = open_tracker(base_to_read(base)).frame(prefix).rows
    averaged_fields = tuple(over.split(",")) if over else ()
    is_read_by_person = sys.stdout.isatty() and not as_json
    look = Look(
        stored, by, "max" if greatest else "min", rows, template, averaged_fields, columns,
        keep_constant=not is_read_by_person,  # a program counts on the columns
    )  # fmt: skip
    if watch:
        signal.signal(signal.SIGTERM, _end)
        with tempfile.TemporaryDirectory() as folder:
            look.cache = f"{folder}/results"
            return _watch(look)
    with progress("reading") as bar:
        if bar is not None:
            look.rows = stored.counted(bar)
        contents = look()
    if as_json:
        for row in range(contents.rows):
            result = {column.name: column.values[row] for column in contents.columns}
            print_line(result.pop(_KEY, None), {name: value for name, value in result.items() if value is not None})
    else:
        print_table(*_cells(contents))
    for note in contents.notes if is_read_by_person else contents.left_out:
        print_error(note)
    for error in look.errors:
        raise error


class Look:
    """Looks at results again and again; `errors` has those of the last look.

    If `cache` is the path of a local file, a look reads only the results that changed, and keeps the others there.
    """

    def __init__(
        self,
        rows: Rows,
        by: str | None,
        direction: Direction,
        most: int,
        template: str | None,
        over: tuple[str, ...],
        columns: str | None,
        *,
        keep_constant: bool = False,
    ) -> None:
        self.rows = rows
        self._by = by
        self._direction: Direction = direction
        self._most = most
        self._template = template
        self._split: Splitter | None = None
        self._keys: Sequence[str] = (_KEY,)
        if template is not None:
            self._split, self._keys = splitter(template, _KEY)
        for name in over:
            if name not in self._keys:
                raise ValueError(f"--over {name}: the template of --key has the fields {', '.join(self._keys)}")
        self._over = over
        self._columns = columns.split(",") if columns else []
        self._keep_constant = keep_constant
        self.cache: str | None = None
        self.errors: list[BulkError] = []
        self._failures = 0

    def __call__(self) -> Contents:
        """Return the best rows, as they are stored now."""
        chunks: Iterable[Chunk] = self._read()
        keys: Sequence[str] = self._keys
        unmatched: list[str] = []
        if self._split is not None:
            chunks = self._split(chunks, unmatched)
        if self._over:
            chunks, keys = [averaged(chunks, keys, self._over)], [name for name in keys if name not in self._over]
        most, keep, keep_constant = self._most, self._columns, self._keep_constant
        try:
            found = contents_of(chunks, keys, self._by, self._direction, most, keep, keep_constant=keep_constant)
        except ValueError as error:
            if unmatched:  # a template that matches too few keys is why no row has the metric
                raise ValueError(f"{error}; not matched by --key {self._template!r}: {_examples(unmatched)}") from error
            raise
        left_out: list[str] = []
        if unmatched:
            left_out.append(f"Not matched by --key {self._template!r} and left out: {_examples(unmatched)}")
        if self._failures:
            left_out.append(f"Failed and left out: {self._failures:,}")
        found = attrs.evolve(found, notes=(*found.notes, *left_out), left_out=(*found.left_out, *left_out))
        if not self._columns:
            return found
        by_name = {column.name: column for column in found.columns}
        for name in self._columns:
            if name not in by_name:
                raise ValueError(f"--columns {name}: there are {', '.join(by_name)}")
        return attrs.evolve(found, columns=tuple(by_name[name] for name in self._columns))

    def _read(self) -> Iterator[Chunk]:
        self.errors = []
        if self.cache is not None and not self.rows.is_archive:
            cached = renew(self.cache, self.rows, self.errors)
            self._failures = cached.failures
            yield from cached.chunks()
            return
        try:
            yield from self.rows.chunks(CHUNK_ROWS)
        except BulkError as error:
            self.errors.append(error)
        self._failures = len(self.rows.failed)


def _examples(keys: Sequence[str]) -> str:
    return f"{len(keys):,} keys, such as {keys[0]!r}" if len(keys) > 1 else f"key {keys[0]!r}"


def _end(*_: object) -> NoReturn:
    """End the process as Ctrl-C does, so that the terminal is restored."""
    raise SystemExit(_TERMINATED)


def _watch(look: Look) -> None:
    """Show the table again and again, until a signal or the end of the terminal; it leaves the terminal as it was."""
    from rich.console import Console, Group
    from rich.live import Live
    from rich.text import Text

    with Live(console=Console(markup=False, highlight=False), auto_refresh=False) as live:
        while sys.stdout.isatty():  # else the terminal is closed, and nobody watches
            try:
                contents = look()
            except ValueError as error:  # no result has the metric or the columns yet
                live.update(Text(one_line(str(error))), refresh=True)
            else:
                unreadable = [f"Not readable and left out: {len(error.errors):,}" for error in look.errors]
                notes = [Text(one_line(note)) for note in (*contents.notes, *unreadable)]
                live.update(Group(*notes, table_of(*_cells(contents))), refresh=True)  # a low terminal cuts the end off
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
    return _text(value) if error is None else _text_with_error(value, error)


def _text_with_error(mean: Value, error: Value) -> str:
    """Return a mean with its standard error, both rounded to two digits of the error, as a report shows them."""
    if isinstance(mean, float) and isinstance(error, float) and isfinite(mean) and isfinite(error) and error > 0:
        decimals = max(0, 1 - floor(log10(error)))
        mean, error = round(mean, decimals), round(error, decimals)
    return f"{_text(mean)} ± {_text(error)}"


def _text(value: Value) -> str:
    return f"{value:.6g}" if isinstance(value, float) and isfinite(value) else value_text(value)
