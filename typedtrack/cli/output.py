"""Prints for commands: JSON for programs, lines in a pipe, tables on a terminal."""

from __future__ import annotations

import io
import math
import os
import select
import sys
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:  # every command pays for the imports above
    from typedtrack._results.values import Value

__all__ = [
    "drop_output",
    "error_text",
    "finite",
    "is_unread",
    "json_option",
    "one_line",
    "prepare_output",
    "print_error",
    "print_json",
    "print_markdown",
    "print_table",
]

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


def finite(value: Value | None) -> Value | None:
    """Return *value* for strict JSON, with NaN and the infinities as text."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def one_line(message: str) -> str:
    """Return *message* on one line, with control characters escaped."""
    head, *lines = (line.strip() for line in message.strip().splitlines())
    line = f"{head} {'; '.join(lines)}".strip()
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in line)


def error_text(error: Exception) -> str:
    """Return the message of *error*, with the name of its class unless it is our own."""
    from typedtrack.errors import TypedtrackError  # here: most commands end without an error

    return str(error) if isinstance(error, TypedtrackError) else f"{type(error).__name__}: {error}"


def prepare_output() -> None:
    """Let standard output accept any text, as UTF-8 whatever the locale: it may be redirected to a file."""
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


def print_json(document: object) -> None:
    """Print *document* as JSON."""
    import json

    print(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False))


def print_table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print *rows* as a table on a terminal, else one per line, with tabs between cells and without *headers*."""
    if not (sys.stdout.isatty() and find_spec("rich")):
        for row in rows:
            print(*row, sep="\t")
        return

    from rich.console import Console
    from rich.table import Table

    table = Table(*headers, box=None)
    for row in rows:
        table.add_row(*row)
    Console(markup=False, highlight=False).print(table)


def print_markdown(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print *rows* as a Markdown table."""
    for cells in (headers, ["---"] * len(headers), *rows):
        print("|", " | ".join(cell.replace("|", "\\|") for cell in cells), "|")
