"""Hidden files of killed writers, and the call that removes them."""

from __future__ import annotations

import errno
import math
import os
import time
from pathlib import Path

import pytest

from tests.faults.system import System
from tests.trackers import snapshot
from typedtrack import FsspecResultTracker, ResultTracker, open_tracker
from typedtrack.backends.local import LocalResultTracker, folders

DAY = 86_400


def _leave(path: Path, age: float) -> Path:
    """Leave at *path* what a writer leaves that was killed *age* seconds ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b'{"n')
    os.utime(path, (0, time.time() - age))
    return path


@pytest.fixture(params=[open_tracker, FsspecResultTracker], ids=["open_tracker", "FsspecResultTracker"])
def tracker(request: pytest.FixtureRequest, tmp_path: Path) -> ResultTracker:
    """Return a tracker with two results."""
    made = request.param(tmp_path)
    assert isinstance(made, ResultTracker)
    made.put_many({"a": {"n": 1}, "b/c": {"n": 2}})
    return made


def test_leftovers_are_removed(tracker: ResultTracker, tmp_path: Path) -> None:
    """Leftovers that are a day old are removed from every folder; younger ones and all other files stay."""
    _leave(tmp_path / ".typedtrack-0011-7-0.tmp", DAY + 60)
    _leave(tmp_path / "b" / ".typedtrack-0011-7-1.tmp", DAY + 60)
    _leave(tmp_path / "empty" / ".typedtrack-0011-7-2.tmp", 30 * DAY)
    young = _leave(tmp_path / "b" / ".typedtrack-0011-7-3.tmp", DAY - 60)
    others = [_leave(tmp_path / name, 30 * DAY) for name in (".hidden", "old.tmp", ".typedtrack-create")]
    before = snapshot(tmp_path)
    assert tracker.remove_leftovers() == 3
    removed = {path for path in before if path not in snapshot(tmp_path)}
    assert removed == {f"{folder}.typedtrack-0011-7-{n}.tmp" for n, folder in enumerate(("", "b/", "empty/"))}
    assert tracker.remove_leftovers(older_than=60) == 1
    assert not young.exists()
    assert all(path.exists() for path in others)
    assert dict(tracker.items("b")) == {"b/c": {"n": 2}}


def test_the_hidden_file_of_a_writer(tracker: ResultTracker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer gives its file a name that `remove_leftovers` knows."""

    def fail(*paths: bytes) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "rename", fail)
    monkeypatch.setattr(os, "unlink", fail)
    with pytest.raises(OSError, match="Input/output error"):
        tracker.put("a", n=3)
    monkeypatch.undo()
    assert len(snapshot(tmp_path)) == 4
    assert tracker.remove_leftovers(older_than=0) == 1
    assert tracker["a"] == {"n": 1}


def test_a_store_without_leftovers(tmp_path: Path) -> None:
    """A base that does not exist has none, and other stores never do."""
    assert open_tracker(tmp_path / "absent").remove_leftovers() == 0
    assert open_tracker("memory://leftovers").remove_leftovers() == 0
    assert not (tmp_path / "absent").exists()


@pytest.mark.parametrize("older_than", [-1, math.nan])
def test_an_age_that_is_refused(tracker: ResultTracker, older_than: float) -> None:
    """It is a number of seconds."""
    with pytest.raises(ValueError, match="older_than is a number of seconds, at least 0"):
        tracker.remove_leftovers(older_than=older_than)


def test_leftovers_that_cannot_be_removed(tmp_path: Path, system: System) -> None:
    """The call removes all others, then raises the first error."""
    for n in range(4):
        _leave(tmp_path / f".typedtrack-0011-7-{n}.tmp", 2 * DAY)

    def fail(number: int, argument: object) -> None:
        if system.calls[number] == "unlink" and str(argument)[-6] in "12":
            raise PermissionError(errno.EPERM, "Operation not permitted", argument)

    system.before = fail
    with pytest.raises(PermissionError) as caught:
        LocalResultTracker(tmp_path).remove_leftovers()
    assert caught.value.__notes__ == [f"typedtrack: remove leftovers below {tmp_path}/"]
    assert sorted(snapshot(tmp_path)) == [f".typedtrack-0011-7-{n}.tmp" for n in (1, 2)]


def test_leftovers_that_another_process_removes(tmp_path: Path, system: System) -> None:
    """A leftover that another process removes first is not counted."""
    left = _leave(tmp_path / ".typedtrack-0011-7-0.tmp", 2 * DAY)

    def remove(number: int, argument: object) -> None:
        if system.calls[number] == "unlink":
            left.unlink()

    system.before = remove
    assert LocalResultTracker(tmp_path).remove_leftovers() == 0


def test_a_leftover_whose_folder_becomes_a_result_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process removes the leftovers and the folder, and puts a result there, after they were listed."""
    tracker = LocalResultTracker(tmp_path)
    hidden = tmp_path / "sub" / ".typedtrack-0011-7-1.tmp"
    hidden.parent.mkdir()
    hidden.write_text("x")
    os.utime(hidden, (0, 0))

    def is_leftover(entry: os.DirEntry[bytes], older_than: float) -> bool:
        tracker["sub"] = {"x": 1}
        return folders.is_leftover(entry, older_than)

    monkeypatch.setattr("typedtrack.backends.local.tracker.is_leftover", is_leftover)
    assert tracker.remove_leftovers() == 0
    assert dict(tracker.items()) == {"sub": {"x": 1}}
