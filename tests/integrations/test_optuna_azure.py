"""Optuna's own suite for storages, and a study that processes share, on Azurite."""

from __future__ import annotations

import uuid

import pytest
from optuna.storages import BaseStorage, JournalStorage
from optuna.testing.pytest_storages import StorageTestCase

from tests.integrations import studies
from tests.servers.azurite import Azure
from typedtrack import open_tracker
from typedtrack.backends.obstore import ObstoreResultTracker
from typedtrack.integrations.optuna import JournalBackend


@pytest.fixture(scope="module")
def container(azurite: Azure) -> str:
    """Return an empty container."""
    name = f"optuna-{uuid.uuid4()}"
    azurite.make_container(name)
    return name


class TestObstore(StorageTestCase):
    """Azurite through obstore."""

    @pytest.fixture
    def storage(self, azurite: Azure, container: str) -> BaseStorage:
        """Return a storage on an empty folder."""
        tracker = open_tracker(f"az://{container}/{uuid.uuid4()}", storage_options=azurite.obstore_options)
        assert type(tracker) is ObstoreResultTracker
        return JournalStorage(JournalBackend(tracker))


def test_processes_share_a_study_on_azure(azurite: Azure, container: str) -> None:
    """Each trial number is there once, and each trial is complete."""
    studies.check_shared_study(f"az://{container}/shared", azurite.obstore_options)
