"""The conformance suite on Ceph's S3: through obstore, s3fs, and obstore that is registered with fsspec."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import fsspec
import pytest
from fsspec.registry import registry

from tests.servers.ceph import S3
from typedtrack import FsspecResultTracker, ResultTracker, open_tracker
from typedtrack.backends.obstore import ObstoreResultTracker
from typedtrack.testing import ResultTrackerSuite


@pytest.fixture(scope="module")
def bucket(ceph: S3) -> str:
    """Return an empty bucket."""
    name = f"conformance-{uuid.uuid4()}"
    ceph.make_bucket(name)
    return name


class TestObstore(ResultTrackerSuite):
    """Ceph through obstore."""

    listed_keys = 1_100  # a page is 1,000
    machine_runs = 5  # each call waits for the server

    @pytest.fixture
    def tracker(self, ceph: S3, bucket: str) -> ResultTracker:
        """Return a tracker on an empty folder."""
        tracker = open_tracker(f"s3://{bucket}/{uuid.uuid4()}", storage_options=ceph.obstore_options)
        assert type(tracker) is ObstoreResultTracker
        return tracker

    @pytest.fixture
    def unreachable(self, ceph: S3) -> ResultTracker:
        """Return a tracker on a bucket that is not there."""
        return open_tracker(f"s3://missing-{uuid.uuid4()}", storage_options=ceph.obstore_options)


class TestS3fs(ResultTrackerSuite):
    """Ceph through s3fs, where the base is the whole bucket."""

    listed_keys = 1_100  # a page is 1,000
    machine_runs = 5  # each call waits for the server

    @pytest.fixture
    def tracker(self, ceph: S3) -> ResultTracker:
        """Return a tracker on an empty bucket."""
        name = f"whole-{uuid.uuid4()}"
        ceph.make_bucket(name)
        return FsspecResultTracker(f"s3://{name}", storage_options=ceph.s3fs_options)

    @pytest.fixture
    def unreachable(self, ceph: S3) -> ResultTracker:
        """Return a tracker on a bucket that is not there."""
        return FsspecResultTracker(f"s3://missing-{uuid.uuid4()}", storage_options=ceph.s3fs_options)


class TestObstoreRegistered(ResultTrackerSuite):
    """Ceph through obstore, registered with fsspec in place of s3fs."""

    listed_keys = 1_100  # a page is 1,000
    machine_runs = 5  # each call waits for the server
    shared_by_processes = False  # a new process would have to register it

    @pytest.fixture
    def tracker(self, ceph: S3, bucket: str) -> Iterator[ResultTracker]:
        """Return a tracker on an empty folder."""
        from obstore.fsspec import register

        before = registry["s3"]
        register("s3")
        yield FsspecResultTracker(f"s3://{bucket}/{uuid.uuid4()}", storage_options=ceph.obstore_options)
        fsspec.register_implementation("s3", before, clobber=True)
