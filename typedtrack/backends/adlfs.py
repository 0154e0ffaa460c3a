"""Results on Azure Blob Storage through adlfs, below its file interface: by a blob client with adlfs's login.

The file interface caches listings and gives ``?versionid=`` in a path a meaning. The blob client does neither, and its
errors tell a missing blob from a missing container. adlfs's own client waits 15 seconds or more before it tries again;
ours, over the same connections, waits a tenth of a second, and follows adlfs's options in all else.
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
from typedtrack.backends.answers import Pages, foreign_answer
from typedtrack.backends.asynchronous import BucketResultTracker, Page

if TYPE_CHECKING:
    from azure.core.pipeline import PipelineResponse
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
    """Tries again up to 6 times within 60 seconds: first after a tenth of a second, then after twice as long each time.

    The four counts have the meaning of Azure's own policies.
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
        base: Any = super()  # here and below, because Azure leaves types out
        base.__init__(retry_total=retry_total, **counts)

    def configure_retries(self, request: object) -> dict[str, Any]:
        """Return the settings that all tries of one request share."""
        base: Any = super()
        return {**base.configure_retries(request), "until": time.monotonic() + _TIME_TO_TRY}

    def increment(self, settings: dict[str, Any], *args: object, **named: object) -> bool:
        """Return whether to try again, after one more try failed."""
        base: Any = super()
        again: bool = base.increment(settings, *args, **named)
        return again and time.monotonic() < settings["until"]

    def get_backoff_time(self, settings: dict[str, Any]) -> float:
        """Return how many seconds to wait before the next try."""
        pause: float = _FIRST_PAUSE * 2 ** (settings["count"] - 1)
        return min(pause, _LONGEST_PAUSE) * random.uniform(0.5, 1.5)


class AdlfsResultTracker(BucketResultTracker):
    """Results in the folder *root* (``container/folder``) of the adlfs filesystem *fs*."""

    _marks_are_unique = True

    def __init__(self, fs: AzureBlobFileSystem, root: str, max_concurrency: int) -> None:
        name, _, folder = root.partition("/")
        timeouts = _options(fs, _TIMEOUTS)
        super().__init__(fs.loop, f"az://{name}", folder, max_concurrency, timeouts.values())
        self._container = _container_client(fs, name)
        self._options: dict[str, Any] = {**timeouts, "raw_response_hook": _check_that_it_is_azures}

    async def _read_one(self, key: str, limit: int) -> bytes | None:
        try:
            name = self._base_prefix + key
            # A cast, because time-outs of any type leave open which overload this is, with an encoding or without.
            blob = cast(
                "StorageStreamDownloader[bytes]",
                await self._container.download_blob(name, offset=0, length=limit, **self._options),
            )
            data = await blob.readall()
        except ResourceNotFoundError as error:
            if _code(error) == "BlobNotFound":
                return None
            raise
        except HttpResponseError as error:
            if _code(error) == "InvalidRange":  # of a blob without bytes
                return b""
            raise
        if len(data) != blob.size:
            raise foreign_answer("Azure", "a get", f"it has {len(data)} bytes of {blob.size}")
        return data

    async def _write_one(self, key: str, data: bytes, exclusive: bool = False) -> None:
        try:
            await self._container.upload_blob(self._base_prefix + key, data, overwrite=not exclusive, **self._options)
        except ResourceExistsError as error:
            if exclusive and _code(error) == "BlobAlreadyExists":
                raise FileExistsError(key) from error
            raise

    async def _delete_one(self, key: str) -> None:
        try:
            await self._container.delete_blob(self._base_prefix + key, **self._options)
        except ResourceNotFoundError as error:
            if _code(error) == "BlobNotFound":
                raise FileNotFoundError(key) from error
            raise

    async def _objects(self, beginning: str, *, details: bool) -> AsyncIterator[Page]:
        container = self._container
        listed = container.list_blobs if details else container.list_blob_names  # names cost less
        found: Any = listed(name_starts_with=beginning, **self._options).by_page()
        pages = Pages("Azure")
        async for page in found:
            if details:
                yield [(blob.name, blob.etag, blob.last_modified.timestamp()) async for blob in page]
            else:
                yield [(name, None, None) async for name in page]
            if token := found.continuation_token:
                pages.check_token(token)


def _check_that_it_is_azures(response: PipelineResponse[Any, Any]) -> None:
    """Check that Azure sent *response*; its client takes a web page with the right status for an answer.

    Raises:
        ConnectionError: it did not. A refusal by another server is left to the client, which retries it.
    """
    answer = response.http_response
    if answer.status_code < 400 and "x-ms-request-id" not in answer.headers:
        call = f"a {response.http_request.method}"
        raise foreign_answer("Azure", call, "it has no header x-ms-request-id")


def _container_client(fs: AzureBlobFileSystem, name: str) -> ContainerClient:
    """Return a client of the container *name*, with the login and the connections of *fs* and with our retries."""
    service = fs.service_client
    private: Any = service  # no public name leads to its connections
    policy = _options(fs, ("retry_policy",)).get("retry_policy") or Retries(**_options(fs, _RETRY_OPTIONS))
    client = ContainerClient(
        service.url, name, credential=service.credential, transport=private._pipeline._transport, retry_policy=policy
    )
    client.location_mode = service.location_mode
    return client


def _options(fs: AzureBlobFileSystem, names: tuple[str, ...]) -> dict[str, Any]:  # Any: Azure's client checks them
    """Return the options among *names* that *fs* was made with."""
    return {name: fs.storage_options[name] for name in names if name in fs.storage_options}


def _code(error: HttpResponseError) -> str | None:
    """Return the code of Azure's answer, which the storage client adds to the error, or `None` if it has none."""
    code: str | None = getattr(error, "error_code", None)
    return code


def tracker_over(fs: AbstractFileSystem, root: str, max_concurrency: int) -> ResultTracker:
    """Return the tracker in the folder *root* of *fs*."""
    assert isinstance(fs, AzureBlobFileSystem)
    return AdlfsResultTracker(fs, root, max_concurrency)
