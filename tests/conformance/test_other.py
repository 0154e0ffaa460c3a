"""The conformance suite and the suite of faults on a filesystem that the table does not list."""

from collections.abc import Callable

import pytest

from typedtrack import ResultTracker
from typedtrack.backends.other import OtherResultTracker
from typedtrack.testing import Faults, FaultSuite, FaultyFileSystem, ResultTrackerSuite

pytestmark = pytest.mark.filterwarnings("ignore:typedtrack does not know how FaultyFileSystem:UserWarning")


class TestOther(ResultTrackerSuite):
    """An unknown filesystem."""

    real_folders = True  # fsspec's memory filesystem has them
    exclusive_create = False
    shared_by_processes = False
    listed_keys = 300  # a listing has no pages

    @pytest.fixture
    def tracker(self) -> ResultTracker:
        """Return a tracker on an empty folder."""
        return OtherResultTracker(FaultyFileSystem(), "/base")

    @pytest.fixture
    def unreachable(self) -> ResultTracker:
        """Return a tracker on a filesystem whose every call fails."""
        faults = Faults()
        faults.errors = dict.fromkeys(("cat_file", "pipe_file", "rm_file", "ls", "info"), ConnectionError("no network"))
        return OtherResultTracker(FaultyFileSystem(faults=faults), "/base")


class TestOtherWithFaults(FaultSuite):
    """An unknown filesystem that fails."""

    writes_in_place = True

    @pytest.fixture
    def tracker_on(self) -> Callable[[FaultyFileSystem, str], ResultTracker]:
        """Return what makes the tracker."""
        return OtherResultTracker


class Renaming(OtherResultTracker):
    """A tracker that writes a hidden file, and renames it when it is finished."""

    def __init__(self, fs: FaultyFileSystem, root: str) -> None:
        super().__init__(fs, root)
        self._below = fs.fs

    def _write(self, key: str, data: bytes, *, exclusive: bool = False) -> None:
        path = f"{self._root}/{key}"
        self._fs.makedirs(path.rpartition("/")[0], exist_ok=True)
        self._fs.pipe_file(f"{self._root}/.unfinished", data)
        self._below.pipe_file(path, data)  # stands for a rename, which does not fail


class TestRenamingWithFaults(FaultSuite):
    """A filesystem that fails, under a tracker that does not write in place."""

    @pytest.fixture
    def tracker_on(self) -> Callable[[FaultyFileSystem, str], ResultTracker]:
        """Return what makes the tracker."""
        return Renaming


class Choosing(OtherResultTracker):
    """A tracker on a filesystem where some files are not results."""

    def _key(self, path: str) -> str | None:
        return None if path.endswith(".html") else super()._key(path)


def test_a_file_that_is_no_result_is_not_listed() -> None:
    """The backend says so by its name."""
    filesystem = FaultyFileSystem()
    filesystem.makedirs("/base/folder", exist_ok=True)
    for name in ("a", "index.html", "folder/b", "folder/index.html"):
        filesystem.pipe_file(f"/base/{name}", b"{}")
    assert sorted(Choosing(filesystem, "/base").keys()) == ["a", "folder/b"]
