"""Ctrl-C in a bulk call over a slow store: it returns at once, starts nothing further and leaves nothing behind."""

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

import pytest
from fsspec.asyn import get_loop

from tests.trackers import DictTracker
from typedtrack import ResultTracker
from typedtrack.backends.asynchronous import AsyncResultTracker

KEYS = [str(number) for number in range(100)]
SLOW = 30  # seconds that the stores take for an answer
SOON = 5  # seconds within which a call must have returned, on a machine that does something else too


class SlowInThreads(DictTracker):
    """A store whose calls block their thread until it is released; it counts those under way, and those begun."""

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
        """Return what is still at work once the store answers."""
        self.released.set()
        return [thread for thread in threading.enumerate() if thread.name.startswith("typedtrack")]


class SlowOnALoop(AsyncResultTracker):
    """The same as coroutines, which a cancellation ends."""

    def __init__(self) -> None:
        super().__init__(get_loop(), 4)
        self._others = asyncio.all_tasks(self._loop)  # of clients that other tests have used
        self.begun = threading.Event()
        self.calls: list[str] = []

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

    async def _pages(self, prefix: str) -> AsyncIterator[list[str]]:
        yield KEYS

    def left_behind(self) -> list[object]:
        """Return the tasks that are still on the loop."""
        return [*asyncio.all_tasks(self._loop) - self._others]


CALLS: dict[str, Callable[[ResultTracker], object]] = {
    "get_many": lambda tracker: tracker.get_many(KEYS),
    "items": lambda tracker: list(tracker.items()),
    "put_many": lambda tracker: tracker.put_many((key, {"x": 1}) for key in KEYS),
    "wait_all": lambda tracker: list(tracker.wait_all(KEYS)),
}


@contextmanager
def ctrl_c(begun: threading.Event) -> Generator[None]:
    """Press Ctrl-C when *begun* is set: the signal that a terminal sends, to the thread that it interrupts."""

    def press() -> None:
        begun.wait(SLOW)
        time.sleep(0.2)  # until the caller waits for the answer
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    finger = threading.Thread(target=press)
    finger.start()
    try:
        yield
    finally:
        finger.join()
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("store", [SlowInThreads, SlowOnALoop])
def test_ctrl_c(store: type[SlowInThreads | SlowOnALoop], call: str) -> None:
    """The call ends with the interrupt, long before the store answers; no request is begun after, none is left."""
    tracker = store()
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt), ctrl_c(tracker.begun):
        CALLS[call](tracker)
    assert time.monotonic() - started < SOON
    while tracker.left_behind():
        assert time.monotonic() - started < 2 * SOON
        time.sleep(0.01)
    assert len(tracker.calls) <= tracker.max_concurrency


def test_ctrl_c_in_a_call_for_one_key() -> None:
    """An interrupted call takes its one request back."""
    calls: tuple[Callable[[ResultTracker], object], ...] = (
        lambda tracker: tracker.get("a"),
        lambda tracker: tracker.put("a", x=1),
        lambda tracker: tracker.__delitem__("a"),
    )
    for call in calls:
        tracker = SlowOnALoop()
        with pytest.raises(KeyboardInterrupt), ctrl_c(tracker.begun):
            call(tracker)
        deadline = time.monotonic() + SOON
        while tracker.left_behind():
            assert time.monotonic() < deadline
            time.sleep(0.01)


# -- a store that takes the connection and never says a word, and a process of its own

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
    """Return a socket that takes connections; what is sent there is never answered."""
    with socket.create_server(("127.0.0.1", 0), backlog=256) as server:
        server.settimeout(SLOW)
        yield server


@pytest.mark.parametrize("call", ["get", "put", "len", "items", "get_many", "put_many", "wait_all"])
def test_ctrl_c_ends_the_process(silent: socket.socket, call: str) -> None:
    """A call of obstore's tracker in the main thread is interrupted, and the process ends, with requests under way."""
    command = [sys.executable, "-c", SILENT_STORE, call, f"http://127.0.0.1:{silent.getsockname()[1]}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            connection, _ = silent.accept()
            with connection:
                connection.recv(1)  # the request is under way
                process.send_signal(signal.SIGINT)
                printed, complaints = process.communicate(timeout=2 * SOON)
        finally:
            process.kill()
    assert (process.returncode, printed, complaints) == (0, "interrupted\n", "")
