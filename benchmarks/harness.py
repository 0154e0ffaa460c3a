"""Measures contestants in turns, round after round. Each round gives one ratio to the limit.

Other work on the machine slows all contestants of a round, so ratios are more stable than times.
"""

from __future__ import annotations

import gc
import random
import resource
import statistics
import time
from collections.abc import Callable, Sequence
from timeit import Timer
from typing import Final, NamedTuple, TypeAlias

__all__ = ["RESULT", "Contestant", "Result", "Topic", "cpu_seconds", "race"]

Result: TypeAlias = dict[str, int | float | str]

RESULT: Final[Result] = {
    "accuracy": 0.9312345,
    "steps": 12_000,
    "l2norm/mean": 1.25,
    "l2norm/sem": 0.0312,
    "split": "test",
    "checkpoint": "runs/7/checkpoint_12000",
}
"""The result that all contestants put and get."""


class Contestant(NamedTuple):
    """One way to do the work of a topic.

    Attributes:
        name: the name in the table.
        call: the function that is timed.
        prepare: a function that runs before each round and is not timed.
        aim: the highest ratio to the limit that is acceptable.
        share: the part of the work that *call* does, where all of it takes too long; its time is divided by it.
    """

    name: str
    call: Callable[[], object]
    prepare: Callable[[], object] = lambda: None
    aim: float | None = None
    share: float = 1


class Topic(NamedTuple):
    """Contestants that do the same work, the limit first. Each round times *calls* calls of each contestant."""

    title: str
    contestants: Sequence[Contestant]
    calls: int
    rounds: int


def cpu_seconds() -> float:
    """Return the CPU time of this process and of its children that have ended, in seconds."""
    of_both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in of_both)


def race(topic: Topic, timer: Callable[[], float] = time.perf_counter) -> str:
    """Measure *topic*; return a Markdown table of the median time of a call, the median ratio and its quartiles."""
    seconds: dict[str, list[float]] = {contestant.name: [] for contestant in topic.contestants}
    order = list(topic.contestants)
    shuffle = random.Random(topic.title).shuffle
    gc.freeze()  # keeps imported modules out of every collection below
    for round_ in range(topic.rounds + 1):
        shuffle(order)
        gc.collect()
        for contestant in order:
            contestant.prepare()
            taken = Timer(contestant.call, timer=timer).timeit(topic.calls)  # with the garbage collector off
            if round_ > 0:  # the first one warms up
                seconds[contestant.name].append(taken / topic.calls / contestant.share)

    limit = seconds[topic.contestants[0].name]
    lines = [f"| {topic.title} | median | ratio | quartiles | aim |", "|---|--:|--:|:-:|--:|"]
    for name, _, _, aim, _ in topic.contestants:
        ratios = [own / best for own, best in zip(seconds[name], limit, strict=True)]
        low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive")
        wanted = "" if aim is None else f"≤ {aim:g}"
        median = _duration(statistics.median(seconds[name]))
        lines.append(f"| {name} | {median} | {middle:.2f} | {low:.2f} to {high:.2f} | {wanted} |")
    return "\n".join(lines)


def _duration(seconds: float) -> str:
    for unit, scale in (("s", 1.0), ("ms", 1e3)):
        if seconds * scale >= 1:
            return f"{seconds * scale:.1f} {unit}"
    return f"{seconds * 1e6:.2f} µs"
