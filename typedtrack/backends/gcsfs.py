"""Results on Google Cloud Storage through gcsfs, below its file interface: by its requests of the JSON API.

Its listings are cached and its paths give ``#`` a meaning; its requests have neither, and tell what status is answered.
Why it is a 404 they do not tell: the service's own words are taken from aiohttp, below them.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import AsyncIterator, Coroutine, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import gcsfs.core
from gcsfs.retry import HttpError

from typedtrack._tracker.untyped import ResultTracker
from typedtrack.backends.asynchronous import AsyncResultTracker, instance_beside

if TYPE_CHECKING:
    from aiohttp import ClientResponse
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
        try:
            answer = await self._unless_absent("GET", key, headers={"Range": f"bytes=0-{limit - 1}"}, alt="media")
        except HttpError as error:
            if error.code == 416:  # a range of an object without bytes
                return b""
            raise
        return None if answer is None else answer[:limit]

    async def _write_one(self, key: str, data: bytes, exclusive: bool = False) -> None:
        url = f"{self._fs._location}/upload/storage/v1/b/{quote(self._bucket, safe='')}/o"
        line = f"--typedtrack-{os.urandom(16).hex()}"
        head = f"{line}\r\nContent-Type: application/json\r\n\r\n"
        name = json.dumps({"name": self._above + key})
        body = io.BytesIO(f"{head}{name}\r\n{head}".encode() + data + f"\r\n{line}--".encode())
        headers = {"Content-Type": f"multipart/related; boundary={line[2:]}"}
        generation = "0" if exclusive else None  # that of nothing; else refused with 412, gcsfs's FileExistsError
        await _resource(
            self._fs._request(
                "POST", url, headers=headers, data=body, uploadType="multipart", ifGenerationMatch=generation
            ),
            "storage#object",
        )

    async def _delete_one(self, key: str) -> None:
        answer = await self._unless_absent("DELETE", key)
        if answer is None:
            raise FileNotFoundError(key)
        if answer.lstrip().startswith(b"<"):  # Google answers nothing, its emulators some JSON
            raise ConnectionError("what was answered to a delete is not Google's answer: is there a proxy on the way?")

    async def _pages(self, prefix: str) -> AsyncIterator[list[str]]:
        below = self._above
        if prefix:
            if await self._read_one(prefix, 1) is not None:
                yield [prefix]
            below += f"{prefix}/"
        token: str | None = None
        while True:
            page = await self._page(below, token=token)
            yield [entry["name"].removeprefix(self._above) for entry in page.get("items", ())]
            token = page.get("nextPageToken")
            if token is None:
                return

    async def _page(self, prefix: str, *, token: str | None = None, size: int | None = None) -> ObjectsPage:
        fields = "kind,items(name),nextPageToken"
        answer = self._fs._request(
            "GET", "b/{}/o", self._bucket, prefix=prefix or None, pageToken=token, maxResults=size, fields=fields
        )
        page: ObjectsPage = await _resource(answer, "storage#objects")
        return page

    async def _unless_absent(
        self, method: str, key: str, *, headers: Mapping[str, str] | None = None, alt: str | None = None
    ) -> bytes | None:
        """Return the answer to *method* on the object of *key*; `None` if there is none.

        A 404 may be of anything on the way, or of a missing bucket. It is of the object where the service says so;
        where the words are others, the bucket is asked.
        """
        name = self._above + key
        for _ in range(2):  # once more, since it may have been put in between
            try:
                return await _body(self._fs._request(method, "b/{}/o/{}", self._bucket, name, headers=headers, alt=alt))
            except FileNotFoundError as error:
                if f"No such object: {self._bucket}/{name}" in str(error):
                    return None
                listed = (await self._page(name, size=1)).get("items", ())
                if not any(entry["name"] == name for entry in listed):
                    return None
        raise ConnectionError(f"404 for an object that its bucket lists, {name!r}: is there a proxy on the way?")


async def _resource(request: Coroutine[Any, Any, tuple[int, Mapping[str, str], object, bytes]], kind: str) -> Any:
    """Return what the service says in JSON, in the shape that its documentation gives for *kind*."""
    body = await _body(request)
    resource: Any = None
    try:
        resource = json.loads(body)
        given = resource["kind"]
    except (ValueError, TypeError, KeyError):  # no JSON, or none of Google's
        given = None
    if given != kind:
        raise ConnectionError(f"what was answered is no {kind} of Google's: is there a proxy on the way?")
    return resource


async def _body(request: Coroutine[Any, Any, tuple[int, Mapping[str, str], object, bytes]]) -> bytes:
    status, _, _, body = await request
    if status >= 300:  # gcsfs takes anything below 400 for an answer
        raise ConnectionError(f"{status} instead of an answer: is there a proxy on the way?")
    return body


async def _raise_for_404(response: ClientResponse) -> None:
    """Raise the service's own words for a 404, of which gcsfs tells only that it is one."""
    if response.status == 404:
        raise FileNotFoundError(await response.text(errors="replace"))


def tracker_over(fs: AbstractFileSystem, root: str, max_concurrency: int) -> ResultTracker:
    """Return the tracker in the folder *root* of *fs*."""
    assert isinstance(fs, gcsfs.core.GCSFileSystem)
    login = fs.credentials.credentials or "anon"  # as it was found: to look for one again may take seconds
    session = {"raise_for_status": _raise_for_404, **fs.session_kwargs}
    options: dict[str, Any] = {**fs.storage_options, "project": fs.project, "token": login, "session_kwargs": session}
    return GcsfsResultTracker(instance_beside(fs, options), root, max_concurrency)
