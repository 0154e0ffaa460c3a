"""An sftp channel over paramiko's client, which is for one thread at a time."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, TypeVar
from weakref import WeakValueDictionary

from fsspec.implementations.sftp import SFTPFileSystem
from paramiko import SFTPAttributes, SSHException
from paramiko.sftp import (
    CMD_CLOSE,
    CMD_EXTENDED,
    CMD_OPEN,
    CMD_OPENDIR,
    CMD_READ,
    CMD_READDIR,
    CMD_WRITE,
    SFTP_FLAG_CREATE,
    SFTP_FLAG_EXCL,
    SFTP_FLAG_READ,
    SFTP_FLAG_WRITE,
    int64,
)

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
    from fsspec import AbstractFileSystem
    from paramiko import Message, SFTPClient, SSHClient

__all__ = ["ParamikoChannel", "tracker_over"]

T = TypeVar("T")

# One a filesystem: servers allow few in a connection. The user's own, `fs.ftp`, is left alone: others may be using it.
_channels: Final[WeakValueDictionary[int, ParamikoChannel]] = WeakValueDictionary()


class ParamikoChannel(SftpChannel):
    """An `SftpChannel` of its own in the connection of *fs*; waits *seconds* for each answer.

    Its methods block, and one thread at a time is in them. They keep below the client's files, which wait after each
    request, and talk to the server when they are collected.
    """

    def __init__(self, fs: SFTPFileSystem, seconds: float) -> None:
        super().__init__(seconds)
        self._fs = fs  # whose connection hangs up when nobody holds it
        self._client: SFTPClient | None = None  # not opened yet
        self._lost: SFTPClient | None = None  # the last that was
        self._was_tried = False  # to open one
        self._lock = threading.Lock()

    @property
    def _is_lost(self) -> bool:
        return self._client is self._lost

    def _connect(self) -> None:
        was_tried, self._was_tried = self._was_tried, True
        transport = self._fs.client.get_transport()
        if not was_tried and transport is not None and transport.is_active():
            with suppress(EOFError, SSHException):  # the transport has not seen yet that it is not
                return self._open()
        # A call that was interrupted may hold the old one's locks for ever: let who hangs it up wait for them.
        threading.Thread(target=_hang_up, args=(self._fs.client, self._client), daemon=True).start()
        for stage in ("timeout", "banner_timeout", "auth_timeout", "channel_timeout"):
            self._fs.ssh_kwargs.setdefault(stage, self._seconds)
        self._fs._connect()  # fsspec's own way, which gives the user's filesystem a connection, too
        self._open()

    def _open(self) -> None:
        client = self._fs.client.open_sftp()
        client.get_channel().settimeout(self._seconds)
        with self._lock:
            self._client = client

    def _run(self, call: Callable[[SFTPClient], T]) -> T:
        """Return what *call* does with the client, alone; name the answers that paramiko has only a text for.

        Whatever else ends it, as an interrupt does, leaves the connection between two answers, and so is its loss.
        """
        with self._lock:  # no context manager of ours: an interrupt between its instructions would leave it locked
            client = self._client
            if client is None or client is self._lost:
                raise ConnectionError("the connection to the server was lost in another call")
            try:
                return call(client)
            except TimeoutError as error:
                self._lost = client
                raise TimeoutError(errno.ETIMEDOUT, self._no_answer) from error
            except OSError as error:
                if client.get_channel().closed:
                    self._lost = client
                    raise
                if error.errno is not None:
                    raise
                if error.args == ("Operation unsupported",):
                    raise SftpUnsupportedError(*error.args) from error
                raise SftpFailureError(*error.args) from error
            except BaseException:
                self._lost = client
                raise

    async def read(self, path: str, limit: int) -> bytes:
        """Return the first *limit* bytes at most."""

        def call(client: SFTPClient) -> bytes:
            data = b""
            with _opened(client, CMD_OPEN, path, SFTP_FLAG_READ, SFTPAttributes()) as file:
                while len(data) < limit and not is_whole(data):
                    size = min(limit - len(data), BLOCK if data else FIRST_READ)
                    answer = _next(client, CMD_READ, file, int64(len(data)), size)
                    if answer is None:
                        break
                    data += answer.get_binary()
            return data

        return self._run(call)

    async def write_new(self, path: str, data: bytes) -> None:
        """Make the file, which must not exist."""
        flags = SFTP_FLAG_WRITE | SFTP_FLAG_CREATE | SFTP_FLAG_EXCL

        def call(client: SFTPClient) -> None:
            _, answer = client._request(CMD_OPEN, path, flags, SFTPAttributes())
            file = answer.get_binary()
            asked = [
                client._async_request(type(None), CMD_WRITE, file, int64(start), data[start : start + BLOCK])
                for start in range(0, len(data), BLOCK)
            ]
            asked.append(client._async_request(type(None), CMD_CLOSE, file))
            for number in asked:
                client._read_response(number)

        self._run(call)

    async def replace(self, path: str, target: str) -> None:
        """Rename the file *path* to *target*."""
        self._run(lambda client: client.posix_rename(path, target))

    async def link(self, path: str, target: str) -> None:
        """Make *target* another name of the file *path*."""
        # As `posix_rename` is written; paramiko has no call for this extension.
        self._run(lambda client: client._request(CMD_EXTENDED, "hardlink@openssh.com", path, target))

    async def remove(self, path: str) -> None:
        """Remove the file."""
        self._run(lambda client: client.remove(path))

    async def make_folder(self, path: str) -> None:
        """Make the folder."""
        self._run(lambda client: client.mkdir(path))

    async def remove_folder(self, path: str) -> None:
        """Remove the folder, which is empty."""
        self._run(lambda client: client.rmdir(path))

    async def kind(self, path: str) -> Kind:
        """Return what is there."""
        return kind_of(self._run(lambda client: client.stat(path)).st_mode)

    async def entries(self, path: str) -> list[tuple[str, Kind]]:
        """Return the names in the folder, and what they are."""

        def call(client: SFTPClient) -> list[tuple[str, Kind]]:
            found: list[tuple[str, Kind]] = []
            with _opened(client, CMD_OPENDIR, path) as folder:
                while (answer := _next(client, CMD_READDIR, folder)) is not None:
                    for _ in range(answer.get_int()):
                        name = answer.get_binary()
                        answer.get_binary()  # the line that `ls -l` has of it
                        kind = kind_of(SFTPAttributes._from_msg(answer).st_mode)
                        if name not in (b".", b".."):
                            with suppress(UnicodeDecodeError):  # no key has such a name
                                found.append((name.decode(), kind))
            return found

        return self._run(call)


@contextmanager
def _opened(client: SFTPClient, request: int, *arguments: str | int | SFTPAttributes) -> Generator[bytes]:
    """Close what *request* opens, also after an answer that is an error, and after nothing else."""
    _, answer = client._request(request, *arguments)
    handle = answer.get_binary()
    try:
        yield handle
    except OSError as error:
        if not isinstance(error, TimeoutError):
            client._async_request(type(None), CMD_CLOSE, handle)
        raise
    client._request(CMD_CLOSE, handle)


def _next(client: SFTPClient, request: int, *arguments: bytes | int) -> Message | None:
    """Return the answer, or `None` at the end."""
    number = client._async_request(type(None), request, *arguments)  # its EOFError would be a lost connection's
    try:
        return client._read_response(number)[1]
    except EOFError:
        return None


def _hang_up(old: SSHClient, client: SFTPClient | None) -> None:
    old.close()
    if client is not None:  # its channel, which would be closed when it is collected
        client.close()


def tracker_over(fs: AbstractFileSystem, root: str, max_concurrency: int) -> ResultTracker:
    """Return the tracker in the folder *root* of *fs*."""
    assert isinstance(fs, SFTPFileSystem)
    channel = _channels.setdefault(id(fs), ParamikoChannel(fs, seconds_of(fs)))
    return SftpResultTracker(None, channel, root, f"sftp://{fs.host}", 1)
