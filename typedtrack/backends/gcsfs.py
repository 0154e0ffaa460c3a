"""Results on Google Cloud Storage through gcsfs, below its file interface: by its requests of the JSON API.

The file interface caches listings and gives ``#`` in a path a meaning. Its requests do neither, and return the status
of the answer. They drop the text of a 404, so that is taken from aiohttp, below them.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import AsyncIterator, Coroutine, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import quote

import gcsfs.core
from gcsfs.retry import HttpError

from typedtrack._tracker.untyped import ResultTracker
from typedtrack.backends.answers import Pages, foreign_answer
from typedtrack.backends.asynchronous import BucketResultTracker, Page, instance_beside

if TYPE_CHECKING:
    from aiohttp import ClientResponse
    from fsspec import AbstractFileSystem
    from gcsfs.core import Entry, ObjectsPage

__all__ = ["GcsfsResultTracker", "tracker_over"]

_STORE: Final = "Google Cloud Storage"

Answer: TypeAlias = tuple[int, Mapping[str, str], object, bytes]  # status, headers, about the request, body


class GcsfsResultTracker(BucketResultTracker):
    """Results in the folder *root* (``bucket/folder``) of the gcsfs filesystem *fs*."""

    _marks_are_unique = True

    def __init__(self, fs: gcsfs.core.GCSFileSystem, root: str, max_concurrency: int) -> None:
        self._fs = fs
        self._bucket, _, folder = root.partition("/")
        timeouts = [fs.requests_timeout]
        super().__init__(fs.loop, f"gs://{self._bucket}", folder, max_concurrency, timeouts)

    async def _read_one(self, key: str, limit: int) -> bytes | None:
        try:
            answer = await self._unless_absent("GET", key, headers={"Range": f"bytes=0-{limit - 1}"}, alt="media")
        except HttpError as error:
            if error.code == 416 and await self._is_empty(key):  # a range of an object without bytes
                return b""
            raise
        if answer is None:
            return None
        status, headers, _, body = answer
        if status not in (200, 206):
            raise foreign_answer(_STORE, "a GET", f"its status is {status}")
        if "X-Goog-Generation" not in headers:
            raise foreign_answer(_STORE, "a GET", "it has no header X-Goog-Generation")
        if status == 206 and len(body) != min(limit, size := _whole_size(headers)):
            raise foreign_answer(_STORE, "a GET", f"it has {len(body)} bytes of {size}")
        return body[:limit]  # a 200 has the whole object

    async def _write_one(self, key: str, data: bytes, exclusive: bool = False) -> None:
        url = f"{self._fs._location}/upload/storage/v1/b/{quote(self._bucket, safe='')}/o"
        line = f"--typedtrack-{os.urandom(16).hex()}"
        head = f"{line}\r\nContent-Type: application/json\r\n\r\n"
        name = json.dumps({"name": self._base_prefix + key})
        body = io.BytesIO(f"{head}{name}\r\n{head}".encode() + data + f"\r\n{line}--".encode())
        headers = {"Content-Type": f"multipart/related; boundary={line[2:]}"}
        generation = "0" if exclusive else None  # of no object; for one that exists gcsfs raises FileExistsError
        stored = await _resource(
            "a put",
            self._fs._request(
                "POST", url, headers=headers, data=body, uploadType="multipart", ifGenerationMatch=generation
            ),
            "storage#object",
        )
        if stored.get("name") != self._base_prefix + key:
            raise foreign_answer(_STORE, "a put", "it is about another object")

    async def _delete_one(self, key: str) -> None:
        answer = await self._unless_absent("DELETE", key)
        if answer is None:
            raise FileNotFoundError(key)
        # Google answers 204. An emulator answers 200, but so may any other server: then a read decides.
        if (status := answer[0]) != 204 and (status != 200 or await self._read_one(key, 1) is not None):
            raise foreign_answer(_STORE, "a DELETE", f"its status is {status}")

    async def _objects(self, beginning: str, *, details: bool) -> AsyncIterator[Page]:
        token: str | None = None
        pages = Pages(_STORE)
        while True:
            page = await self._page(beginning, token=token, fields="name,generation,timeCreated" if details else "name")
            yield [_listed(entry) for entry in page.get("items", ())]
            if "nextPageToken" not in page:
                return
            token = pages.check_token(page["nextPageToken"])

    async def _page(
        self, prefix: str, *, token: str | None = None, size: int | None = None, fields: str = "name"
    ) -> ObjectsPage:
        fields = f"kind,items({fields}),nextPageToken"
        answer = self._fs._request(
            "GET", "b/{}/o", self._bucket, prefix=prefix or None, pageToken=token, maxResults=size, fields=fields
        )
        page: ObjectsPage = await _resource("a listing", answer, "storage#objects")
        return page

    async def _is_empty(self, key: str) -> bool:
        """Return whether the bucket lists an object of *key* without bytes: any server can send a 416."""
        name = self._base_prefix + key
        listed = (await self._page(name, size=1, fields="name,size")).get("items", ())
        return any(entry["name"] == name and entry.get("size") == "0" for entry in listed)

    async def _unless_absent(
        self, method: str, key: str, *, headers: Mapping[str, str] | None = None, alt: str | None = None
    ) -> Answer | None:
        """Return the answer to *method* on the object of *key*, or `None` if the object does not exist.

        Any server on the way may send a 404, and the service sends one for a missing bucket. If the text of a 404 does
        not say that the object is missing, the bucket's listing decides.
        """
        name = self._base_prefix + key
        for _ in range(2):  # twice, because the object may have been put in between
            try:
                return await self._fs._request(method, "b/{}/o/{}", self._bucket, name, headers=headers, alt=alt)
            except FileNotFoundError as error:
                if f"No such object: {self._bucket}/{name}" in str(error):
                    return None
                listed = (await self._page(name, size=1)).get("items", ())
                if not any(entry["name"] == name for entry in listed):
                    return None
        raise foreign_answer(_STORE, f"a {method}", f"its status is 404, but the bucket lists the object {name!r}")


def _listed(entry: Entry) -> tuple[str, str | None, float | None]:
    made = entry.get("timeCreated")  # of this generation
    return entry["name"], entry.get("generation"), None if made is None else datetime.fromisoformat(made).timestamp()


async def _resource(call: str, request: Coroutine[Any, Any, Answer], kind: str) -> Any:
    """Return the JSON of the answer to *call*, a resource of *kind* as the service's documentation describes it."""
    status, _, _, body = await request
    if status != 200:  # gcsfs takes every status below 400 for success
        raise foreign_answer(_STORE, call, f"its status is {status}")
    resource: Any = None
    try:
        resource = json.loads(body)
        found = resource["kind"]
    except (ValueError, TypeError, KeyError):
        found = None
    if found != kind:
        raise foreign_answer(_STORE, call, f"it is not a resource of kind {kind!r}")
    return resource


def _whole_size(headers: Mapping[str, str]) -> int:
    """Return the size of the whole object, from the *headers* of an answer that has a range of it."""
    size = headers.get("Content-Range", "").rpartition("/")[2]
    if not size.isdecimal():
        raise foreign_answer(_STORE, "a GET", "it is a range without a Content-Range")
    return int(size)


async def _raise_for_404(response: ClientResponse) -> None:
    """Raise `FileNotFoundError` with the text of a 404, which gcsfs itself would drop."""
    if response.status == 404:
        raise FileNotFoundError(await response.text(errors="replace"))


def tracker_over(fs: AbstractFileSystem, root: str, max_concurrency: int) -> ResultTracker:
    """Return the tracker in the folder *root* of *fs*."""
    assert isinstance(fs, gcsfs.core.GCSFileSystem)
    login = fs.credentials.credentials or "anon"  # the login that was found: another search may take seconds
    session = {"raise_for_status": _raise_for_404, **fs.session_kwargs}
    options: dict[str, Any] = {**fs.storage_options, "project": fs.project, "token": login, "session_kwargs": session}
    return GcsfsResultTracker(instance_beside(fs, options), root, max_concurrency)
