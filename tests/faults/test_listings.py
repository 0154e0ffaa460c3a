"""Listings of a local disk while others write there, and beside files that cannot be results."""

from __future__ import annotations

import errno
import os
import signal
import stat
import tempfile
import tracemalloc
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import cast

import pytest

from tests.faults.as_nobody import as_nobody
from tests.faults.system import System
from typedtrack import ResultTracker, open_tracker
from typedtrack.backends.local import LocalResultTracker, listing

# -- a folder that changes while it is listed


class Folder:
    """A folder that is listed as a test says: for each scan the names in order, where ``!`` changes the folder.

    Before that it was changed *changed* seconds after the epoch.
    """

    def __init__(self, path: Path, *scans: str, changed: float = 0.5) -> None:
        self.path = path
        self.scans = 0
        self._changed = changed
        self._scans = [scan.split() for scan in scans]
        for name in {name for scan in self._scans for name in scan} - {"!"}:
            (path / name).write_text('{"n": 1}')

    def scandir(self, path: bytes) -> AbstractContextManager[Iterator[os.DirEntry[bytes]]]:
        """Take the place of `os.scandir`; the last scan is repeated for ever."""
        with os.scandir(path) as found:
            entries = {entry.name.decode(): entry for entry in found}
        names = self._scans[min(self.scans, len(self._scans) - 1)]
        self.scans += 1
        os.utime(self.path, (0, self._changed))
        return nullcontext(self._scan(names, entries))

    def _scan(self, names: list[str], entries: dict[str, os.DirEntry[bytes]]) -> Iterator[os.DirEntry[bytes]]:
        for name in names:
            if name == "!":
                os.utime(self.path)
            else:
                yield entries[name]


@pytest.mark.parametrize("block", [1, 2, 3, 1000])
@pytest.mark.parametrize(
    ("scans", "listed", "number"),
    [
        (["a b c d"], "a b c d", 1),  # at rest
        (["a ! c", "a b c"], "a c b", 2),  # b was replaced before the scan reached it
        (["a b ! c a", "a b c"], "a b c", 2),  # a came again, at its new place
        (["a b c d ! a b", "a b c d"], "a b c d", 2),
        (["! a b", "a ! c b", "a b d ! c", "! a b c", "a ! b"], "a b c d", 5),  # until two scans find nothing new
        (["! a b", "! a", "a c !", "b a !", "! c"], "a b c", 5),
        (["! a", "! b", "! c", "! d", "! e", "! f", "! g", "! h", "i"], "a b c d e f g h", 8),  # but not for ever
        (["!", "!"], "", 2),
        ([""], "", 1),
    ],
)
def test_a_folder_that_changes(
    tmp_path: Path,
    system: System,
    monkeypatch: pytest.MonkeyPatch,
    block: int,
    scans: list[str],
    listed: str,
    number: int,
) -> None:
    """Each name is listed once, and a folder that changed is listed again, whatever its size."""
    folder = Folder(tmp_path, *scans)
    monkeypatch.setattr(system, "scandir", folder.scandir)
    monkeypatch.setattr(listing, "_BLOCK", block)
    assert [*iter(LocalResultTracker(tmp_path))] == listed.split()
    assert folder.scans == number


@pytest.mark.parametrize(("changed", "listed", "scans"), [(5.5, 5.51, 3), (5.5, 5.53, 1), (5.0, 6.5, 3), (5.0, 7.5, 1)])
def test_a_time_of_change_that_lags(
    tmp_path: Path, system: System, monkeypatch: pytest.MonkeyPatch, changed: float, listed: float, scans: int
) -> None:
    """A folder that seems to have changed shortly before may have changed since: up to 2 s if it counts seconds."""
    folder = Folder(tmp_path, "a", changed=changed)
    monkeypatch.setattr(system, "scandir", folder.scandir)
    monkeypatch.setattr("time.time_ns", lambda: round(listed * 1e9))
    assert [*iter(LocalResultTracker(tmp_path))] == ["a"]
    assert folder.scans == scans


@pytest.fixture(params=["the disk of the temporary folder", "tmpfs"])
def hot(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """Return a base on a disk, and one on Linux's tmpfs, where a listing lacks many entries that are replaced."""
    if request.param != "tmpfs":
        yield tmp_path
    elif os.path.isdir("/dev/shm"):
        with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
            yield Path(folder)
    else:
        pytest.skip("this system has no /dev/shm")


def test_results_that_are_replaced_all_the_time(hot: Path) -> None:
    """Each listing has every result once, while another process replaces one after the other."""
    tracker = open_tracker(hot)
    keys = [f"{number:04}" for number in range(3000)]
    tracker.put_many((key, {"n": 0}) for key in keys)
    writer = os.fork()
    if writer == 0:
        while True:
            tracker.put_many((key, {"n": 1}) for key in keys)
    try:
        for _ in range(30):
            assert sorted(iter(tracker)) == keys
            assert len(tracker) == len(keys)
    finally:
        os.kill(writer, signal.SIGKILL)
        os.waitpid(writer, 0)


def test_a_folder_removed_while_it_is_listed(tmp_path: Path, system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that vanishes, or turns into a file, after its name was read has no results."""
    tracker = LocalResultTracker(tmp_path)
    for key in ("a/k", "b/k", "c/k"):
        tracker[key] = {"n": 1}

    def scandir(path: bytes) -> object:
        if path.endswith((b"/a", b"/b")):
            (Path(os.fsdecode(path)) / "k").unlink(missing_ok=True)
            os.rmdir(path)
        if path.endswith(b"/a"):
            (tmp_path / "a").write_bytes(b"")
        return os.scandir(path)

    monkeypatch.setattr(system, "scandir", scandir)
    assert "c/k" in list(iter(tracker))
    assert {str(key).partition("/")[0] for key in iter(tracker)} == {"a", "c"}


# -- entries that cannot be results


def test_links_that_lead_to_no_file(tmp_path: Path) -> None:
    """Such links are not listed, and cause no error."""
    tracker = open_tracker(tmp_path)
    tracker["a"] = {"n": 1}
    (tmp_path / "itself").symlink_to("itself")
    (tmp_path / "through a file").symlink_to("a/b")
    (tmp_path / "too long").symlink_to("x" * 300)
    (tmp_path / "nowhere").symlink_to("absent")
    (tmp_path / "result").symlink_to("a")
    assert sorted(iter(tracker)) == ["a", "result"]


@pytest.fixture
def public() -> Iterator[Path]:
    """Return a base that any user can read."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def _listing(base: Path) -> object:
    """Return the keys that nobody lists, or the error."""
    return as_nobody(lambda: sorted(iter(open_tracker(base))))


def test_a_link_to_an_unreadable_folder(public: Path) -> None:
    """The link is not listed, because this user cannot read a result there."""
    open_tracker(public)["a"] = {"n": 1}
    with tempfile.TemporaryDirectory() as closed:
        (public / "link").symlink_to(f"{closed}/file")
        Path(closed).chmod(0)
        assert _listing(public) == ["a"]


def test_a_folder_that_may_not_be_read(public: Path) -> None:
    """A folder that may hold results is never left out in silence."""
    open_tracker(public)["a"] = {"n": 1}
    (public / "closed").mkdir(mode=0)
    error = _listing(public)
    assert isinstance(error, PermissionError)
    assert error.filename == os.fsencode(public / "closed")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make a folder that is root's own")
def test_the_lost_and_found_folder(public: Path) -> None:
    """The folder that an ext file system keeps for root is left out."""
    open_tracker(public)["a"] = {"n": 1}
    (public / "lost+found").mkdir(mode=0o700)
    assert _listing(public) == ["a"]


@pytest.mark.parametrize(
    ("name", "mode", "owner", "is_left_out"),
    [
        ("lost+found", 0o700, 0, True),
        ("lost+found", 0o500, 0, False),
        ("lost+found", 0o700, 1000, False),
        ("found", 0o700, 0, False),
    ],
)
def test_folders_like_lost_and_found(
    tmp_path: Path,
    system: System,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    mode: int,
    owner: int,
    is_left_out: bool,
) -> None:
    """No other folder that may not be read is left out."""
    tracker = LocalResultTracker(tmp_path)
    tracker["a"] = {"n": 1}
    tracker[f"{name}/b"] = {"n": 1}

    def lstat(path: bytes) -> os.stat_result:
        _, *others = os.lstat(path)
        return os.stat_result((stat.S_IFDIR | mode, *others[:3], owner, *others[4:]))

    def refuse(number: int, argument: object) -> None:
        if isinstance(argument, bytes) and argument.endswith(b"found"):
            raise PermissionError(errno.EACCES, "Permission denied", argument)

    monkeypatch.setattr(system, "lstat", lstat, raising=False)
    system.before = refuse
    if is_left_out:
        assert list(iter(tracker)) == ["a"]
    else:
        with pytest.raises(PermissionError):
            list(tracker)


def test_a_folder_whose_name_no_key_has(public: Path) -> None:
    """It is not entered: whether it may be read does not matter."""
    open_tracker(public)["a"] = {"n": 1}
    for name in (b".hidden", b"back\\slash", b"new\nline", b"\xff"):
        os.mkdir(os.fsencode(public) + b"/" + name, 0)
    assert _listing(public) == ["a"]


@contextmanager
def _folder_below(folder: Path, *names: str) -> Generator[None]:
    """Make folders one below the other, however long their path is, and be in the last of them."""
    before = os.getcwd()
    os.chdir(folder)
    try:
        for name in names:
            os.mkdir(name)
            os.chdir(name)
        yield
    finally:
        os.chdir(before)


def test_a_folder_with_a_longer_path_than_the_system_takes(tmp_path: Path) -> None:
    """No put can reach what is below it, so that it is left out."""
    tracker = open_tracker(tmp_path)
    tracker["a"] = {"n": 1}
    with _folder_below(tmp_path, *["x" * 250] * 20):
        assert list(iter(tracker)) == ["a"]
    long = "/".join(["y" * 250] * 15)
    tracker = open_tracker(tmp_path / long)
    tracker["a"] = {"n": 1}
    with _folder_below(tmp_path / long, "z" * 200, "z" * 200):
        assert list(iter(tracker)) == ["a"]


def test_an_error_of_the_disk_at_a_link(tmp_path: Path) -> None:
    """It may hide a result, so that the listing fails."""

    class Entry:
        def is_symlink(self) -> bool:
            return True

        def is_file(self) -> bool:
            raise OSError(errno.EIO, "Input/output error")

    with pytest.raises(OSError, match="Input/output error"):
        listing._leads_to_file(cast("os.DirEntry[bytes]", Entry()))  # a stand-in for one


# -- a large base


class Entry:
    """An entry of a folder that is on no disk."""

    def __init__(self, name: bytes, *, is_folder: bool) -> None:
        self.name = name
        self._is_folder = is_folder

    def is_file(self, *, follow_symlinks: bool = True) -> bool:
        """Return whether this is a file."""
        return not self._is_folder

    def is_symlink(self) -> bool:
        """Return `False`."""
        return False

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        """Return whether this is a folder."""
        return self._is_folder


def test_the_memory_that_a_listing_takes(tmp_path: Path, system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of 100,000 sub-folders takes less than 30 bytes for each, while the keys below them are listed."""

    def scandir(path: bytes) -> AbstractContextManager[Iterator[Entry]]:
        if path.endswith(b"/"):
            return nullcontext(Entry(b"job-%d" % number, is_folder=True) for number in range(100_000))
        return nullcontext(iter([Entry(b"out", is_folder=False)]))

    monkeypatch.setattr(system, "scandir", scandir)

    def at_rest(path: bytes, since: int) -> bool:
        return False

    monkeypatch.setattr(listing, "_has_changed", at_rest)
    tracker: ResultTracker = LocalResultTracker(tmp_path)
    tracemalloc.start()
    try:
        assert len(tracker) == 100_000
        assert tracemalloc.get_traced_memory()[1] < 3_000_000
    finally:
        tracemalloc.stop()


def test_the_descriptors_that_a_listing_takes(tmp_path: Path) -> None:
    """The folders above the one that is listed are closed."""
    tracker = open_tracker(tmp_path)
    tracker["/".join(["a"] * 500)] = {"n": 1}
    before = len(os.listdir("/proc/self/fd"))
    for _ in tracker:
        assert len(os.listdir("/proc/self/fd")) == before
