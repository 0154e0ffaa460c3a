"""``typedtrack rm``: deletes results, and the hidden files of killed writers."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import click

from typedtrack._open import open_tracker
from typedtrack._results.keys import prefix_text
from typedtrack._tracker.below import times_below
from typedtrack._tracker.untyped import ResultTracker
from typedtrack.cli.base_and_key import base_and_keys, base_or_environment, complete_file
from typedtrack.cli.output import print_text, progress
from typedtrack.errors import BulkError, ResultNotFoundError

__all__ = ["Age", "rm"]


_AT_ONCE: Final = 10_000  # deletes that threads have before them: each takes 1.6 KB of memory
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class Age(click.ParamType[float]):
    """Seconds, written as 30d, 12h, 45m or 90s."""

    name = "age"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return *value* in seconds."""
        age = re.fullmatch(r"(\d{1,9})([smhd])", str(value), re.ASCII)
        if age is None:
            self.fail(f"{value!r} is not an age such as 30d, 12h, 45m or 90s", param, ctx)
        return int(age[1]) * _UNITS[age[2]]


@click.command()
@click.argument("arguments", metavar="[BASE KEY...]", nargs=-1, shell_complete=complete_file)
@click.option("--prefix", metavar="PREFIX", help="Delete PREFIX and all keys below it.")
@click.option("--older-than", type=Age(), metavar="AGE", help="Delete only what is older: 30d, 12h, 45m or 90s.")
@click.option("--dry-run", is_flag=True, help="Print the keys, and delete nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--leftovers", is_flag=True, help="Delete hidden files of killed writers, by default older than 1d.")
def rm(
    arguments: tuple[str, ...],
    prefix: str | None,
    older_than: float | None,
    dry_run: bool,
    yes: bool,
    leftovers: bool,
) -> int:
    """Delete results by key, or all below a prefix or older than an age.

    On a terminal it asks before it deletes what --prefix or --older-than found.
    """
    if leftovers:
        if len(arguments) > 1 or prefix is not None or dry_run:
            raise click.UsageError("--leftovers deletes no result: typedtrack rm BASE --leftovers [--older-than AGE]")
        tracker = open_tracker(base_or_environment(arguments[0] if arguments else None))
        print(tracker.remove_leftovers(_UNITS["d"] if older_than is None else older_than))
        return 0
    is_search = prefix is not None or older_than is not None
    if is_search:
        tracker = open_tracker(_only_base(arguments, prefix))
        keys = _search(tracker, prefix or "", older_than)
    else:
        base, keys = base_and_keys(arguments)
        tracker = open_tracker(base)
    if dry_run:
        for key in keys:
            print_text(key)
        return 0
    asks = is_search and keys and not yes and sys.stdin.isatty() and sys.stderr.isatty()
    where = "" if prefix is None else f" at and below {prefix!r}"
    if asks and not click.confirm(f"Delete {len(keys):,} result{'s' * (len(keys) > 1)}{where}?", err=True):
        return 1
    if errors := _delete(tracker, keys, absent_is_an_error=not is_search):
        raise BulkError(errors)
    return 0


def _search(tracker: ResultTracker, prefix: str, older_than: float | None) -> list[str]:
    """Return the keys at and below *prefix*, all or those that were last put more than *older_than* seconds ago."""
    if older_than is None:
        return sorted(map(str, tracker.keys(prefix)))
    before = time.time() - older_than
    return sorted(key for key, modified in times_below(tracker, prefix_text(prefix)) if modified < before)


def _only_base(arguments: tuple[str, ...], prefix: str | None) -> str:
    if len(arguments) > 1:
        raise click.UsageError("--prefix and --older-than take the place of KEY: typedtrack rm BASE --prefix PREFIX")
    if prefix == "":  # a shell variable that is not set, more likely than the wish to lose everything
        raise click.UsageError("--prefix is empty: that would delete every result of the base")
    return base_or_environment(arguments[0] if arguments else None)


def _delete(tracker: ResultTracker, keys: Sequence[str], *, absent_is_an_error: bool) -> dict[str, Exception]:
    errors: dict[str, Exception] = {}
    with ThreadPoolExecutor(tracker.max_concurrency) as pool, progress("deleting", len(keys)) as bar:
        try:
            for key, error in _outcomes(pool, tracker.__delitem__, keys):
                if isinstance(error, Exception) and (absent_is_an_error or not isinstance(error, ResultNotFoundError)):
                    errors[key] = error
                if bar is not None:
                    bar.update(1)
        except KeyboardInterrupt:
            pool.shutdown(cancel_futures=True)
            raise
    return errors


def _outcomes(
    pool: ThreadPoolExecutor, delete: Callable[[str], None], keys: Sequence[str]
) -> Iterator[tuple[str, BaseException | None]]:
    """Yield each of *keys* with the error of its *delete*, or `None`."""
    for start in range(0, len(keys), _AT_ONCE):
        begun = [(key, pool.submit(delete, key)) for key in keys[start : start + _AT_ONCE]]
        for key, deleted in begun:
            yield key, deleted.exception()
