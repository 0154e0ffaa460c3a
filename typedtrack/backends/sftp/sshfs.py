"""An sftp channel over the asyncssh client of sshfs, on fsspec's event loop."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable, Coroutine
from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING, Any, Final, TypeVar
from weakref import WeakValueDictionary

from asyncssh.sftp import (
    SFTPBadMessage,
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

from typedtrack._tracker.untyped import ResultTracker
from typedtrack.backends.sftp.channel import (
    BLOCK,
    FIRST_READ,
    Kind,
    SftpChannel,
    SftpFailureError,
    SftpUnsupportedError,
    is_whole,
    kind_of,
    seconds_of,
)
from typedtrack.backends.sftp.tracker import SftpResultTracker

if TYPE_CHECKING:
    from asyncssh.sftp import SFTPClient
    from fsspec import AbstractFileSystem

__all__ = ["SshfsChannel", "tracker_over"]

T = TypeVar("T")

# One a filesystem, whose trackers know together that its connection is lost.
_channels: Final[WeakValueDictionary[int, SshfsChannel]] = WeakValueDictionary()


class SshfsChannel(SftpChannel):
    """An `SftpChannel` over the connection of *fs*, which ends when for *seconds* none of its calls has an answer."""

    def __init__(self, fs: SSHFileSystem, seconds: float) -> None:
        super().__init__(seconds)
        self._fs = fs
        self._heard = -inf  # when the last answer came, by the loop's clock
        self._lost = fs._client if fs._client.is_closed() else None  # the last connection that was found broken
        self._silent: object = None  # the last one that was given up for its silence

    @property
    def _is_lost(self) -> bool:
        return self._fs._client is self._lost

    def _connect(self) -> None:
        # sshfs's own way, and the only place where it connects. What is lost may be silent only, and would stay open.
        self._fs.loop.call_soon_threadsafe(self._fs._client.abort)
        options = {**self._fs.storage_options, "timeout": self._seconds}
        SSHFileSystem.__init__(self._fs, *self._fs.storage_args, **options)

    async def _run(self, call: Callable[[SFTPClient], Coroutine[Any, Any, T]]) -> T:
        try:
            return await self._watched(call)
        except (SFTPNoSuchFile, SFTPNoSuchPath) as error:
            raise FileNotFoundError(errno.ENOENT, error.reason) from error
        except SFTPPermissionDenied as error:
            raise PermissionError(errno.EACCES, error.reason) from error
        except SFTPFailure as error:
            raise SftpFailureError(error.reason) from error
        except SFTPOpUnsupported as error:
            raise SftpUnsupportedError(error.reason) from error

    async def _watched(self, call: Callable[[SFTPClient], Coroutine[Any, Any, T]]) -> T:
        connection, loop = self._fs._client, asyncio.get_running_loop()
        timer: asyncio.TimerHandle

        def look() -> None:
            nonlocal timer
            due = self._heard + self._seconds
            if due > loop.time():
                timer = loop.call_at(due, look)
            else:  # to cancel the call would not do: it might wait on, for the answer that its file is closed
                self._silent = connection
                connection.abort()

        timer = loop.call_later(self._seconds, look)
        try:
            async with self._fs._pool.get() as client:
                answer = await call(client)
        except Exception as error:
            if isinstance(error, SFTPError) and not isinstance(error, SFTPConnectionLost | SFTPNoConnection):
                self._hear()  # what else there is of SFTPError is an answer
                raise
            self._lost = connection
            if self._silent is connection:
                raise TimeoutError(errno.ETIMEDOUT, self._no_answer) from error
            raise
        finally:
            timer.cancel()
        self._hear()
        return answer

    def _hear(self) -> None:
        self._heard = asyncio.get_running_loop().time()

    async def read(self, path: str, limit: int) -> bytes:
        """Return the first *limit* bytes at most."""

        async def call(client: SFTPClient) -> bytes:
            async with client.open(path, "rb", block_size=0) as file:  # 0: a read is one request

                async def read(start: int, end: int) -> bytes:
                    data: bytes = await file.read(end - start, start)
                    self._hear()
                    start += len(data)
                    return data if not data or start == end else data + await read(start, end)

                first: bytes = await file.read(min(limit, FIRST_READ), 0)
                if is_whole(first) or len(first) == limit:
                    return first
                end = min(limit, (await file.stat()).size or 0)
                starts = range(len(first), end, BLOCK)
                return first + b"".join(await asyncio.gather(*(read(at, min(at + BLOCK, end)) for at in starts)))

        return await self._run(call)

    async def write_new(self, path: str, data: bytes) -> None:
        """Make the file, which must not exist."""

        async def call(client: SFTPClient) -> None:
            async with client.open(path, "xb", block_size=0) as file:

                async def write(start: int) -> None:
                    await file.write(data[start : start + BLOCK], start)
                    self._hear()

                await asyncio.gather(*map(write, range(0, len(data), BLOCK)))

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

        async def call(client: SFTPClient) -> list[tuple[str, Kind]]:
            found: list[tuple[str, Kind]] = []
            async for entry in client.scandir(client.encode(path)):
                self._hear()
                name = entry.filename
                assert isinstance(name, bytes)  # as the path is
                if name not in (b".", b".."):
                    with suppress(SFTPBadMessage):  # no key has such a name
                        found.append((str(client.decode(name)), kind_of(entry.attrs.permissions)))
            return found

        return await self._run(call)


def tracker_over(fs: AbstractFileSystem, root: str, max_concurrency: int) -> ResultTracker:
    """Return the tracker in the folder *root* of *fs*."""
    assert isinstance(fs, SSHFileSystem)
    channel = _channels.setdefault(id(fs), SshfsChannel(fs, seconds_of(fs)))
    return SftpResultTracker(fs.loop, channel, root, f"ssh://{fs.storage_options['host']}", max_concurrency)
