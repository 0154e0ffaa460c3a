"""A call that comes between two instructions of another, which threads left to themselves hardly ever do."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from types import FrameType
from typing import Any, Final, TypeVar

__all__ = ["interrupted"]

T = TypeVar("T")

_POINTS: Final = 30
_PATIENCE: Final = 0.02  # seconds at least


def call(function: Callable[[], T]) -> T:
    """Return what *function* answers: what is called by this `Steps` tells from all else that happens in a thread."""
    return function()


class Steps:
    """A trace function that calls *then* before the instruction number *at* of what is called by `call`.

    Attributes:
        seen: how many instructions there were.
    """

    def __init__(self, at: int, then: Callable[[], object]) -> None:
        self.seen = 0
        self._at = at
        self._then = then
        self._outermost: FrameType | None = None

    def __call__(self, frame: FrameType, event: str, _: Any) -> Steps | None:
        """Trace *frame* if it is that of `call`, or of what that calls."""
        if self._outermost is None and frame.f_code is call.__code__:
            self._outermost = frame
        if self._outermost is None:
            return None
        frame.f_trace_opcodes = True
        if event == "return" and frame is self._outermost:
            self._outermost = None
        if event == "opcode":
            self.seen += 1
            if self.seen == self._at:
                self._then()
        return self


def _interrupt(first: Callable[[], T], second: Callable[[], T], at: int, patience: float) -> tuple[T, T, int]:
    """Return what *first* answers, what *second* does, called before that instruction, and how many *first* has."""
    with ThreadPoolExecutor(1) as pool:
        answers: list[Future[T]] = []

        def interrupt() -> None:
            answers.append(pool.submit(call, second))
            wait(answers, patience)

        steps = Steps(at, interrupt)
        with ThreadPoolExecutor(1, initializer=sys.settrace, initargs=(steps,)) as traced:
            answer = traced.submit(call, first).result()
        if not answers:
            interrupt()
        return answer, answers[0].result(), steps.seen


def interrupted(first: Callable[[int], T], second: Callable[[int], T]) -> Iterator[tuple[T, T]]:
    """Yield what both answer when *second* is called between two instructions of *first*.

    Twice *second* is called after *first*: what is done once only has then been done, and how long *second* takes is
    known. Then it is called before each instruction of *first*; of more than some thirty, before as many that lie
    evenly apart. Both are given a number, another each time. If *second* takes much longer than before, as it does when
    *first* has a lock that it needs, *first* goes on.
    """
    sys._getframe().f_trace_opcodes = True  # Python 3.12 looks for this when tracing begins, and not thereafter
    number, patience = 0, _PATIENCE
    for number in range(2):
        answer, begun = first(number), time.monotonic()
        other = second(number)
        patience = max(_PATIENCE, 5 * (time.monotonic() - begun))
        yield answer, other
    at = length = 1
    while at <= length:
        number += 1
        answer, other, length = _interrupt(partial(first, number), partial(second, number), at, patience)
        yield answer, other
        at += max(1, length // _POINTS)
