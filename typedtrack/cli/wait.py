"""``typedtrack wait``: waits for results, and prints each as it comes."""

from __future__ import annotations

import click

from typedtrack._open import open_tracker
from typedtrack.cli.base_and_key import base_and_keys, complete_file
from typedtrack.cli.output import json_option, print_line, printable, progress
from typedtrack.cli.values import result_text

__all__ = ["wait"]


@click.command()
@click.argument("arguments", metavar="[BASE KEY...]", nargs=-1, shell_complete=complete_file)
@click.option("--timeout", type=click.FloatRange(min=0), metavar="SECONDS", help="Give up after so long, with code 1.")
@json_option
def wait(arguments: tuple[str, ...], timeout: float | None, as_json: bool) -> None:
    """Wait until each KEY has a result, and print each as it comes."""
    base, keys = base_and_keys(arguments)
    tracker = open_tracker(base)
    with progress("waiting", len(keys)) as bar:
        for key, result in tracker.wait_all(keys, timeout, bar):
            if as_json:
                print_line(key, result)
            else:
                print(printable(str(key)), printable(result_text(result)), sep="\t", flush=True)
