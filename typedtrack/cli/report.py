"""``typedtrack report``: writes a page to look at."""

from __future__ import annotations

from typing import Literal

import click

from typedtrack._open import open_tracker
from typedtrack.cli.places import base_or_environment

__all__ = ["report"]


@click.command()
@click.argument("base", metavar="[BASE]", required=False)
@click.argument("prefix", default="")
@click.option("--out", metavar="FILE", required=True, help="A local path or URL of the page, .html.")
@click.option("--by", metavar="FIELD", help="The metric; by default the first field that is a float.")
@click.option("--max", "direction", flag_value="max", default="max", help="The greatest value is the best, by default.")
@click.option("--min", "direction", flag_value="min", help="The least value is the best.")
@click.option("--title", default="Results", help="The heading of the page.")
def report(
    base: str | None, prefix: str, out: str, by: str | None, direction: Literal["max", "min"], title: str
) -> None:
    """Write one HTML page to look at results: a table and plots."""
    open_tracker(base_or_environment(base)).frame(prefix).report(out, by, direction=direction, title=title)
