"""An sftp channel over paramiko's client, which is for one thread at a time."""

from __future__ import annotations

import errno
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fsspec.implementations.sftp import SFTPFileSystem
from paramiko.sftp import CMD_EXTENDED

from typedtrack._tracker import ResultTracker
from typedtrack.backends.sftp import (
    Kind,
    SftpFailureError,
    SftpResultTracker,
    SftpUnsupportedError,
    kind_of,
    seconds_of,
)

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem
    from paramiko import SFTPClient

__all__ = ["ParamikoChannel", "tracker_over"]


class ParamikoChannel:
    """A `typedtrack.backends.sftp.SftpChannel` over *client*."""

    def __init__(self, client: SFTPClient) -> None:
        self._client = client
        self._lock = threading.Lock()

    @contextmanager
    def _alone(self) -> Generator[SFTPClient]:
        """Hold the client; name the answers that paramiko has only a text for, which is the server's own."""
        with self._lock:
            try:
                yield self._client
            except TimeoutError as error:
                self._client.close()  # its answer, if it still comes, must not be taken for that to another request
                seconds = self._client.get_channel().gettimeout()
                raise TimeoutError(errno.ETIMEDOUT, f"no answer within {seconds:g} s") from error
            except OSError as error:
                if error.errno is not None or self._client.get_channel().closed:
                    raise
                if error.args == ("Operation unsupported",):
                    raise SftpUnsupportedError(*error.args) from error
                raise SftpFailureError(*error.args) from error

    def read(self, path: str, limit: int) -> bytes:
        """Return the first *limit* bytes at most."""
        with self._alone() as client, client.open(path, "rb") as file:
            return file.read(limit)

    def write_new(self, path: str, data: bytes) -> None:
        """Make the file, which must not exist."""
        with self._alone() as client, client.open(path, "wxb") as file:
            file.write(data)

    def replace(self, path: str, target: str) -> None:
        """Rename the file *path* to *target*."""
        with self._alone() as client:
            client.posix_rename(path, target)

    def link(self, path: str, target: str) -> None:
        """Make *target* another name of the file *path*."""
        with self._alone() as client:  # as `posix_rename` is written; paramiko has no call for this extension
            client._request(CMD_EXTENDED, "hardlink@openssh.com", path, target)

    def remove(self, path: str) -> None:
        """Remove the file."""
        with self._alone() as client:
            client.remove(path)

    def make_folder(self, path: str) -> None:
        """Make the folder."""
        with self._alone() as client:
            client.mkdir(path)

    def remove_folder(self, path: str) -> None:
        """Remove the folder, which is empty."""
        with self._alone() as client:
            client.rmdir(path)

    def kind(self, path: str) -> Kind:
        """Return what is there."""
        with self._alone() as client:
            return kind_of(client.stat(path).st_mode)

    def entries(self, path: str) -> list[tuple[str, Kind]]:
        """Return the names in the folder, and what they are."""
        with self._alone() as client:
            return [(entry.filename, kind_of(entry.st_mode)) for entry in client.listdir_attr(path)]


def tracker_over(fs: AbstractFileSystem, root: str, max_concurrency: int) -> ResultTracker:
    """Return the tracker in the folder *root* of *fs*."""
    assert isinstance(fs, SFTPFileSystem)
    fs.ftp.get_channel().settimeout(seconds_of(fs))
    return SftpResultTracker(ParamikoChannel(fs.ftp), root, f"sftp://{fs.host}", 1)
