"""Helpers for tests: a tracker on a plain dict, and exact comparisons of results and folders."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

from typedtrack import ResultTracker
from typedtrack.testing.exactness import exact, exact_all

__all__ = ["DictTracker", "exact", "exact_all", "snapshot", "times_of", "versions_of"]


class DictTracker(ResultTracker):
    """A tracker on a dict. It counts its reads, and `failures` maps a key to the error of each call on it."""

    def __init__(self, max_concurrency: int = 4) -> None:
        self.max_concurrency = max_concurrency
        self.stored: dict[str, bytes] = {}
        self.faults: dict[str, Exception] = {}
        self.reads = 0
        self._counting = threading.Lock()

    def __repr__(self) -> str:
        return "DictTracker()"

    def _fail(self, key: str) -> None:
        if key in self.faults:
            raise self.faults[key]

    def _read(self, key: str, limit: int) -> bytes | None:
        self._fail(key)
        with self._counting:
            self.reads += 1
        data = self.stored.get(key)
        return None if data is None else data[:limit]

    def _write(self, key: str, data: bytes, *, exclusive: bool = False) -> None:
        self._fail(key)
        if exclusive and self.stored.setdefault(key, data) is not data:
            raise FileExistsError(key)
        self.stored[key] = data

    def _delete(self, key: str) -> None:
        self._fail(key)
        if self.stored.pop(key, None) is None:
            raise FileNotFoundError(key)

    def _list(self, prefix: str) -> Iterator[str]:
        self._fail(prefix)
        return iter(list(self.stored))


def snapshot(folder: Path) -> dict[str, bytes | None]:
    """Return each path below *folder*, hidden ones too, with its content, or `None` where it is not a file."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def versions_of(tracker: ResultTracker, prefix: str = "") -> dict[str, str | None]:
    """Return the keys that a listing of *tracker* shows, with their versions."""
    return {key: version for key, version, _ in tracker._list_details(prefix)}


def times_of(tracker: ResultTracker, prefix: str = "") -> dict[str, float | None]:
    """Return the keys that a listing of *tracker* shows, with their times in seconds since the epoch."""
    return {key: time for key, _, time in tracker._list_details(prefix)}
