"""The conformance suite on the example of a backend of one's own."""

from pathlib import Path

import pytest
from sqlite_tracker import SqliteResultTracker

from typedtrack import ResultTracker
from typedtrack.testing import ResultTrackerSuite


class TestSqlite(ResultTrackerSuite):
    """A table of an SQLite database."""

    listed_keys = 300  # a listing has no pages, and each put waits for the disk
    race_rounds = 200

    @pytest.fixture
    def tracker(self, tmp_path: Path) -> ResultTracker:
        """Return a tracker on an empty database."""
        return SqliteResultTracker(str(tmp_path / "results.sqlite"))

    @pytest.fixture
    def unreachable(self, tmp_path: Path) -> ResultTracker:
        """Return a tracker whose database has become a folder."""
        tracker = SqliteResultTracker(str(tmp_path / "gone.sqlite"))
        (tmp_path / "gone.sqlite").unlink()
        (tmp_path / "gone.sqlite").mkdir()
        return tracker
