"""``typedtrack ls``: lists keys, with or without their results."""

from __future__ import annotations

import click

from typedtrack._open import open_tracker
from typedtrack._results.keys import Key
from typedtrack._results.values import Result
from typedtrack.cli.output import json_option, print_line, print_table, print_text
from typedtrack.cli.places import base_or_environment
from typedtrack.cli.values import result_text

__all__ = ["ls"]


@click.command()
@click.argument("base", metavar="[BASE]", required=False)
@click.argument("prefix", default="")
@click.option("--long", is_flag=True, help="Print the fields of each result, too.")
@click.option("--count", is_flag=True, help="Print the number of keys alone.")
@json_option
def ls(base: str | None, prefix: str, long: bool, count: bool, as_json: bool) -> None:
    """List keys: all of them, or PREFIX and those below it."""
    tracker = open_tracker(base_or_environment(base))
    if count:
        print(sum(1 for _ in tracker.keys(prefix)))
    elif not long:
        for text in sorted(map(str, tracker.keys(prefix))):
            print_line(text, {}) if as_json else print_text(text)
    else:
        found: list[tuple[Key, Result]] = []
        try:
            found.extend(iter(tracker.items(prefix)))
        finally:  # results that cannot be read are reported after all others
            found.sort(key=lambda item: str(item[0]))
            if as_json:
                for key, result in found:
                    print_line(key, result)
            else:
                print_table(("key", "result"), [(str(key), result_text(result)) for key, result in found])
