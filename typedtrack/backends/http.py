"""Results on a web server, through fsspec's HTTP filesystem.

Its paths are URLs, so each key is quoted in them, and the names in a listing, which are links of an index page, are
unquoted. A server may answer for a folder by its index page; that is not a result.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, unquote

from fsspec.asyn import sync

from typedtrack._tracker.untyped import ResultTracker
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

    def _check_writable(self, key: str) -> None:
        remedy = "a web server has no atomic create; use the base that it serves, or another store"
        raise UnsupportedOperationError("storing a failure", repr(self), remedy)

    def _is_folder(self, key: str) -> bool:
        """Return whether the server leads from *key* to the index page of a folder, whose URL ends in a slash."""
        try:
            return self._fs.info(self._path(key)).get("url", "").endswith("/")
        except FileNotFoundError:  # removed since, or the server refuses the request
            return False


def read_at_most(fs: AbstractFileSystem, url: str, limit: int, headers: Mapping[str, str], **options: object) -> bytes:
    """Return the first *limit* bytes at *url*, by one request with these *headers*, and read no more than that.

    fsspec's ``cat_file`` reads all that a server sends, and many servers ignore the range that is asked for.
    """
    client: Any = fs  # `HTTPFileSystem`, or a class like it
    request: dict[str, Any] = {**client.kwargs, **options}  # the options that the user gives for every request
    request["headers"] = {**client.kwargs.get("headers", {}), **headers}

    async def read() -> bytes:
        session = await client.set_session()
        async with session.get(client.encode_url(url), **request) as answer:
            client._raise_not_found_for_status(answer, url)
            data = bytearray()
            while len(data) < limit and (more := await answer.content.read(limit - len(data))):
                data += more
            return bytes(data)

    return sync(client.loop, read)


def tracker_over(fs: AbstractFileSystem, root: str, max_concurrency: int) -> ResultTracker:
    """Return the tracker below the URL *root* on the server of *fs*."""
    return HttpResultTracker(fs, root)
