"""Read all results of a base that is not in the page cache, which only root can empty: of a disk, not of a tmpfs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.harness import RESULT, Contestant, Topic
from benchmarks.slow import checked, drain, read_in_threads
from typedtrack import open_tracker

__all__ = ["topics"]

_SWITCH: Final = "/proc/sys/vm/drop_caches"


def topics(folder: Path, quick: bool) -> Iterator[Topic]:
    """Yield the topic; each call reads every result and keeps none."""
    base = f"{folder}/cold"
    number, rounds = (300, 3) if quick else (10_000, 9)
    tracker = open_tracker(base)
    tracker.put_many((f"search_{n // 100}/trial_{n % 100}", RESULT) for n in range(number))
    os.sync()
    one, many = partial(read_in_threads, base, 1), partial(read_in_threads, base, 16)
    contestants = [
        Contestant("limit: scandir; open, read, close by 16 threads; decode", many, _empty_cache),
        Contestant("typedtrack.open_tracker", lambda: drain(tracker), _empty_cache, aim=1.2),
        Contestant("one thread", one, _empty_cache),
    ]
    yield Topic(f"items() over {number:,} results, none in the page cache", checked(contestants, number), 1, rounds)


def _empty_cache() -> None:
    Path(_SWITCH).write_text("3", encoding="ascii")
