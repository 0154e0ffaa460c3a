"""Results on a web server, through fsspec's HTTP filesystem.

Its paths are URLs, so each key is quoted in them. The names in a listing are links of an index page, and are unquoted.
For a folder, a server may send its index page; that is not a result.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, unquote

from fsspec.asyn import sync

from typedtrack._tracker.untyped import ResultTracker
from typedtrack.backends.answers import foreign_answer
from typedtrack.backends.other import OtherResultTracker
from typedtrack.errors import UnsupportedOperationError

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

__all__ = ["HttpResultTracker", "read_at_most", "tracker_over"]

_PAGE_START: Final = 512  # bytes: enough to see whether an answer is a web page


class HttpResultTracker(OtherResultTracker):
    """Results below the URL *root* on the web server of *fs*."""

    def _path(self, key: str) -> str:
        return f"{self._root}/{quote(key)}"

    def _key(self, path: str) -> str | None:
        link = path.removeprefix(self._root).lstrip("/")
        return None if "?" in link or "#" in link else unquote(link)  # a link of the index page to itself

    def _contents(self, path: str, limit: int) -> bytes:
        return read_at_most(self._fs, path, limit, {"Range": f"bytes=0-{limit - 1}"})

    def _read(self, key: str, limit: int) -> bytes | None:
        data = super()._read(key, max(limit, _PAGE_START))
        if data is not None and data.lstrip().startswith(b"<") and self._is_folder(key):
            return None
        return None if data is None else data[:limit]

    def _store(self, path: str, data: bytes) -> None:
        put_whole(self._fs, path, data)

    def _check_writable(self, key: str) -> None:
        remedy = "a web server has no atomic create; use the base that it serves, or another store"
        raise UnsupportedOperationError("storing a failure", repr(self), remedy)

    def _is_folder(self, key: str) -> bool:
        """Return whether the server redirects *key* to the index page of a folder: to the same URL with a ``/``.

        A redirect to another page, such as one for a login, does not confirm that nothing is stored.
        """
        try:
            return unquote(self._fs.info(self._path(key)).get("url", "")).endswith(f"/{key}/")
        except FileNotFoundError:  # removed since, or the server refuses the request
            return False


def read_at_most(fs: AbstractFileSystem, url: str, limit: int, headers: Mapping[str, str], **options: object) -> bytes:
    """Return the first *limit* bytes at *url*, by one request with these *headers*, and read no more than that.

    fsspec's ``cat_file`` reads all that a server sends, and many servers ignore the range that is asked for.

    Raises:
        FileNotFoundError: the status of the answer is 404.
        ConnectionError: the answer is not the stored file.
    """
    client: Any = fs  # `HTTPFileSystem`, or a class like it
    request: dict[str, Any] = {**client.kwargs, **options}  # the options that the user gives for every request
    request["headers"] = {**client.kwargs.get("headers", {}), **headers}

    async def read() -> bytes:
        session = await client.set_session()
        async with session.get(client.encode_url(url), **request) as answer:
            client._raise_not_found_for_status(answer, url)
            _check_answer(answer.status, answer.headers.get("Content-Range", ""), asked_for_range="Range" in headers)
            data = bytearray()
            while len(data) < limit and (more := await answer.content.read(limit - len(data))):
                data += more
            return bytes(data)

    return sync(client.loop, read)


def put_whole(fs: AbstractFileSystem, url: str, data: bytes) -> None:
    """Store *data* at *url* by one PUT.

    fsspec's ``pipe_file`` leaves out the headers that the user gives, and takes the page behind a redirect for success.

    Raises:
        ConnectionError: the answer does not say that the file is stored.
    """
    client: Any = fs  # as above

    async def put() -> tuple[str, int]:
        session = await client.set_session()
        async with session.put(client.encode_url(url), data=data, **client.kwargs) as answer:
            answer.raise_for_status()
            return answer.method, answer.status

    method, status = sync(client.loop, put)
    if method != "PUT":
        raise foreign_answer("a web server", "a put", "it redirects the put to another page")
    if status not in (200, 201, 204):
        raise foreign_answer("a web server", "a put", f"its status is {status}, not 200, 201 or 204")


def _check_answer(status: int, content_range: str, *, asked_for_range: bool) -> None:
    """Check that the body of an answer is the stored file, or its first bytes if these were asked for.

    Raises:
        ConnectionError: it is not.
    """
    if status == 206 and asked_for_range:
        if not content_range.startswith("bytes 0-"):
            raise foreign_answer("a web server", "a get", "it is not the range from the first byte on")
    elif status != 200:  # such as 202, 204, or a redirect to nowhere
        raise foreign_answer("a web server", "a get", f"its status is {status}, not 200")


def tracker_over(fs: AbstractFileSystem, root: str, max_concurrency: int) -> ResultTracker:
    """Return the tracker below the URL *root* on the server of *fs*."""
    return HttpResultTracker(fs, root)
