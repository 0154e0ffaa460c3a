"""Results on Azure Blob Storage through adlfs, below its file interface: by a blob client with its login.

Its listings are cached and its paths give ``?versionid=`` a meaning; the blob client has neither, and its errors tell a
missing blob from a missing container. adlfs's own client waits 15 seconds and more before it tries again; ours, over
the same connections, a tenth of one, and takes what else it shall do from adlfs's options.
"""

from __future__ import annotations

import random
import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Final, cast

from adlfs.spec import AzureBlobFileSystem
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.storage.blob.aio import ContainerClient, ExponentialRetry

from typedtrack._tracker.untyped import ResultTracker
from typedtrack.backends.asynchronous import AsyncResultTracker

if TYPE_CHECKING:
    from azure.storage.blob.aio import StorageStreamDownloader
    from fsspec import AbstractFileSystem

__all__ = ["AdlfsResultTracker", "Retries", "tracker_over"]

_TRIES_AGAIN: Final = 6
_TIME_TO_TRY: Final = 60.0  # seconds
_FIRST_PAUSE: Final = 0.1  # seconds
_LONGEST_PAUSE: Final = 5.0  # seconds
_RETRY_OPTIONS: Final = ("retry_total", "retry_connect", "retry_read", "retry_status")
_TIMEOUTS: Final = ("timeout", "connection_timeout", "read_timeout")  # of one try, in seconds


class Retries(ExponentialRetry):
    """Tries again up to 6 times within 60 seconds, after a tenth of a second at first, then twice as long each time.

    The four counts have the names and the meaning that they have for Azure's own policies.
    """

    def __init__(
        self,
        *,
        retry_total: int = _TRIES_AGAIN,
        retry_connect: int = _TRIES_AGAIN,
        retry_read: int = _TRIES_AGAIN,
        retry_status: int = _TRIES_AGAIN,
    ) -> None:
        counts = {"retry_connect": retry_connect, "retry_read": retry_read, "retry_status": retry_status}
        base: Any = super()  # here and below: Azure leaves types out
        base.__init__(retry_total=retry_total, **counts)

    def configure_retries(self, request: object) -> dict[str, Any]:
        """Return the notes that a request's tries share."""
        base: Any = super()
        return {**base.configure_retries(request), "until": time.monotonic() + _TIME_TO_TRY}

    def increment(self, settings: dict[str, Any], *args: object, **named: object) -> bool:
        """Return whether to try again, after one more has failed."""
        base: Any = super()
        again: bool = base.increment(settings, *args, **named)
        return again and time.monotonic() < settings["until"]

    def get_backoff_time(self, settings: dict[str, Any]) -> float:
        """Return how many seconds to wait before that."""
        pause: float = _FIRST_PAUSE * 2 ** (settings["count"] - 1)
        return min(pause, _LONGEST_PAUSE) * random.uniform(0.5, 1.5)


class AdlfsResultTracker(AsyncResultTracker):
    """Results in the folder *root* (``container/folder``) of the adlfs filesystem *fs*."""

    def __init__(self, fs: AzureBlobFileSystem, root: str, max_concurrency: int) -> None:
        super().__init__(fs.loop, max_concurrency)
        name, _, folder = root.partition("/")
        self._container = _container_client(fs, name)
        self._timeouts = _given(fs, _TIMEOUTS)
        self._name = name
        self._above = f"{folder.rstrip('/')}/" if folder.rstrip("/") else ""

    def _location(self, text: str) -> str:
        return f"az://{self._name}/{self._above}{text}"

    async def _read_one(self, key: str, limit: int) -> bytes | None:
        try:
            name = self._above + key
            # A cast, since the time-outs may be of any type and leave open which overload it is: with encoding or none.
            blob = cast(
                "StorageStreamDownloader[bytes]",
                await self._container.download_blob(name, offset=0, length=limit, **self._timeouts),
            )
            return await blob.readall()
        except ResourceNotFoundError as error:
            if _code(error) == "BlobNotFound":
                return None
            raise
        except HttpResponseError as error:
            if error.status_code == 416:  # a range of a blob without bytes
                return b""
            raise

    async def _write_one(self, key: str, data: bytes, exclusive: bool = False) -> None:
        try:
            await self._container.upload_blob(self._above + key, data, overwrite=not exclusive, **self._timeouts)
        except ResourceExistsError as error:
            if exclusive and _code(error) == "BlobAlreadyExists":
                raise FileExistsError(key) from error
            raise

    async def _delete_one(self, key: str) -> None:
        try:
            await self._container.delete_blob(self._above + key, **self._timeouts)
        except ResourceNotFoundError as error:
            if _code(error) == "BlobNotFound":
                raise FileNotFoundError(key) from error
            raise

    async def _pages(self, prefix: str) -> AsyncIterator[list[str]]:
        below = self._above
        if prefix:
            if await self._read_one(prefix, 1) is not None:
                yield [prefix]
            below += f"{prefix}/"
        listed = self._container.list_blob_names(name_starts_with=below, **self._timeouts)
        pages: Any = listed.by_page()  # whose type leaves out what it tells of itself
        page: AsyncIterator[str]
        async for page in pages:
            if pages.container is None:  # Azure's client finds no entries in any XML, or well-formed HTML
                raise ConnectionError("what was answered is no listing of Azure's: is there a proxy on the way?")
            yield [name.removeprefix(self._above) async for name in page]


def _container_client(fs: AzureBlobFileSystem, name: str) -> ContainerClient:
    """Return a client of the container *name*: with the login and the connections of adlfs's, and our retries."""
    service = fs.service_client
    its: Any = service  # of which no public name leads to its connections
    policy = _given(fs, ("retry_policy",)).get("retry_policy") or Retries(**_given(fs, _RETRY_OPTIONS))
    client = ContainerClient(
        service.url, name, credential=service.credential, transport=its._pipeline._transport, retry_policy=policy
    )
    client.location_mode = service.location_mode
    return client


def _given(fs: AzureBlobFileSystem, names: tuple[str, ...]) -> dict[str, Any]:  # the user's, checked by Azure's client
    """Return those of the options *names* that *fs* was made with."""
    return {name: fs.storage_options[name] for name in names if name in fs.storage_options}


def _code(error: HttpResponseError) -> str | None:
    """Return the code of Azure's answer, which its storage client adds to the error; `None` if there is none."""
    code: str | None = getattr(error, "error_code", None)
    return code


def tracker_over(fs: AbstractFileSystem, root: str, max_concurrency: int) -> ResultTracker:
    """Return the tracker in the folder *root* of *fs*."""
    assert isinstance(fs, AzureBlobFileSystem)
    return AdlfsResultTracker(fs, root, max_concurrency)
