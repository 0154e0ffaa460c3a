"""A call that comes between two instructions of another, which threads left to themselves hardly ever do."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from threading import get_ident
from types import FrameType
from typing import Any, Final, TypeVar

__all__ = ["interrupted", "watched"]

T = TypeVar("T")
S = TypeVar("S")

_POINTS: Final = 30  # instructions that are interrupted however long it takes
_SECONDS: Final = 1.0  # in which all others are, as far as it suffices
_PATIENCE: Final = 0.02  # seconds at least
_TOOLS: Final = 4, 3  # those of Python's numbers for tools that monitor that are no tool's by convention


class Steps:
    """Calls *then* before the instruction number *at* of the thread that makes this.

    Attributes:
        seen: how many instructions there were.
    """

    def __init__(self, at: int, then: Callable[[], object]) -> None:
        self.seen = 0
        self._at = at
        self._then = then
        self._thread = get_ident()

    def step(self, *_: object) -> None:
        """Take note that an instruction follows, of any thread."""
        if get_ident() == self._thread:
            self.seen += 1
            if self.seen == self._at:
                self._then()

    def trace(self, frame: FrameType, event: str, _: object) -> Callable[[FrameType, str, object], Any]:
        """Take note of the instructions of *frame*: a function for `sys.settrace`."""
        frame.f_trace_opcodes = True
        if event == "opcode":
            self.step()
        return self.trace


def traced(function: Callable[[], T], steps: Steps) -> T:
    """Return what *function* answers, watched by *steps*: for Python 3.11, after which tracing misses instructions."""
    others = sys.gettrace()
    sys.settrace(steps.trace)
    try:
        return function()
    finally:
        sys.settrace(others)


def monitored(function: Callable[[], T], steps: Steps, monitoring: Any) -> T:
    """Return what *function* answers, watched by *steps*: by *monitoring*, `sys.monitoring`, new in Python 3.12."""
    tool = next(tool for tool in _TOOLS if monitoring.get_tool(tool) is None)
    instruction = monitoring.events.INSTRUCTION
    monitoring.use_tool_id(tool, __name__)
    try:
        monitoring.register_callback(tool, instruction, steps.step)
        monitoring.set_events(tool, instruction)
        return function()
    finally:
        monitoring.set_events(tool, monitoring.events.NO_EVENTS)
        monitoring.register_callback(tool, instruction, None)
        monitoring.free_tool_id(tool)


def watched(function: Callable[[], T], at: int, then: Callable[[], object]) -> tuple[T, int]:
    """Return what *function* answers, and how many instructions it has; before number *at*, call *then*."""
    steps, monitoring = Steps(at, then), getattr(sys, "monitoring", None)
    answer = monitored(function, steps, monitoring) if monitoring else traced(function, steps)
    return answer, steps.seen


def _interrupt(first: Callable[[], T], second: Callable[[], S], at: int, patience: float) -> tuple[T, S, int]:
    """Return what *first* answers, what *second* does, called before that instruction, and how many *first* has."""
    with ThreadPoolExecutor(1) as ours, ThreadPoolExecutor(1) as theirs:
        answers: list[Future[S]] = []

        def interrupt() -> None:
            answers.append(theirs.submit(second))
            wait(answers, patience)

        answer, length = ours.submit(watched, first, at, interrupt).result()
        if not answers:
            interrupt()
        return answer, answers[0].result(), length


def _ever_closer(length: int) -> list[int]:
    """Return the numbers from 1 to *length*, such that the first so many of them lie evenly apart, however many.

    >>> _ever_closer(7)
    [4, 2, 6, 1, 5, 3, 7]
    """
    return sorted(range(1, length + 1), key=lambda number: f"{number:064b}"[::-1])


def interrupted(first: Callable[[int], T], second: Callable[[int], S]) -> Iterator[tuple[T, S]]:
    """Yield what both answer when *second* is called between two instructions of *first*.

    Three times *second* is called after *first*: what is done once only has then been done, and how long *second* takes
    is known. Then it is called before each instruction of *first*; when a second is over, before no more than some
    thirty, evenly apart. Both are given a number, another each time. If *second* takes much longer than before, as it
    does when *first* has a lock that it needs, *first* goes on.
    """
    number, patience = 0, _PATIENCE
    for number in range(2):
        answer, begun = first(number), time.monotonic()
        other = second(number)
        patience = max(_PATIENCE, 5 * (time.monotonic() - begun))
        yield answer, other

    def both(at: int) -> tuple[T, S, int]:
        nonlocal number
        number += 1
        return _interrupt(partial(first, number), partial(second, number), at, patience)

    begun = time.monotonic()
    answer, other, length = both(0)
    yield answer, other
    for at in _ever_closer(length):
        if number >= _POINTS and time.monotonic() - begun > _SECONDS:
            return
        answer, other, _ = both(at)
        yield answer, other
