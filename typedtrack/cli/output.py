"""What commands print: JSON for programs; else lines, and tables on a terminal."""

from __future__ import annotations

import io
import json
import math
import os
import select
import sys
from collections.abc import Iterable, Sequence

import click

from typedtrack._results.values import Value

__all__ = [
    "drop_output",
    "finite",
    "is_unread",
    "json_option",
    "one_line",
    "prepare_output",
    "print_json",
    "print_markdown",
    "print_table",
]

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


def finite(value: Value | None) -> Value | None:
    """Return *value* as JSON can have it: NaN and the infinities, which it lacks, as text."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def one_line(message: str) -> str:
    """Return *message* on one line, without what a terminal would obey."""
    head, *lines = (line.strip() for line in message.strip().splitlines())
    line = f"{head} {'; '.join(lines)}".strip()
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in line)


def prepare_output() -> None:
    """Have standard output take all that is printed, in UTF-8, as the files are that it may become."""
    if sys.__stdout__ is None:  # it was closed before
        sys.stdout = io.StringIO()
    elif (reconfigure := getattr(sys.stdout, "reconfigure", None)) is not None:
        reconfigure(encoding="utf-8", errors="backslashreplace")


def is_unread() -> bool:
    """Return whether standard output is a pipe whose reader has left."""
    poll = select.poll()
    poll.register(sys.stdout, 0)  # what is wrong with it is told unasked
    return bool(poll.poll(0))


def drop_output() -> None:
    """Have standard output take what is printed, and what was and is not written yet, to nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def print_json(document: object) -> None:
    """Print *document* as JSON."""
    print(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False))


def print_table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print *rows*: as a table on a terminal, else one a line, cells separated by tabs, without *headers*."""
    if not sys.stdout.isatty():
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
    """Print *rows* as a table in Markdown."""
    for cells in (headers, ["---"] * len(headers), *rows):
        print("|", " | ".join(cell.replace("|", "\\|") for cell in cells), "|")
