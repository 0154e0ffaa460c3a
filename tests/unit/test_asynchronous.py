"""Trackers whose primitives are coroutines refuse a call where their event loop cannot run it."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable

import pytest
from fsspec.asyn import get_loop, sync

from tests.trackers import DictTracker
from typedtrack import BulkError, ResultTracker, UnsupportedOperationError
from typedtrack.backends.asynchronous import AsyncResultTracker, Page


class OnALoop(AsyncResultTracker):
    """A dictionary behind coroutines on fsspec's event loop."""

    def __init__(self, timeouts: Iterable[object] = ()) -> None:
        super().__init__(get_loop(), 2, timeouts)
        self.stored: dict[str, bytes] = {}

    def _location(self, text: str) -> str:
        return f"loop/{text}"

    async def _read_one(self, key: str, limit: int) -> bytes | None:
        return self.stored.get(key)

    async def _write_one(self, key: str, data: bytes, exclusive: bool = False) -> None:
        self.stored[key] = data

    async def _delete_one(self, key: str) -> None:
        del self.stored[key]

    async def _pages(self, prefix: str, *, details: bool) -> AsyncIterator[Page]:
        yield [(key, None, None) for key in self.stored]


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
            with pytest.raises(UnsupportedOperationError, match="start the iteration"):
                list(items)


def test_end_of_an_iteration_is_refused_in_a_forked_child(monkeypatch: pytest.MonkeyPatch) -> None:
    """An iteration all of whose requests are under way is refused there as well."""
    for tracker in (OnALoop(), DictTracker()):
        tracker.put_many((str(number), {"x": number}) for number in range(3))
        read = tracker._read_many(map(str, range(3)))
        next(read)
        with monkeypatch.context() as child:
            child.setattr(os, "getpid", lambda: -1)
            with pytest.raises(UnsupportedOperationError, match="start the iteration"):
                list(read)


class Silent(OnALoop):
    """A store that never answers, not even to a request that is cancelled."""

    def __init__(self) -> None:
        super().__init__()
        self._bound = 0.01
        self.ended: list[str] = []
        self.answers = threading.Event()

    async def _wait(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            while not self.answers.is_set():
                try:
                    await asyncio.sleep(0.01)
                except asyncio.CancelledError:
                    continue
            self.ended.append("ended")
            raise ConnectionError("lost")  # an error that nobody waits for

    async def _read_one(self, key: str, limit: int) -> bytes | None:
        await self._wait()
        return None

    async def _write_one(self, key: str, data: bytes, exclusive: bool = False) -> None:
        await self._wait()

    async def _delete_one(self, key: str) -> None:
        await self._wait()

    async def _pages(self, prefix: str, *, details: bool) -> AsyncIterator[Page]:
        await self._wait()
        yield []


CALLS: dict[str, Callable[[ResultTracker], object]] = {
    "get": lambda tracker: tracker.get("a"),
    "put": lambda tracker: tracker.put("a", x=1),
    "create": lambda tracker: tracker.create("a", x=1),
    "delete": lambda tracker: tracker.__delitem__("a"),
    "keys": lambda tracker: list(tracker.keys()),
}


@pytest.mark.parametrize("call", CALLS)
def test_call_ends_within_its_bound(call: str) -> None:
    """A call on a silent store is a `TimeoutError` with a note, also where its request does not end when cancelled."""
    tracker = Silent()
    with pytest.raises(TimeoutError, match=r"did not end within 0\.01 s") as caught:
        CALLS[call](tracker)
    assert any("loop/" in note for note in caught.value.__notes__)
    assert not tracker.ended
    tracker.answers.set()
    while not tracker.ended:
        time.sleep(0.001)


def test_bulk_call_ends_within_its_bound() -> None:
    """Each key of a bulk call on a silent store is a `TimeoutError`; the bound begins with the key's own request."""
    tracker = Silent()
    with pytest.raises(BulkError) as caught:
        tracker.get_many(map(str, range(10)))
    assert [type(error) for error in caught.value.errors.values()] == [TimeoutError] * 10
    tracker.answers.set()


@pytest.mark.parametrize(
    ("timeouts", "bound"), [([], 120), ([None, "x"], 120), ([5, 15.0], 120), ([5, 300], 600), ([None, 61.5], 123)]
)
def test_bound_follows_the_users_timeouts(timeouts: list[object], bound: float) -> None:
    """The bound is two minutes, or twice the longest time-out that the user gives."""
    assert OnALoop(timeouts)._bound == bound


def test_key_error_of_a_client_is_not_an_absent_key() -> None:
    """A `KeyError` from below becomes a `ConnectionError`; for a `MutableMapping` it would mean an absent key."""
    tracker = OnALoop()
    tracker["a"] = {"x": 1}
    with pytest.raises(ConnectionError, match="lacks 'b'") as caught:
        del tracker["b"]  # of a dictionary, without a check
    assert isinstance(caught.value.__cause__, KeyError)
