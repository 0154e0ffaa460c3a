"""Tests of several threads at once: races, readers beside a writer, and `wait`."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

import pytest

from typedtrack import Result, ResultExistsError, ResultTimeoutError, ResultTracker
from typedtrack.testing.suites.store import Store

__all__ = ["ManyCallers"]

T = TypeVar("T")

_WRITERS: Final = 16
_PATIENCE: Final = 300  # seconds: even a slow store on a busy machine answers in time


def _at_once(call: Callable[[int, threading.Barrier], T]) -> list[T]:
    """Call *call* for 0 … 15, each in its own thread, with a barrier for all threads; return the results."""
    barrier = threading.Barrier(_WRITERS)

    def call_or_free_the_others(number: int) -> T:
        try:
            return call(number, barrier)
        except BaseException:
            barrier.abort()
            raise

    with ThreadPoolExecutor(_WRITERS) as pool:
        return list(pool.map(call_or_free_the_others, range(_WRITERS)))


class ManyCallers(Store):
    """Calls from several threads."""

    def test_create_races(self, tracker: ResultTracker) -> None:
        """If 16 writers create one key at once, exactly one succeeds; the others raise, and its content stays."""
        if not self.exclusive_create:
            pytest.skip("the store has no atomic create")
        keys = [f"race/{number}" for number in range(self.race_rounds)]

        def create(key: str, writer: int) -> bool:
            try:
                tracker.create(key, writer=writer)
            except ResultExistsError:
                return False
            return True

        def race(writer: int, start: threading.Barrier) -> set[str]:
            won: set[str] = set()
            for key in keys:
                start.wait()
                if create(key, writer):
                    won.add(key)
            return won

        won = _at_once(race)
        winners = {key: [writer for writer in range(_WRITERS) if key in won[writer]] for key in keys}
        assert [key for key in keys if len(winners[key]) != 1] == []
        assert tracker.get_many(keys) == {key: {"writer": winners[key][0]} for key in keys}

    def test_no_failure_replaces_a_result(self, tracker: ResultTracker) -> None:
        """If one writer puts a result while 15 others store failures, the result stays."""
        if not self.exclusive_create:
            pytest.skip("the store has no atomic create")
        keys = [f"race/{number}" for number in range(self.race_rounds)]

        def race(writer: int, start: threading.Barrier) -> None:
            for number, key in enumerate(keys):
                start.wait()
                if writer == number % _WRITERS:
                    tracker[key] = {"writer": writer}
                else:
                    tracker.fail(key, f"writer {writer}")

        _at_once(race)
        assert dict(tracker.failures()) == {}
        assert dict(tracker.items()) == {key: {"writer": number % _WRITERS} for number, key in enumerate(keys)}

    def test_replaced_whole(self, tracker: ResultTracker) -> None:
        """A reader beside a writer gets the old or the new result, never a part, a mixture or nothing."""
        results = [{f"field {n}": number for n in range(1 + 400 * number)} for number in range(2)]
        tracker["hot"] = results[0]
        stop = threading.Event()

        def write() -> None:
            number = 0
            while not stop.is_set():
                tracker["hot"] = results[number % 2]
                number += 1

        with ThreadPoolExecutor(1) as pool:
            writing = pool.submit(write)
            try:
                for _ in range(100):
                    assert tracker["hot"] in results
            finally:
                stop.set()
            writing.result()

    def test_wait(self, tracker: ResultTracker) -> None:
        """`wait` returns when another thread puts the result, or raises when the time is up."""
        timer = threading.Timer(0.2, lambda: tracker.put("late", x=1))
        timer.start()
        assert tracker.wait("late", timeout=_PATIENCE) == {"x": 1}
        timer.join()
        with pytest.raises(ResultTimeoutError):
            tracker.wait("never", timeout=0.05)
        assert dict(tracker.wait_all(["late"], timeout=_PATIENCE)) == {"late": {"x": 1}}

    def test_threads(self, tracker: ResultTracker) -> None:
        """Several threads use one tracker."""

        def use(number: int, start: threading.Barrier) -> Result:
            start.wait()
            tracker[f"thread/{number}"] = {"number": number}
            return tracker[f"thread/{number}"]

        assert _at_once(use) == [{"number": number} for number in range(_WRITERS)]
