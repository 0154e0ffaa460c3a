"""Processes and threads at the same key at once: one winner, no torn read, no error that is nobody's fault."""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlite_tracker import SqliteResultTracker

from typedtrack import (
    KeyConflictError,
    ResultExistsError,
    ResultNotFoundError,
    ResultTracker,
    TypedtrackError,
    open_tracker,
)

ROUNDS = 300
RACERS = 8


def _threads(number: int, run: Callable[[int], None]) -> None:
    """Run *run* in *number* threads at once; raise what one of them raised."""
    errors: list[BaseException] = []

    def guarded(n: int) -> None:
        try:
            run(n)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(n,)) for n in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


@pytest.mark.parametrize("kind", ["local", "memory", "sqlite"])
def test_a_create_by_many_threads_has_one_winner(tmp_path: Path, kind: str) -> None:
    """Of eight threads that create the same key, one succeeds, and its result is the one that stays."""
    trackers: dict[str, Callable[[], ResultTracker]] = {
        "local": lambda: open_tracker(tmp_path),
        "memory": lambda: open_tracker(f"memory://{uuid.uuid4()}"),
        "sqlite": lambda: SqliteResultTracker(str(tmp_path / "results.sqlite")),
    }
    tracker = trackers[kind]()
    rounds = ROUNDS if kind != "sqlite" else ROUNDS // 6  # which syncs the disk for each
    start = threading.Barrier(RACERS)
    won: list[list[int]] = [[] for _ in range(rounds)]

    def race(racer: int) -> None:
        for n in range(rounds):
            start.wait(60)
            try:
                tracker.create(f"new/{n}/k", racer=racer)
            except ResultExistsError:
                continue
            won[n].append(racer)

    _threads(RACERS, race)
    assert {len(winners) for winners in won} == {1}
    assert dict(tracker.items()) == {f"new/{n}/k": {"racer": racer} for n, (racer,) in enumerate(won)}


def _processes(number: int, run: Callable[[int], None]) -> None:
    """Run *run* in *number* processes at once; fail if it raised in one."""
    children: list[int] = []
    for n in range(number):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                run(n)
                code = 0
            except BaseException:
                import traceback

                traceback.print_exc()
            finally:
                os._exit(code)
        children.append(child)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    assert codes == [0] * number


def test_a_create_by_many_processes_has_one_winner(tmp_path: Path) -> None:
    """Processes that create the same keys share them out: each key has one, and the losers are told."""
    tracker = open_tracker(tmp_path / "results")
    wins = open_tracker(tmp_path / "wins")
    begin = time.monotonic() + 0.2

    def race(racer: int) -> None:
        time.sleep(max(0.0, begin - time.monotonic()))
        for n in range(ROUNDS):
            try:
                tracker.create(n, racer=racer)
            except ResultExistsError:
                continue
            wins.put(f"{n}/{racer}", racer=racer)

    _processes(4, race)
    assert len(tracker) == len(wins) == ROUNDS
    for key, result in tracker.items():
        assert list(wins.keys(str(key))) == [f"{key}/{result['racer']}"]


def test_the_same_create_by_all_is_no_error(tmp_path: Path) -> None:
    """A retried job that runs twice at once succeeds twice."""
    tracker = open_tracker(tmp_path)
    start = threading.Barrier(RACERS)

    def race(_: int) -> None:
        for n in range(ROUNDS):
            start.wait(60)
            tracker.create(n, n=n)

    _threads(RACERS, race)
    assert len(tracker) == ROUNDS


@pytest.mark.parametrize("run", [_threads, _processes])
def test_a_result_and_a_folder_of_results_at_once(
    tmp_path: Path, run: Callable[[int, Callable[[int], None]], None]
) -> None:
    """Puts, creates and deletes of `a`, `a/b` and `a/b/c` at once: done, refused as a conflict, or absent."""
    tracker = open_tracker(tmp_path)
    keys = ("a", "a/b", "a/b/c", "a/x")
    until = time.monotonic() + 3

    def work(worker: int) -> None:
        n = worker
        while time.monotonic() < until:
            n += 1
            key = keys[n * 7 % 4]
            try:
                if n % 3 == 0:
                    tracker.create(key, {"key": key})
                elif n % 3 == 1:
                    tracker.put(key, {"key": key})
                assert tracker[key] in ({}, {"key": key})
                for found, result in tracker.items():
                    assert result == {"key": found}
                del tracker[key]
            except (KeyConflictError, ResultNotFoundError):
                pass

    run(4, work)
    assert [path.name for path in tmp_path.rglob(".*")] == []


def test_readers_under_hot_writers_see_whole_results(tmp_path: Path) -> None:
    """Writers in other processes replace one result as fast as they can; every read is whole, and none is empty."""
    tracker = open_tracker(tmp_path)
    tracker["k"] = {"n": 0, "pad": ""}
    until = time.monotonic() + 2
    sizes = (0, 1000)

    def work(worker: int) -> None:
        mine = open_tracker(tmp_path)
        n = 0
        while n < 50 or time.monotonic() < until:
            n += 1
            if worker < 2:
                mine["k"] = {"n": worker, "pad": "x" * sizes[worker]}
            else:
                result = mine["k"]
                assert result["pad"] == "x" * sizes[int(result["n"])]
                assert "k" in mine
                assert list(mine) == ["k"]

    _processes(4, work)


def test_every_error_of_a_race_is_ours(tmp_path: Path) -> None:
    """Threads that make and remove the same deep folders meet no raw error of the disk."""
    tracker = open_tracker(tmp_path)
    until = time.monotonic() + 2

    def work(worker: int) -> None:
        n = worker
        while time.monotonic() < until:
            n += 1
            key = ("d", "d/e/f/g", "d/e")[n % 3]
            try:
                tracker[key] = {"n": n}
                del tracker[key]
            except TypedtrackError:
                pass

    _threads(4, work)
