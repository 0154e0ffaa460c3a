"""The conformance suite on OpenSSH's sftp server, through sshfs."""

from __future__ import annotations

import uuid

import pytest

from tests.servers.sshd import Sftp
from typedtrack import FsspecResultTracker, ResultTracker
from typedtrack.testing import ResultTrackerSuite


class TestSshfs(ResultTrackerSuite):
    """OpenSSH through sshfs."""

    real_folders = True
    listed_keys = 1_100  # sftp has no pages, but several answers for one folder
    machine_runs = 5  # each call waits for the server
    race_rounds = 50

    @pytest.fixture
    def tracker(self, sftp: Sftp) -> ResultTracker:
        """Return a tracker on a folder that does not exist yet."""
        options = {"client_keys": [str(sftp.client_key)]}
        return FsspecResultTracker(f"ssh://{sftp.address}/{uuid.uuid4()}/base", storage_options=options)

    @pytest.fixture
    def unreachable(self, sftp: Sftp) -> ResultTracker:
        """Return a tracker at a port without a server."""
        return FsspecResultTracker("ssh://127.0.0.1:1/base", storage_options={"client_keys": [str(sftp.client_key)]})
