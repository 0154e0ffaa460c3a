"""A call made by a thread that nothing waits for when the process ends: neither Ctrl-C nor an exit waits for a store.

Python runs a signal's handler in the main thread, between two of its instructions. A client's call that blocks below
Python holds it up; waiting for another thread that makes the call does not. The threads of `concurrent.futures` would
be waited for at the exit.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from threading import Lock, Thread, current_thread, main_thread
from typing import Any, Final, Generic, TypeVar, cast

__all__ = ["Call", "interruptibly"]

T = TypeVar("T")

_LOOK: Final = 0.2  # seconds: a signal that comes as the wait begins, or to another thread, does not end it


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
        """Make it."""
        try:
            self._answer = self._function()
        except BaseException as error:
            self._error = error
        self._waiting.release()

    def wait(self) -> None:
        """Wait until it is made, or a signal's handler raises."""
        while not self._waiting.acquire(timeout=_LOOK):
            pass
        self._waiting.release()

    def result(self) -> T:
        """Wait; return what it returned, or raise what it raised. To be asked for once."""
        self.wait()
        if self._error is None:
            return cast("T", self._answer)  # which may be a `None` of its own
        try:
            raise self._error
        finally:
            self._error = None  # its traceback leads here: a cycle


class _Worker:
    """A thread that makes one call after another, and waits in between: sooner at work than one begun for each."""

    def __init__(self) -> None:
        self.abandoned = False
        self._calls: list[Call[Any]] = []  # one at most
        self._given = Lock()
        self._given.acquire()
        Thread(target=self._work, daemon=True).start()

    def give(self, call: Call[Any]) -> None:
        """Have *call* made."""
        self._calls.append(call)
        self._given.release()

    def _work(self) -> None:
        while not self.abandoned:
            self._given.acquire()
            self._calls.pop().make()  # keeps nothing of it: its answer may be large


_idle: Final[list[_Worker]] = []  # several where a signal's handler makes a call within a call
os.register_at_fork(after_in_child=_idle.clear)  # as threads do not survive a fork


def interruptibly(function: Callable[[], T]) -> T:
    """Return *function()*; where this is the main thread, another one calls it, and a signal ends the wait at once."""
    if current_thread() is not main_thread() or sys.is_finalizing():  # when no other thread runs any more
        return function()
    try:
        worker = _idle.pop() if _idle else _Worker()
    except RuntimeError:  # as above
        return function()
    call = Call(function)
    worker.give(call)
    try:
        call.wait()
    except BaseException:
        worker.abandoned = True
        raise
    _idle.append(worker)
    return call.result()
