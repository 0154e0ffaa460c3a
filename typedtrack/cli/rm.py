"""``typedtrack rm``: deletes results."""

from __future__ import annotations

import sys
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor

import click

from typedtrack._open import open_tracker
from typedtrack._tracker.untyped import ResultTracker
from typedtrack.cli.output import print_text
from typedtrack.cli.places import base_and_keys, base_or_environment
from typedtrack.errors import BulkError, ResultNotFoundError

__all__ = ["rm"]


@click.command()
@click.argument("arguments", metavar="[BASE KEY...]", nargs=-1)
@click.option("--prefix", metavar="PREFIX", help="Delete PREFIX and all keys below it.")
@click.option("--dry-run", is_flag=True, help="Print the keys, and delete nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def rm(arguments: tuple[str, ...], prefix: str | None, dry_run: bool, yes: bool) -> int:
    """Delete results by key, or all below a prefix.

    On a terminal it asks before it deletes what --prefix found.
    """
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
