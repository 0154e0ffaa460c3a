"""Results on Azure Blob Storage through adlfs, below its file interface: by the blob client that it has logged in.

Its listings are cached and its paths give ``?versionid=`` a meaning; the blob client has neither, and its errors tell a
missing blob from a missing container.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from adlfs.spec import AzureBlobFileSystem
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError

from typedtrack._tracker import ResultTracker
from typedtrack.backends.asynchronous import AsyncResultTracker

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

__all__ = ["AdlfsResultTracker", "tracker_over"]


class AdlfsResultTracker(AsyncResultTracker):
    """Results in the folder *root* (``container/folder``) of the adlfs filesystem *fs*."""

    def __init__(self, fs: AzureBlobFileSystem, root: str, max_concurrency: int) -> None:
        super().__init__(fs.loop, max_concurrency)
        name, _, folder = root.partition("/")
        self._container = fs.service_client.get_container_client(name)
        self._name = name
        self._above = f"{folder.rstrip('/')}/" if folder.rstrip("/") else ""

    def _location(self, text: str) -> str:
        return f"az://{self._name}/{self._above}{text}"

    async def _read_one(self, key: str, limit: int) -> bytes | None:
        try:
            blob = await self._container.download_blob(self._above + key, offset=0, length=limit)
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
            await self._container.upload_blob(self._above + key, data, overwrite=not exclusive)
        except ResourceExistsError as error:
            if exclusive and _code(error) == "BlobAlreadyExists":
                raise FileExistsError(key) from error
            raise

    async def _delete_one(self, key: str) -> None:
        try:
            await self._container.delete_blob(self._above + key)
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
        async for page in self._container.list_blob_names(name_starts_with=below).by_page():
            yield [name.removeprefix(self._above) async for name in page]


def _code(error: HttpResponseError) -> str | None:
    """Return the code of Azure's answer, which its storage client adds to the error; `None` if there is none."""
    code: str | None = getattr(error, "error_code", None)
    return code


def tracker_over(fs: AbstractFileSystem, root: str, max_concurrency: int) -> ResultTracker:
    """Return the tracker in the folder *root* of *fs*."""
    assert isinstance(fs, AzureBlobFileSystem)
    return AdlfsResultTracker(fs, root, max_concurrency)
