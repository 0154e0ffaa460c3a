"""Trackers whose primitives are coroutines: where their event loop cannot serve, they say so and do not wait for it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator

import pytest
from fsspec.asyn import get_loop, sync

from tests.trackers import DictTracker
from typedtrack import UnsupportedOperationError
from typedtrack.backends.asynchronous import AsyncResultTracker


class OnALoop(AsyncResultTracker):
    """A dictionary, on fsspec's event loop."""

    def __init__(self) -> None:
        super().__init__(get_loop(), 2)
        self.stored: dict[str, bytes] = {}

    def _location(self, text: str) -> str:
        return f"loop/{text}"

    async def _read_one(self, key: str, limit: int) -> bytes | None:
        return self.stored.get(key)

    async def _write_one(self, key: str, data: bytes, exclusive: bool = False) -> None:
        self.stored[key] = data

    async def _delete_one(self, key: str) -> None:
        del self.stored[key]

    async def _pages(self, prefix: str) -> AsyncIterator[list[str]]:
        yield [*self.stored]


def test_in_the_thread_of_the_loop() -> None:
    """A call made there, which would wait for itself, is refused; one in another thread is not."""
    tracker = OnALoop()
    tracker["a"] = {"x": 1}

    async def call() -> None:
        with pytest.raises(UnsupportedOperationError, match=r"event loop .* OnALoop\('loop/'\): .*to_thread"):
            tracker.get("a")
        assert await asyncio.to_thread(tracker.get, "a") == {"x": 1}

    sync(get_loop(), call)
    asyncio.run(call_elsewhere(tracker))


async def call_elsewhere(tracker: OnALoop) -> None:
    """Call *tracker* in the thread of an event loop that is not its own."""
    assert tracker["a"] == {"x": 1}


def test_in_a_forked_child(monkeypatch: pytest.MonkeyPatch) -> None:
    """What began in another process is refused, on a loop and by threads: its threads are not here."""
    for tracker in (OnALoop(), DictTracker()):
        tracker.put_many((str(number), {"x": number}) for number in range(20))
        tracker.max_concurrency = 2
        items = iter(tracker.items())
        next(items)
        with monkeypatch.context() as child:
            child.setattr(os, "getpid", lambda: -1)
            with pytest.raises(UnsupportedOperationError, match="begin it anew"):
                list(items)


def test_the_last_in_a_forked_child(monkeypatch: pytest.MonkeyPatch) -> None:
    """So is what was all begun, and waits for its answers alone."""
    for tracker in (OnALoop(), DictTracker()):
        tracker.put_many((str(number), {"x": number}) for number in range(3))
        read = tracker._read_many(map(str, range(3)))
        next(read)
        with monkeypatch.context() as child:
            child.setattr(os, "getpid", lambda: -1)
            with pytest.raises(UnsupportedOperationError, match="begin it anew"):
                list(read)
