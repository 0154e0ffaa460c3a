"""Optuna's own suite for storages, and a study that processes share, on Ceph's S3: through obstore and s3fs."""

from __future__ import annotations

import uuid

import pytest
from optuna.storages import BaseStorage, JournalStorage
from optuna.testing.pytest_storages import StorageTestCase

from tests.integrations import studies
from tests.servers.ceph import S3
from typedtrack import FsspecResultTracker, open_tracker
from typedtrack.backends.obstore import ObstoreResultTracker
from typedtrack.integrations.optuna import JournalBackend


@pytest.fixture(scope="module")
def bucket(ceph: S3) -> str:
    """Return an empty bucket."""
    name = f"optuna-{uuid.uuid4()}"
    ceph.make_bucket(name)
    return name


class TestObstore(StorageTestCase):
    """Ceph through obstore."""

    @pytest.fixture
    def storage(self, ceph: S3, bucket: str) -> BaseStorage:
        """Return a storage on an empty folder."""
        tracker = open_tracker(f"s3://{bucket}/{uuid.uuid4()}", storage_options=ceph.obstore_options)
        assert type(tracker) is ObstoreResultTracker
        return JournalStorage(JournalBackend(tracker))


class TestS3fs(StorageTestCase):
    """Ceph through s3fs."""

    @pytest.fixture
    def storage(self, ceph: S3, bucket: str) -> BaseStorage:
        """Return a storage on an empty folder."""
        tracker = FsspecResultTracker(f"s3://{bucket}/{uuid.uuid4()}", storage_options=ceph.s3fs_options)
        return JournalStorage(JournalBackend(tracker))


def test_processes_share_a_study_on_s3(ceph: S3, bucket: str) -> None:
    """Each trial number is there once, and each trial is complete."""
    studies.check_shared_study(f"s3://{bucket}/shared", ceph.obstore_options)
