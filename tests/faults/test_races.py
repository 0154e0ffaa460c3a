"""Processes and threads at one key at once: one winner, no torn read, and no error of the disk."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from sqlite_tracker import SqliteResultTracker

from tests.faults.at_once import processes, threads
from typedtrack import (
    KeyConflictError,
    ResultExistsError,
    ResultNotFoundError,
    ResultTracker,
    TypedtrackError,
    open_tracker,
)
from typedtrack._tracker.below import times_below

ROUNDS = 300
RACERS = 8


@pytest.mark.parametrize("kind", ["local", "memory", "sqlite"])
def test_many_threads_create_one_key(tmp_path: Path, kind: str) -> None:
    """One of eight threads succeeds, and its result stays."""
    trackers: dict[str, Callable[[], ResultTracker]] = {
        "local": lambda: open_tracker(tmp_path),
        "memory": lambda: open_tracker(f"memory://{uuid.uuid4()}"),
        "sqlite": lambda: SqliteResultTracker(str(tmp_path / "results.sqlite")),
    }
    tracker = trackers[kind]()
    rounds = ROUNDS if kind != "sqlite" else ROUNDS // 6  # it synchronises the disk each time
    start = threading.Barrier(RACERS)
    won: list[list[int]] = [[] for _ in range(rounds)]

    def race(racer: int) -> None:
        for n in range(rounds):
            start.wait()
            try:
                tracker.create(f"new/{n}/k", racer=racer)
            except ResultExistsError:
                continue
            won[n].append(racer)

    threads(RACERS, race, start)
    assert {len(winners) for winners in won} == {1}
    assert dict(tracker.items()) == {f"new/{n}/k": {"racer": racer} for n, (racer,) in enumerate(won)}


def test_many_processes_create_the_same_keys(tmp_path: Path) -> None:
    """Each key has one winner, and every loser gets an error."""
    tracker = open_tracker(tmp_path / "results")
    wins = open_tracker(tmp_path / "wins")

    def race(racer: int) -> None:
        for n in range(ROUNDS):
            try:
                tracker.create(n, racer=racer)
            except ResultExistsError:
                continue
            wins.put(f"{n}/{racer}", racer=racer)

    processes(4, race)
    assert len(tracker) == len(wins) == ROUNDS
    for key, result in tracker.items():
        assert list(wins.keys(str(key))) == [f"{key}/{result['racer']}"]


def test_all_create_the_same_result(tmp_path: Path) -> None:
    """A retried job that runs twice at once succeeds twice."""
    tracker = open_tracker(tmp_path)
    start = threading.Barrier(RACERS)

    def race(_: int) -> None:
        for n in range(ROUNDS):
            start.wait()
            tracker.create(n, n=n)

    threads(RACERS, race, start)
    assert len(tracker) == ROUNDS


@pytest.mark.parametrize("run", [threads, processes])
def test_a_result_and_a_folder_of_results(tmp_path: Path, run: Callable[[int, Callable[[int], None]], None]) -> None:
    """Puts, creates and deletes of `a`, `a/b` and `a/b/c` at once: each succeeds, conflicts, or finds nothing.

    No listing fails, whatever it shows.
    """
    tracker = open_tracker(tmp_path)
    keys = ("a", "a/b", "a/b/c", "a/x")

    def work(worker: int) -> None:
        for n in range(worker, worker + 4 * ROUNDS):
            key = keys[n * 7 % 4]
            with suppress(KeyConflictError, ResultNotFoundError):
                if n % 3 == 0:
                    tracker.create(key, {"key": key})
                elif n % 3 == 1:
                    tracker.put(key, {"key": key})
                assert tracker[key] in ({}, {"key": key})
                for found, result in tracker.items():
                    assert result == {"key": found}
                assert {found for found, _ in times_below(tracker, "")} <= {*keys}
                assert tracker.remove_leftovers() == 0
                del tracker[key]

    run(4, work)
    assert [path.name for path in tmp_path.rglob(".*")] == []


def test_readers_beside_writers(tmp_path: Path) -> None:
    """Two processes replace one result without a pause; two others always read a whole result."""
    tracker = open_tracker(tmp_path)
    tracker["k"] = {"n": 0, "pad": ""}
    sizes = (0, 1000)

    def work(worker: int) -> None:
        mine = open_tracker(tmp_path)
        for _ in range(10 * ROUNDS):
            if worker < 2:
                mine["k"] = {"n": worker, "pad": "x" * sizes[worker]}
            else:
                result = mine["k"]
                assert result["pad"] == "x" * sizes[int(result["n"])]
                assert "k" in mine
                assert list(iter(mine)) == ["k"]

    processes(4, work)


def test_every_error_of_a_race_is_ours(tmp_path: Path) -> None:
    """Threads that make and remove the same deep folders get no error of the disk."""
    tracker = open_tracker(tmp_path)

    def work(worker: int) -> None:
        for n in range(worker, worker + 4 * ROUNDS):
            key = ("d", "d/e/f/g", "d/e")[n % 3]
            with suppress(TypedtrackError):
                tracker[key] = {"n": n}
                del tracker[key]

    threads(4, work)
