"""A machine that lacks something: space, files, threads, permission to write; and keys at which strange things lie."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import socket
import stat
import subprocess
import tempfile
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path

import pytest

from tests.faults.as_nobody import as_nobody
from tests.faults.system import System
from tests.torture import disks
from tests.trackers import snapshot
from typedtrack import BulkError, CorruptResultError, ResultExistsError, ResultTracker, _sorting, open_tracker
from typedtrack.backends.local import LocalResultTracker
from typedtrack.frame import chunks
from typedtrack.report import rows

OLD = b'{\n  "n": 1\n}\n'

# -- disks


@contextmanager
def _disk(folder: Path, options: str) -> Generator[Path]:
    """Mount a tmpfs with these options."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", options, "none", str(folder)]
    if os.getuid() != 0 or shutil.which("mount") is None or subprocess.run(mount, check=False).returncode != 0:
        pytest.skip("only root can mount a disk, where the machine lets it")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.parametrize("options", ["size=64k", "nr_inodes=20"])
@pytest.mark.parametrize("fsync", [False, True])
def test_a_full_disk(tmp_path: Path, options: str, fsync: bool) -> None:
    """The first results stay, the others raise the error of the disk, and a delete makes room."""
    with _disk(tmp_path / "disk", options) as disk:
        tracker = open_tracker(disk, fsync=fsync)
        tracker["old"] = {"n": 1}
        with pytest.raises(BulkError) as caught:
            tracker.put_many((f"{n}/k", {"n": n}) for n in range(40))
        assert {error.errno for error in caught.value.errors.values() if isinstance(error, OSError)} == {errno.ENOSPC}
        stored = [f"{n}/k" for n in range(40) if f"{n}/k" not in caught.value.errors]
        assert stored
        assert sorted(iter(tracker)) == sorted([*stored, "old"])
        assert {path for path, data in snapshot(disk).items() if data is not None} == {*stored, "old"}
        with pytest.raises(OSError, match="No space left on device"):
            tracker.put("large", {f"{n}": "x" * 1000 for n in range(100)} if "size" in options else {"n": 1})
        assert tracker["old"] == {"n": 1}
        del tracker[stored[0]]
        tracker["old"] = {"n": 2}
        assert tracker["old"] == {"n": 2}


@contextmanager
def _quota(kind: str) -> Generator[Path]:
    """Mount a disk of the file system *kind*, on which the user nobody has 400 KiB."""
    if (reason := disks.missing(kind)) is not None:
        pytest.skip(reason)
    if kind != "btrfs" and shutil.which("setquota") is None:
        pytest.skip("setquota is not installed")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=disks.folder_for_disks())))
        folder.chmod(0o755)
        features = ["-O", "quota"] if kind == "ext4" else []
        disk = disks.new_disk(kind, folder / "disk", disks.FILE_SYSTEMS[kind], features)
        mounted = disks.mounted(kind, disk, folder / "base", *([] if kind == "btrfs" else ["usrquota"]))
        try:
            base = stack.enter_context(mounted)
        except subprocess.CalledProcessError:
            pytest.skip(f"this kernel has no quotas of {kind}")
        base.chmod(0o777)
        if kind == "btrfs":  # which has quotas of folders, not of users
            commands = [["btrfs", "quota", "enable"], ["btrfs", "qgroup", "limit", "400K"]]
        else:
            commands = [["setquota", "-u", "nobody", "0", "400", "0", "0"]]
        for command in commands:
            subprocess.run([*command, str(base)], check=True)
        yield base


@pytest.mark.parametrize("fsync", [False, True])
@pytest.mark.parametrize("kind", disks.FILE_SYSTEMS)
def test_a_quota(kind: str, fsync: bool) -> None:
    """A quota acts like a full disk: the first results stay, the others raise its error, and deletes make room."""
    large, larger = ({f"{n}": "x" * 1000 for n in range(kilobytes)} for kilobytes in (100, 900))
    with _quota(kind) as base:
        tracker = open_tracker(base, fsync=fsync)
        assert as_nobody(partial(tracker.put, "old", n=1)) is None
        error = as_nobody(partial(tracker.put_many, [(f"{n}/k", large) for n in range(10)]))
        assert isinstance(error, BulkError)
        assert {each.errno for each in error.errors.values() if isinstance(each, OSError)} == {errno.EDQUOT}
        stored = {f"{n}/k" for n in range(10)} - error.errors.keys()
        assert stored
        for call in (partial(tracker.put, "old", larger), partial(tracker.create, "new/k", larger)):
            error = as_nobody(call)
            assert isinstance(error, OSError)
            assert error.errno == errno.EDQUOT
        assert dict(tracker.items()) == {"old": {"n": 1}, **dict.fromkeys(stored, large)}
        assert {path for path, data in snapshot(base).items() if data is not None} == {"old", *stored}
        for key in stored:
            assert as_nobody(partial(tracker.__delitem__, key)) is None
        assert as_nobody(partial(tracker.put, "old", large)) is None
        assert dict(tracker.items()) == {"old": large}


OUTPUTS: dict[str, Callable[[ResultTracker, Path], object]] = {
    "all.ndjson": lambda tracker, path: tracker.archive(path),
    "all.ndjson.gz": lambda tracker, path: tracker.archive(path),
    "all.parquet": lambda tracker, path: tracker.frame().write(path),
    "all.csv": lambda tracker, path: tracker.frame().write(path),
    "all.arrow": lambda tracker, path: tracker.frame().write(path),
    "all.html": lambda tracker, path: tracker.frame().report(path),
    "cache.parquet": lambda tracker, path: tracker.frame(cache=path).schema,
}


@pytest.mark.parametrize("name", OUTPUTS)
def test_output_on_a_full_disk(tmp_path: Path, name: str) -> None:
    """The caller gets the error of the disk as it is, and only the old file is there."""
    tracker = open_tracker(tmp_path / "base")
    tracker.put_many((n, {"n": n, "text": os.urandom(500).hex()}) for n in range(200))
    with _disk(tmp_path / "disk", "size=64k") as disk:
        old = bytes(3) if name == "cache.parquet" else b"old"  # zeros are a damaged cache; other files are no cache
        (disk / name).write_bytes(old)
        with pytest.raises(OSError, match="No space left on device") as caught:
            OUTPUTS[name](tracker, disk / name)
        assert caught.value.errno == errno.ENOSPC
        assert snapshot(disk) == {name: old}


@pytest.mark.parametrize("name", OUTPUTS)
def test_a_full_temporary_folder(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows and keys that memory does not hold lie there: the caller gets the error of the disk; the old file stays."""
    tracker = open_tracker(tmp_path / "base")
    tracker.put_many((f"{n:0200}", {"n": n, "text": os.urandom(500).hex()}) for n in range(200))
    old = bytes(3) if name == "cache.parquet" else b"old"
    (tmp_path / name).write_bytes(old)
    monkeypatch.setattr(_sorting, "_MOST", 100)
    monkeypatch.setattr(chunks, "_MEMORY", 1000)
    monkeypatch.setattr(rows, "_MEMORY", 1000)
    with _disk(tmp_path / "disk", "size=16k") as disk:
        monkeypatch.setattr(tempfile, "tempdir", str(disk))
        with pytest.raises(OSError, match="No space left on device") as caught:
            OUTPUTS[name](tracker, tmp_path / name)
        assert caught.value.errno == errno.ENOSPC
        assert snapshot(disk) == {}
    assert (tmp_path / name).read_bytes() == old
    assert {path.name for path in tmp_path.iterdir()} == {"base", "disk", name}


def test_a_read_only_disk(tmp_path: Path) -> None:
    """Results are read; a write raises the error of the disk."""
    with _disk(tmp_path / "disk", "size=1m") as disk:
        tracker = open_tracker(disk)
        tracker["old"] = {"n": 1}
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        writes: tuple[Callable[[], object], ...] = (
            lambda: tracker.put("old", n=2),
            lambda: tracker.create("new/k", n=2),
            lambda: tracker.__delitem__("old"),
        )
        for write in writes:
            with pytest.raises(OSError, match="Read-only file system") as caught:
                write()
            assert caught.value.errno == errno.EROFS
        assert dict(tracker.items()) == {"old": {"n": 1}}
        assert tracker["absent"] == {}


# -- limits of the process


@contextmanager
def _no_more_files() -> Generator[None]:
    """Leave this process no further descriptor."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
    opened: list[int] = []
    try:
        with suppress(OSError):
            while True:
                opened.append(os.open("/dev/null", os.O_RDONLY))
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for fd in opened:
            os.close(fd)


CALLS: dict[str, Callable[[ResultTracker], object]] = {
    "put": lambda tracker: tracker.put("old", n=2),
    "put in a new folder": lambda tracker: tracker.put("a/b", n=2),
    "create": lambda tracker: tracker.create("new", n=2),
    "get": lambda tracker: tracker.get("old"),
    "look": lambda tracker: "old" in tracker,
    "list": lambda tracker: [*iter(tracker)],
    "items": lambda tracker: dict(tracker.items()),
}


@pytest.mark.parametrize("call", CALLS)
def test_no_more_files(tmp_path: Path, call: str) -> None:
    """No call takes a file that cannot be opened for an absent one."""
    tracker = open_tracker(tmp_path)
    tracker["old"] = {"n": 1}
    assert len(tracker) == 1  # imports what a listing needs
    with _no_more_files(), pytest.raises(OSError, match="Too many open files") as caught:
        CALLS[call](tracker)
    assert any("typedtrack: " in note for note in caught.value.__notes__)
    assert {path: data for path, data in snapshot(tmp_path).items() if data is not None} == {"old": OLD}


@pytest.mark.parametrize("name", OUTPUTS)
def test_no_more_files_for_output(tmp_path: Path, name: str) -> None:
    """No file is written with a part of the results."""
    tracker = open_tracker(tmp_path / "base")
    tracker["old"] = {"n": 1}
    OUTPUTS[name](tracker, tmp_path / f"first {name}")  # imports what it needs
    with _no_more_files(), pytest.raises(OSError, match="Too many open files"):
        OUTPUTS[name](tracker, tmp_path / name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["base", f"first {name}"]


def test_no_more_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bulk call on a slow disk makes all calls itself where no thread can be had."""

    def bulk_calls() -> object:
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
        tracker = open_tracker(folder)
        tracker.put_many((str(n), {"n": n}) for n in range(100))
        return len(tracker.get_many(range(100)))

    monkeypatch.setattr("typedtrack.backends.local.pace._SLOW_SECONDS", 0.0)
    monkeypatch.setattr("typedtrack.backends.local.pace._SLOW_RATIO", 0.0)
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        assert as_nobody(bulk_calls) == 100


# -- a base that moves


@pytest.mark.parametrize("call", CALLS)
def test_a_base_that_is_renamed_meanwhile(tmp_path: Path, system: System, call: str) -> None:
    """The base moves before any of the system calls: the call ends, and every result is still there and whole."""
    moment, moved = 0, True

    def move(number: int, _: object) -> None:
        nonlocal moved
        if number == moment:
            moved = True
            (tmp_path / "base").rename(tmp_path / "moved")

    while moved:
        shutil.rmtree(tmp_path / "base", ignore_errors=True)
        shutil.rmtree(tmp_path / "moved", ignore_errors=True)
        tracker = LocalResultTracker(tmp_path / "base")
        tracker["old"] = {"n": 1}
        system.calls.clear()
        system.before, moved = move, False
        with suppress(OSError):
            CALLS[call](tracker)
        system.before = lambda number, argument: None
        stored = {
            f"{path.parent.name}/{path.name}": path.read_text() for path in tmp_path.rglob("[!.]*") if path.is_file()
        }
        assert set(stored.values()) <= {'{\n  "n": 1\n}\n', '{\n  "n": 2\n}\n'}
        assert ("moved/old" if moved else "base/old") in stored
        moment += 1


# -- strange things at a key


def _sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(10 * 2**30)


def _socket(path: Path) -> None:
    server = socket.socket(socket.AF_UNIX)
    before = os.getcwd()
    os.chdir(path.parent)  # the whole path may be too long for a socket
    try:
        server.bind(path.name)
    finally:
        os.chdir(before)
        server.close()


def _device(path: Path) -> None:
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5))  # /dev/zero: it never ends
    except PermissionError:
        pytest.skip("only root can make a device")


THINGS: dict[str, tuple[Callable[[Path], object], type[Exception]]] = {
    "a sparse file of 10 GiB": (_sparse, CorruptResultError),
    "a FIFO": (os.mkfifo, CorruptResultError),
    "a socket": (_socket, OSError),
    "a device": (_device, CorruptResultError),
    "a link to a device": (lambda path: path.symlink_to("/dev/zero"), CorruptResultError),
    "a link to itself": (lambda path: path.symlink_to(path.name), OSError),
}


@pytest.mark.parametrize("thing", THINGS)
def test_a_strange_thing_at_a_key(tmp_path: Path, thing: str) -> None:
    """A get raises an error soon, a create does not replace it, a put does, and a listing has only files."""
    make, error = THINGS[thing]
    make(tmp_path / "k")
    tracker = open_tracker(tmp_path)
    tracker["other"] = {"n": 1}
    with pytest.raises(error):
        tracker.get("k")
    with pytest.raises((ResultExistsError, OSError)):
        tracker.create("k", n=1)
    assert sorted(iter(tracker)) == (["k", "other"] if "sparse" in thing else ["other"])
    tracker.put("k", n=2)
    assert tracker.get_many(["k", "other"]) == {"k": {"n": 2}, "other": {"n": 1}}
