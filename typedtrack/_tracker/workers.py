"""Calls made concurrently, as those of a bulk call are, by threads that nothing waits for when the process ends."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TypeVar
from weakref import ref

from typedtrack._tracker.threads import Call

__all__ = ["Workers"]

T = TypeVar("T")


class Workers:
    """At most *limit* threads that make calls, each begun in the order given, until the `end`."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._calls: SimpleQueue[object] = SimpleQueue()  # of calls; anything else is the end
        self._threads: list[Thread] = []
        self._gone = ref(self, self._calls.put)  # the end, too, where an interrupt comes just before that

    def begin(self, function: Callable[[], T]) -> Call[T]:
        """Have *function* called as soon as a thread is free; at once, and here, where none can be had."""
        call = Call(function)
        if len(self._threads) < self._limit:
            self._start_one()
        if self._threads:
            self._calls.put(call)
        else:
            call.make()
        return call

    def _start_one(self) -> None:
        thread = Thread(target=_work, args=(self._calls,), name="typedtrack", daemon=True)
        self._threads.append(thread)
        try:
            thread.start()
        except RuntimeError:  # at the limit of the system; in Python 3.12 also when the process ends
            self._threads.remove(thread)

    def end(self, *, wait: bool) -> None:
        """Begin nothing further; the threads end with the calls that they are making, for which this may *wait*."""
        with suppress(Empty):
            while True:
                self._calls.get_nowait()
        self._calls.put(None)
        if wait:
            for thread in self._threads:
                thread.join()


def _work(calls: SimpleQueue[object]) -> None:
    while isinstance(call := calls.get(), Call):
        call.make()
        del call  # its answer may be large, and the next may be long in coming
    calls.put(None)  # for the next thread
