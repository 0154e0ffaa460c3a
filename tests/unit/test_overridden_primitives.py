"""A subclass that overrides one primitive: no call goes past it."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pyarrow
import pytest

from tests.trackers import DictTracker, versions_of
from typedtrack import FsspecResultTracker, ResultTracker, open_tracker, record
from typedtrack._tracker.backend import Backend, Listed, Read
from typedtrack.backends.adlfs import AdlfsResultTracker
from typedtrack.backends.archive import ArchiveResultTracker
from typedtrack.backends.asynchronous import AsyncResultTracker
from typedtrack.backends.gcsfs import GcsfsResultTracker
from typedtrack.backends.http import HttpResultTracker
from typedtrack.backends.local import LocalResultTracker
from typedtrack.backends.memory import MemoryResultTracker
from typedtrack.backends.obstore import ObstoreResultTracker
from typedtrack.backends.other import OtherResultTracker
from typedtrack.backends.s3fs import S3fsResultTracker
from typedtrack.backends.sftp.tracker import SftpResultTracker

T = TypeVar("T")

BACKENDS = [
    *(AdlfsResultTracker, ArchiveResultTracker, FsspecResultTracker, GcsfsResultTracker, HttpResultTracker),
    *(LocalResultTracker, MemoryResultTracker, ObstoreResultTracker, OtherResultTracker, S3fsResultTracker),
    SftpResultTracker,
]


@record
class X:
    """A record of one field."""

    x: int


class Hiding:
    """Hides the keys below ``private``."""

    def _list(self, prefix: str) -> Iterator[str]:
        base: Any = super()
        return (key for key in base._list(prefix) if not key.startswith("private"))


class HidingLocal(Hiding, LocalResultTracker):
    """On a local disk."""


class HidingFsspec(Hiding, FsspecResultTracker):
    """On any base."""


class HidingArchive(Hiding, ArchiveResultTracker):
    """An archive that hides keys."""


class HidingDict(Hiding, DictTracker):
    """On a backend of a user."""


class HidingMore(HidingLocal):
    """A subclass that overrides another method."""

    def _delete(self, key: str) -> None:
        raise NotImplementedError


class Versioned(HidingLocal):
    """A subclass with versions of its own."""

    def _list_details(self, prefix: str) -> Iterator[Listed]:
        return ((key, "1", None) for key in self._list(prefix))


def trackers(folder: Path) -> Iterator[ResultTracker]:
    """Yield trackers of all these classes with two results, one of them hidden."""
    local, archive = str(folder / "base"), str(folder / "sweep.ndjson")
    for tracker in (
        *(HidingLocal(local), HidingMore(local), Versioned(local), HidingDict()),
        *(HidingFsspec(local), HidingFsspec(f"memory://{uuid.uuid4()}")),
    ):
        tracker.put_many({"a": {"x": 1}, "private/b": {"x": 2}})
        yield tracker
    open_tracker(local).archive(archive)
    yield HidingArchive(archive)


def test_no_call_shows_a_hidden_result(tmp_path: Path) -> None:
    """Neither a table, with a cache or without, nor a deletion by age, nor an archive of an archive."""
    for number, tracker in enumerate(trackers(tmp_path)):
        assert list(tracker.items()) == [("a", {"x": 1})]
        cache = tmp_path / f"{number}.parquet"
        for _ in range(2):
            assert pyarrow.table(tracker.frame(cache=cache)).to_pylist() == [{"key": "a", "x": 1}]
        assert list(versions_of(tracker)) == ["a"]
        assert tracker.archive(tmp_path / "again.ndjson") == 1


class Disordered(DictTracker):
    """A backend of a user whose batch API answers in another order."""

    def _read_many(self, keys: Iterable[str]) -> Iterator[tuple[str, Read]]:
        return super()._read_many(reversed([*keys]))


class Forgetful(DictTracker):
    """A backend of a user whose batch API leaves out the last key."""

    def _read_many(self, keys: Iterable[str]) -> Iterator[tuple[str, Read]]:
        return super()._read_many([*keys][:-1])


class Viewing(DictTracker):
    """A backend of a user whose client returns other types than `bytes`, as psycopg2 does."""

    def _read(self, key: str, limit: int) -> Any:
        data = super()._read(key, limit)
        return None if data is None else memoryview(data)


@pytest.mark.parametrize(
    ("backend", "error", "reason"),
    [
        (Disordered, RuntimeError, "_read_many.* 'b' where 'a' was to come"),
        (Forgetful, RuntimeError, "_read_many.* nothing where 'b' was to come"),
        (Viewing, TypeError, "read a memoryview under key 'a', not bytes"),
    ],
)
def test_a_backend_that_reads_otherwise_than_it_must_is_told(
    backend: type[DictTracker], error: type[Exception], reason: str
) -> None:
    """No call yields a result under another key, leaves one out, or yields what is none."""
    tracker = backend()
    tracker.put_many({"a": {"x": 1}, "b": {"x": 2}})
    for call in (tracker.items, tracker.failures, tracker.typed(X).items):
        with pytest.raises(error, match=reason):
            list(call())
    for frame in (tracker.frame(), tracker.typed(X).frame()):
        with pytest.raises(error, match=reason):
            pyarrow.table(frame)


class Upper:
    """Stores texts in capitals, and reads them in small letters."""

    def _read(self, key: str, limit: int) -> bytes | None:
        base: Any = super()
        data: bytes | None = base._read(key, limit)
        return None if data is None else data.lower()

    def _write(self, key: str, data: bytes, *, exclusive: bool = False) -> None:
        base: Any = super()
        base._write(key, data.upper(), exclusive=exclusive)


class UpperFsspec(Upper, FsspecResultTracker):
    """On any base."""


class UpperLocal(Upper, LocalResultTracker):
    """On a local disk."""


class LowerArchive(Upper, ArchiveResultTracker):  # type: ignore[misc]  # an archive never returns from a write
    """An archive whose texts are read in small letters."""


def test_every_call_reads_and_writes_by_the_primitives_of_the_subclass(tmp_path: Path) -> None:
    """Its `put_many` stores nothing that its `_write` has not seen, and no bulk call reads past its `_read`."""
    base = tmp_path / "base"
    for number, tracker in enumerate((UpperFsspec(base), UpperLocal(base), UpperFsspec(f"memory://{uuid.uuid4()}"))):
        tracker.put_many({"a": {"x": "one"}, "b": {"x": "two"}})
        assert tracker.get_many(["a"]) == {"a": {"x": "one"}}
        assert dict(tracker.wait_all(["a", "b"])) == dict(tracker.items()) == {"a": {"x": "one"}, "b": {"x": "two"}}
        frame = tracker.frame(cache=tmp_path / f"{number}.parquet")
        assert sorted(pyarrow.table(frame)["x"].to_pylist()) == ["one", "two"]
    assert open_tracker(base).get("a") == {"X": "ONE"}
    open_tracker(base).archive(tmp_path / "sweep.ndjson")
    assert dict(LowerArchive(tmp_path / "sweep.ndjson").items()) == {"a": {"x": "one"}, "b": {"x": "two"}}


def test_a_bulk_call_by_overridden_primitives_makes_one_call_at_a_time_where_the_client_needs_it() -> None:
    """A filesystem that the table does not list may not be safe to call from several threads."""
    tracker = UpperFsspec(f"memory://{uuid.uuid4()}")
    threads: set[int] = set()

    def seen(key: str, limit: int) -> bytes:
        threads.add(threading.get_ident())
        return b'{"X": 1}'

    backend = tracker._backend
    assert backend.max_concurrency == 1 < tracker.max_concurrency
    backend._read = seen  # type: ignore[method-assign]  # a client that is not thread-safe
    assert len(tracker.get_many(map(str, range(9)))) == 9
    assert threads == {threading.get_ident()}


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_subclass_of_any_backend_makes_every_call_by_its_own_primitives(backend: type[ResultTracker]) -> None:
    """The backend's other listings are for its own `_list`; its bulk reads and writes are for its own primitives."""
    hiding: Any = type("Hiding", (Hiding, backend), {})
    assert hiding._list_details is Backend._list_details
    assert hiding._list_contents is Backend._list_contents
    reading: Any = type("Reading", (Upper, backend), {})
    assert reading._read_many is Backend._read_many
    assert reading._write_many is Backend._write_many
    assert reading._list_contents is Backend._list_contents
    assert reading._list_details is backend._list_details
    plain: Any = type("Plain", (backend,), {"_delete": None})
    assert plain._read_many is backend._read_many
    assert plain._write_many is backend._write_many
    assert plain._list_details is backend._list_details
    assert plain._list_contents is backend._list_contents


class Scanning(DictTracker):
    """A backend of a user whose own method has the name that archives once had for theirs."""

    def _scan(self, table: str) -> list[str]:
        raise NotImplementedError


class WithContents(DictTracker):
    """A backend of a user whose listing has the contents."""

    def _read(self, key: str, limit: int) -> bytes | None:
        raise NotImplementedError

    def _list_contents(
        self, prefix: str, decode: Callable[[bytes], list[tuple[str, T]] | None] | None = None
    ) -> Iterator[list[tuple[str, bytes]]]:
        self._fail(prefix)
        yield from ([], [*self.stored.items()])


def test_a_method_of_another_name_is_not_asked_for_contents() -> None:
    """Bulk calls, tables and archives read key by key where the backend has a method for scans of its own."""
    tracker = Scanning()
    tracker.put_many({"a": {"x": 1}, "b": {"x": 2}})
    tracker.fail("c", "out of memory")
    assert dict(tracker.items()) == {"a": {"x": 1}, "b": {"x": 2}}
    assert dict(tracker.typed(X).items()) == {"a": X(x=1), "b": X(x=2)}
    assert [key for key, _ in tracker.failures()] == ["c"]
    assert pyarrow.table(tracker.frame()).num_rows == 2


def test_a_listing_with_contents_serves_every_bulk_call() -> None:
    """No key is read by itself, under either face and in a table."""
    tracker = WithContents()
    tracker.put_many({"a": {"x": 1}, "b": {"x": 2}})
    tracker.fail("c", "out of memory")
    view = tracker.typed(X)
    assert dict(tracker.items()) == {"a": {"x": 1}, "b": {"x": 2}}
    assert dict(view.items()) == {"a": X(x=1), "b": X(x=2)}
    assert dict(view.items("b")) == {"b": X(x=2)}
    assert [key for key, _ in tracker.failures()] == ["c"]
    for frame in (tracker.frame(), view.frame()):
        assert pyarrow.table(frame).to_pylist() == [{"key": "a", "x": 1}, {"key": "b", "x": 2}]


def test_the_error_of_a_listing_with_contents_names_the_operation() -> None:
    """As that of a plain listing does, and a bare `KeyError` never leaves the call."""
    tracker = WithContents()
    tracker.faults = {"": PermissionError("refused"), "a": KeyError("ContentLength")}
    for call in (tracker.items, tracker.failures, lambda: pyarrow.table(tracker.frame()).to_pylist()):
        with pytest.raises(PermissionError) as caught:
            list(call())
        assert "typedtrack: list DictTracker()['']" in caught.value.__notes__
        caught.value.__notes__.clear()
    with pytest.raises(RuntimeError, match="which says nothing about the key"):
        list(tracker.items("a"))


@pytest.mark.parametrize("backend", [S3fsResultTracker, SftpResultTracker], ids=lambda backend: backend.__name__)
def test_a_backend_that_overrides_a_primitive_keeps_its_bulk_calls(backend: type[Backend]) -> None:
    """They are those of the event loop, not calls of `_read` and `_write` in threads."""
    assert vars(backend)["_write_many"] is AsyncResultTracker._write_many
    assert backend._read_many is AsyncResultTracker._read_many
