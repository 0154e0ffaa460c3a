"""Clocks of the system that jump: by seconds when they are set, by years when a battery is empty."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

import polars
import pytest

from tests.trackers import snapshot
from typedtrack import ResultTimeoutError, ResultTracker, open_tracker

YEAR = 365 * 86400.0
JUMPS = [-30 * YEAR, -3600.0, -1.0, -0.01, 0.01, 1.0, 3600.0, 30 * YEAR]  # seconds


@pytest.fixture
def jump(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Return the function that sets the system's clock so many seconds off the one that dates files."""
    real, real_ns, offset = time.time, time.time_ns, 0.0

    def set_off(seconds: float) -> None:
        nonlocal offset
        offset = seconds

    monkeypatch.setattr(time, "time", lambda: real() + offset)
    monkeypatch.setattr(time, "time_ns", lambda: real_ns() + round(offset * 1e9))
    return set_off


def _cached(tracker: ResultTracker, path: Path) -> dict[str, object]:
    return dict(polars.DataFrame(tracker.frame(cache=path)).select("key", "n").rows())


@pytest.mark.parametrize("seed", range(5))
def test_calls_while_the_clock_jumps(tmp_path: Path, jump: Callable[[float], None], seed: int) -> None:
    """Each call finds what was put before, and a cache what is stored, whatever the clock says."""
    chance, stored = random.Random(seed), dict[str, object]()
    tracker = open_tracker(tmp_path / "base")
    for n in range(60):
        jump(chance.choice(JUMPS))
        key = f"{chance.randrange(3)}/{chance.randrange(5)}"
        if key in stored and chance.random() < 0.3:
            del tracker[key], stored[key]
        else:
            tracker.put(key, n=n, padding="x" * n)  # each file has its size, which no clock changes
            stored[key] = n
        jump(chance.choice(JUMPS))
        assert {key: result["n"] for key, result in tracker.items()} == stored
        if stored:
            assert _cached(tracker, tmp_path / "cache") == stored
    assert not [name for name in snapshot(tmp_path / "base") if ".typedtrack" in name]


@pytest.mark.parametrize("seconds", JUMPS)
def test_a_time_out_while_the_clock_jumps(tmp_path: Path, jump: Callable[[float], None], seconds: float) -> None:
    """A wait counts its seconds by a clock that nobody sets."""
    tracker = open_tracker(tmp_path)
    began = time.monotonic()
    looks = 0

    def alive(_: object) -> bool:
        nonlocal looks
        looks += 1
        jump(seconds)
        return True

    with pytest.raises(ResultTimeoutError):
        tracker.wait("k", timeout=0.2, alive=alive)
    assert time.monotonic() - began >= 0.2
    assert looks > 0


def test_leftovers_while_the_clock_is_ahead(tmp_path: Path, jump: Callable[[float], None]) -> None:
    """A hidden file that seems old may be removed; its writer then gets an error, and no result is lost."""
    tracker = open_tracker(tmp_path)
    tracker.put("k", n=1)
    (tmp_path / ".typedtrack-0-1-2.tmp").write_text("{}")
    jump(-30 * YEAR)
    assert tracker.remove_leftovers() == 0
    jump(30 * YEAR)
    assert tracker.remove_leftovers() == 1
    assert dict(tracker.items()) == {"k": {"n": 1}}
