"""``typedtrack ls``: lists keys, with or without their results, or failures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import click

from typedtrack._open import open_tracker
from typedtrack._results.failure import FAILURE_MESSAGE, FAILURE_TYPE, failure_result
from typedtrack._results.values import Result
from typedtrack._sorting import SortedTexts
from typedtrack._tracker.untyped import ResultTracker
from typedtrack.cli.base_and_key import base_to_read, complete_file
from typedtrack.cli.output import json_option, print_line, print_table, print_text
from typedtrack.cli.values import result_text

__all__ = ["ls"]


@click.command()
@click.argument("base", metavar="[BASE]", required=False, shell_complete=complete_file)
@click.argument("prefix", default="")
@click.option("--long", is_flag=True, help="Print the fields of each result, too; leave failures out.")
@click.option("--failed", is_flag=True, help="Print the failures alone.")
@click.option("--count", is_flag=True, help="Print the number of keys alone.")
@json_option
def ls(base: str | None, prefix: str, long: bool, failed: bool, count: bool, as_json: bool) -> None:
    """List keys: all of them, or PREFIX and those below it."""
    if long and failed:
        raise click.UsageError("--long and --failed exclude each other")
    tracker = open_tracker(base_to_read(base))
    if not (long or failed):
        _list_keys(map(str, tracker.keys(prefix)), count=count, as_json=as_json)
        return
    stored = _failures(tracker, prefix) if failed else _results(tracker, prefix)
    if count:
        print(sum(1 for _ in stored))
        return
    found: list[tuple[str, Result]] = []
    try:
        found.extend(stored)
    finally:  # unreadable results are reported after all others
        found.sort(key=lambda item: item[0])
        if as_json:
            for key, result in found:
                print_line(key, result)
        elif failed:
            rows = [(key, str(result[FAILURE_TYPE]), str(result[FAILURE_MESSAGE])) for key, result in found]
            print_table(("key", "type", "message"), rows)
        else:
            print_table(("key", "result"), [(key, result_text(result)) for key, result in found])


def _list_keys(keys: Iterable[str], *, count: bool, as_json: bool) -> None:
    if count:
        print(sum(1 for _ in keys))
        return
    with SortedTexts(keys) as in_order:
        for key in in_order:
            if as_json:
                print_line(key, {})
            else:
                print_text(key)


def _failures(tracker: ResultTracker, prefix: str) -> Iterator[tuple[str, Result]]:
    return ((str(key), failure_result(failure)) for key, failure in tracker.failures(prefix))


def _results(tracker: ResultTracker, prefix: str) -> Iterator[tuple[str, Result]]:
    return ((str(key), result) for key, result in tracker.items(prefix))
