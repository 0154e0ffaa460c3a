"""An error of each system call of a put and a create: the result is the old or the new one, and no litter stays."""

from __future__ import annotations

import errno
import os
import resource
import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.system import System
from tests.trackers import snapshot
from typedtrack import (
    BulkError,
    FsspecResultTracker,
    KeyConflictError,
    Result,
    ResultTracker,
    UnsupportedOperationError,
    open_tracker,
)
from typedtrack.backends.local import LocalResultTracker

OLD, NEW = b'{\n  "n": 1\n}\n', b'{\n  "n": 2\n}\n'


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
def test_each_system_call_can_fail(
    tmp_path: Path,
    system: System,
    operation: str,
    key: str,
    fsync: bool,
    failure: BaseException,
    afterwards: bool,
) -> None:
    """The caller gets the error of the call, the file is the old or the new one, and no other file stays."""

    def prepared(base: Path) -> LocalResultTracker:
        tracker = LocalResultTracker(base, fsync=fsync)
        tracker["other"] = {"n": 1}
        if operation == "put" and key == "k":
            tracker["k"] = {"n": 1}
        return tracker

    def fail(number: int, _: object = None) -> None:
        if number == failing:
            raise failure

    failing = -1
    if afterwards:
        system.after = fail
    else:
        system.before = fail
    sample = prepared(tmp_path / "sample")
    calls = system.calls_of(lambda: getattr(sample, operation)(key, n=2))
    for number in range(len(calls)):
        base = tmp_path / str(number)
        tracker = prepared(base)
        before = snapshot(base)
        system.calls.clear()
        failing = number
        with pytest.raises(type(failure)) as caught:
            getattr(tracker, operation)(key, n=2)
        assert caught.value is failure
        failing = -1
        files = {path: data for path, data in snapshot(base).items() if data is not None}
        published = {"rename", "link"} & set(calls[: number + (1 if afterwards else 0)])
        assert files == {**before, **({key: NEW} if published else {})}
        if not (published or afterwards):  # after an interrupted mkdir, its empty folder may stay
            assert snapshot(base) == before
        old: Result = {"n": 1} if key in before else {}
        assert tracker[key] == ({"n": 2} if published else old)
        tracker.put(key, n=2)
        assert tracker[key] == {"n": 2}


def test_the_cleanup_may_fail_too(tmp_path: Path, system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the temporary file cannot be removed either, the caller gets the first error."""

    def broken(*args: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(system, "rename", broken)
    monkeypatch.setattr(system, "unlink", broken)
    tracker = LocalResultTracker(tmp_path)
    with pytest.raises(OSError, match="Read-only file system"):
        tracker.put("k", n=1)
    assert list(tracker) == []


def test_short_writes_are_completed(tmp_path: Path, system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that takes a few bytes at a time gets them all; a disk that fills up halfway keeps the old result."""
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
    """The kernel cuts the write short and refuses the rest: nothing is stored."""
    tracker = open_tracker(tmp_path)
    tracker["old"] = {"n": 1}
    key = "old" if operation == "put" else "new"
    with _largest_file(100), pytest.raises(OSError, match="File too large"):
        getattr(tracker, operation)(key, text="x" * 1000)
    assert snapshot(tmp_path) == {"old": OLD}


def test_the_fewest_system_calls(tmp_path: Path, system: System) -> None:
    """A put makes the four calls that a whole result needs; it makes its folder only after the open has failed."""
    tracker = LocalResultTracker(tmp_path / "base")
    assert system.calls_of(lambda: tracker.put("k", n=1)) == ["open", "mkdir", "open", "write", "close", "rename"]
    assert system.calls_of(lambda: tracker.put("k", n=1)) == ["open", "write", "close", "rename"]
    assert system.calls_of(lambda: tracker.create("c", n=1)) == ["open", "write", "close", "link", "unlink"]
    assert system.calls_of(lambda: tracker.get("k")) == ["open", "read", "close"]


@pytest.mark.parametrize("code", [errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK])
def test_a_disk_without_hard_links(tmp_path: Path, system: System, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    """A create that cannot be atomic is refused, the error names `put`, and nothing is written."""

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


def test_a_folder_that_others_keep_removing(tmp_path: Path, system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """A put makes its folder again, but not for ever."""
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
    with pytest.raises(FileNotFoundError, match="others remove it each time") as caught:
        LocalResultTracker(tmp_path).put("b/k", n=1)
    assert caught.value.filename == str(tmp_path)


@pytest.mark.parametrize(
    ("base", "nearest"),
    [("/proc/results/deep", "/proc"), ("/proc", "/proc"), ("/sys/results", "/sys"), ("/dev/fd/results", "/dev/fd")],
)
@pytest.mark.parametrize("tracker", [open_tracker, FsspecResultTracker])
def test_a_base_in_the_kernel(tracker: Callable[[str], ResultTracker], base: str, nearest: str) -> None:
    """Nothing can ever be there, so that a reader gets an error instead of an absent result, as a writer does."""
    calls: list[Callable[[], object]] = [
        lambda: tracker(base).get("k"),
        lambda: "k" in tracker(base),
        lambda: tracker(base).wait("k", timeout=60),
        lambda: list(tracker(base).keys("no/results")),
    ]
    if not nearest.startswith("/sys"):  # whose error is the system's: the operation is not permitted
        calls.append(lambda: tracker(base).put("k", n=1))
    for call in calls:
        with pytest.raises(OSError, match="the kernel keeps no results here; choose a folder on a disk") as caught:
            call()
        assert caught.value.errno == errno.EROFS
        assert str(caught.value.filename).startswith(nearest)


def test_a_link_of_the_kernel_leads_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A base may be named by a link in /proc, such as the working directory of a process."""
    monkeypatch.chdir(tmp_path)
    tracker = open_tracker("/proc/self/cwd")

    assert tracker["k"] == {}
    assert open_tracker("/proc/self/cwd/results")["k"] == {}
    tracker["k"] = {"n": 1}
    assert open_tracker(tmp_path)["k"] == {"n": 1}


def test_a_folder_removed_between_its_making_and_the_next(
    tmp_path: Path, system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process may remove a new folder before the one below it is made: both are made again."""
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


@pytest.mark.parametrize("key", ["a/k", "a/b/c"])
def test_a_file_above_a_key_that_is_removed_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    """A put goes on where the file that was no folder a moment ago has vanished."""
    (tmp_path / "a").write_bytes(OLD)

    def isfile(path: bytes) -> bool:
        (tmp_path / "a").unlink(missing_ok=True)
        return False

    monkeypatch.setattr(os.path, "isfile", isfile)
    LocalResultTracker(tmp_path).put(key, n=1)
    assert snapshot(tmp_path)[key] == OLD


@pytest.mark.parametrize("operation", ["put", "create"])
def test_a_folder_at_a_key_that_is_removed_meanwhile(
    tmp_path: Path, system: System, monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    """A put does not fail if another process first removes the empty folder, or replaces it by its result."""
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


def test_a_result_at_a_key_that_is_removed_meanwhile(tmp_path: Path, system: System) -> None:
    """A create that finds the result of another gone at the second look stores its own."""
    (tmp_path / "k").write_bytes(OLD)

    def remove(number: int) -> None:
        if system.calls[number] == "link":
            (tmp_path / "k").unlink(missing_ok=True)
            system.after = lambda number: None

    system.after = remove
    LocalResultTracker(tmp_path).create("k", n=2)
    assert snapshot(tmp_path) == {"k": NEW}


@pytest.mark.parametrize(("operation", "error"), [("put", KeyConflictError), ("create", FileExistsError)])
def test_a_folder_at_a_key_that_always_comes_back(
    tmp_path: Path, system: System, monkeypatch: pytest.MonkeyPatch, operation: str, error: type[Exception]
) -> None:
    """A put and a create give up after many attempts."""
    (tmp_path / "k").mkdir()

    def rmdir(path: bytes) -> None:
        """Remove a folder that another process makes again at once."""

    monkeypatch.setattr(system, "rmdir", rmdir)
    with pytest.raises(error):
        getattr(LocalResultTracker(tmp_path), operation)("k", n=2)
    assert snapshot(tmp_path) == {"k": None}


def test_a_folder_that_may_not_be_removed(tmp_path: Path, system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder that cannot be removed is a conflict."""
    (tmp_path / "k").mkdir()

    def rmdir(path: bytes) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(system, "rmdir", rmdir)
    with pytest.raises(KeyConflictError):
        LocalResultTracker(tmp_path).put("k", n=1)
    assert snapshot(tmp_path) == {"k": None}


def test_a_read_that_fails_hides_no_other(tmp_path: Path, system: System) -> None:
    """A bulk call reports the disk's error for its key, and the results of the others."""
    tracker = LocalResultTracker(tmp_path)
    tracker["a"] = {"n": 1}
    tracker["b"] = {"n": 1}
    failure = OSError(errno.EIO, "Input/output error")

    def fail(number: int, argument: object) -> None:
        if isinstance(argument, bytes) and argument.endswith(b"/a"):
            raise failure

    system.before = fail
    with pytest.raises(BulkError) as caught:
        tracker.get_many(["a", "b"])
    assert caught.value.errors == {"a": failure}
    assert caught.value.results == {"b": {"n": 1}}
    assert failure.__notes__ == [f"typedtrack: get {tmp_path}/a"]
