"""``typedtrack rm``: deletes results, and what killed writers left."""

from __future__ import annotations

import re
import sys
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import click

from typedtrack._open import open_tracker
from typedtrack._tracker.untyped import ResultTracker
from typedtrack.cli.output import print_text
from typedtrack.cli.places import base_and_keys, base_or_environment
from typedtrack.errors import BulkError, ResultNotFoundError

__all__ = ["rm"]


_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class _Age(click.ParamType[float]):
    name = "age"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        age = re.fullmatch(r"(\d+)([smhd])", str(value), re.ASCII)
        if age is None:
            self.fail(f"{value!r} is not an age such as 30d, 12h, 45m or 90s", param, ctx)
        return int(age[1]) * _UNITS[age[2]]


@click.command()
@click.argument("arguments", metavar="[BASE KEY...]", nargs=-1)
@click.option("--prefix", metavar="PREFIX", help="Delete PREFIX and all keys below it.")
@click.option("--dry-run", is_flag=True, help="Print the keys, and delete nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--leftovers", is_flag=True, help="Delete no result, but the hidden files that killed writers left.")
@click.option("--older-than", type=_Age(), metavar="AGE", help="With --leftovers: 30d, 12h, 45m or 90s; by default 1d.")
def rm(
    arguments: tuple[str, ...],
    prefix: str | None,
    dry_run: bool,
    yes: bool,
    leftovers: bool,
    older_than: float | None,
) -> int:
    """Delete results by key, or all below a prefix.

    On a terminal it asks before it deletes what --prefix found.
    """
    if leftovers:
        if len(arguments) > 1 or prefix is not None or dry_run:
            raise click.UsageError("--leftovers deletes no result: typedtrack rm BASE --leftovers [--older-than AGE]")
        tracker = open_tracker(base_or_environment(arguments[0] if arguments else None))
        print(tracker.remove_leftovers(_UNITS["d"] if older_than is None else older_than))
        return 0
    if older_than is not None:
        raise click.UsageError("--older-than is for --leftovers: most stores list no ages of results")
    if prefix is None:
        base, keys = base_and_keys(arguments)
        tracker = open_tracker(base)
    else:
        tracker = open_tracker(_only_base(arguments, prefix))
        keys = sorted(map(str, tracker.keys(prefix)))
    if dry_run:
        for key in keys:
            print_text(key)
        return 0
    asks = prefix is not None and keys and not yes and sys.stdin.isatty() and sys.stderr.isatty()
    if asks and not click.confirm(f"Delete {len(keys):,} results at and below {prefix!r}?", err=True):
        return 1
    if errors := _delete(tracker, keys, absent_is_an_error=prefix is None):
        raise BulkError(errors)
    return 0


def _only_base(arguments: tuple[str, ...], prefix: str) -> str:
    if len(arguments) > 1:
        raise click.UsageError("--prefix takes the place of KEY: typedtrack rm BASE --prefix PREFIX")
    if not prefix:  # a shell variable that is not set, more likely than the wish to lose everything
        raise click.UsageError("--prefix is empty: that would delete every result of the base")
    return base_or_environment(arguments[0] if arguments else None)


def _delete(tracker: ResultTracker, keys: Collection[str], *, absent_is_an_error: bool) -> dict[str, Exception]:
    errors: dict[str, Exception] = {}
    with ThreadPoolExecutor(tracker.max_concurrency) as pool:
        deletes = {key: pool.submit(tracker.__delitem__, key) for key in keys}
        try:
            for key, delete in deletes.items():
                error = delete.exception()
                if isinstance(error, Exception) and (absent_is_an_error or not isinstance(error, ResultNotFoundError)):
                    errors[key] = error
        except KeyboardInterrupt:
            pool.shutdown(cancel_futures=True)
            raise
    return errors
