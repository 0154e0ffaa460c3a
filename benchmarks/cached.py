"""Renew the cached frame of a local base, and hand its rows to polars."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import polars

from benchmarks import frame
from benchmarks.frame import EvalResult, rows_of, various_results
from benchmarks.harness import RESULT, Contestant, Result, Topic
from typedtrack import open_tracker
from typedtrack.frame.columns import reader_of

__all__ = ["CHANGED", "topics"]

CHANGED: Final = 100
"""How many results are put anew before each renewal."""


def topics(folder: Path, quick: bool) -> Iterator[Topic]:
    """Yield the topics."""
    cache = f"{folder}/cache.parquet"
    count, rounds = (300, 3) if quick else (frame.results, 7)
    tracker = open_tracker(f"{folder}/cached")
    tracker.put_many(various_results(count))
    view = tracker.typed(EvalResult)
    cached = view.frame(cache=cache)
    time.sleep(0.1)  # until the files are old enough to have versions
    if rows_of(cached) != count:
        raise AssertionError("the frame left results out")

    changed = [key for key, _ in various_results(count)][:: max(1, count // CHANGED)]
    steps = iter(range(10**9))

    def change() -> None:
        new: Result = {**RESULT, "steps": next(steps)}
        tracker.put_many((key, new) for key in changed)
        time.sleep(0.1)

    yield Topic(
        f"renewal of a cached frame of {count:,}",
        [
            Contestant("limit: one listing with versions", lambda: sum(1 for _ in tracker._list_details(""))),
            Contestant("one listing of keys", lambda: sum(1 for _ in tracker)),
            Contestant("renewal, nothing changed", lambda: cached.schema, lambda: cached.schema),
            Contestant(f"renewal, {len(changed)} changed", lambda: cached.schema, change, aim=1.5),
            Contestant("the same frame without a cache", lambda: rows_of(view.frame())),
        ],
        1,
        rounds,
    )
    table = cached._renewed([])
    if table is None:
        raise AssertionError("the frame has no cache")
    types = cached._read([])[0]
    yield Topic(
        f"{count:,} cached rows to polars, after the listing",
        [
            Contestant("limit: polars reads the same Parquet", lambda: polars.read_parquet(cache).height),
            Contestant(
                "the rows of the cache, frame to polars",
                lambda: polars.DataFrame(reader_of(types, table.batches(types))).height,
                aim=2,
            ),
        ],
        1,
        rounds,
    )
