"""The conformance suite on fake-gcs-server: through obstore and gcsfs."""

from __future__ import annotations

import uuid

import pytest

from tests.servers.gcs import Gcs
from typedtrack import FsspecResultTracker, ResultTracker, open_tracker
from typedtrack.backends.obstore import ObstoreResultTracker
from typedtrack.testing import ResultTrackerSuite


@pytest.fixture
def bucket(fake_gcs: Gcs) -> str:
    """Return an empty bucket."""
    name = f"b-{uuid.uuid4()}"
    fake_gcs.make_bucket(name)
    return name


class TestObstore(ResultTrackerSuite):
    """fake-gcs-server through obstore."""

    listed_keys = 1_100  # a page is 1,000
    machine_runs = 5  # each call waits for the server

    @pytest.fixture
    def tracker(self, fake_gcs: Gcs, bucket: str) -> ResultTracker:
        """Return a tracker on an empty folder."""
        tracker = open_tracker(f"gs://{bucket}/base", storage_options=fake_gcs.obstore_options)
        assert type(tracker) is ObstoreResultTracker
        return tracker

    @pytest.fixture
    def unreachable(self, fake_gcs: Gcs) -> ResultTracker:
        """Return a tracker on a bucket that is not there."""
        return open_tracker(f"gs://missing-{uuid.uuid4()}", storage_options=fake_gcs.obstore_options)


class TestGcsfs(ResultTrackerSuite):
    """fake-gcs-server through gcsfs."""

    listed_keys = 1_100  # a page is 1,000
    machine_runs = 5  # each call waits for the server

    @pytest.fixture
    def tracker(self, fake_gcs: Gcs, bucket: str) -> ResultTracker:
        """Return a tracker on an empty folder."""
        return FsspecResultTracker(f"gs://{bucket}/base", storage_options=fake_gcs.gcsfs_options)

    @pytest.fixture
    def unreachable(self, fake_gcs: Gcs) -> ResultTracker:
        """Return a tracker on a bucket that is not there."""
        return FsspecResultTracker(f"gs://missing-{uuid.uuid4()}", storage_options=fake_gcs.gcsfs_options)
