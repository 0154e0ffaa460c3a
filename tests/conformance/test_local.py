"""The conformance suite on a local disk, through `open_tracker` and `FsspecResultTracker`."""

from pathlib import Path

import pytest

from typedtrack import FsspecResultTracker, ResultTracker, open_tracker
from typedtrack.testing import ResultTrackerSuite


class TestLocal(ResultTrackerSuite):
    """A folder, named by its path."""

    real_folders = True
    listed_keys = 2_100  # a folder is read in blocks of 1,000 entries
    race_rounds = 200

    @pytest.fixture
    def tracker(self, tmp_path: Path) -> ResultTracker:
        """Return a tracker on an empty folder."""
        return open_tracker(tmp_path / "base")

    @pytest.fixture
    def unreachable(self, tmp_path: Path) -> ResultTracker:
        """Return a tracker whose folder is a link to itself."""
        (tmp_path / "loop").symlink_to("loop")
        return open_tracker(tmp_path / "loop")


class TestLocalThroughFsspec(TestLocal):
    """The same folder and backend, by a URL: fewer keys and races than above."""

    listed_keys = 300
    race_rounds = 20

    @pytest.fixture
    def tracker(self, tmp_path: Path) -> ResultTracker:
        """Return a tracker on an empty folder."""
        return FsspecResultTracker(f"file://{tmp_path}/base")
