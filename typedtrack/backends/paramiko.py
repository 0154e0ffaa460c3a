"""An sftp channel over paramiko's client, which is for one thread at a time."""

from __future__ import annotations

import errno
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final
from weakref import WeakValueDictionary

from fsspec.implementations.sftp import SFTPFileSystem
from paramiko import SFTPAttributes, SSHException
from paramiko.sftp import (
    CMD_CLOSE,
    CMD_EXTENDED,
    CMD_OPEN,
    CMD_WRITE,
    SFTP_FLAG_CREATE,
    SFTP_FLAG_EXCL,
    SFTP_FLAG_WRITE,
    int64,
)

from typedtrack._tracker import ResultTracker
from typedtrack.backends.sftp import SftpResultTracker
from typedtrack.backends.sftp_channel import (
    FIRST_READ,
    Kind,
    SftpChannel,
    SftpFailureError,
    SftpUnsupportedError,
    is_whole,
    kind_of,
    seconds_of,
)

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem
    from paramiko import SFTPClient

__all__ = ["ParamikoChannel", "tracker_over"]

_BLOCK: Final = 32 * 1024  # bytes: what every server takes in one request

# One a filesystem: servers allow few in a connection. The user's own, `fs.ftp`, is left alone: others may be using it.
_channels: Final[WeakValueDictionary[int, ParamikoChannel]] = WeakValueDictionary()


class ParamikoChannel(SftpChannel):
    """An `SftpChannel` of its own in the connection of *fs*; waits *seconds* for each answer.

    Its methods block, and one thread at a time is in them.
    """

    def __init__(self, fs: SFTPFileSystem, seconds: float) -> None:
        super().__init__()
        self._fs = fs  # whose connection hangs up when nobody holds it
        self._seconds = seconds
        self._client: SFTPClient | None = None  # not opened yet
        self._lost: SFTPClient | None = None  # the last that was
        self._lock = threading.Lock()

    @property
    def _is_lost(self) -> bool:
        return self._client is self._lost

    def _connect(self) -> None:
        # fsspec's own way, which gives the user's filesystem a connection, too, and hangs up the one that is lost or
        # silent. Of a filesystem that is met for the first time the connection is as good as its transport.
        transport = self._fs.client.get_transport()
        if self._client is not None or transport is None or not transport.is_active():
            for stage in ("timeout", "banner_timeout", "auth_timeout", "channel_timeout"):
                self._fs.ssh_kwargs.setdefault(stage, self._seconds)
            self._fs._connect()
        client = self._fs.client.open_sftp()
        client.get_channel().settimeout(self._seconds)
        with self._lock:
            self._client = client

    @contextmanager
    def _alone(self) -> Generator[SFTPClient]:
        """Hold the client; name the answers that paramiko has only a text for, which is the server's own."""
        with self._lock:
            client = self._client
            assert client is not None
            try:
                yield client
            except TimeoutError as error:
                self._lost = client
                client.close()  # its answer, if it still comes, must not be taken for that to another request
                raise TimeoutError(errno.ETIMEDOUT, f"no answer within {self._seconds:g} s") from error
            except (EOFError, SSHException):
                self._lost = client
                raise
            except OSError as error:
                if client.get_channel().closed:
                    self._lost = client
                    raise
                if error.errno is not None:
                    raise
                if error.args == ("Operation unsupported",):
                    raise SftpUnsupportedError(*error.args) from error
                raise SftpFailureError(*error.args) from error

    async def read(self, path: str, limit: int) -> bytes:
        """Return the first *limit* bytes at most."""
        with self._alone() as client, client.open(path, "rb") as file:
            try:
                data = file._read(min(limit, FIRST_READ))  # one request, where `read` makes two
            except EOFError:
                return b""
            return data if is_whole(data) or len(data) >= limit else file.read(limit)

    async def write_new(self, path: str, data: bytes) -> None:
        """Make the file, which must not exist."""
        flags = SFTP_FLAG_WRITE | SFTP_FLAG_CREATE | SFTP_FLAG_EXCL
        with self._alone() as client:  # below its file, which waits after each request, and not for an error of closing
            _, answer = client._request(CMD_OPEN, path, flags, SFTPAttributes())
            file = answer.get_binary()
            asked = [
                client._async_request(type(None), CMD_WRITE, file, int64(start), data[start : start + _BLOCK])
                for start in range(0, len(data), _BLOCK)
            ]
            asked.append(client._async_request(type(None), CMD_CLOSE, file))
            for number in asked:
                client._read_response(number)

    async def replace(self, path: str, target: str) -> None:
        """Rename the file *path* to *target*."""
        with self._alone() as client:
            client.posix_rename(path, target)

    async def link(self, path: str, target: str) -> None:
        """Make *target* another name of the file *path*."""
        with self._alone() as client:  # as `posix_rename` is written; paramiko has no call for this extension
            client._request(CMD_EXTENDED, "hardlink@openssh.com", path, target)

    async def remove(self, path: str) -> None:
        """Remove the file."""
        with self._alone() as client:
            client.remove(path)

    async def make_folder(self, path: str) -> None:
        """Make the folder."""
        with self._alone() as client:
            client.mkdir(path)

    async def remove_folder(self, path: str) -> None:
        """Remove the folder, which is empty."""
        with self._alone() as client:
            client.rmdir(path)

    async def kind(self, path: str) -> Kind:
        """Return what is there."""
        with self._alone() as client:
            return kind_of(client.stat(path).st_mode)

    async def entries(self, path: str) -> list[tuple[str, Kind]]:
        """Return the names in the folder, and what they are."""
        with self._alone() as client:
            return [(entry.filename, kind_of(entry.st_mode)) for entry in client.listdir_attr(path)]


def tracker_over(fs: AbstractFileSystem, root: str, max_concurrency: int) -> ResultTracker:
    """Return the tracker in the folder *root* of *fs*."""
    assert isinstance(fs, SFTPFileSystem)
    channel = _channels.setdefault(id(fs), ParamikoChannel(fs, seconds_of(fs)))
    return SftpResultTracker(None, channel, root, f"sftp://{fs.host}", 1)
