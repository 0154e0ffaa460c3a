"""An sftp channel over the asyncssh client of sshfs, on fsspec's event loop; many threads share it at once."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from asyncssh.sftp import SFTPFailure, SFTPNoSuchFile, SFTPNoSuchPath, SFTPOpUnsupported, SFTPPermissionDenied
from sshfs.spec import SSHFileSystem

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
    from asyncssh.sftp import SFTPClient
    from fsspec import AbstractFileSystem

__all__ = ["SshfsChannel", "tracker_over"]

T = TypeVar("T")


class SshfsChannel:
    """A `typedtrack.backends.sftp.SftpChannel` over the connection of *fs*, which waits *seconds* for each answer."""

    def __init__(self, fs: SSHFileSystem, seconds: float) -> None:
        self._fs = fs
        self._seconds = seconds

    def _run(self, call: Callable[[SFTPClient], Coroutine[Any, Any, T]]) -> T:
        async def answer() -> T:
            async with self._fs._pool.get() as client, asyncio.timeout(self._seconds):
                return await call(client)

        future = asyncio.run_coroutine_threadsafe(answer(), self._fs.loop)
        try:
            return future.result()
        except (SFTPNoSuchFile, SFTPNoSuchPath) as error:
            raise FileNotFoundError(errno.ENOENT, error.reason) from error
        except SFTPPermissionDenied as error:
            raise PermissionError(errno.EACCES, error.reason) from error
        except SFTPFailure as error:
            raise SftpFailureError(error.reason) from error
        except SFTPOpUnsupported as error:
            raise SftpUnsupportedError(error.reason) from error
        except TimeoutError as error:
            raise TimeoutError(errno.ETIMEDOUT, f"no answer within {self._seconds:g} s") from error
        except BaseException:  # an interrupt must not leave the request under way
            future.cancel()
            raise

    def read(self, path: str, limit: int) -> bytes:
        """Return the first *limit* bytes at most."""

        async def call(client: SFTPClient) -> bytes:
            async with client.open(path, "rb") as file:
                return await file.read(limit)

        return self._run(call)

    def write_new(self, path: str, data: bytes) -> None:
        """Make the file, which must not exist."""

        async def call(client: SFTPClient) -> None:
            async with client.open(path, "xb") as file:
                await file.write(data)

        self._run(call)

    def replace(self, path: str, target: str) -> None:
        """Rename the file *path* to *target*."""
        self._run(lambda client: client.posix_rename(path, target))

    def link(self, path: str, target: str) -> None:
        """Make *target* another name of the file *path*."""
        self._run(lambda client: client.link(path, target))

    def remove(self, path: str) -> None:
        """Remove the file."""
        self._run(lambda client: client.remove(path))

    def make_folder(self, path: str) -> None:
        """Make the folder."""
        self._run(lambda client: client.mkdir(path))

    def remove_folder(self, path: str) -> None:
        """Remove the folder, which is empty."""
        self._run(lambda client: client.rmdir(path))

    def kind(self, path: str) -> Kind:
        """Return what is there."""
        return kind_of(self._run(lambda client: client.stat(path)).permissions)

    def entries(self, path: str) -> list[tuple[str, Kind]]:
        """Return the names in the folder, and what they are."""
        entries = self._run(lambda client: client.readdir(path))
        return [
            (str(entry.filename), kind_of(entry.attrs.permissions))
            for entry in entries
            if entry.filename not in (".", "..")
        ]


def tracker_over(fs: AbstractFileSystem, root: str, max_concurrency: int) -> ResultTracker:
    """Return the tracker in the folder *root* of *fs*."""
    assert isinstance(fs, SSHFileSystem)
    return SftpResultTracker(
        SshfsChannel(fs, seconds_of(fs)), root, f"ssh://{fs.storage_options['host']}", max_concurrency
    )
