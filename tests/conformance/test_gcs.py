"""The conformance suite on fake-gcs-server, through gcsfs."""

from __future__ import annotations

import uuid

import pytest

from tests.servers.gcs import Gcs
from typedtrack import FsspecResultTracker, ResultTracker
from typedtrack.testing import ResultTrackerSuite


class TestGcsfs(ResultTrackerSuite):
    """gcsfs."""

    race_rounds = 200

    @pytest.fixture
    def tracker(self, fake_gcs: Gcs) -> ResultTracker:
        """Return a tracker on an empty bucket."""
        name = f"b-{uuid.uuid4()}"
        fake_gcs.make_bucket(name)
        options = {"token": "anon", "endpoint_url": fake_gcs.endpoint}
        return FsspecResultTracker(f"gs://{name}/base", storage_options=options)
