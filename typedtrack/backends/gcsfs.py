"""Results on Google Cloud Storage through gcsfs, below its file interface: by its calls of the JSON API.

Its listings are cached and its paths give ``#`` a meaning; its calls have neither.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING
from urllib.parse import quote

import gcsfs.core
from gcsfs.retry import HttpError

from typedtrack._tracker import ResultTracker
from typedtrack.backends.asynchronous import AsyncResultTracker

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem
    from gcsfs.core import ObjectsPage

__all__ = ["GcsfsResultTracker", "tracker_over"]


class GcsfsResultTracker(AsyncResultTracker):
    """Results in the folder *root* (``bucket/folder``) of the gcsfs filesystem *fs*."""

    def __init__(self, fs: gcsfs.core.GCSFileSystem, root: str, max_concurrency: int) -> None:
        super().__init__(fs.loop, max_concurrency)
        self._fs = fs
        self._bucket, _, folder = root.partition("/")
        self._above = f"{folder.rstrip('/')}/" if folder.rstrip("/") else ""

    def _location(self, text: str) -> str:
        return f"gs://{self._bucket}/{self._above}{text}"

    async def _read_one(self, key: str, limit: int) -> bytes | None:
        name = self._above + key
        url = f"{self._fs.base}b/{quote(self._bucket, safe='')}/o/{quote(name, safe='')}?alt=media"
        try:
            _, data = await self._fs._call("GET", url, headers={"Range": f"bytes=0-{limit - 1}"})
        except FileNotFoundError:
            await self._page(name, maxResults=1)  # which raises if it is the bucket that is missing
            return None
        except HttpError as error:
            if error.code == 416:  # a range of an object without bytes
                return b""
            raise
        return data[:limit]

    async def _write_one(self, key: str, data: bytes, exclusive: bool = False) -> None:
        url = f"{self._fs._location}/upload/storage/v1/b/{quote(self._bucket, safe='')}/o"
        line = f"--typedtrack-{os.urandom(16).hex()}"
        head = f"{line}\r\nContent-Type: application/json\r\n\r\n"
        name = json.dumps({"name": self._above + key})
        body = io.BytesIO(f"{head}{name}\r\n{head}".encode() + data + f"\r\n{line}--".encode())
        headers = {"Content-Type": f"multipart/related; boundary={line[2:]}"}
        generation = "0" if exclusive else None  # that of nothing; else refused with 412, gcsfs's FileExistsError
        await self._fs._call(
            "POST", url, headers=headers, data=body, uploadType="multipart", ifGenerationMatch=generation
        )

    async def _delete_one(self, key: str) -> None:
        name = self._above + key
        try:
            await self._fs._call("DELETE", "b/{}/o/{}", self._bucket, name)
        except FileNotFoundError:
            await self._page(name, maxResults=1)
            raise

    async def _pages(self, prefix: str) -> AsyncIterator[list[str]]:
        below = self._above
        if prefix:
            if await self._read_one(prefix, 1) is not None:
                yield [prefix]
            below += f"{prefix}/"
        token: str | None = None
        while True:
            page = await self._page(below, pageToken=token)
            yield [entry["name"].removeprefix(self._above) for entry in page.get("items", ())]
            token = page.get("nextPageToken")
            if token is None:
                return

    async def _page(self, prefix: str, **parameters: str | int | None) -> ObjectsPage:
        fields = "items(name),nextPageToken"
        parameters |= {"prefix": prefix or None, "fields": fields}
        return await self._fs._call("GET", "b/{}/o", self._bucket, json_out=True, **parameters)


def tracker_over(fs: AbstractFileSystem, root: str, max_concurrency: int) -> ResultTracker:
    """Return the tracker in the folder *root* of *fs*."""
    assert isinstance(fs, gcsfs.core.GCSFileSystem)
    return GcsfsResultTracker(fs, root, max_concurrency)
