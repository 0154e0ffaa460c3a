"""Writers killed at random moments, under readers: no torn read, and no acknowledged result is lost."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest

from typedtrack import Result, ResultExistsError, ResultTracker, open_tracker

KILLS = 400
FIELDS = 40


def _result(n: int) -> Result:
    """Return a result of which every part tells whether it belongs to *n*; of changing size."""
    return {"n": n, **{f"field/{i}": n for i in range(FIELDS)}, "pad": "x" * (n * 37 % 1000)}


def _write_for_ever(base: Path, writer: int, first: int, acknowledge: int) -> None:
    """Put and create, and acknowledge each number only when its put has returned."""
    tracker = open_tracker(base)
    for n in range(first, 2**62):
        tracker.put(f"own/{writer}", _result(n))
        os.write(acknowledge, b"%20d" % n)
        tracker.put("shared", _result(n))
        try:
            tracker.create(f"created/{n // 16}", _result(n // 16))
        except ResultExistsError:
            os._exit(1)  # it is the same content: the test will notice that the writer died by itself


def _start(base: Path, writer: int, first: int) -> tuple[int, int]:
    """Start a writer process; return its id and the pipe of its acknowledgements."""
    acknowledgements, acknowledge = os.pipe()
    process = os.fork()
    if process == 0:
        try:
            _write_for_ever(base, writer, first, acknowledge)
        finally:
            os._exit(2)
    os.close(acknowledge)
    return process, acknowledgements


def _last_acknowledged(pipe: int) -> int | None:
    """Return the last number that came whole through *pipe*, whose writer is dead."""
    data = b""
    while more := os.read(pipe, 1 << 16):
        data += more
    os.close(pipe)
    whole = len(data) // 20
    return int(data[20 * (whole - 1) : 20 * whole]) if whole else None


def _assert_whole(result: Result) -> None:
    n = result["n"]
    assert isinstance(n, int)
    assert result == _result(n)


def _read(tracker: ResultTracker, reads: dict[str, int]) -> None:
    for key in ("own/0", "own/1", "shared"):
        if result := tracker[key]:
            _assert_whole(result)
            reads[key] = reads.get(key, 0) + 1


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")  # only of some test runners
def test_killed_writers(tmp_path: Path) -> None:
    """Two writers at a time, each killed after 0 to 10 ms, hundreds of times, while this process reads."""
    chance = random.Random(2)
    tracker = open_tracker(tmp_path)
    written = {0: 0, 1: 0}
    reads: dict[str, int] = {}
    for _ in range(KILLS // 2):
        started = [(writer, *_start(tmp_path, writer, written[writer] + 1)) for writer in (0, 1)]
        for writer, process, pipe in started:
            until = time.monotonic() + chance.uniform(0, 0.01)
            while time.monotonic() < until:
                _read(tracker, reads)
            os.kill(process, signal.SIGKILL)
            _, status = os.waitpid(process, 0)
            assert os.WTERMSIG(status) == signal.SIGKILL
            acknowledged = _last_acknowledged(pipe)
            stored = tracker[f"own/{writer}"].get("n", 0)
            assert isinstance(stored, int)
            if acknowledged is not None:
                assert stored >= acknowledged
            assert stored >= written[writer]
            written[writer] = stored
    assert min(written.values()) > KILLS / 10
    assert min(reads.values()) > KILLS
    for _, result in tracker.items():  # noqa: PERF102  # a tracker is no dict
        _assert_whole(result)
    assert len(tracker.keys("created")) > 10
