"""``typedtrack export``: writes all results to one file."""

from __future__ import annotations

import click

from typedtrack._open import open_tracker
from typedtrack.cli.places import base_or_environment

__all__ = ["export"]


@click.command()
@click.argument("base", metavar="[BASE]", required=False)
@click.argument("prefix", default="")
@click.option("--out", metavar="FILE", required=True, help="A local path or URL: .parquet, .csv or .arrow.")
def export(base: str | None, prefix: str, out: str) -> None:
    """Write results to one file, as a table."""
    open_tracker(base_or_environment(base)).frame(prefix).write(out)
