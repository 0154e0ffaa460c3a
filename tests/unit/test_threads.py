"""Calls in other threads, which daemon threads make, so that the process can end without them."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import time
import weakref
from collections.abc import Callable
from typing import NoReturn

import pytest

from typedtrack._tracker import threads
from typedtrack._tracker.threads import Workers, interruptibly

ENOUGH = 30  # seconds: more than any step here takes


class OwnError(Exception):
    """The error that calls and signal handlers raise here."""


def fail() -> NoReturn:
    """Raise `OwnError`."""
    raise OwnError


def send_a_signal() -> None:
    """Send SIGUSR1 to the main thread while it waits for the answer."""
    time.sleep(0.2)
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)


def test_another_thread_makes_the_calls_of_the_main_thread() -> None:
    """One daemon thread makes all calls of the main thread; every other thread makes its calls itself."""
    assert threading.current_thread() is threading.main_thread()
    makers = {interruptibly(threading.current_thread) for _ in range(3)}
    assert len(makers) == 1
    assert threading.main_thread() not in makers
    assert all(maker.daemon for maker in makers)
    own = Workers(1)
    assert own.begin(lambda: interruptibly(threading.current_thread) is threading.current_thread()).result()
    own.end(join=True)


def test_a_call_returns_or_raises() -> None:
    """The caller gets the returned object or the error, and nothing else keeps the object."""

    class Answer:
        pass

    answer = interruptibly(Answer)
    gone = weakref.ref(answer)
    del answer
    gc.collect()
    assert gone() is None
    for _ in range(2):
        with pytest.raises(OwnError):
            interruptibly(fail)


def test_a_call_within_a_call() -> None:
    """A signal handler may make a call while the main thread waits for another call."""
    inner: list[int] = []
    release = threading.Event()

    def handler(*_: object) -> None:
        inner.append(interruptibly(lambda: 1))
        release.set()

    def outer() -> bool:
        send_a_signal()
        return release.wait(ENOUGH)

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        assert interruptibly(outer)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert inner == [1]


def test_an_interrupt_ends_the_wait_but_not_the_call() -> None:
    """An interrupt ends the wait. The thread ends after its call, and the next call runs in another thread."""
    release = threading.Event()
    ended = threading.Event()
    makers: list[threading.Thread] = []

    def handler(*_: object) -> NoReturn:
        raise OwnError

    def slow() -> None:
        makers.append(threading.current_thread())
        send_a_signal()
        release.wait(ENOUGH)
        ended.set()

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        with pytest.raises(OwnError):
            interruptibly(slow)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert not ended.is_set()
    assert interruptibly(threading.current_thread) not in makers
    release.set()
    makers[0].join(ENOUGH)
    assert ended.is_set()
    assert not makers[0].is_alive()


def test_the_caller_makes_the_call_if_no_thread_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """If a thread cannot start, as at the exit of Python 3.12, the caller's own thread makes the call."""

    def refuse(thread: threading.Thread) -> NoReturn:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(threads, "_idle", [])
    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert interruptibly(threading.current_thread) is threading.main_thread()
    several = Workers(2)
    assert [several.begin(threading.current_thread).result() for _ in range(3)] == [threading.main_thread()] * 3
    several.end(join=True)


def test_the_caller_makes_the_call_while_the_interpreter_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other threads stop running when the interpreter ends, so the main thread makes the call."""
    monkeypatch.setattr(sys, "is_finalizing", lambda: True)
    assert interruptibly(threading.current_thread) is threading.main_thread()


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # Python 3.12 warns of a fork beside threads
def test_a_forked_child_has_threads_of_its_own() -> None:
    """A forked child does not wait for a thread that only its parent has."""
    interruptibly(lambda: None)
    if not (child := os.fork()):
        signal.alarm(ENOUGH)
        os._exit(interruptibly(lambda: 7))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


@pytest.mark.parametrize("join", [True, False])
def test_the_end_of_workers_starts_no_more_calls(join: bool) -> None:
    """After `end` the running call finishes, the queued calls never start, and the threads end."""
    release, begun = threading.Event(), threading.Event()
    made: list[int] = []

    def call(number: int) -> Callable[[], None]:
        def one() -> None:
            begun.set()
            release.wait(ENOUGH)
            made.append(number)

        return one

    workers = Workers(1)
    for number in range(3):
        workers.begin(call(number))
    assert begun.wait(ENOUGH)
    threads = list(workers._threads)
    if join:
        threading.Timer(0.05, release.set).start()
    workers.end(join=join)
    assert made == ([0] if join else [])
    release.set()
    for thread in threads:
        thread.join(ENOUGH)
    assert made == [0]
    assert not any(thread.is_alive() for thread in threads)
