"""An sftp channel over the asyncssh client of sshfs, on fsspec's event loop."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final, TypeVar
from weakref import WeakValueDictionary

from asyncssh.sftp import (
    SFTPConnectionLost,
    SFTPError,
    SFTPFailure,
    SFTPNoConnection,
    SFTPNoSuchFile,
    SFTPNoSuchPath,
    SFTPOpUnsupported,
    SFTPPermissionDenied,
)
from sshfs.spec import SSHFileSystem

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
    from asyncssh.sftp import SFTPClient
    from fsspec import AbstractFileSystem

__all__ = ["SshfsChannel", "tracker_over"]

T = TypeVar("T")

# One a filesystem, whose trackers know together that its connection is lost.
_channels: Final[WeakValueDictionary[int, SshfsChannel]] = WeakValueDictionary()


class SshfsChannel(SftpChannel):
    """An `SftpChannel` over the connection of *fs*, which waits *seconds* for each answer."""

    def __init__(self, fs: SSHFileSystem, seconds: float) -> None:
        super().__init__()
        self._fs = fs
        self._seconds = seconds
        self._lost = fs._client if fs._client.is_closed() else None  # the last connection that was

    @property
    def _is_lost(self) -> bool:
        return self._fs._client is self._lost

    def _connect(self) -> None:
        # sshfs's own way, and the only place where it connects. What is lost may be silent only, and would stay open.
        self._fs.loop.call_soon_threadsafe(self._fs._client.abort)
        options = {**self._fs.storage_options, "timeout": self._seconds}
        SSHFileSystem.__init__(self._fs, *self._fs.storage_args, **options)

    async def _run(self, call: Callable[[SFTPClient], Coroutine[Any, Any, T]]) -> T:
        connection = self._fs._client
        try:
            async with asyncio.timeout(self._seconds), self._fs._pool.get() as client:
                return await call(client)
        except (SFTPNoSuchFile, SFTPNoSuchPath) as error:
            raise FileNotFoundError(errno.ENOENT, error.reason) from error
        except SFTPPermissionDenied as error:
            raise PermissionError(errno.EACCES, error.reason) from error
        except SFTPFailure as error:
            raise SftpFailureError(error.reason) from error
        except SFTPOpUnsupported as error:
            raise SftpUnsupportedError(error.reason) from error
        except TimeoutError as error:
            self._lost = connection
            raise TimeoutError(errno.ETIMEDOUT, f"no answer within {self._seconds:g} s") from error
        except Exception as error:
            if not isinstance(error, SFTPError) or isinstance(error, SFTPConnectionLost | SFTPNoConnection):
                self._lost = connection  # what else there is of SFTPError is an answer
            raise

    async def read(self, path: str, limit: int) -> bytes:
        """Return the first *limit* bytes at most."""

        async def call(client: SFTPClient) -> bytes:
            async with client.open(path, "rb", block_size=0) as file:  # 0: a read is one request
                data: bytes = await file.read(min(limit, FIRST_READ))
                if is_whole(data) or len(data) == limit or not await file.read(1):
                    return data
            async with client.open(path, "rb") as file:  # which makes all at once that a large file takes
                return await file.read(limit)

        return await self._run(call)

    async def write_new(self, path: str, data: bytes) -> None:
        """Make the file, which must not exist."""

        async def call(client: SFTPClient) -> None:
            async with client.open(path, "xb") as file:
                await file.write(data)

        await self._run(call)

    async def replace(self, path: str, target: str) -> None:
        """Rename the file *path* to *target*."""
        await self._run(lambda client: client.posix_rename(path, target))

    async def link(self, path: str, target: str) -> None:
        """Make *target* another name of the file *path*."""
        await self._run(lambda client: client.link(path, target))

    async def remove(self, path: str) -> None:
        """Remove the file."""
        await self._run(lambda client: client.remove(path))

    async def make_folder(self, path: str) -> None:
        """Make the folder."""
        await self._run(lambda client: client.mkdir(path))

    async def remove_folder(self, path: str) -> None:
        """Remove the folder, which is empty."""
        await self._run(lambda client: client.rmdir(path))

    async def kind(self, path: str) -> Kind:
        """Return what is there."""
        attributes = await self._run(lambda client: client.stat(path))
        return kind_of(attributes.permissions)

    async def entries(self, path: str) -> list[tuple[str, Kind]]:
        """Return the names in the folder, and what they are."""
        entries = await self._run(lambda client: client.readdir(path))
        return [
            (str(entry.filename), kind_of(entry.attrs.permissions))
            for entry in entries
            if entry.filename not in (".", "..")
        ]


def tracker_over(fs: AbstractFileSystem, root: str, max_concurrency: int) -> ResultTracker:
    """Return the tracker in the folder *root* of *fs*."""
    assert isinstance(fs, SSHFileSystem)
    channel = _channels.setdefault(id(fs), SshfsChannel(fs, seconds_of(fs)))
    return SftpResultTracker(fs.loop, channel, root, f"ssh://{fs.storage_options['host']}", max_concurrency)
