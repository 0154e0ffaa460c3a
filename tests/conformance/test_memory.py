"""The conformance suite on fsspec's memory filesystem."""

import uuid

import pytest

from typedtrack import ResultTracker, open_tracker
from typedtrack.testing import ResultTrackerSuite


class TestMemory(ResultTrackerSuite):
    """A dictionary of this process."""

    shared_by_processes = False
    listed_keys = 300  # a listing has no pages
    race_rounds = 200

    @pytest.fixture
    def tracker(self) -> ResultTracker:
        """Return a tracker on a base that no other test uses."""
        return open_tracker(f"memory://{uuid.uuid4()}/base")
