"""The conformance suite on OpenSSH's sftp: through sshfs, and through fsspec's own filesystem."""

from __future__ import annotations

import uuid

import pytest

from tests.servers.sshd import Sftp
from typedtrack import FsspecResultTracker, ResultTracker
from typedtrack.testing import ResultTrackerSuite


class TestSshfs(ResultTrackerSuite):
    """sshfs, by asyncssh."""

    real_folders = True
    listed_keys = 1_100  # there are no pages, but several answers to a folder
    race_rounds = 200

    @pytest.fixture
    def tracker(self, sftp: Sftp) -> ResultTracker:
        """Return a tracker on a folder that is not there yet."""
        options = {"client_keys": [str(sftp.client_key)]}
        return FsspecResultTracker(f"ssh://{sftp.address}/{uuid.uuid4()}/base", storage_options=options)

    @pytest.fixture
    def unreachable(self, sftp: Sftp) -> ResultTracker:
        """Return a tracker at a port that nothing listens at."""
        return FsspecResultTracker("ssh://127.0.0.1:1/base", storage_options={"client_keys": [str(sftp.client_key)]})


class TestParamiko(ResultTrackerSuite):
    """fsspec's own, by paramiko."""

    real_folders = True
    listed_keys = 1_100  # there are no pages, but several answers to a folder
    race_rounds = 200
    shared_by_processes = False  # a new process finds sshfs under this name

    @pytest.fixture
    def tracker(self, sftp: Sftp, by_paramiko: None) -> ResultTracker:
        """Return a tracker on a folder that is not there yet."""
        options = {"key_filename": str(sftp.client_key)}
        return FsspecResultTracker(f"sftp://{sftp.address}/{uuid.uuid4()}/base", storage_options=options)
