"""`Polling`: when to look for results that are still to come, and how long a look may take."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice
from typing import Final, TypeVar

from typedtrack._results.values import normalised
from typedtrack._tracker.threads import StillRunningError, call_elsewhere
from typedtrack.errors import ResultTimeoutError, shown

__all__ = ["Polling"]

T = TypeVar("T")

_FIRST_PAUSE: Final = 0.005  # seconds
_LONGEST_PAUSE: Final = 2.0  # seconds
_LONGEST_PAUSE_FOR_ALIVE: Final = 0.9  # the same where the caller knows when a job ends: with a look, one second
_PAUSE_GROWTH: Final = 1.5
_PAUSE_PER_WORK: Final = 4  # a coordinator that waits spends at most a fifth of its time on looking
_GRACE: Final = 0.9  # seconds past the time-out for looks still under way: with the rest of a wait, one second
_LONGEST_WAIT: Final = 1e9  # seconds: longer than any process runs; an int may be too large for a float
_RUN: Final = 32  # reads between two looks at the clock
_BATCH: Final = 0.005  # seconds of reading between two exchanges with the thread that reads


class Polling:
    """The looks of one wait, and the pauses between them.

    The pauses grow, and none goes past the time-out. Where there is a time-out, another thread makes the looks, and
    one that the store does not answer in time is left behind. The caller's time between two results of a look counts
    neither as the work of looking nor as time that the store has taken. *for_alive* shortens the longest pauses.

    Raises:
        TypeError: *timeout* is neither a number of seconds nor `None`.
        ValueError: *timeout* is negative or NaN.
    """

    def __init__(self, timeout: float | None, *, for_alive: bool = False) -> None:
        self._timeout = math.inf if timeout is None else _seconds(timeout)
        self._deadline = time.monotonic() + self._timeout
        self._grace = _GRACE
        self._pause = _FIRST_PAUSE
        self._longest = _LONGEST_PAUSE_FOR_ALIVE if for_alive else _LONGEST_PAUSE
        self._worked = 0.0
        self.unanswered = False
        """Whether a look was left behind, because the store had not answered it in time."""

    def is_due(self) -> bool:
        """Return whether the time is up, so that the look that begins now is the last."""
        return time.monotonic() >= self._deadline

    def look(self, reads: Iterable[T]) -> Iterator[list[T]]:
        """Yield the items of *reads*, in batches, until it ends, or until the time is up; then set `unanswered`."""
        source = iter(reads)
        more, reading = True, 0.0  # the first read is handed over at once
        while more:
            batch: list[T] = []
            began = time.monotonic()
            try:
                if self._deadline == math.inf:
                    more = _read_some(source, batch, reading)
                else:
                    seconds = max(self._deadline - began, 0) + self._grace
                    more = call_elsewhere(partial(_read_some, source, batch, reading), seconds)
            except StillRunningError:
                self.unanswered, more = True, False
            ended = time.monotonic()
            self._worked += ended - began
            self._grace -= max(ended - max(began, self._deadline), 0)
            yield batch
            reading = _BATCH

    def restart(self) -> None:
        """Begin with short pauses again, because a result has arrived."""
        self._pause = _FIRST_PAUSE

    def pause(self) -> None:
        """Pause once, the longer the more time the looks since the last pause took."""
        left = max(self._deadline - time.monotonic(), 0.0)
        time.sleep(min(max(self._pause, self._worked * _PAUSE_PER_WORK), left))
        self._pause = min(self._pause * _PAUSE_GROWTH, self._longest)
        self._worked = 0.0

    def timed_out(self, keys: Iterable[object]) -> ResultTimeoutError:
        """Return the error that names *keys* as those whose results did not come."""
        error = ResultTimeoutError(tuple(keys), self._timeout)
        if self.unanswered:
            error.add_note("typedtrack: the store did not answer in time, so some results may be there")
        return error


def _read_some(source: Iterator[T], batch: list[T], seconds: float) -> bool:
    """Append to *batch* at least one item of *source*, and others for *seconds*; return whether there may be more."""
    until = time.monotonic() + seconds
    run = 1
    while True:
        wanted = len(batch) + run
        batch.extend(islice(source, run))
        if len(batch) < wanted or time.monotonic() >= until:
            return len(batch) == wanted
        run = min(2 * run, _RUN)


def _seconds(timeout: object) -> float:
    seconds = normalised(timeout)
    if not isinstance(seconds, (int, float)) or isinstance(seconds, bool):
        raise TypeError(f"timeout must be a number of seconds or None, got {shown(timeout)}")
    if not seconds >= 0:  # NaN is neither
        raise ValueError(f"timeout must be 0 or more seconds, or None to wait for ever, got {shown(timeout)}")
    return min(seconds, _LONGEST_WAIT)
