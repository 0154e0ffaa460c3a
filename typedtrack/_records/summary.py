"""`Summary`: the statistics of several results, for example of trials that differ in their seed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs

from typedtrack._records.stat import Stat
from typedtrack._results.values import Value

__all__ = ["Summary", "summary_of"]


@attrs.frozen
class Summary:
    """How many results there are, and the mean and standard error of each numeric field.

    >>> summary = summary_of(("loss", "note"), [(0.5, "a"), (0.7, "b")])
    >>> summary.count, summary["loss"]
    (2, Stat(mean=0.6, sem=0.09999999999999998))
    """

    count: int
    """The number of results."""
    stats: Mapping[str, Stat]
    """The mean and the standard error of each field that holds numbers, by its name on the wire."""

    def __getitem__(self, field: str) -> Stat:
        """Return the mean and the standard error of *field*."""
        return self.stats[field]


def summary_of(names: Iterable[str], results: Iterable[Iterable[Value | None]]) -> Summary:
    """Return the summary of *results*, whose values have *names*; `None` stands for an absent field."""
    samples: dict[str, list[int | float]] = {}
    count = 0
    columns = tuple(names)
    for result in results:
        count += 1
        for name, value in zip(columns, result, strict=True):
            if isinstance(value, (int, float)):
                samples.setdefault(name, []).append(value)
    return Summary(count, {name: Stat.of(numbers) for name, numbers in samples.items()})
