"""Trackers whose primitives are coroutines refuse a call where their event loop cannot run it."""

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
    """A dictionary behind coroutines on fsspec's event loop."""

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


def test_call_in_the_thread_of_the_loop_is_refused() -> None:
    """A call in the loop's own thread would wait for itself and is refused; a call in another thread is not."""
    tracker = OnALoop()
    tracker["a"] = {"x": 1}

    async def call() -> None:
        with pytest.raises(UnsupportedOperationError, match=r"event loop .* OnALoop\('loop/'\): .*to_thread"):
            tracker.get("a")
        assert await asyncio.to_thread(tracker.get, "a") == {"x": 1}

    sync(get_loop(), call)
    asyncio.run(call_elsewhere(tracker))


async def call_elsewhere(tracker: OnALoop) -> None:
    """Call *tracker* in the thread of another event loop."""
    assert tracker["a"] == {"x": 1}


def test_iteration_is_refused_in_a_forked_child(monkeypatch: pytest.MonkeyPatch) -> None:
    """An iteration that began in the parent is refused in a forked child, which has not the parent's threads."""
    for tracker in (OnALoop(), DictTracker()):
        tracker.put_many((str(number), {"x": number}) for number in range(20))
        tracker.max_concurrency = 2
        items = iter(tracker.items())
        next(items)
        with monkeypatch.context() as child:
            child.setattr(os, "getpid", lambda: -1)
            with pytest.raises(UnsupportedOperationError, match="begin it anew"):
                list(items)


def test_end_of_an_iteration_is_refused_in_a_forked_child(monkeypatch: pytest.MonkeyPatch) -> None:
    """An iteration all of whose requests are under way is refused there as well."""
    for tracker in (OnALoop(), DictTracker()):
        tracker.put_many((str(number), {"x": number}) for number in range(3))
        read = tracker._read_many(map(str, range(3)))
        next(read)
        with monkeypatch.context() as child:
            child.setattr(os, "getpid", lambda: -1)
            with pytest.raises(UnsupportedOperationError, match="begin it anew"):
                list(read)
