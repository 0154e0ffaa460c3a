"""With `fsync=True` a result survives a loss of power: what is synchronised, in which order, and what may go wrong."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.faults.at_once import processes
from tests.faults.system import System
from typedtrack import ResultExistsError, TypedtrackError, open_tracker
from typedtrack.backends.local import LocalResultTracker


def test_the_file_comes_before_its_name_and_the_folders_after(tmp_path: Path, system: System) -> None:
    """The content is on the disk before the file gets its name, and the names of all new folders after that."""
    base = tmp_path / "new" / "base"
    tracker = LocalResultTracker(base, fsync=True)
    file, folder = ["open", "write", "fsync", "close"], ["open", "fsync", "close"]
    first = system.calls_of(lambda: tracker.put("k", n=1))
    assert first == ["open", "mkdir", "mkdir", "mkdir", *file, "rename", *folder * 3]
    assert system.calls_of(lambda: tracker.put("k", n=1)) == [*file, "rename", *folder]
    assert system.calls_of(lambda: tracker.create("c", n=1)) == [*file, "link", "unlink", *folder]
    deep = system.calls_of(lambda: tracker.put("a/b/c", n=1))
    assert deep == ["open", "mkdir", "mkdir", "mkdir", *file, "rename", *folder * 3]
    assert system.calls_of(lambda: tracker.__delitem__("k")) == ["unlink", *folder]


@pytest.fixture
def synced(system: System, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list to which each path is appended that is synchronised."""
    synced: list[str] = []

    def fsync(fd: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{fd}"))
        os.fsync(fd)

    monkeypatch.setattr(system, "fsync", fsync)
    return synced


def test_a_put_synchronises_the_file_and_its_folders(tmp_path: Path, synced: list[str]) -> None:
    """The file itself, the folders from it to the base, and the parent of each new folder; nothing above."""
    LocalResultTracker(tmp_path / "base", fsync=True).put("a/k", n=1)
    file, *folders = synced
    assert folders == [str(tmp_path / "base" / "a"), str(tmp_path / "base"), str(tmp_path)]
    assert Path(file).parent == tmp_path / "base" / "a"
    assert Path(file).name.startswith(".typedtrack-")


def test_folders_that_others_made_are_synchronised(tmp_path: Path, synced: list[str]) -> None:
    """Below the base each put synchronises them: who made them may not have done so."""
    LocalResultTracker(tmp_path).put("a/b/other", n=1)
    tracker = LocalResultTracker(tmp_path, fsync=True)
    for _ in range(2):
        synced.clear()
        tracker.put("a/b/k", n=1)
        assert synced[1:] == [str(tmp_path / "a" / "b"), str(tmp_path / "a"), str(tmp_path)]


def test_the_root_folder_as_a_base(synced: list[str]) -> None:
    """The root is synchronised like any base."""
    LocalResultTracker("/", fsync=True)._sync_folders(b"/", [])
    assert synced == ["/"]


def test_a_result_that_exists_is_synchronised_before_a_create_accepts_it(tmp_path: Path, synced: list[str]) -> None:
    """Who put the same result before may not have synchronised it, or was killed before that."""
    LocalResultTracker(tmp_path).create("a/k", n=1)
    LocalResultTracker(tmp_path, fsync=True).create("a/k", n=1)
    assert synced[1:] == [str(tmp_path / "a" / "k"), str(tmp_path / "a"), str(tmp_path)]


def test_a_fifo_hangs_no_create(tmp_path: Path) -> None:
    """Only a file is synchronised where a create finds something."""
    os.mkfifo(tmp_path / "k")
    with pytest.raises(ResultExistsError):
        LocalResultTracker(tmp_path, fsync=True).create("k", n=1)


def test_folders_above_the_base_that_cannot_be_synchronised(tmp_path: Path, system: System) -> None:
    """An automounted home or a read-only image above the base is not the tracker's: a put goes on."""
    base = tmp_path / "base"
    base.mkdir()

    def fail(number: int, argument: object) -> None:
        if system.calls[number] == "fsync" and isinstance(argument, int):
            path = os.readlink(f"/proc/self/fd/{argument}")
            if not path.startswith(str(base)):
                raise OSError(errno.EINVAL, "Invalid argument")

    system.before = fail
    tracker = LocalResultTracker(base, fsync=True)
    tracker.put("a/k", n=1)
    tracker.create("b/k", n=1)
    del tracker["a/k"]
    assert list(iter(tracker)) == ["b/k"]


def test_folders_of_the_base_that_cannot_be_synchronised(tmp_path: Path, system: System) -> None:
    """A put whose folder cannot be synchronised says so, with the path; the next one tries again."""
    closed = os.fsencode(tmp_path / "base" / "a")

    def fail(number: int, argument: object) -> None:
        if argument == closed and system.calls[number] == "open":
            raise PermissionError(errno.EACCES, "Permission denied", os.fsdecode(closed))

    system.before = fail
    tracker = LocalResultTracker(tmp_path / "base", fsync=True)
    for _ in range(2):
        with pytest.raises(PermissionError) as caught:
            tracker.put("a/k", n=1)
        assert caught.value.filename == str(tmp_path / "base" / "a")
        assert caught.value.__notes__ == [f"typedtrack: put {tmp_path}/base/a/k"]


def test_the_error_of_a_synchronisation_names_the_folder(tmp_path: Path, system: System) -> None:
    """The system's error has no path, as fsync is given none."""
    folders = 0

    def fail(number: int, argument: object) -> None:
        nonlocal folders
        if system.calls[number] == "fsync":
            folders += 1
            if folders == 2:
                raise OSError(errno.EIO, "Input/output error")

    system.before = fail
    with pytest.raises(OSError, match="Input/output error") as caught:
        LocalResultTracker(tmp_path, fsync=True).put("k", n=1)
    assert caught.value.filename == str(tmp_path)


@pytest.fixture
def quick(system: System, monkeypatch: pytest.MonkeyPatch) -> System:
    """Return the system calls with an fsync that does nothing, so that only the opens before it can fail."""

    def fsync(fd: int) -> None:
        """Take no time."""

    monkeypatch.setattr(system, "fsync", fsync)
    return system


def _remove(other: LocalResultTracker) -> None:
    """Delete the results below *a*, and the folders with them."""
    for key in ("a/b/k", "a/b/c"):
        with suppress(TypedtrackError):
            del other[key]
    with suppress(TypedtrackError):
        other.put("a", n=3)
        del other["a"]


def _replace(other: LocalResultTracker) -> None:
    """Delete the results below *a*, and put one there."""
    _remove(other)
    with suppress(TypedtrackError):
        other.put("a", n=3)


CALLS: list[Callable[[LocalResultTracker], object]] = [
    lambda tracker: tracker.put("a/b/k", n=1),
    lambda tracker: tracker.create("a/b/k", n=1),
    lambda tracker: tracker.create("a/b/c", n=1),
    lambda tracker: tracker.__delitem__("a/b/c"),
]


@pytest.mark.parametrize("interference", [_remove, _replace])
@pytest.mark.parametrize("call", CALLS, ids=["put", "create", "create again", "delete"])
def test_others_may_remove_files_before_they_are_synchronised(
    tmp_path: Path,
    quick: System,
    call: Callable[[LocalResultTracker], object],
    interference: Callable[[LocalResultTracker], None],
) -> None:
    """The call does not fail if another process deletes the result and its folders before any system call."""

    def interfere(number: int, _: object) -> None:
        if number == moment:
            quick.before = lambda number, argument: None
            interference(other)

    moment, made = 0, 1
    while moment < made:
        base = tmp_path / str(moment)
        other = LocalResultTracker(base)
        other.put("a/b/c", n=1)
        tracker = LocalResultTracker(base, fsync=True)
        quick.calls.clear()
        quick.before = interfere
        with suppress(TypedtrackError):
            call(tracker)
        quick.before = lambda number, argument: None
        made = len(quick.calls)
        moment += 1
        tracker.put("z", n=1)
        assert "z" in tracker
    assert moment > 3


def test_a_delete_that_succeeds_says_so(tmp_path: Path, system: System) -> None:
    """The folder of a deleted result may be gone before it is synchronised."""
    tracker = LocalResultTracker(tmp_path, fsync=True)
    tracker["a/b/c"] = {"n": 1}

    def interfere(number: int) -> None:
        if system.calls[number] == "unlink":
            system.after = lambda number: None
            _remove(LocalResultTracker(tmp_path))

    system.after = interfere
    del tracker["a/b/c"]
    assert "a/b/c" not in tracker


@pytest.mark.usefixtures("quick")
def test_many_processes_at_once(tmp_path: Path) -> None:
    """Eight processes create and delete below the same folders: no error of the disk reaches a caller."""

    def work(worker: int) -> None:
        tracker = open_tracker(tmp_path / "base", fsync=True)
        for number in range(150):
            key = ("d", "d/e/f/g", "d/e")[(worker + number) % 3]
            with suppress(TypedtrackError):
                tracker.create(key, worker=worker)
            with suppress(TypedtrackError):
                del tracker[key]

    processes(8, work)
