"""A tracker on the standard library's sqlite3: the four primitives, and every rule and call of `ResultTracker`.

One row of one table is one result. Every call opens the database anew, so a tracker is shared by threads, forked and
pickled freely, and SQLite's own locks keep processes apart. Try it (the second line may run in another process):

>>> import tempfile
>>> database = tempfile.mkdtemp() + "/results.sqlite"
>>> SqliteResultTracker(database)["app1_out"] = {"accuracy": 0.93}
>>> SqliteResultTracker(database)["app1_out"]["accuracy"]
0.93
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

from typedtrack import ResultTracker

_TABLE = "CREATE TABLE IF NOT EXISTS results (key TEXT PRIMARY KEY, data BLOB NOT NULL)"
_READ = "SELECT coalesce(substr(data, 1, ?), x'') FROM results WHERE key = ?"
_PUT = "INSERT INTO results VALUES (?, ?) ON CONFLICT DO UPDATE SET data = excluded.data"
_CREATE = "INSERT INTO results VALUES (?, ?) ON CONFLICT DO NOTHING"
_DELETE = "DELETE FROM results WHERE key = ?"
_LIST = "SELECT key FROM results WHERE key > ? ORDER BY key LIMIT 1000"


class SqliteResultTracker(ResultTracker):
    """Results in the table ``results`` of the SQLite database *path*, a file that is made if it is not there."""

    max_concurrency = 1  # SQLite has one writer at a time

    def __init__(self, path: str) -> None:
        self._path = path
        self._run(_TABLE)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._path!r})"

    def _run(self, statement: str, *parameters: object) -> tuple[list[Any], int]:
        """Run one *statement*, a transaction of its own; return its rows and how many rows it changed."""
        with closing(sqlite3.connect(self._path, timeout=60, isolation_level=None)) as database:
            cursor = database.execute(statement, parameters)
            return cursor.fetchall(), cursor.rowcount

    def _read(self, key: str, limit: int) -> bytes | None:
        rows, _ = self._run(_READ, limit, key)
        return rows[0][0] if rows else None

    def _write(self, key: str, data: bytes, *, exclusive: bool = False) -> None:
        _, written = self._run(_CREATE if exclusive else _PUT, key, data)
        if not written:
            raise FileExistsError(key)

    def _delete(self, key: str) -> None:
        _, deleted = self._run(_DELETE, key)
        if not deleted:
            raise FileNotFoundError(key)

    def _list(self, prefix: str) -> Iterator[str]:  # all keys: what is not at or below the prefix is dropped
        last = ""
        while rows := self._run(_LIST, last)[0]:  # by pages: no transaction stays open while the caller takes its time
            for (last,) in rows:
                yield last
