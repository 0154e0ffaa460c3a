"""Writers that are killed while others read: no read is torn, and no acknowledged result is lost."""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path

import pytest

from typedtrack import Result, ResultExistsError, ResultTracker, open_tracker

ROUNDS = 100
FIELDS = 40
DIGITS = 20  # of an acknowledgement


def _result(n: int) -> Result:
    """Return the result of number *n*: each field tells whether it belongs to it, and the size changes with it."""
    return {"n": n, **{f"field/{i}": n for i in range(FIELDS)}, "pad": "x" * (n * 37 % 1000)}


def _write_for_ever(base: Path, writer: int, first: int, acknowledge: int) -> None:
    """Put and create results; acknowledge each number when its put has returned."""
    tracker = open_tracker(base)
    for n in range(first, 2**62):
        tracker.put(f"own/{writer}", _result(n))
        os.write(acknowledge, b"%*d" % (DIGITS, n))
        tracker.put("shared", _result(n))
        try:
            tracker.create(f"created/{n // 16}", _result(n // 16))
        except ResultExistsError:
            os._exit(1)  # it has the same content: the test notices that the writer has ended


def _start(base: Path, writer: int, first: int) -> tuple[int, int]:
    """Start a writer; return the id of its process and the pipe of its acknowledgements."""
    acknowledgements, acknowledge = os.pipe()
    process = os.fork()
    if process == 0:
        try:
            _write_for_ever(base, writer, first, acknowledge)
        finally:
            os._exit(2)
    os.close(acknowledge)
    return process, acknowledgements


def _last_acknowledged(pipe: int, before: int) -> int:
    """Return the last number that came whole through *pipe*, whose writer is dead, or *before* if none came."""
    data = b""
    while more := os.read(pipe, 1 << 16):
        data += more
    os.close(pipe)
    whole = len(data) // DIGITS
    return int(data[DIGITS * (whole - 1) : DIGITS * whole]) if whole else before


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
    """Two writers at a time are killed after a few puts, again and again, while this process reads."""
    chance = random.Random(2)
    tracker = open_tracker(tmp_path)
    written = {0: 0, 1: 0}
    reads: dict[str, int] = {}
    for _ in range(ROUNDS):
        started = [(writer, *_start(tmp_path, writer, written[writer] + 1)) for writer in (0, 1)]
        for writer, process, pipe in started:
            acknowledged = written[writer]
            for _ in range(chance.randrange(10)):
                acknowledged = int(os.read(pipe, DIGITS))
                _read(tracker, reads)
            os.kill(process, signal.SIGKILL)
            _, status = os.waitpid(process, 0)
            assert os.WTERMSIG(status) == signal.SIGKILL
            stored = tracker[f"own/{writer}"].get("n", 0)
            assert isinstance(stored, int)
            assert stored >= _last_acknowledged(pipe, acknowledged)
            written[writer] = stored
    assert min(written.values()) > ROUNDS
    assert min(reads.values()) > ROUNDS
    for _, result in tracker.items():  # noqa: PERF102  # a tracker is not a dict
        _assert_whole(result)
    assert len(tracker.keys("created")) > ROUNDS // 16
