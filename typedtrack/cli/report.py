"""``typedtrack report``: writes a page to look at."""

from __future__ import annotations

import click

from typedtrack._open import open_tracker
from typedtrack.cli.base_and_key import base_to_read, complete_file
from typedtrack.cli.output import progress

__all__ = ["report"]


@click.command()
@click.argument("base", metavar="[BASE]", required=False, shell_complete=complete_file)
@click.argument("prefix", default="")
@click.option(
    "--out",
    metavar="FILE",
    required=True,
    help="A local path or URL of the page: .html or .htm.",
    shell_complete=complete_file,
)
@click.option("--by", metavar="FIELD", help="The metric; by default the first field that is a float.")
@click.option("--max/--min", "greatest", default=True, help="Whether the greatest value is the best, or the least.")
@click.option("--title", default="Results", help="The heading of the page.")
def report(base: str | None, prefix: str, out: str, by: str | None, greatest: bool, title: str) -> None:
    """Write one HTML page to look at results: a table and plots."""
    frame = open_tracker(base_to_read(base)).frame(prefix)
    with progress("reading") as bar:
        frame.report(out, by, direction="max" if greatest else "min", title=title, progress=bar)
