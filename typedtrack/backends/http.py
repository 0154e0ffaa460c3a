"""Results on a web server, through fsspec's HTTP filesystem.

Its paths are URLs, so each key is quoted in them, and the names in a listing, which are links of an index page, are
unquoted. A server may answer for a folder by its index page; that is not a result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote

from typedtrack._tracker.untyped import ResultTracker
from typedtrack.backends.other import OtherResultTracker
from typedtrack.errors import UnsupportedOperationError

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

__all__ = ["HttpResultTracker", "tracker_over"]

_PAGE_START: Final = 512  # bytes: enough to see whether an answer is a web page


class HttpResultTracker(OtherResultTracker):
    """Results below the URL *root* on the web server of *fs*."""

    def _path(self, key: str) -> str:
        return f"{self._root}/{quote(key)}"

    def _key(self, path: str) -> str | None:
        link = path.removeprefix(self._root).lstrip("/")
        return None if "?" in link or "#" in link else unquote(link)  # a link of the index page to itself

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


def tracker_over(fs: AbstractFileSystem, root: str, max_concurrency: int) -> ResultTracker:
    """Return the tracker below the URL *root* on the server of *fs*."""
    return HttpResultTracker(fs, root)
