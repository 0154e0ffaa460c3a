"""How many threads a bulk call on a local disk takes, by clocks of the test's own."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.faults.system import System
from typedtrack import BulkError
from typedtrack.backends.local import LocalResultTracker
from typedtrack.backends.local.pace import Pace


class Clocks:
    """The time and the CPU time, in seconds, and how often a thread has waited: they grow only when a test says so."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.cpu_seconds = 0.0
        self.waits = 0.0

    def spend(self, seconds: float, cpu_seconds: float, waits: float = 1) -> None:
        """Let time pass."""
        self.seconds += seconds
        self.cpu_seconds += cpu_seconds
        self.waits += waits


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    """Return the clocks by which bulk calls are measured in this test."""
    clocks = Clocks()
    time = SimpleNamespace(perf_counter=lambda: clocks.seconds, thread_time=lambda: clocks.cpu_seconds)
    monkeypatch.setattr("typedtrack.backends.local.pace.time", time)

    def getrusage(who: int) -> SimpleNamespace:
        return SimpleNamespace(ru_nvcsw=clocks.waits)

    monkeypatch.setattr("typedtrack.backends.local.pace.resource", SimpleNamespace(getrusage=getrusage))
    return clocks


def _sizes(pace: Pace, number: int) -> list[int]:
    return [len(chunk) for chunk in pace.chunks(iter(range(number)))]


def _after(clocks: Clocks, limit: int, *calls: tuple[float, ...]) -> Pace:
    """Return the pace after chunks of one call; *calls* are their times and CPU times."""
    pace, left = Pace(limit), list(calls)

    def make(chunk: list[None]) -> None:
        clocks.spend(*left.pop(0))

    while left:
        pace.measure(make, [None])
    return pace


MS = 1e-3
WARM, DISK, SERVER = (0.01 * MS, 0.01 * MS), (0.6 * MS, 0.1 * MS), (2 * MS, 0.02 * MS)


@pytest.mark.parametrize(
    ("calls", "limit", "threads"),
    [
        ([WARM] * 100, 64, 1),
        ([(5 * MS, 5 * MS)] * 100, 64, 1),  # busy, not waiting
        ([(5 * MS, 2 * MS)] * 100, 64, 1),  # another process has the processor
        ([(0.1 * MS, 0.01 * MS)] * 100, 64, 1),  # over before a thread could help
        ([SERVER], 64, 1),  # by chance
        ([SERVER, WARM, SERVER, WARM], 64, 1),
        ([DISK, DISK], 64, 12),
        ([WARM] * 100 + [DISK, DISK], 64, 12),
        ([SERVER, SERVER], 64, 64),
        ([SERVER, SERVER], 8, 8),
        ([SERVER, SERVER], 1, 1),
        ([(MS, 0.0)] * 2, 64, 64),
    ],
)
def test_the_number_of_threads(clocks: Clocks, calls: list[tuple[float, float]], limit: int, threads: int) -> None:
    """It is one unless calls wait over three times as long as they compute, twice in a row."""
    assert _after(clocks, limit, *calls).threads == threads


def test_more_threads_do_not_help_where_others_have_the_processor(clocks: Clocks) -> None:
    """A slow chunk counts only if the thread has waited since the last one; a system may not tell that."""
    preempted = (5 * MS, 0.1 * MS, 0)
    clocks.waits = 7  # of the thread's earlier life
    assert _after(clocks, 64, *[preempted] * 100).threads == 1
    assert _after(clocks, 64, *[preempted] * 100, SERVER).threads == 64
    clocks.waits = 0
    assert _after(clocks, 64, preempted, preempted).threads == 64


def test_the_size_of_chunks_in_one_thread(clocks: Clocks) -> None:
    """It grows from one call, so that the first result comes at once."""
    assert _sizes(Pace(64), 100) == [1, 2, 4, 8, 16, 32, 32, 5]
    assert _sizes(Pace(64), 0) == []


def test_the_size_of_chunks_in_many_threads(clocks: Clocks) -> None:
    """It grows when each thread has had one, up to what takes ten milliseconds."""
    pace = _after(clocks, 2, DISK, DISK)
    assert _sizes(pace, 100) == [1, 1, 2, 2, 4, 4, 8, 8, 16, 16, 16, 16, 6]
    assert _sizes(_after(clocks, 3, SERVER, SERVER), 30) == [1, 1, 1, 2, 2, 2, 4, 4, 4, 5, 4]
    assert _sizes(_after(clocks, 2, (1.0, 0.0), (1.0, 0.0)), 4) == [1, 1, 1, 1]


@pytest.fixture
def slow(clocks: Clocks, monkeypatch: pytest.MonkeyPatch) -> System:
    """Return the system calls of a disk that takes two milliseconds to open a file."""
    system = System()
    for module in ("folders", "tracker"):
        monkeypatch.setattr(f"typedtrack.backends.local.{module}.os", system)
    system.before = lambda number, argument: clocks.spend(*SERVER)
    return system


def _threads_of(system: System, spend: Callable[[int, object], object], expected: int = 1) -> set[int]:
    """Return a set to which the id of each thread is added that opens a file.

    The first thread goes on at once. Each other one waits until *expected* threads have come: on a busy machine one
    could open all files before the others run.
    """
    threads: set[int] = set()
    first, arrival = threading.get_ident(), threading.Condition()

    def note(number: int, argument: object) -> None:
        with arrival:
            threads.add(threading.get_ident())
            arrival.notify_all()
            if threading.get_ident() != first:
                arrival.wait_for(lambda: len(threads) >= expected, timeout=60)
        spend(number, argument)

    system.before = note
    return threads


KEYS = [f"k/{number:03}" for number in range(300)]


def test_results_come_in_order(tmp_path: Path, slow: System) -> None:
    """Several threads read and write, and the results are those of one."""
    threads = _threads_of(slow, slow.before, expected=1 + 4)
    tracker = LocalResultTracker(tmp_path, max_concurrency=4)
    tracker.put_many((key, {"n": n}) for n, key in enumerate(KEYS))
    assert len(threads) == 1 + 4
    threads.clear()
    assert list(tracker.get_many(KEYS).items()) == [(key, {"n": n}) for n, key in enumerate(KEYS)]
    assert len(threads) == 1 + 4
    assert dict(tracker.items()) == tracker.get_many(KEYS)
    assert tracker.get_many([*KEYS[:3], "absent"])["absent"] == {}


def test_one_thread_if_the_caller_says_so(tmp_path: Path, slow: System) -> None:
    """A slow disk is read by the calling thread alone."""
    threads = _threads_of(slow, slow.before)
    tracker = LocalResultTracker(tmp_path, max_concurrency=1)
    tracker.put_many((key, {"n": n}) for n, key in enumerate(KEYS))
    assert len(tracker.get_many(KEYS)) == len(KEYS)
    assert threads == {threading.get_ident()}


def test_reads_overlap(tmp_path: Path, slow: System) -> None:
    """Two threads are in a read at the same time."""
    tracker = LocalResultTracker(tmp_path)
    tracker.put_many((key, {"n": n}) for n, key in enumerate(KEYS))
    spend, both = slow.before, threading.Barrier(2)

    def meet(number: int, argument: object) -> None:
        spend(number, argument)
        if argument in (f"{tmp_path}/{KEYS[50]}".encode(), f"{tmp_path}/{KEYS[51]}".encode()):
            both.wait(240)

    slow.before = meet
    assert len(tracker.get_many(KEYS)) == len(KEYS)


@pytest.mark.parametrize("failing", [0, 2, 50, 299])
def test_an_error_in_one_thread_or_many(tmp_path: Path, slow: System, failing: int) -> None:
    """A bulk call reports the error of its key, and the results of all others."""
    tracker = LocalResultTracker(tmp_path)
    tracker.put_many((key, {"n": n}) for n, key in enumerate(KEYS))
    (tmp_path / KEYS[failing]).write_bytes(b"{")
    with pytest.raises(BulkError) as caught:
        tracker.get_many(KEYS)
    assert list(caught.value.errors) == [KEYS[failing]]
    assert list(caught.value.results) == [key for key in KEYS if key != KEYS[failing]]
    conflict = f"{KEYS[failing]}/below"
    with pytest.raises(BulkError) as caught:
        tracker.put_many((key if n != failing else conflict, {"n": n}) for n, key in enumerate(KEYS))
    assert list(caught.value.errors) == [conflict]


def test_several_threads_synchronise(tmp_path: Path, clocks: Clocks, monkeypatch: pytest.MonkeyPatch) -> None:
    """With *fsync*, a disk that takes long to synchronise gets the puts of several threads."""
    system, threads = System(), set[int]()
    for module in ("folders", "tracker"):
        monkeypatch.setattr(f"typedtrack.backends.local.{module}.os", system)

    def sync(number: int, argument: object) -> None:
        if system.calls[number] == "fsync":
            threads.add(threading.get_ident())
            clocks.spend(*SERVER)

    system.before = sync
    tracker = LocalResultTracker(tmp_path, fsync=True, max_concurrency=4)
    tracker.put_many((key, {"n": n}) for n, key in enumerate(KEYS))
    assert len(threads) == 1 + 4
    assert len(tracker) == len(KEYS)


def test_len_costs_a_listing(tmp_path: Path, slow: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """It makes the system calls of a loop over the keys, and reads no result."""
    monkeypatch.setattr("typedtrack.backends.local.listing.os", slow)
    tracker = LocalResultTracker(tmp_path)
    tracker.put_many((key, {"n": n}) for n, key in enumerate(KEYS))
    for folder in (tmp_path, tmp_path / "k"):
        os.utime(folder, (0, 0.5))  # at rest: a listing looks once
    calls = slow.calls_of(lambda: len(tracker))
    assert calls == slow.calls_of(lambda: list(iter(tracker))) == slow.calls_of(lambda: len(tracker.items()))
    assert set(calls) == {"scandir"}
