"""The states that a disk may have after a loss of power at any step of a write."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.torture.power_loss import Disk
from typedtrack import ResultExistsError, ResultTracker
from typedtrack.backends.local import LocalResultTracker

OLD, NEW = b'{\n  "n": 1\n}\n', b'{\n  "n": 2\n}\n'
KEYS = "a", "sub/b", "empty"

WRITES: dict[str, tuple[str, Callable[[ResultTracker], object], bytes | None]] = {
    "put": ("a", lambda tracker: tracker.put("a", n=2), NEW),
    "put below": ("sub/b", lambda tracker: tracker.put("sub/b", n=2), NEW),
    "put new": ("new/deep/k", lambda tracker: tracker.put("new/deep/k", n=2), NEW),
    "put in place of nothing": ("empty", lambda tracker: tracker.put("empty", n=2), NEW),
    "create": ("k", lambda tracker: tracker.create("k", n=2), NEW),
    "create below": ("new/k", lambda tracker: tracker.create("new/k", n=2), NEW),
    "create in place of nothing": ("empty", lambda tracker: tracker.create("empty", n=2), NEW),
    "create what exists": ("a", lambda tracker: tracker.create("a", n=1), OLD),
    "put_many": ("many/k", lambda tracker: tracker.put_many([("many/j", {"n": 1}), ("many/k", {"n": 2})]), NEW),
    "delete": ("sub/b", lambda tracker: tracker.__delitem__("sub/b"), None),
}


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    """Return a disk in an empty folder."""
    return Disk(tmp_path)


def _store_old(base: Path, disk: Disk) -> None:
    """Store what is there before each write, and let time synchronise it."""
    tracker = LocalResultTracker(base)
    tracker.put("a", n=1)
    tracker.put("sub/b", n=1)
    tracker._write("empty", b"")
    disk.sync_all()


@pytest.mark.parametrize("fsync", [False, True])
@pytest.mark.parametrize("write", WRITES)
def test_a_loss_of_power_at_each_step(tmp_path: Path, disk: Disk, write: str, fsync: bool) -> None:
    """The disk holds the old or the new result, or an empty file without fsync; after a call with it, the new one."""
    key, call, new = WRITES[write]
    steps = 0

    def check() -> None:
        nonlocal steps
        steps += 1
        assert disk.contents(f"base/{key}") <= allowed
        for other in {*KEYS} - {key}:
            assert disk.contents(f"base/{other}") == before[other]

    with disk.mounted():
        _store_old(tmp_path / "base", disk)
        before = {other: disk.contents(f"base/{other}") for other in KEYS}
        old = disk.contents(f"base/{key}")
        moved_aside = {None} if write == "create in place of nothing" else set[bytes | None]()
        allowed = old | {new} | moved_aside | (set[bytes | None]() if fsync or new is None else {b""})
        disk.after_each = check
        call(LocalResultTracker(tmp_path / "base", fsync=fsync, max_concurrency=1))
    assert steps > 0
    if fsync:
        assert disk.contents(f"base/{key}") == {new}


@pytest.mark.parametrize("key", ["k", "new/deep/k"])
def test_a_result_that_another_process_has_just_put(tmp_path: Path, disk: Disk, key: str) -> None:
    """A create with fsync that accepts a result synchronises it, and a put synchronises the folders of another."""
    with disk.mounted():
        LocalResultTracker(tmp_path / "base").put("other", n=1)
        disk.sync_all()
        LocalResultTracker(tmp_path / "base").put(key, n=2)
        assert disk.contents(f"base/{key}") == {None, b"", NEW}
        LocalResultTracker(tmp_path / "base", fsync=True).create(key, n=2)
        assert disk.contents(f"base/{key}") == {NEW}
        with suppress(ResultExistsError):
            LocalResultTracker(tmp_path / "base", fsync=True).create(key, n=1)
        LocalResultTracker(tmp_path / "base").put("sub/deep/b", n=1)
        LocalResultTracker(tmp_path / "base", fsync=True).put("sub/deep/c", n=2)
        assert disk.contents("base/sub/deep/c") == {NEW}


def test_a_new_base(tmp_path: Path, disk: Disk) -> None:
    """The folders above a new base survive, too."""
    with disk.mounted():
        LocalResultTracker(tmp_path / "some" / "new" / "base", fsync=True).put("k", n=2)
    assert disk.contents("some/new/base/k") == {NEW}
