"""Empty files, which a loss of power may leave in place of results that were put without `fsync`."""

from __future__ import annotations

import errno
import fcntl
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.faults.at_once import processes, threads
from tests.faults.system import System
from tests.trackers import snapshot
from typedtrack import CorruptResultError, ResultExistsError, ResultTracker, open_tracker
from typedtrack.backends.local import LocalResultTracker, folders

OLD, NEW = b'{\n  "n": 1\n}\n', b'{\n  "n": 2\n}\n'
RACERS = 4


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """Return an empty file at the key *k*."""
    (tmp_path / "k").touch()
    return tmp_path / "k"


def test_an_empty_file(empty: Path) -> None:
    """A get says so, a create and a put replace it, and a delete makes room."""
    tracker = open_tracker(empty.parent)
    with pytest.raises(CorruptResultError, match="empty"):
        tracker.get("k")
    assert "k" in tracker
    tracker.create("k", n=1)
    assert snapshot(empty.parent) == {"k": OLD}
    with pytest.raises(ResultExistsError):
        tracker.create("k", n=2)
    empty.write_bytes(b"")
    tracker.put("k", n=2)
    assert snapshot(empty.parent) == {"k": NEW}
    empty.write_bytes(b"")
    del tracker["k"]
    tracker.create("k", n=1)
    assert snapshot(empty.parent) == {"k": OLD}


def test_a_failure_of_a_job_that_was_retried(empty: Path) -> None:
    """It is stored, too, where an empty file was left."""
    tracker = open_tracker(empty.parent)
    tracker.fail("k", "the node lost its power")
    assert [key for key, _ in tracker.failures()] == ["k"]


def test_files_that_are_not_empty_or_not_files(tmp_path: Path) -> None:
    """A create replaces no byte, no link and no FIFO."""
    tracker = open_tracker(tmp_path)
    (tmp_path / "byte").write_bytes(b"\0")
    (tmp_path / "target").touch()
    (tmp_path / "link").symlink_to("target")
    os.mkfifo(tmp_path / "fifo")
    for key in ("byte", "link", "fifo"):
        with pytest.raises(ResultExistsError):
            tracker.create(key, n=1)
    assert snapshot(tmp_path) == {"byte": b"\0", "target": b"", "link": b"", "fifo": None}


def test_many_threads_replace_one_empty_file(tmp_path: Path) -> None:
    """One of them creates its result, and the others get an error."""
    tracker = open_tracker(tmp_path)
    start = threading.Barrier(RACERS)
    won: list[list[int]] = [[] for _ in range(200)]

    def race(racer: int) -> None:
        for n, winners in enumerate(won):
            if racer == 0:
                (tmp_path / str(n)).touch()
            start.wait()
            with suppress(ResultExistsError):
                tracker.create(n, racer=racer)
                winners.append(racer)

    threads(RACERS, race, start)
    assert dict(tracker.items()) == {str(n): {"racer": racer} for n, (racer,) in enumerate(won)}


def test_many_processes_replace_the_same_empty_files(tmp_path: Path) -> None:
    """Each file is replaced by one of them, and no file lies beside it."""
    tracker = open_tracker(tmp_path / "results")
    wins = open_tracker(tmp_path / "wins")
    (tmp_path / "results").mkdir()
    for n in range(200):
        (tmp_path / "results" / str(n)).touch()

    def race(racer: int) -> None:
        for n in range(200):
            with suppress(ResultExistsError):
                tracker.create(n, racer=racer)
                wins.put(f"{n}/{racer}", racer=racer)

    processes(RACERS, race)
    assert len(wins) == len(list((tmp_path / "results").iterdir())) == 200
    for key, result in tracker.items():
        assert list(wins.keys(str(key))) == [f"{key}/{result['racer']}"]


def _create(tracker: ResultTracker) -> None:
    with suppress(ResultExistsError):
        tracker.create("k", n=2)


def _put_and_delete(tracker: ResultTracker) -> None:
    tracker.put("k", n=2)
    del tracker["k"]


INTERFERENCES: dict[str, tuple[Callable[[ResultTracker], object], set[bytes]]] = {
    "put": (lambda tracker: tracker.put("k", n=2), {NEW}),
    "create": (_create, {OLD, NEW}),
    "delete": (lambda tracker: tracker.__delitem__("k"), {OLD}),
    "put and delete": (_put_and_delete, {OLD}),
}


@pytest.mark.parametrize("fsync", [False, True])
@pytest.mark.parametrize("other", INTERFERENCES)
def test_a_call_between_any_two_steps(
    tmp_path: Path, system: System, monkeypatch: pytest.MonkeyPatch, other: str, fsync: bool
) -> None:
    """A create that replaces an empty file loses no result of a call that comes in between, and overwrites none."""
    interference, contents = INTERFERENCES[other]

    moment, interfered = 0, True

    def no_pause(seconds: float) -> None:
        """Go on at once."""

    def interfere(number: int, _: object) -> None:
        nonlocal interfered
        if number == moment:
            system.before = lambda number, argument: None
            with suppress(KeyError):
                interference(LocalResultTracker(base))
            interfered = True

    monkeypatch.setattr("time.sleep", no_pause)
    while interfered:
        base = tmp_path / str(moment)
        base.mkdir()
        (base / "k").touch()
        system.calls.clear()
        system.before = interfere
        interfered = False
        created = True
        try:
            LocalResultTracker(base, fsync=fsync).create("k", n=1)
        except ResultExistsError:
            created = False
        stored = snapshot(base).get("k")
        assert set(snapshot(base)) <= {"k"}
        if stored is None:
            assert "delete" in other
            assert created
        else:
            assert stored in contents | ({OLD} if created else set())
            assert created or stored == NEW
        moment += 1
    assert moment > 10


def test_a_put_at_the_last_moment_and_a_later_one(empty: Path, system: System) -> None:
    """A put that comes after the last look is kept, and replaced only by a put that comes after it."""
    tracker = LocalResultTracker(empty.parent)
    other = LocalResultTracker(empty.parent)
    renames = 0

    def put_before(number: int, _: object) -> None:
        nonlocal renames
        if system.calls[number] == "rename" and renames == 0:
            renames = 1
            other.put("k", n=2)

    def put_after(number: int) -> None:
        nonlocal renames
        if system.calls[number] == "rename" and renames == 1 and not empty.exists():
            renames = 2
            other.put("k", n=3)

    system.before, system.after = put_before, put_after
    with pytest.raises(ResultExistsError):
        tracker.create("k", n=1)
    assert renames == 2
    assert dict(tracker.items()) == {"k": {"n": 3}}
    assert set(snapshot(empty.parent)) == {"k"}


def test_a_file_system_without_locks(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty file stays there, and the error says what replaces it."""

    def flock(fd: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", flock)
    tracker = open_tracker(empty.parent)
    with pytest.raises(ResultExistsError, match="`put` replaces it"):
        tracker.create("k", n=1)
    assert snapshot(empty.parent) == {"k": b""}


def test_an_empty_file_that_is_gone(tmp_path: Path) -> None:
    """Another process may remove it first: there is room."""
    assert folders.remove_empty_file(os.fsencode(tmp_path / "k"))
