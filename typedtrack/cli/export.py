"""``typedtrack export``: writes all results to one file."""

from __future__ import annotations

import click

from typedtrack._bases import ARCHIVES
from typedtrack._open import open_tracker
from typedtrack.cli.base_and_key import base_to_read, complete_file
from typedtrack.cli.output import progress

__all__ = ["export"]


@click.command()
@click.argument("base", metavar="[BASE]", required=False, shell_complete=complete_file)
@click.argument("prefix", default="")
@click.option(
    "--out",
    metavar="FILE",
    required=True,
    help="A local path or URL: .parquet, .csv, .arrow, .ndjson or .ndjson.gz.",
    shell_complete=complete_file,
)
def export(base: str | None, prefix: str, out: str) -> None:
    """Write results to one file: a table, or an archive.

    An archive has failures, too, and is a read-only BASE itself.
    """
    tracker = open_tracker(base_to_read(base))
    with progress("reading") as bar:
        if out.endswith(ARCHIVES):
            tracker.archive(out, prefix, progress=bar)
        else:
            tracker.frame(prefix).write(out, progress=bar)
