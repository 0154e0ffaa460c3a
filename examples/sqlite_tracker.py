"""A tracker on the standard library's sqlite3: four primitives, and all rules and calls of `ResultTracker`.

Each row of a table is one result. Every call opens the database anew, so threads can share a tracker, and it can be
forked and pickled. SQLite's locks coordinate the processes. Try it; the second call may be in another process:

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
    """Stores results in the table ``results`` of the SQLite database *path*; creates the file if it is missing."""

    max_concurrency = 1  # SQLite has one writer at a time

    def __init__(self, path: str) -> None:
        self._path = path
        self._run(_TABLE)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._path!r})"

    def _run(self, statement: str, *parameters: object) -> tuple[list[Any], int]:
        """Run one *statement* in its own transaction; return its rows and the number of rows that it changed."""
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

    def _list(self, prefix: str) -> Iterator[str]:  # lists all keys; the caller selects by prefix
        last = ""
        while rows := self._run(_LIST, last)[0]:  # in pages, so that no transaction is open between them
            for (last,) in rows:
                yield last
