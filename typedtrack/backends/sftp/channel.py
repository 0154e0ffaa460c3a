"""What an sftp client is to the tracker: requests on one connection, which is made anew after it was lost."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from stat import S_IFDIR, S_IFLNK, S_IFMT, S_IFREG
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

__all__ = [
    "BLOCK",
    "FIRST_READ",
    "Kind",
    "SftpChannel",
    "SftpFailureError",
    "SftpUnsupportedError",
    "is_whole",
    "kind_of",
    "seconds_of",
]

Kind: TypeAlias = Literal["file", "folder", "link", "other"]

_KINDS: Final[dict[int, Kind]] = {S_IFREG: "file", S_IFDIR: "folder", S_IFLNK: "link"}

_SECONDS: Final = 60.0  # for the answer to one request: neither client would ever give up

BLOCK: Final = 32 * 1024  # bytes: what every server takes in one request
FIRST_READ: Final = 16 * 1024  # bytes: more than most results have, and less than any server answers at once
_END: Final = b"}\n"  # of a stored result, and nowhere else in one


def kind_of(mode: int | None) -> Kind:
    """Return what has *mode*, as ``stat`` gives it."""
    return _KINDS.get(S_IFMT(mode or 0), "other")


def is_whole(data: bytes) -> bool:
    """Return whether *data*, the answer to a request for the first `FIRST_READ` bytes, is a whole result.

    To say so costs one request less than to ask whether there is more, and nearly every get ends here.
    """
    return data.endswith(_END) and len(data) < FIRST_READ


def seconds_of(fs: AbstractFileSystem) -> float:
    """Return how long to wait for one answer of the server: the option ``timeout``, which is for connecting too."""
    seconds: float | None = fs.storage_options.get("timeout")
    return _SECONDS if seconds is None else seconds


class SftpFailureError(OSError):
    """The server's answer to what is not possible, with no word on why."""


class SftpUnsupportedError(OSError):
    """The server does not have the extension that was asked for."""


class SftpChannel(ABC):
    """What the tracker needs of an sftp client, on absolute paths.

    Each request raises `FileNotFoundError` for a missing file or folder, `SftpFailureError`, `SftpUnsupportedError`,
    `TimeoutError` where no answer comes, and what the client raises: also where the connection is broken, or silent,
    and so is lost.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._no_answer = f"no answer within {seconds:g} s"
        self._restoring = threading.Lock()
        self._failures = 0
        self._failure = ""  # the last

    @property
    @abstractmethod
    def _is_lost(self) -> bool:
        """Whether a request has found the connection broken or silent, or there was none yet."""

    @abstractmethod
    def _connect(self) -> None:
        """Connect anew, within the time for one answer, by the client's own means: for its user, too."""

    def restore(self) -> None:
        """Connect anew if the connection is lost: once for all calls that wait for it, also where that fails.

        Raises:
            ConnectionError: the server cannot be reached.
        """
        failures = self._failures
        with self._restoring:
            if not self._is_lost:
                return
            if self._failures != failures:  # who has waited for one time-out must not wait for another
                raise ConnectionError(self._failure)
            try:
                self._connect()
            except Exception as error:
                reason = str(error) or (self._no_answer if isinstance(error, TimeoutError) else "no reason given")
                self._failure = f"no new connection to the server: {type(error).__name__}: {reason}"
                self._failures += 1
                raise ConnectionError(self._failure) from error  # a client's own may look like a missing result's

    @abstractmethod
    async def read(self, path: str, limit: int) -> bytes:
        """Return the first *limit* bytes at most."""

    @abstractmethod
    async def write_new(self, path: str, data: bytes) -> None:
        """Make the file, which must not exist."""

    @abstractmethod
    async def replace(self, path: str, target: str) -> None:
        """Rename the file *path* to *target*, in place of a file that is there."""

    @abstractmethod
    async def link(self, path: str, target: str) -> None:
        """Make *target* another name of the file *path*; it must not exist."""

    @abstractmethod
    async def remove(self, path: str) -> None:
        """Remove the file."""

    @abstractmethod
    async def make_folder(self, path: str) -> None:
        """Make the folder, whose parent exists."""

    @abstractmethod
    async def remove_folder(self, path: str) -> None:
        """Remove the folder, which is empty."""

    @abstractmethod
    async def kind(self, path: str) -> Kind:
        """Return what is there, or where a link leads."""

    @abstractmethod
    async def entries(self, path: str) -> list[tuple[str, Kind]]:
        """Return the names in the folder, and what they are, links too; without those that no key can have."""
