"""Ctrl-C in a call on a slow store: the call ends at once, begins no further request, and leaves no thread behind."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

import pytest
from fsspec.asyn import get_loop

from tests.trackers import DictTracker
from typedtrack import ResultTracker
from typedtrack._tracker import backend, threads
from typedtrack.backends.asynchronous import AsyncResultTracker, Page
from typedtrack.testing import interruptions

KEYS = [str(number) for number in range(100)]
SLOW = 240  # seconds until the stores answer
SOON = 60  # seconds until a call has returned, even on a busy machine: it would wait longer for its store


class SlowInThreads(DictTracker):
    """A store whose calls block their thread until a test releases them; it notes the keys of all calls."""

    def __init__(self) -> None:
        super().__init__()
        self.stored = dict.fromkeys(KEYS, b'{"x": 1}\n')
        self.begun = threading.Event()
        self.released = threading.Event()
        self.calls: list[str] = []

    def _read(self, key: str, limit: int) -> bytes | None:
        self._block(key)
        return super()._read(key, limit)

    def _write(self, key: str, data: bytes, *, exclusive: bool = False) -> None:
        self._block(key)

    def _block(self, key: str) -> None:
        self.calls.append(key)
        self.begun.set()
        self.released.wait(SLOW)

    def left_behind(self) -> list[object]:
        """Release the calls; return the threads that still exist."""
        self.released.set()
        return [thread for thread in threading.enumerate() if thread.name == "typedtrack"]


class SlowOnALoop(AsyncResultTracker):
    """The same store with coroutines, which can be cancelled."""

    def __init__(self) -> None:
        super().__init__(get_loop(), 4)
        self._others = asyncio.all_tasks(self._loop)  # they belong to clients of other tests
        self.begun = threading.Event()
        self.calls: list[str] = []

    def _location(self, text: str) -> str:
        return f"slow/{text}"

    async def _block(self, key: str) -> None:
        self.calls.append(key)
        self.begun.set()
        await asyncio.sleep(SLOW)

    async def _read_one(self, key: str, limit: int) -> bytes | None:
        await self._block(key)
        return b'{"x": 1}\n'

    async def _write_one(self, key: str, data: bytes, exclusive: bool = False) -> None:
        await self._block(key)

    async def _delete_one(self, key: str) -> None:
        await self._block(key)

    async def _pages(self, prefix: str, *, details: bool) -> AsyncIterator[Page]:
        yield [(key, None, None) for key in KEYS]

    def left_behind(self) -> list[object]:
        """Return the tasks of this store that the loop still has."""
        return [*asyncio.all_tasks(self._loop) - self._others]


CALLS: dict[str, Callable[[ResultTracker], object]] = {
    "get_many": lambda tracker: tracker.get_many(KEYS),
    "items": lambda tracker: list(tracker.items()),
    "put_many": lambda tracker: tracker.put_many((key, {"x": 1}) for key in KEYS),
    "wait_all": lambda tracker: list(tracker.wait_all(KEYS)),
}


@contextmanager
def a_signal(begun: threading.Event, handler: Callable[..., object]) -> Generator[None]:
    """Send SIGINT to the main thread, as Ctrl-C does, when *begun* is set; *handler* handles it."""

    def send() -> None:
        begun.wait(SLOW)
        time.sleep(0.2)  # by then the caller waits for the answer, as a rule
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    before = signal.signal(signal.SIGINT, handler)
    sender = threading.Thread(target=send)
    sender.start()
    try:
        yield
    finally:
        sender.join()
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("store", [SlowInThreads, SlowOnALoop])
def test_ctrl_c(store: type[SlowInThreads | SlowOnALoop], call: str) -> None:
    """The call raises the interrupt long before the store answers, begins no request after it, and leaves none."""
    tracker = store()
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt), a_signal(tracker.begun, signal.default_int_handler):
        CALLS[call](tracker)
    assert time.monotonic() - started < SOON
    while tracker.left_behind():
        assert time.monotonic() - started < 2 * SOON
        time.sleep(0.01)
    assert len(tracker.calls) <= tracker.max_concurrency


class OwnError(Exception):
    """An error that a signal's handler raises."""


@pytest.mark.parametrize("error", [SystemExit, OwnError])
@pytest.mark.parametrize("store", [SlowInThreads, SlowOnALoop])
def test_any_other_signal(store: type[SlowInThreads | SlowOnALoop], error: type[BaseException]) -> None:
    """The same holds for every error of a handler: one of SIGTERM often exits, one of an alarm has its own error."""

    def handler(*_: object) -> NoReturn:
        raise error

    tracker = store()
    started = time.monotonic()
    with pytest.raises(error), a_signal(tracker.begun, handler):
        tracker.get_many(KEYS)
    assert time.monotonic() - started < SOON
    while tracker.left_behind():
        assert time.monotonic() - started < 2 * SOON
        time.sleep(0.01)


def test_an_iterable_that_fails() -> None:
    """When the results to be put end in an error, the call waits for the puts under way, so that none comes later."""
    tracker = SlowInThreads()

    def results() -> Iterator[tuple[str, dict[str, int]]]:
        yield "0", {"x": 1}
        assert tracker.begun.wait(SLOW)
        threading.Timer(0.2, tracker.released.set).start()
        raise OwnError

    with pytest.raises(OwnError):
        tracker.put_many(results())
    assert tracker.released.is_set()
    assert not tracker.left_behind()


def test_an_interrupt_between_any_two_instructions() -> None:
    """Wherever an interrupt comes in the code of bulk calls, the caller gets it, and every thread ends."""
    tracker = DictTracker()
    tracker.max_concurrency = 2
    rooms = {backend.__file__, threads.__file__}
    came = 0

    def interrupt() -> None:
        nonlocal came
        frame: FrameType | None = sys._getframe()
        while frame is not None and frame.f_code.co_filename in (__file__, interruptions.__file__):
            frame = frame.f_back
        if frame is not None and frame.f_code.co_filename in rooms:
            came += 1
            raise OwnError

    _, length = interruptions.call_at_instruction(lambda: tracker.get_many([*"abc"]), 0, interrupt)
    for at in range(1, length + 1):
        before = came
        try:
            interruptions.call_at_instruction(lambda: tracker.get_many([*"abc"]), at, interrupt)
        except OwnError:
            assert came == before + 1
        else:
            assert came == before
        deadline = time.monotonic() + SOON
        while any(thread.name == "typedtrack" for thread in threading.enumerate()):
            assert time.monotonic() < deadline
            time.sleep(0.001)
    assert came > 100


def test_ctrl_c_in_a_call_for_one_key() -> None:
    """An interrupted call cancels its request."""
    calls: tuple[Callable[[ResultTracker], object], ...] = (
        lambda tracker: tracker.get("a"),
        lambda tracker: tracker.put("a", x=1),
        lambda tracker: tracker.__delitem__("a"),
    )
    for call in calls:
        tracker = SlowOnALoop()
        with pytest.raises(KeyboardInterrupt), a_signal(tracker.begun, signal.default_int_handler):
            call(tracker)
        deadline = time.monotonic() + SOON
        while tracker.left_behind():
            assert time.monotonic() < deadline
            time.sleep(0.01)


# -- a process whose store accepts the connection and never answers

SILENT_STORE = """
import os, signal, sys, threading
from typedtrack import open_tracker

call, endpoint = sys.argv[1:]
config = {"endpoint": endpoint, "region": "us-east-1", "access_key_id": "a", "secret_access_key": "b"}
tracker = open_tracker("s3://bucket/base", storage_options={"config": config})
keys = [str(number) for number in range(100)]
calls = {
    "get": lambda: tracker.get("a"),
    "put": lambda: tracker.put("a", x=1),
    "len": lambda: len(tracker),
    "items": lambda: list(tracker.items()),
    "get_many": lambda: tracker.get_many(keys),
    "put_many": lambda: tracker.put_many((key, {"x": 1}) for key in keys),
    "wait_all": lambda: list(tracker.wait_all(keys)),
}
signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    calls[call]()
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """Return a socket that accepts connections, and whose owner never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=256) as server:
        server.settimeout(SLOW)
        yield server


@pytest.mark.parametrize("call", ["get", "put", "len", "items", "get_many", "put_many", "wait_all"])
def test_ctrl_c_ends_the_process(silent: socket.socket, call: str) -> None:
    """An interrupt ends a call on obstore in the main thread, and the process ends while requests are under way."""
    command = [sys.executable, "-c", SILENT_STORE, call, f"http://127.0.0.1:{silent.getsockname()[1]}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            connection, _ = silent.accept()
            with connection:
                connection.recv(1)  # the request is under way
                process.send_signal(signal.SIGINT)
                printed, complaints = process.communicate(timeout=SOON)
        finally:
            process.kill()
    assert (process.returncode, printed, complaints) == (0, "interrupted\n", "")
