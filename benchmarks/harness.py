"""The race: contestants take turns, round after round, and each round gives one ratio to the limit.

A machine that other work slows down slows all contestants of a round, so the ratios hold where the times do not.
"""

from __future__ import annotations

import gc
import random
import statistics
from collections.abc import Callable, Sequence
from timeit import Timer
from typing import Final, NamedTuple, TypeAlias

__all__ = ["RESULT", "Contestant", "Result", "Topic", "race"]

Result: TypeAlias = dict[str, int | float | str]

RESULT: Final[Result] = {
    "accuracy": 0.9312345,
    "steps": 12_000,
    "l2norm/mean": 1.25,
    "l2norm/sem": 0.0312,
    "split": "test",
    "checkpoint": "runs/7/checkpoint_12000",
}
"""The result of six fields that all contestants put and get."""


class Contestant(NamedTuple):
    """One way to do it: what is timed, what precedes each round untimed, and the ratio it should not exceed.

    *call* may do a *share* of what the others do, where it takes too long and all parts take the same; its time is
    divided by that.
    """

    name: str
    call: Callable[[], object]
    prepare: Callable[[], object] = lambda: None
    aim: float | None = None
    share: float = 1


class Topic(NamedTuple):
    """Contestants that do the same thing, the limit first; a round times *calls* calls of each."""

    title: str
    contestants: Sequence[Contestant]
    calls: int
    rounds: int


def race(topic: Topic) -> str:
    """Run *topic*; return its Markdown table: median seconds a call, median ratio to the limit and its quartiles."""
    seconds: dict[str, list[float]] = {contestant.name: [] for contestant in topic.contestants}
    order = list(topic.contestants)
    shuffle = random.Random(topic.title).shuffle
    gc.freeze()  # what is imported is not to be collected round after round
    for round_ in range(topic.rounds + 1):
        shuffle(order)
        gc.collect()
        for contestant in order:
            contestant.prepare()
            taken = Timer(contestant.call).timeit(topic.calls)  # which keeps the garbage collector off
            if round_ > 0:  # the first one warms up
                seconds[contestant.name].append(taken / topic.calls / contestant.share)

    limit = seconds[topic.contestants[0].name]
    lines = [f"| {topic.title} | median | ratio | quartiles | aim |", "|---|--:|--:|:-:|--:|"]
    for name, _, _, aim, _ in topic.contestants:
        ratios = [own / best for own, best in zip(seconds[name], limit, strict=True)]
        low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive")
        wanted = "" if aim is None else f"≤ {aim:g}"
        time = _duration(statistics.median(seconds[name]))
        lines.append(f"| {name} | {time} | {middle:.2f} | {low:.2f} to {high:.2f} | {wanted} |")
    return "\n".join(lines)


def _duration(seconds: float) -> str:
    for unit, scale in (("s", 1.0), ("ms", 1e3)):
        if seconds * scale >= 1:
            return f"{seconds * scale:.1f} {unit}"
    return f"{seconds * 1e6:.2f} µs"
