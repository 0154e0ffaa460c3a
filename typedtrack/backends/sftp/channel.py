"""Requests on the sftp connection of an sshfs filesystem, by asyncssh on fsspec's event loop.

After a call has lost the connection, the next call makes a new one.
"""

from __future__ import annotations

import asyncio
import errno
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from math import inf
from stat import S_IFDIR, S_IFLNK, S_IFMT, S_IFREG, S_IMODE
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias, TypeVar

from asyncssh.sftp import (
    SFTPBadMessage,
    SFTPConnectionLost,
    SFTPError,
    SFTPNoConnection,
    SFTPNoSuchFile,
    SFTPNoSuchPath,
    SFTPPermissionDenied,
)
from sshfs.spec import SSHFileSystem

from typedtrack._results.codec import END

if TYPE_CHECKING:
    from asyncssh.sftp import SFTPClient

__all__ = ["Entry", "Kind", "SftpChannel", "kind_of"]

T = TypeVar("T")

Kind: TypeAlias = Literal["file", "folder", "link", "other"]

_KINDS: Final[dict[int, Kind]] = {S_IFREG: "file", S_IFDIR: "folder", S_IFLNK: "link"}
_SECONDS: Final = 60.0  # asyncssh itself would wait for an answer for ever
_BLOCK: Final = 32 * 1024  # bytes: the most that every server accepts in one request
_FIRST_READ: Final = 16 * 1024  # bytes: more than most results have, and less than any server returns at once


class Entry(NamedTuple):
    """A name in a folder; *modified* is in seconds since the epoch."""

    name: str
    kind: Kind
    size: int | None = None  # of a link, that of the link
    modified: int | None = None
    is_roots_alone: bool = False
    """Whether it belongs to root, and nobody else may read it."""


def kind_of(mode: int | None) -> Kind:
    """Return the kind of a file whose ``st_mode`` is *mode*."""
    return _KINDS.get(S_IFMT(mode or 0), "other")


class SftpChannel:
    """Requests on absolute paths, over the connection of *fs*.

    Each request raises `FileNotFoundError` for a missing file or folder, `PermissionError`, `TimeoutError` where no
    answer came in time, and else the error of asyncssh. All trackers on a filesystem share its channel, so that one of
    them restores a lost connection for all.
    """

    def __init__(self, fs: SSHFileSystem) -> None:
        self._fs = fs
        seconds = fs.storage_options.get("timeout")
        self._seconds: float = _SECONDS if seconds is None else seconds
        self._last_answer = -inf  # by the loop's clock
        self._lost = fs._client if fs._client.is_closed() else None  # the last connection that was found broken
        self._silent: object = None  # the last connection that was aborted for its silence
        self._restoring = threading.Lock()
        self._failures = 0
        self._failure = ""  # the text of the last one

    def restore(self) -> None:
        """Connect again if the connection is lost; calls that wait for this meanwhile share its outcome.

        Raises:
            ConnectionError: the server cannot be reached.
        """
        failures = self._failures
        with self._restoring:
            if self._fs._client is not self._lost:
                return
            if self._failures != failures:  # a caller who waited for one time-out must not wait for another
                raise ConnectionError(self._failure)
            try:
                self._connect()
            except Exception as error:
                reason = str(error) or (self._no_answer() if isinstance(error, TimeoutError) else "no reason given")
                self._failure = f"cannot connect to the server again: {type(error).__name__}: {reason}"
                self._failures += 1
                raise ConnectionError(self._failure) from error  # sshfs's own may be a FileNotFoundError

    def _connect(self) -> None:
        # A lost connection may only be silent, and would stay open. The constructor is the only place where sshfs
        # connects.
        self._fs.loop.call_soon_threadsafe(self._fs._client.abort)
        options = {**self._fs.storage_options, "timeout": self._seconds}
        SSHFileSystem.__init__(self._fs, *self._fs.storage_args, **options)

    def _no_answer(self) -> str:
        return f"no answer within {self._seconds:g} s"

    async def _run(self, call: Callable[[SFTPClient], Coroutine[Any, Any, T]]) -> T:
        try:
            return await self._watch(call)
        except (SFTPNoSuchFile, SFTPNoSuchPath) as error:
            raise FileNotFoundError(errno.ENOENT, error.reason) from error
        except SFTPPermissionDenied as error:
            raise PermissionError(errno.EACCES, error.reason) from error

    async def _watch(self, call: Callable[[SFTPClient], Coroutine[Any, Any, T]]) -> T:
        """Make *call*; abort the connection when no call on it had an answer in time.

        To cancel the call would not do: it might wait on, for the answer that its file is closed.
        """
        connection, loop = self._fs._client, asyncio.get_running_loop()
        timer: asyncio.TimerHandle

        def check() -> None:
            nonlocal timer
            due = self._last_answer + self._seconds
            if due > loop.time():
                timer = loop.call_at(due, check)
            else:
                self._silent = connection
                connection.abort()

        timer = loop.call_later(self._seconds, check)
        try:
            async with self._fs._pool.get() as client:
                answer = await call(client)
        except Exception as error:
            if isinstance(error, SFTPError) and not isinstance(error, SFTPConnectionLost | SFTPNoConnection):
                self._note_answer()  # every other SFTPError is one
                raise
            self._lost = connection
            if self._silent is connection:
                raise TimeoutError(errno.ETIMEDOUT, self._no_answer()) from error
            raise
        finally:
            timer.cancel()
        self._note_answer()
        return answer

    def _note_answer(self) -> None:
        self._last_answer = asyncio.get_running_loop().time()

    async def read(self, path: str, limit: int) -> bytes:
        """Return at most the first *limit* bytes of the file."""

        async def call(client: SFTPClient) -> bytes:
            async with client.open(path, "rb", block_size=0) as file:  # 0: one read is one request

                async def read(start: int, end: int) -> bytes:
                    data: bytes = await file.read(end - start, start)
                    self._note_answer()
                    start += len(data)
                    return data if not data or start == end else data + await read(start, end)

                first: bytes = await file.read(min(limit, _FIRST_READ), 0)
                if len(first) == limit or (len(first) < _FIRST_READ and first.endswith(END)):
                    return first
                end = min(limit, (await file.stat()).size or 0)
                starts = range(len(first), end, _BLOCK)
                return first + b"".join(await asyncio.gather(*(read(at, min(at + _BLOCK, end)) for at in starts)))

        return await self._run(call)

    async def write_new(self, path: str, data: bytes) -> None:
        """Make the file, which must not exist."""

        async def call(client: SFTPClient) -> None:
            async with client.open(path, "xb", block_size=0) as file:

                async def write(start: int) -> None:
                    await file.write(data[start : start + _BLOCK], start)
                    self._note_answer()

                await asyncio.gather(*map(write, range(0, len(data), _BLOCK)))

        await self._run(call)

    async def replace(self, path: str, target: str) -> None:
        """Rename the file *path* to *target*, and replace a file that is there."""
        await self._run(lambda client: client.posix_rename(path, target))

    async def link(self, path: str, target: str) -> None:
        """Make *target*, which must not exist, another name of the file *path*."""
        await self._run(lambda client: client.link(path, target))

    async def remove(self, path: str) -> None:
        """Remove the file."""
        await self._run(lambda client: client.remove(path))

    async def make_folder(self, path: str) -> None:
        """Make the folder; its parent must exist."""
        await self._run(lambda client: client.mkdir(path))

    async def remove_folder(self, path: str) -> None:
        """Remove the folder, which must be empty."""
        await self._run(lambda client: client.rmdir(path))

    async def kind(self, path: str) -> Kind:
        """Return the kind of *path*, or of the file that a link there leads to."""
        attributes = await self._run(lambda client: client.stat(path))
        return kind_of(attributes.permissions)

    async def own_kind(self, path: str) -> Kind:
        """Return the kind of *path*; a link is a link, wherever it leads."""
        attributes = await self._run(lambda client: client.lstat(path))
        return kind_of(attributes.permissions)

    async def entries(self, path: str) -> list[Entry]:
        """Return the entries of the folder, links as links; names that are not UTF-8 are left out."""

        async def call(client: SFTPClient) -> list[Entry]:
            found: list[Entry] = []
            async for entry in client.scandir(client.encode(path)):
                self._note_answer()
                name = entry.filename
                assert isinstance(name, bytes)  # because the path is bytes
                if name not in (b".", b".."):
                    with suppress(SFTPBadMessage):  # no key has such a name
                        text, attributes = str(client.decode(name)), entry.attrs
                        mode = attributes.permissions or 0
                        is_roots_alone = attributes.uid == 0 and S_IMODE(mode) == 0o700
                        found.append(Entry(text, kind_of(mode), attributes.size, attributes.mtime, is_roots_alone))
            return found

        return await self._run(call)
