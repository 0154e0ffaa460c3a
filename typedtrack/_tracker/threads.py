"""Calls made by threads of our own, which do not hold up a signal, a time-out or the end of the process.

Python runs a signal's handler in the main thread, between two of its instructions. So a client's call that blocks in C
code delays Ctrl-C, but waiting for another thread that makes the call does not. The threads of `concurrent.futures`
would not do: the interpreter joins them when it exits.
"""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Lock, Thread, current_thread, main_thread
from typing import Final, Generic, TypeVar, cast
from weakref import ref

__all__ = ["Call", "StillRunningError", "Workers", "call_elsewhere", "interruptibly"]

T = TypeVar("T")

_LOOK: Final = 0.2  # seconds: a signal that arrives just before the wait, or in another thread, does not end it


class StillRunningError(Exception):
    """A call in another thread has not ended in time. The thread ends after the call."""


class Call(Generic[T]):
    """A call that another thread makes."""

    __slots__ = ("_answer", "_error", "_function", "_waiting")

    def __init__(self, function: Callable[[], T]) -> None:
        self._function = function
        self._answer: T | None = None
        self._error: BaseException | None = None
        self._waiting = Lock()
        self._waiting.acquire()

    def make(self) -> None:
        """Make the call."""
        try:
            self._answer = self._function()
        except BaseException as error:
            self._error = error
        self._waiting.release()

    def wait(self, seconds: float = math.inf) -> None:
        """Wait until the call has been made, or a signal's handler raises.

        Raises:
            StillRunningError: it has not been made after *seconds*.
        """
        if seconds == math.inf:
            while not self._waiting.acquire(timeout=_LOOK):
                pass
        else:
            deadline = time.monotonic() + seconds
            while not self._waiting.acquire(timeout=min(_LOOK, max(deadline - time.monotonic(), 0))):
                if time.monotonic() >= deadline:
                    raise StillRunningError
        self._waiting.release()

    def result(self) -> T:
        """Wait for the call, then return its answer or raise its error. To be called once."""
        self.wait()
        if self._error is None:
            return cast("T", self._answer)  # which may be a `None` of its own
        try:
            raise self._error
        finally:
            self._error = None  # breaks the cycle through its traceback, which holds this frame


class Workers:
    """A pool of at most *limit* threads of that *name*, which make calls in the order given until `end`."""

    def __init__(self, limit: int, name: str = "typedtrack") -> None:
        self._limit = limit
        self._name = name
        self._calls: SimpleQueue[object] = SimpleQueue()  # anything but a `Call` ends the threads
        self._threads: list[Thread] = []
        self._gone = ref(self, self._calls.put)  # ends them, too, where an interrupt comes just before `end`

    def begin(self, function: Callable[[], T]) -> Call[T]:
        """Have a thread call *function* as soon as one is free; call it here if no thread can be started."""
        call = Call(function)
        if len(self._threads) < self._limit:
            self._start_one()
        if self._threads:
            self._calls.put(call)
        else:
            call.make()
        return call

    def _start_one(self) -> None:
        thread = Thread(target=_work, args=(self._calls,), name=self._name, daemon=True)
        self._threads.append(thread)
        try:
            thread.start()
        except RuntimeError:  # at the limit of the system; from Python 3.12 on also when the interpreter exits
            self._threads.remove(thread)

    def end(self, *, join: bool) -> None:
        """Start no further call. The threads end after their present calls; *join* waits for them."""
        with suppress(Empty):
            while True:
                self._calls.get_nowait()
        self._calls.put(None)
        if join:
            for thread in self._threads:
                thread.join()


def _work(calls: SimpleQueue[object]) -> None:
    while isinstance(call := calls.get(), Call):
        call.make()
        del call  # its answer may be large, and the next call may come late
    calls.put(None)  # for the next thread


_idle: Final[list[Workers]] = []  # pools of one thread; a signal's handler may need a second one
os.register_at_fork(after_in_child=_idle.clear)  # threads do not survive a fork


def call_elsewhere(function: Callable[[], T], seconds: float = math.inf) -> T:
    """Return *function()*, called by another thread. A signal whose handler raises ends the wait at once.

    Raises:
        StillRunningError: the call has not ended after *seconds*; it is left behind.
    """
    if sys.is_finalizing():  # other threads no longer run
        return function()
    try:
        pool = _idle.pop()
    except IndexError:
        pool = Workers(1, "typedtrack-idle")
    call = pool.begin(function)
    try:
        call.wait(seconds)
    except BaseException:
        pool.end(join=False)
        raise
    _idle.append(pool)
    return call.result()


def interruptibly(function: Callable[[], T]) -> T:
    """Return *function()*. In the main thread another thread calls it, so that a signal ends the wait at once."""
    return call_elsewhere(function) if current_thread() is main_thread() else function()
