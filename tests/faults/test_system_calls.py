"""A fault at each system call of a put and a create: the old result stays, or the new one is there, and no litter."""

from __future__ import annotations

import errno
import os
import resource
import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.trackers import snapshot
from typedtrack import BulkError, Result, UnsupportedOperationError, open_tracker
from typedtrack.backends.local import LocalResultTracker

CALLS = ("open", "write", "close", "fsync", "rename", "link", "unlink", "mkdir", "rmdir", "scandir")
OLD, NEW = b'{\n  "n": 1\n}\n', b'{\n  "n": 2\n}\n'


class _System:
    """The `os` module, whose system calls are noted, and of which one fails."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.fail_at = -1
        self.failure: BaseException = KeyboardInterrupt()
        self.afterwards = False
        for name in CALLS:
            setattr(self, name, self._wrapped(name, getattr(os, name)))

    def __getattr__(self, name: str) -> object:
        return getattr(os, name)

    def _wrapped(self, name: str, call: Callable[..., object]) -> Callable[..., object]:
        def wrapped(*args: object) -> object:
            fails = len(self.calls) == self.fail_at
            self.calls.append(name)
            if fails and not self.afterwards:
                raise self.failure
            try:
                return call(*args)
            finally:
                if fails:  # whatever it returned or raised
                    raise self.failure

        return wrapped


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> _System:
    """Put a system that can fail under the local tracker."""
    system = _System()
    for module in ("tracker", "folders"):
        monkeypatch.setattr(f"typedtrack.backends.local.{module}.os", system)
    return system


def _calls_of(system: _System, action: Callable[[], object]) -> list[str]:
    system.calls.clear()
    system.fail_at = -1
    action()
    return list(system.calls)


@pytest.mark.parametrize("fsync", [False, True])
@pytest.mark.parametrize("key", ["k", "new/deep/k"])
@pytest.mark.parametrize("operation", ["put", "create"])
@pytest.mark.parametrize(
    ("failure", "afterwards"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), False),
        (OSError(errno.EIO, "Input/output error"), False),
        (PermissionError(errno.EACCES, "Permission denied"), False),
        (KeyboardInterrupt(), False),
        (KeyboardInterrupt(), True),
        (MemoryError(), False),
    ],
    ids=["disk full", "broken disk", "no permission", "interrupt before", "interrupt after", "out of memory"],
)
def test_a_fault_at_each_system_call(
    tmp_path: Path,
    system: _System,
    operation: str,
    key: str,
    fsync: bool,
    failure: BaseException,
    afterwards: bool,
) -> None:
    """Whichever call fails, the error comes through, the file is the old or the new one, and nothing lies beside it."""

    def prepared(base: Path) -> LocalResultTracker:
        tracker = LocalResultTracker(base, fsync=fsync)
        tracker["other"] = {"n": 1}
        if operation == "put" and key == "k":
            tracker["k"] = {"n": 1}
        return tracker

    sample = prepared(tmp_path / "sample")
    for n in range(len(_calls_of(system, lambda: getattr(sample, operation)(key, n=2)))):
        base = tmp_path / str(n)
        tracker = prepared(base)
        before = snapshot(base)
        system.calls.clear()
        system.fail_at, system.failure, system.afterwards = n, failure, afterwards
        with pytest.raises(type(failure)) as caught:
            getattr(tracker, operation)(key, n=2)
        assert caught.value is failure
        system.fail_at = -1
        files = {path: data for path, data in snapshot(base).items() if data is not None}
        published = {"rename", "link"} & set(system.calls[: n + (1 if afterwards else 0)])
        assert files == {**before, **({key: NEW} if published else {})}
        if not (published or afterwards):  # of what was done and then interrupted, an empty folder may stay
            assert snapshot(base) == before
        old: Result = {"n": 1} if key in before else {}
        assert tracker[key] == ({"n": 2} if published else old)
        tracker.put(key, n=2)
        assert tracker[key] == {"n": 2}


def test_the_cleanup_may_fail_too(tmp_path: Path, system: _System, monkeypatch: pytest.MonkeyPatch) -> None:
    """When not even the temporary file can be removed, the error that matters is the one raised."""

    def broken(*args: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(system, "rename", broken)
    monkeypatch.setattr(system, "unlink", broken)
    tracker = LocalResultTracker(tmp_path)
    with pytest.raises(OSError, match="Read-only file system"):
        tracker.put("k", n=1)
    assert list(tracker) == []


def test_short_writes_are_completed(tmp_path: Path, system: _System, monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that takes a few bytes at a time gets them all, and a disk that fills halfway leaves the old result."""
    tracker = LocalResultTracker(tmp_path)

    def few(fd: int, data: memoryview) -> int:
        return os.write(fd, data[:3])

    monkeypatch.setattr(system, "write", few)
    tracker["k"] = {"n": 1}
    assert snapshot(tmp_path) == {"k": OLD}
    written = 0

    def fills(fd: int, data: memoryview) -> int:
        nonlocal written
        if written >= 6:
            raise OSError(errno.ENOSPC, "No space left on device")
        written += 3
        return os.write(fd, data[:3])

    monkeypatch.setattr(system, "write", fills)
    with pytest.raises(OSError, match="No space left on device") as caught:
        tracker.put("k", n=2)
    assert caught.value.__notes__ == [f"typedtrack: put {tmp_path}/k"]
    assert snapshot(tmp_path) == {"k": OLD}


@contextmanager
def _largest_file(size: int) -> Generator[None, None, None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("operation", ["put", "create"])
def test_a_real_limit_on_the_size_of_files(tmp_path: Path, operation: str) -> None:
    """The kernel itself cuts the write short, then refuses the rest."""
    tracker = open_tracker(tmp_path)
    tracker["old"] = {"n": 1}
    key = "old" if operation == "put" else "new"
    with _largest_file(100), pytest.raises(OSError, match="File too large"):
        getattr(tracker, operation)(key, text="x" * 1000)
    assert snapshot(tmp_path) == {"old": OLD}


def test_fsync_is_of_the_file_before_its_name_and_of_the_folders_after(tmp_path: Path, system: _System) -> None:
    """With `fsync` the content is on the disk before the name is, and then the names of all folders on the way are."""
    base = tmp_path / "base"
    tracker = LocalResultTracker(base, fsync=True)
    new, folder = ["open", "write", "fsync", "close"], ["open", "fsync", "close"]
    first = _calls_of(system, lambda: tracker.put("k", n=1))
    assert first == ["open", "mkdir", *new, "rename", *folder, *folder * len(base.parents)]
    assert _calls_of(system, lambda: tracker.put("k", n=1)) == [*new, "rename", *folder]
    assert _calls_of(system, lambda: tracker.create("c", n=1)) == [*new, "link", "unlink", *folder]
    deep = _calls_of(system, lambda: tracker.put("a/b/c", n=1))
    assert deep == ["open", "mkdir", "mkdir", "mkdir", *new, "rename", *folder * 3]
    assert _calls_of(system, lambda: tracker.__delitem__("k")) == ["unlink", *folder]


@pytest.fixture
def synced(system: _System, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list of what is given to fsync, which goes on."""
    synced: list[str] = []

    def fsync(fd: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{fd}"))
        os.fsync(fd)

    monkeypatch.setattr(system, "fsync", fsync)
    return synced


def test_what_is_synchronised(tmp_path: Path, synced: list[str]) -> None:
    """The descriptors given to fsync are of the very file and folders."""
    LocalResultTracker(tmp_path, fsync=True).put("a/k", n=1)
    file, *folders_ = synced
    assert folders_ == [str(tmp_path / "a"), str(tmp_path), *map(str, tmp_path.parents)]
    assert Path(file).parent == tmp_path / "a"
    assert Path(file).name.startswith(".typedtrack-")


def test_folders_that_others_made_are_synchronised(tmp_path: Path, synced: list[str]) -> None:
    """Who made them may not have done so."""
    LocalResultTracker(tmp_path).put("a/b/other", n=1)
    tracker = LocalResultTracker(tmp_path, fsync=True)
    for _ in range(2):
        tracker.put("a/b/k", n=1)
        assert {str(tmp_path / "a" / "b"), str(tmp_path / "a"), str(tmp_path)} <= set(synced)
        synced.clear()


def test_a_result_that_is_there_is_synchronised_before_a_create_accepts_it(tmp_path: Path, synced: list[str]) -> None:
    """Whoever put the same before may not have done so, or may have been killed."""
    LocalResultTracker(tmp_path).create("a/k", n=1)
    LocalResultTracker(tmp_path, fsync=True).create("a/k", n=1)
    assert {str(tmp_path / "a" / "k"), str(tmp_path / "a"), str(tmp_path)} <= set(synced)


def test_a_folder_that_may_not_be_read_and_so_not_synchronised(
    tmp_path: Path, system: _System, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Above the base that is no matter where it was there before; below it, or where it is new, it is an error."""
    closed: set[bytes] = set()

    def open_(path: bytes, flags: int, mode: int = 0o777) -> int:
        if path in closed:
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return os.open(path, flags, mode)

    monkeypatch.setattr(system, "open", open_)
    closed.add(os.fsencode(tmp_path))
    with pytest.raises(PermissionError):
        LocalResultTracker(tmp_path / "new", fsync=True).put("k", n=1)
    LocalResultTracker(tmp_path / "new", fsync=True).put("k", n=2)
    closed.add(os.fsencode(tmp_path / "new" / "a"))
    with pytest.raises(PermissionError):
        LocalResultTracker(tmp_path / "new", fsync=True).put("a/k", n=1)


def test_without_fsync_nothing_is_synchronised(tmp_path: Path, system: _System) -> None:
    """The default is as fast as the system calls that make a result whole: open, write, close, rename."""
    tracker = LocalResultTracker(tmp_path / "base")
    assert _calls_of(system, lambda: tracker.put("k", n=1)) == ["open", "mkdir", "open", "write", "close", "rename"]
    assert _calls_of(system, lambda: tracker.put("k", n=1)) == ["open", "write", "close", "rename"]
    assert _calls_of(system, lambda: tracker.create("c", n=1)) == ["open", "write", "close", "link", "unlink"]


@pytest.mark.parametrize("code", [errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK])
def test_a_disk_without_hard_links(tmp_path: Path, system: _System, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    """A create that cannot be atomic is refused, with what to do; nothing is written."""

    def link(source: bytes, target: bytes) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(system, "link", link)
    tracker = LocalResultTracker(tmp_path)
    with pytest.raises(UnsupportedOperationError, match="no hard links; use `put`") as caught:
        tracker.create("k", n=1)
    assert caught.value.operation == "create"
    assert snapshot(tmp_path) == {}
    tracker.put("k", n=1)
    assert tracker["k"] == {"n": 1}


def test_a_folder_that_others_keep_removing(tmp_path: Path, system: _System, monkeypatch: pytest.MonkeyPatch) -> None:
    """A put makes its folder again as often as is sensible, then says what is going on."""
    attempts = 0

    def mkdir(folder: bytes) -> None:
        nonlocal attempts
        attempts += 1
        if attempts > 3:
            os.mkdir(folder)

    monkeypatch.setattr(system, "mkdir", mkdir)
    LocalResultTracker(tmp_path).put("a/k", n=1)
    assert snapshot(tmp_path) == {"a": None, "a/k": OLD}

    def in_vain(folder: bytes) -> None:
        """Make a folder that is gone at once."""

    monkeypatch.setattr(system, "mkdir", in_vain)
    with pytest.raises(NotADirectoryError, match="removed again and again"):
        LocalResultTracker(tmp_path).put("b/k", n=1)


def test_a_folder_removed_between_its_making_and_the_next(
    tmp_path: Path, system: _System, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Folders made one below the other may vanish in between; they are made again."""
    removed = False

    def mkdir(folder: bytes) -> None:
        nonlocal removed
        if folder.endswith(b"/a/b") and (tmp_path / "a").exists() and not removed:
            removed = True
            (tmp_path / "a").rmdir()
        os.mkdir(folder)

    monkeypatch.setattr(system, "mkdir", mkdir)
    LocalResultTracker(tmp_path).put("a/b/c/k", n=1)
    assert removed
    assert (tmp_path / "a/b/c/k").read_bytes() == OLD


def test_a_result_in_the_way_that_is_gone_again(
    tmp_path: Path, system: _System, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was a file a moment ago, and is none now, is no conflict."""
    (tmp_path / "a").write_bytes(OLD)

    def isfile(path: bytes) -> bool:
        (tmp_path / "a").unlink(missing_ok=True)
        return False

    monkeypatch.setattr(os.path, "isfile", isfile)
    LocalResultTracker(tmp_path).put("a/k", n=1)
    assert snapshot(tmp_path) == {"a": None, "a/k": OLD}


@pytest.mark.parametrize("operation", ["put", "create"])
def test_a_folder_in_the_way_that_others_remove(
    tmp_path: Path, system: _System, monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    """An empty folder that another process removes first, or replaces by its result, is no conflict."""
    for replace in (False, True):
        (tmp_path / "k").mkdir()

        def scandir(path: bytes, replace: bool = replace) -> object:
            (tmp_path / "k").rmdir()
            if replace:
                (tmp_path / "k").write_bytes(NEW)
            monkeypatch.setattr(system, "scandir", os.scandir)
            return os.scandir(path)

        monkeypatch.setattr(system, "scandir", scandir)
        getattr(LocalResultTracker(tmp_path), operation)("k", n=2)
        assert snapshot(tmp_path) == {"k": NEW}
        (tmp_path / "k").unlink()


def test_a_folder_that_may_not_be_removed(tmp_path: Path, system: _System, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder that stays is in the way, and is called that."""

    def rmdir(path: bytes) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    (tmp_path / "k").mkdir()
    monkeypatch.setattr(system, "rmdir", rmdir)
    with pytest.raises(OSError, match="in its way is a folder that is not empty"):
        LocalResultTracker(tmp_path).put("k", n=1)
    assert snapshot(tmp_path) == {"k": None}


def test_a_folder_removed_while_it_is_listed(tmp_path: Path, system: _System, monkeypatch: pytest.MonkeyPatch) -> None:
    """What vanishes between two steps of a listing is not listed, and what turned into a file is skipped."""
    tracker = LocalResultTracker(tmp_path)
    for key in ("a/k", "b/k", "c/k"):
        tracker[key] = {"n": 1}

    def scandir(path: bytes) -> object:
        if path.endswith((b"/a", b"/b")):
            (tmp_path / os.fsdecode(path) / "k").unlink()
            os.rmdir(path)
        if path.endswith(b"/a"):
            (tmp_path / "a").write_bytes(OLD)
        return os.scandir(path)

    monkeypatch.setattr(system, "scandir", scandir)
    assert list(iter(tracker)) == ["c/k"]  # iter: list asks for the length first, by a listing of its own


def test_a_read_that_fails_hides_no_other(tmp_path: Path, system: _System, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a bulk call the disk's error is that of its key; the others have their results."""
    tracker = LocalResultTracker(tmp_path)
    tracker["a"] = {"n": 1}
    tracker["b"] = {"n": 1}
    failure = OSError(errno.EIO, "Input/output error")

    def broken(path: bytes, flags: int) -> int:
        if path.endswith(b"/a"):
            raise failure
        return os.open(path, flags)

    monkeypatch.setattr(system, "open", broken)
    with pytest.raises(BulkError) as caught:
        tracker.get_many(["a", "b"])
    assert caught.value.errors == {"a": failure}
    assert caught.value.results == {"b": {"n": 1}}
    assert failure.__notes__ == [f"typedtrack: get {tmp_path}/a"]
