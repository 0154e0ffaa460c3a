"""What commands print: JSON for programs; else lines, and tables on a terminal."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Sequence

import click

from typedtrack._values import Value

__all__ = ["finite", "json_option", "print_json", "print_markdown", "print_table"]

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


def finite(value: Value | None) -> Value | None:
    """Return *value* as JSON can have it: NaN and the infinities, which it lacks, as text."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


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
