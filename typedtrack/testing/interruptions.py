"""Calls a function between two instructions of another, where threads that run freely hardly ever switch."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from threading import get_ident
from types import FrameType
from typing import Any, Final, TypeVar

__all__ = ["call_at_instruction", "interleave"]

T = TypeVar("T")
S = TypeVar("S")

_POINTS: Final = 30  # instructions that are interrupted, however long that takes
_SECONDS: Final = 1.0  # for interrupting further ones
_TURN: Final = 0.001  # seconds
_TURNS: Final = 20  # that the interrupting call gets at least
_TOOL_IDS: Final = 4, 3  # the ids that `sys.monitoring` reserves for no kind of tool


class InstructionCounter:
    """Counts the instructions of the thread that creates it, and calls *then* before the instruction number *at*.

    Attributes:
        count: the instructions so far.
    """

    def __init__(self, at: int, then: Callable[[], object]) -> None:
        self.count = 0
        self._at = at
        self._then = then
        self._thread = get_ident()

    def step(self, *_: object) -> None:
        """Count one instruction, unless another thread executes it."""
        if get_ident() == self._thread:
            self.count += 1
            if self.count == self._at:
                self._then()

    def trace(self, frame: FrameType, event: str, _: object) -> Callable[[FrameType, str, object], Any]:
        """Count the instructions of *frame*: a trace function for `sys.settrace`."""
        frame.f_trace_opcodes = True
        if event == "opcode":
            self.step()
        return self.trace


def call_traced(function: Callable[[], T], counter: InstructionCounter) -> T:
    """Call *function* with a trace function that counts: for Python 3.11. Later versions trace fewer instructions."""
    others = sys.gettrace()
    sys.settrace(counter.trace)
    try:
        return function()
    finally:
        sys.settrace(others)


def call_monitored(function: Callable[[], T], counter: InstructionCounter, monitoring: Any) -> T:
    """Call *function* while *monitoring*, which is `sys.monitoring` of Python 3.12 and later, counts."""
    tool = next(tool for tool in _TOOL_IDS if monitoring.get_tool(tool) is None)
    instruction = monitoring.events.INSTRUCTION
    monitoring.use_tool_id(tool, __name__)
    try:
        monitoring.register_callback(tool, instruction, counter.step)
        monitoring.set_events(tool, instruction)
        return function()
    finally:
        monitoring.set_events(tool, monitoring.events.NO_EVENTS)
        monitoring.register_callback(tool, instruction, None)
        monitoring.free_tool_id(tool)


def call_at_instruction(function: Callable[[], T], at: int, then: Callable[[], object]) -> tuple[T, int]:
    """Call *function*, and *then* before its instruction number *at*; return its result and its instruction count."""
    counter, monitoring = InstructionCounter(at, then), getattr(sys, "monitoring", None)
    result = call_monitored(function, counter, monitoring) if monitoring else call_traced(function, counter)
    return result, counter.count


def _interrupt(first: Callable[[], T], second: Callable[[], S], at: int, turns: int) -> tuple[T, S, int]:
    """Call *first*, and *second* before that instruction; return both results and the instruction count of *first*."""
    with ThreadPoolExecutor(1) as ours, ThreadPoolExecutor(1) as theirs:
        answers: list[Future[S]] = []

        def interrupt() -> None:
            answers.append(theirs.submit(second))
            _wait(answers, turns)

        result, count = ours.submit(call_at_instruction, first, at, interrupt).result()
        if not answers:
            interrupt()
        return result, answers[0].result(), count


def _wait(answers: list[Future[S]], turns: int) -> None:
    """Wait for *answers*, in turns: the time of one long wait also passes while the machine runs something else."""
    for _ in range(turns):
        if wait(answers, _TURN).done:
            return


def _spread(count: int) -> list[int]:
    """Return the numbers from 1 to *count* in an order whose every beginning is spread evenly.

    >>> _spread(7)
    [4, 2, 6, 1, 5, 3, 7]
    """
    return sorted(range(1, count + 1), key=lambda number: f"{number:064b}"[::-1])


def interleave(first: Callable[[int], T], second: Callable[[int], S]) -> Iterator[tuple[T, S]]:
    """Call *second* between two instructions of *first*, again and again, and yield both results each time.

    Both functions take a number that no earlier call had. The first three times, *second* runs after *first*: this does
    what happens only once, and measures *second*. Then *second* runs before each instruction of *first*, or after one
    second before about thirty instructions that are spread evenly. Where *second* takes much longer than measured, it
    may wait for a lock that *first* holds, so *first* goes on.
    """
    number, turns = 0, _TURNS
    for number in range(2):
        result, begun = first(number), time.monotonic()
        other = second(number)
        turns = max(_TURNS, int(5 * (time.monotonic() - begun) / _TURN))
        yield result, other

    def call_both(at: int) -> tuple[T, S, int]:
        nonlocal number
        number += 1
        return _interrupt(partial(first, number), partial(second, number), at, turns)

    begun = time.monotonic()
    result, other, count = call_both(0)
    yield result, other
    for at in _spread(count):
        if number >= _POINTS and time.monotonic() - begun > _SECONDS:
            return
        result, other, _ = call_both(at)
        yield result, other
