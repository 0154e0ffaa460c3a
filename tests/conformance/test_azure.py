"""The conformance suite on Azurite: through obstore and adlfs."""

from __future__ import annotations

import uuid

import pytest

from tests.servers.azurite import Azure
from typedtrack import FsspecResultTracker, ResultTracker, open_tracker
from typedtrack.backends.obstore import ObstoreResultTracker
from typedtrack.testing import ResultTrackerSuite


@pytest.fixture(scope="module")
def container(azurite: Azure) -> str:
    """Return an empty container."""
    name = f"conformance-{uuid.uuid4()}"
    azurite.make_container(name)
    return name


class TestObstore(ResultTrackerSuite):
    """Azurite through obstore."""

    listed_keys = 5_100  # a page is 5,000
    machine_runs = 5  # each call waits for the server

    @pytest.fixture
    def tracker(self, azurite: Azure, container: str) -> ResultTracker:
        """Return a tracker on an empty folder."""
        tracker = open_tracker(f"az://{container}/{uuid.uuid4()}", storage_options=azurite.obstore_options)
        assert type(tracker) is ObstoreResultTracker
        return tracker

    @pytest.fixture
    def unreachable(self, azurite: Azure) -> ResultTracker:
        """Return a tracker on a container that is not there."""
        return open_tracker(f"az://missing-{uuid.uuid4()}", storage_options=azurite.obstore_options)


class TestAdlfs(ResultTrackerSuite):
    """Azurite through adlfs."""

    listed_keys = 300  # less than a page, which is 5,000: adlfs takes 20 ms for a put
    machine_runs = 5  # each call waits for the server

    @pytest.fixture
    def tracker(self, azurite: Azure, container: str) -> ResultTracker:
        """Return a tracker on an empty folder."""
        return FsspecResultTracker(f"abfs://{container}/{uuid.uuid4()}", storage_options=azurite.adlfs_options)

    @pytest.fixture
    def unreachable(self, azurite: Azure) -> ResultTracker:
        """Return a tracker on a container that is not there."""
        return FsspecResultTracker(f"abfs://missing-{uuid.uuid4()}", storage_options=azurite.adlfs_options)
