"""Prints for commands: JSON for programs, lines in a pipe, tables on a terminal."""

from __future__ import annotations

import io
import math
import os
import re
import select
import sys
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final, NamedTuple

import click

if TYPE_CHECKING:  # every command pays for the imports above
    from rich.progress import TaskID
    from rich.table import Table

    from typedtrack._progress import Progress
    from typedtrack._results.values import Value

__all__ = [
    "drop_output",
    "error_text",
    "exit_code",
    "finite",
    "is_unread",
    "json_option",
    "one_line",
    "prepare_output",
    "print_error",
    "print_json",
    "print_line",
    "print_markdown",
    "print_table",
    "print_text",
    "printable",
    "progress",
    "table_of",
]

_TO_AN_ARCHIVE: Final = (
    "an archive takes any results: typedtrack export BASE --out FILE.ndjson; or pass a PREFIX whose results fit a table"
)

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


def finite(value: Value | None) -> Value | None:
    """Return *value* for strict JSON, with NaN and the infinities as text."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def one_line(message: str) -> str:
    """Return *message* on one line, with control characters escaped."""
    head, *lines = (line.strip() for line in message.strip().splitlines())
    between = " " if head.endswith(":") else "; "
    return printable(between.join([head, "; ".join(lines)]) if lines else head)


def printable(text: str) -> str:
    """Return *text* with each character escaped that a terminal would obey, or that ends a line or a cell."""
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def error_text(error: Exception) -> str:
    """Return the message of *error*, with the name of its class and its place in the store unless it is our own."""
    from typedtrack.errors import SchemaMismatchError, TypedtrackError  # here: most commands end without an error

    if isinstance(error, SchemaMismatchError):  # its own advice is for Python
        error = SchemaMismatchError(error.record, error.file, error.problems, _TO_AN_ARCHIVE)
    if isinstance(error, TypedtrackError):
        return str(error)
    # obstore appends a dump of its Rust error; only the messages in it, such as "Connection refused", help a user.
    message, _, dump = str(error).partition("\n\nDebug source:\n")
    reasons = dict.fromkeys(re.findall(r'\bmessage: "([^"]+)"', dump))
    text = f"{type(error).__name__}: {': '.join([message.strip(), *reasons])}"
    for note in getattr(error, "__notes__", ()):
        operation, _, place = note.removeprefix("typedtrack: ").partition(" ")
        if note.startswith("typedtrack: ") and place not in text:
            text += f" ({operation} {place})"
    return text


def exit_code(error: Exception) -> int:
    """Return the exit code of a command that *error* ends."""
    from typedtrack.errors import (
        CorruptResultError,
        ResultExistsError,
        ResultFailedError,
        ResultNotFoundError,
        ResultTimeoutError,
        TypedtrackError,
    )

    if isinstance(error, (ResultNotFoundError, ResultFailedError, ResultExistsError, ResultTimeoutError)):
        return 1
    if isinstance(error, CorruptResultError):
        return 3
    # A base raises ValueError if its URL is invalid, and ImportError if its filesystem is not installed.
    return 2 if isinstance(error, (TypedtrackError, ValueError, ImportError)) else 3


def prepare_output() -> None:
    """Let standard output accept any text, as UTF-8 in every locale, since it may be redirected to a file."""
    if sys.__stdout__ is None:  # closed before the process started
        sys.stdout = io.StringIO()
    elif (reconfigure := getattr(sys.stdout, "reconfigure", None)) is not None:
        reconfigure(encoding="utf-8", errors="backslashreplace")


def is_unread() -> bool:
    """Return whether standard output is a pipe whose reader has left."""
    poll = select.poll()
    poll.register(sys.stdout, 0)  # errors are reported for an empty mask, too
    return bool(poll.poll(0))


def drop_output() -> None:
    """Send standard output to the null device, text that is still buffered included."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def print_error(message: str) -> None:
    """Print *message* as one line on standard error; where that is closed, drop it."""
    if sys.stderr is not None:  # pyright: ignore[reportUnnecessaryComparison]  # it is None if closed before the start
        try:
            print("typedtrack:", one_line(message), file=sys.stderr)
        except OSError:  # the command goes on, and its exit code tells
            pass


def print_json(document: object, *, strict: bool = True) -> None:
    """Print *document* as JSON; unless *strict*, with NaN and the infinities as the wire format writes them."""
    print(_json(document, indent=2, strict=strict))


def print_line(key: object, result: Mapping[str, Value]) -> None:
    """Print *key* and *result* as one line of JSON, as an archive has it."""
    print(_json({"key": key, "result": result} if "key" in result else {"key": key, **result}))


def _json(document: object, *, indent: int | None = None, strict: bool = False) -> str:
    import json

    text = json.dumps(document, indent=indent, ensure_ascii=False, allow_nan=not strict)
    return "".join(c if c.isprintable() or c == "\n" else _json_escape(c) for c in text)


def _json_escape(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[place : place + 4]}" for place in range(0, len(units), 4))


def print_table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print *rows* as a table on a terminal, else one per line, with tabs between cells and without *headers*."""
    cells = ([printable(cell) for cell in row] for row in rows)
    if not (sys.stdout.isatty() and find_spec("rich")):
        for row in cells:
            print(*row, sep="\t")
        return

    from rich.console import Console

    Console(markup=False, highlight=False).print(table_of(headers, cells))


def table_of(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """Return *rows* as a table for a terminal."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None)
    for header in headers:
        table.add_column(Text(printable(header)), overflow="fold")  # the default cuts long words
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    return table


def print_text(text: str) -> None:
    """Print *text* as it is into a pipe or file, and escaped on a terminal."""
    print(printable(text) if sys.stdout.isatty() else text)


def print_markdown(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print *rows* as a Markdown table."""
    for cells in (headers, ["---"] * len(headers), *rows):
        print("|", " | ".join(cell.replace("|", "\\|") for cell in cells), "|")


@contextmanager
def progress(title: str, total: int | None = None) -> Generator[Progress | None]:
    """Show a bar on standard error, if a person watches; yield the object that counts on it, or `None`.

    It counts to *total*, where that is known.
    """
    if not (sys.stderr and sys.stderr.isatty() and find_spec("rich")):
        yield None
        return

    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bars(*columns, console=Console(stderr=True), transient=True, redirect_stdout=sys.stdout.isatty()) as bars:
        yield _Bar(bars.add_task(title, total=total), bars.advance)


class _Bar(NamedTuple):
    """Counts on one bar."""

    task: TaskID
    advance: Callable[[TaskID, int], None]

    def update(self, n: int, /) -> None:
        """Count *n* more."""
        self.advance(self.task, n)
