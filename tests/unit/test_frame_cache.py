"""The cache of a frame: it reads only what changed, and is never trusted over the store."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import polars
import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from typedtrack import (
    BulkError,
    Frame,
    KeyTemplate,
    Result,
    ResultTracker,
    SchemaMismatchError,
    Stat,
    key,
    open_tracker,
    record,
)
from typedtrack._tracker.backend import Listed
from typedtrack.backends.local import listing
from typedtrack.frame import cache as cache_module
from typedtrack.frame import cache_file as file_module
from typedtrack.frame.cache_file import CacheFile
from typedtrack.testing import results

AGE = 3_000_000_000  # nanoseconds after which the time of a file tells it apart
FAILED = "failed"


@key("{model}/seed_{seed}")
class RunKey(KeyTemplate):
    """A key with a text and a number."""

    model: str
    seed: int


@pytest.fixture(autouse=True)
def aged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every file be old enough to be told apart."""
    monkeypatch.setattr(listing, "time", SimpleNamespace(time_ns=lambda: time.time_ns() + AGE))


@pytest.fixture
def tracker(tmp_path: Path) -> ResultTracker:
    """Return a tracker on an empty local base."""
    return open_tracker(tmp_path / "base")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a cache."""
    return tmp_path / "cache.parquet"


@pytest.fixture
def reads(tracker: ResultTracker, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the keys that are read, in a list that grows."""
    return watched(tracker, monkeypatch)


def watched(tracker: ResultTracker, patch: pytest.MonkeyPatch) -> list[str]:
    """Return a list to which each read of *tracker* appends its key."""
    found: list[str] = []
    read = tracker._read

    def noted(text: str, limit: int) -> bytes | None:
        found.append(text)
        return read(text, limit)

    patch.setattr(tracker, "_read", noted)
    return found


def table_of(frame: Frame) -> tuple[dict[str, str], list[str]]:
    """Return the types of the columns of *frame* and its rows, in no order, as text that tells NaN and -0.0 apart."""
    table = pyarrow.table(frame)
    types = {name: str(table.schema.field(name).type) for name in table.column_names}
    return types, sorted(repr(sorted(row.items())) for row in table.to_pylist())


def outcome_of(frame: Frame) -> object:
    """Return the table of *frame*, or the problems that make it none."""
    try:
        return table_of(frame)
    except SchemaMismatchError as error:
        return {problem.field for problem in error.problems}


class Clock:
    """A clock that a test sets, and files whose numbers are used again, as a file system has them."""

    def __init__(self, tick: int) -> None:
        self.now = 10**18
        self._tick = tick
        self._phase = 0
        self._jumps = 0
        self._files: dict[str, SimpleNamespace] = {}

    def time_ns(self) -> int:
        """Return the time."""
        return self.now

    def jump(self, nanoseconds: int) -> None:
        """Set the clock to another time; the ticks do not fall on the same nanoseconds as before."""
        self._jumps += 1
        self.now += nanoseconds
        self._phase = 1_009 * self._jumps

    def put(self, path: str, size: int) -> None:
        """Replace the file at *path* by a new one with the lowest free number, dated by the last tick."""
        used = {file.st_ino for file in self._files.values()}
        number = next(number for number in range(len(used) + 1) if number not in used)
        dated = self._phase + (self.now - self._phase) // self._tick * self._tick
        self._files[path] = SimpleNamespace(st_ino=number, st_size=size, st_ctime_ns=dated, st_mtime=0.0)

    def delete(self, path: str) -> None:
        """Delete the file at *path*."""
        del self._files[path]

    def stat(self, path: str) -> SimpleNamespace:
        """Return the status of the file at *path*."""
        return self._files[path]


KEYS = st.sampled_from(["a", "b", "c/d", "c/e"])
VALUES = st.sampled_from([1, 2, 3, 4, 0.5, 1.5, "x", "y", 2**63, 2**64 - 1, -1])  # many of the same size


class CacheMachine(RuleBasedStateMachine):
    """Puts, deletes, failures, clock jumps and renewals; the model is a dictionary of what is stored."""

    url: ClassVar[str | None] = None
    tick: ClassVar[int] = 4_000_000
    jumps: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.patch = pytest.MonkeyPatch()
        self.clock = Clock(self.tick)
        self.base = f"{self.folder.name}/base"
        self.tracker = open_tracker(self.url or self.base)
        for there in list(self.tracker):
            del self.tracker[there]
        self.cache = f"{self.folder.name}/cache.parquet"
        self.model: dict[str, Result | str] = {}
        self.number = 0
        self.numbers: dict[str, int] = {}
        self.known: dict[str, int] = {}  # the puts that the cache may know
        details_of: Any = listing.details_of  # Any, because the clock's files have only what it looks at

        def details(text: str) -> tuple[str | None, float]:
            found: tuple[str | None, float] = details_of(lambda: self.clock.stat(text))
            return found

        def details_by_clock(stat_file: Callable[[], os.stat_result]) -> tuple[str | None, float]:
            number = stat_file().st_ino
            paths = (path for path in Path(self.base).rglob("*") if path.stat().st_ino == number)
            return details(str(next(paths).relative_to(self.base)))

        self.details = details
        self.patch.setattr(listing, "time", self.clock)
        self.patch.setattr(listing, "details_of", details_by_clock)
        self.reads = watched(self.tracker, self.patch)

    def teardown(self) -> None:
        """Remove the base and the cache."""
        self.patch.undo()
        self.folder.cleanup()

    def stored(self, text: str, result: Result | str) -> None:
        """Note that *result* is stored under the key *text*."""
        self.model[text] = result
        self.number += 1
        self.numbers[text] = self.number
        self.clock.put(text, len(self.tracker.get_bytes(text) or b""))

    @rule(text=KEYS, value=VALUES, times=st.integers(1, 3))
    def put(self, text: str, value: float | str, times: int) -> None:
        """Put a result, perhaps again and again within one tick: the last may have the number of the first file."""
        for _ in range(times):
            result: Result = {"x": value} if text != "c/e" else {"y": value}
            self.tracker.put(text, result)
            self.stored(text, result)

    @rule(text=KEYS)
    def delete(self, text: str) -> None:
        """Delete a result."""
        if self.model.pop(text, None) is not None:
            del self.tracker[text]
            del self.numbers[text]
            self.clock.delete(text)

    @rule(text=KEYS)
    def fail(self, text: str) -> None:
        """Store a failure where nothing is."""
        if text not in self.model:
            self.tracker.fail(text, "out of memory")
            self.stored(text, FAILED)

    @rule(nanoseconds=st.sampled_from([1_000, 4_000_000, 100_000_000, 5_000_000_000]))
    def advance(self, nanoseconds: int) -> None:
        """Let time pass."""
        self.clock.now += nanoseconds

    @rule(nanoseconds=st.sampled_from([-3_600_000_000_007, -4_000_003, 4_000_001, 3_600_000_000_003]))
    def jump(self, nanoseconds: int) -> None:
        """Set the clock."""
        if self.jumps:
            self.clock.jump(nanoseconds)

    @rule(text=KEYS, value=VALUES)
    def renew_while_a_result_is_put(self, text: str, value: float | str) -> None:
        """A result that is put between the listing and the reads may be missing; the next renewal has it."""
        list_details = self.tracker._list_details

        def listed(prefix: str) -> Iterator[Listed]:
            found = list(list_details(prefix))
            self.tracker.put(text, x=value)
            return iter(found)

        self.known = self.trusted()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(self.tracker, "_list_details", listed)
            outcome_of(self.tracker.frame(cache=self.cache))
        self.stored(text, {"x": value})

    @rule()
    def renew(self) -> None:
        """The table has what is stored, and no result was read that the cache could know."""
        trusted = self.trusted()
        expected = sorted(
            text for text in self.model if text not in trusted or self.known.get(text) != self.numbers[text]
        )
        self.reads.clear()
        found = outcome_of(self.tracker.frame(cache=self.cache))
        assert self.url is not None or sorted(self.reads) == expected  # fsspec's memory is read by its backend
        self.known = trusted
        assert found == outcome_of(self.tracker.frame())
        if not isinstance(found, set):
            rows = [{"key": text, **result} for text, result in self.model.items() if isinstance(result, dict)]
            table: list[dict[str, Any]] = pyarrow.table(self.tracker.frame(cache=self.cache)).to_pylist()
            assert len(table) == len(rows)
            for row in table:
                assert {name: value for name, value in row.items() if value is not None} in rows

    def trusted(self) -> dict[str, int]:
        """Return the puts that a listing now tells apart from all others."""
        if self.url is not None:
            return {}
        return {text: self.numbers[text] for text in self.model if self.details(text)[0] is not None}


class CoarseMachine(CacheMachine):
    """A file system that counts whole seconds."""

    tick = 1_000_000_000
    jumps = False


class MemoryMachine(CacheMachine):
    """A store whose listings have no versions: everything is read again."""

    url: ClassVar[str | None] = "memory://frames/cache"


SHORT = settings(max_examples=30, stateful_step_count=20, deadline=None)
TestCacheMachine = CacheMachine.TestCase
TestCacheMachine.settings = SHORT
TestCoarseMachine = CoarseMachine.TestCase
TestCoarseMachine.settings = SHORT
TestMemoryMachine = MemoryMachine.TestCase
TestMemoryMachine.settings = SHORT


@given(
    st.dictionaries(st.sampled_from("abcd"), results(), max_size=4),
    st.dictionaries(st.sampled_from("abcd"), results() | st.none(), max_size=4),
)
def test_a_table_from_a_cache_equals_the_stored_results(first: dict[str, Result], then: dict[str, Any]) -> None:
    """Values and types are equal, whichever rows came from the cache: null, NaN, -0.0 and large ints too."""
    with tempfile.TemporaryDirectory() as folder:
        tracker = open_tracker(f"{folder}/base")
        frame = tracker.frame(cache=f"{folder}/cache.parquet")
        for changes in (first, then):
            for text, result in changes.items():
                if result is not None:
                    tracker[text] = result
                elif text in tracker:
                    del tracker[text]
            assert outcome_of(frame) == outcome_of(tracker.frame())
            assert outcome_of(frame) == outcome_of(tracker.frame())


@pytest.mark.parametrize(
    ("first", "then", "arrow"),
    [
        ({"a": 1, "b": 2**64 - 1}, {"b": 2}, "int64"),
        ({"a": -1, "b": 2}, {"b": 2**64 - 1}, "decimal128(20, 0)"),
        ({"a": 1, "b": 2}, {"b": 2**64 - 1}, "uint64"),
        ({"a": -1, "b": 2**64 - 1, "c": 1}, {"a": 1}, "uint64"),
        ({"a": 1, "b": 0.5}, {"b": 2}, "int64"),
    ],
)
def test_a_column_has_the_type_of_the_values_that_stay(
    tracker: ResultTracker, path: Path, first: dict[str, float], then: dict[str, float], arrow: str
) -> None:
    """A value that is replaced leaves no trace in the type."""
    frame = tracker.frame(cache=path)
    for changes in (first, then):
        tracker.put_many((text, {"x": value}) for text, value in changes.items())
        assert table_of(frame) == table_of(tracker.frame())
    assert table_of(frame)[0]["x"] == arrow


def test_only_changed_results_are_read(tracker: ResultTracker, path: Path, reads: list[str]) -> None:
    """This holds below a prefix, through a view, and for failures; a renewal without changes writes nothing."""
    view = tracker.typed(Stat, key=RunKey)
    view.put_many((RunKey("small", seed), Stat(mean=seed, sem=0.1)) for seed in range(5))
    tracker.put("other", x=1)
    tracker.fail("small/seed_7", "out of memory")
    frame = view.frame("small", cache=path)
    assert table_of(frame) == table_of(view.frame("small"))
    reads.clear()
    written = path.stat().st_mtime_ns
    assert len(table_of(frame)[1]) == 5
    assert reads == []
    assert path.stat().st_mtime_ns == written
    view[RunKey("small", 3)] = Stat(mean=-1.0, sem=0.1)
    del view[RunKey("small", 4)]
    view[RunKey("small", 9)] = Stat(mean=9.0, sem=0.1)
    table = table_of(frame)
    assert sorted(reads) == ["small/seed_3", "small/seed_9"]
    assert table == table_of(view.frame("small"))
    assert frame.schema == view.frame("small").schema


def test_unreadable_results_are_read_again_and_named_each_time(
    tracker: ResultTracker, path: Path, tmp_path: Path, reads: list[str]
) -> None:
    """A cache keeps failures, and no errors."""
    tracker.put("good", x=1)
    tracker.fail("failed", "out of memory")
    (tmp_path / "base" / "bad").write_text("{")
    for _ in range(2):
        with pytest.raises(BulkError, match="'bad'"):
            tracker.frame(cache=path).write(tmp_path / "table.parquet")
    with pytest.warns(UserWarning, match="'bad'"):
        assert len(table_of(tracker.frame(cache=path, on_error="warn"))[1]) == 1
    assert sorted(reads) == ["bad", "bad", "bad", "failed", "good"]
    tracker.put("bad", x=2)
    assert len(table_of(tracker.frame(cache=path))[1]) == 2


def test_a_page_is_made_from_the_cache(tracker: ResultTracker, path: Path, tmp_path: Path, reads: list[str]) -> None:
    """A page from the cache equals a page from the store."""
    pytest.importorskip("typedtrack.report.page")
    tracker.put_many({"a": {"x": 1, "n": 2**64 - 1}, "b": {"x": 0.5, "n": -1}})
    tracker.fail("failed", "out of memory")
    tracker.frame().report(tmp_path / "fresh.html")
    for _ in range(2):
        tracker.frame(cache=path).report(tmp_path / "cached.html")
    assert "Failed and left out: 1" in (tmp_path / "cached.html").read_text()
    assert len(reads) == 6
    assert (tmp_path / "cached.html").stat().st_size == (tmp_path / "fresh.html").stat().st_size


def test_parts_read_the_store(tracker: ResultTracker, path: Path) -> None:
    """They may be used on another machine, which has no cache."""
    tracker.put_many({"a": {"x": 1}, "b": {"x": 2**63}})
    parts = tracker.frame(cache=path).parts(2)
    assert [pyarrow.table(part).num_rows for part in parts] == [1, 1]
    assert str(pyarrow.table(parts[0]).schema.field("x").type) == "uint64"
    assert "cache.parquet" not in repr(vars(parts[0]))


def test_an_archive_needs_no_cache(tracker: ResultTracker, path: Path, tmp_path: Path) -> None:
    """A frame of an archive makes no cache, because an archive is one file that is read as a whole."""
    tracker.put("a", x=1)
    tracker.archive(tmp_path / "sweep.ndjson")
    assert len(table_of(open_tracker(tmp_path / "sweep.ndjson").frame(cache=path))[1]) == 1
    assert not path.exists()


def test_a_cache_is_a_local_file(tracker: ResultTracker, tmp_path: Path) -> None:
    """A URL is refused at once, and a folder or a missing one when it is used."""
    with pytest.raises(ValueError, match="is not a local path; a cache is a file on this machine"):
        tracker.frame(cache="s3://bucket/cache.parquet")
    with pytest.raises(IsADirectoryError):
        table_of(tracker.frame(cache=tmp_path))
    with pytest.raises(FileNotFoundError):
        table_of(tracker.typed(Stat).frame(cache=tmp_path / "missing" / "cache.parquet"))


@record
class Loss:
    """A record with a hook whose code changes."""

    lowest: ClassVar[float] = 0.0

    loss: float
    name: str | None = None

    def __attrs_post_init__(self) -> None:
        if self.loss < self.lowest:
            raise ValueError("loss is too low")


def test_a_cached_row_passes_the_hook_of_today(
    tracker: ResultTracker, path: Path, reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fingerprint of a record does not know its code."""
    tracker.put_many({"a": {"loss": 1.0}, "b": {"loss": 2.0}})
    frame = tracker.typed(Loss).frame(cache=path)
    assert len(table_of(frame)[1]) == 2
    assert table_of(frame) == table_of(tracker.typed(Loss).frame())
    monkeypatch.setattr(Loss, "lowest", 1.5)
    reads.clear()
    with pytest.warns(UserWarning, match="'a'"):
        assert len(table_of(tracker.typed(Loss).frame(cache=path, on_error="warn"))[1]) == 1
    assert reads == ["a"]
    monkeypatch.setattr(Loss, "lowest", 0.0)
    assert len(table_of(frame)[1]) == 2


@key("run_{key}")
class NamedKey(KeyTemplate):
    """A key whose one field has the name of the column of plain keys."""

    key: str


def test_a_field_of_a_key_may_be_named_key(tracker: ResultTracker, path: Path) -> None:
    """The column ``key`` is then that field, not the text of the key."""
    view = tracker.typed(Stat, key=NamedKey)
    view[NamedKey("x")] = Stat(mean=1.0, sem=0.0)
    for _ in range(2):
        assert pyarrow.table(view.frame(cache=path))["key"].to_pylist() == ["x"]


def other_base(tracker: ResultTracker, tmp_path: Path) -> Frame:
    """Return the frame of another base with the same keys."""
    other = open_tracker(tmp_path / "other")
    other.put("a/b", x=2)
    return other.frame(cache=tmp_path / "cache.parquet")


def other_prefix(tracker: ResultTracker, tmp_path: Path) -> Frame:
    """Return the frame of another prefix."""
    return tracker.frame("a", cache=tmp_path / "cache.parquet")


def other_record(tracker: ResultTracker, tmp_path: Path) -> Frame:
    """Return the frame of the same results as records."""

    @record
    class Reading:
        x: float

    return tracker.typed(Reading).frame(cache=tmp_path / "cache.parquet")


@pytest.mark.parametrize("change", [other_base, other_prefix, other_record])
def test_a_cache_of_another_frame_is_read_anew(
    tracker: ResultTracker, path: Path, tmp_path: Path, change: Callable[[ResultTracker, Path], Frame]
) -> None:
    """Its base, prefix and record are in the file."""
    tracker.put("a/b", x=1)
    tracker.put("c", x=1)
    table_of(tracker.frame(cache=path))
    frame = change(tracker, tmp_path)
    found = table_of(frame)
    os.remove(path)
    assert found == table_of(frame)
    assert len(table_of(tracker.frame(cache=path))[1]) == 2


def test_the_cache_of_another_release_is_read_anew(
    tracker: ResultTracker, path: Path, reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its format has another number."""
    tracker.put("a", x=1)
    with monkeypatch.context() as patch:
        patch.setattr(cache_module, "_FORMAT", 0)
        table_of(tracker.frame(cache=path))
    table_of(tracker.frame(cache=path))
    assert reads == ["a", "a"]


@pytest.mark.parametrize("content", [b"", b"PA", b"PAR1", b"PAR1\xff\xff\xff\xffPAR1", b"\0" * 5000])
def test_a_file_that_may_be_a_damaged_cache_is_replaced(tracker: ResultTracker, path: Path, content: bytes) -> None:
    """A frame reads all results, and writes a cache over the file."""
    tracker.put("a", x=1)
    path.write_bytes(content)
    assert len(table_of(tracker.frame(cache=path))[1]) == 1
    assert path.read_bytes()[:4] == b"PAR1"


def parquet(path: Path) -> bytes:
    """Return a table as another program writes it."""
    polars.DataFrame({"x": ["typedtrack"]}).write_parquet(path)
    return path.read_bytes()


def own_table(path: Path) -> bytes:
    """Return a table as `Frame.write` writes it."""
    tracker = open_tracker(f"{path.parent}/other")
    tracker.put("a", x="typedtrack")
    tracker.frame().write(path)
    return path.read_bytes()


@pytest.mark.parametrize(
    "content",
    [b"x", b"key,loss\na,1.0\n", b"\0" * 5000 + b"x", b"PARx" * 100, b"ARROW1\0\0", parquet, own_table],
    ids=["byte", "csv", "zeros", "text", "arrow", "parquet", "own table"],
)
def test_a_file_that_is_not_a_cache_is_kept(
    tracker: ResultTracker, tmp_path: Path, content: bytes | Callable[[Path], bytes]
) -> None:
    """The error names the file and the remedy."""
    tracker.put("a", x=1)
    path = tmp_path / "precious.parquet"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        content = content(path)
    for frame in (tracker.frame(cache=path), tracker.typed(Stat).frame(cache=path)):
        with pytest.raises(FileExistsError, match=r"not a cache.*another name, or delete it.*precious\.parquet"):
            table_of(frame)
        assert path.read_bytes() == content


@given(st.data())
def test_a_damaged_cache_is_read_anew(data: st.DataObject) -> None:
    """Whichever byte is changed, and wherever it ends."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cache.parquet"
        tracker = open_tracker(f"{folder}/base")
        tracker.put("a", x=1, y="text")
        frame = tracker.frame(cache=path)
        expected = table_of(frame)
        whole = path.read_bytes()
        at = data.draw(st.integers(0, len(whole) - 1))
        damaged = bytearray(whole)
        damaged[at] ^= data.draw(st.integers(1, 255))
        path.write_bytes(data.draw(st.sampled_from([bytes(damaged), whole[:at]])))
        assert CacheFile.open(str(path), "") is None
        assert table_of(frame) == expected
        assert path.read_bytes() == whole


def test_a_cache_with_two_rows_of_one_key_is_read_anew(
    tracker: ResultTracker, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A listing that shows a key twice must not leave them there."""
    tracker.put("a", x=1)
    list_details = tracker._list_details

    def listed_twice(prefix: str) -> list[Listed]:
        return [*list_details(prefix)] * 2

    with monkeypatch.context() as patch:
        patch.setattr(tracker, "_list_details", listed_twice)
        table_of(tracker.frame(cache=path))
    assert len(table_of(tracker.frame(cache=path))[1]) == 1


def test_an_error_while_a_cache_is_written_leaves_the_old_one(
    tracker: ResultTracker, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old cache stays, and no other file is left beside it."""
    tracker.put("a", x=1)
    frame = tracker.frame(cache=path)
    table_of(frame)
    before = path.read_bytes()
    tracker.put("b", x=2)

    def full(*_: object) -> bytes:
        raise OSError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(file_module, "_checksum", full)
        patch.setattr(file_module, "_is_sound", bool)  # which is true of a file
        with pytest.raises(OSError, match="no space left"):
            table_of(frame)
    assert path.read_bytes() == before
    assert sorted(path.parent.iterdir()) == [path.parent / "base", path]
    assert len(table_of(frame)[1]) == 2


KILLED = """
import os, signal, sys
from typedtrack import open_tracker
from typedtrack.frame import cache_file
cache_file._checksum = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
cache_file._is_sound = lambda _: True
open_tracker(sys.argv[1]).frame(cache=sys.argv[2]).schema
"""


def test_a_writer_that_is_killed_leaves_the_old_cache(tracker: ResultTracker, path: Path, tmp_path: Path) -> None:
    """The next renewal reads what changed since."""
    tracker.put("a", x=1)
    frame = tracker.frame(cache=path)
    table_of(frame)
    before = path.read_bytes()
    tracker.put("b", x=2)
    done = subprocess.run([sys.executable, "-c", KILLED, tmp_path / "base", path], check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.read_bytes() == before
    assert table_of(frame) == table_of(tracker.frame())


def renew_often(base: str, path: str, seed: int) -> bool:
    """Put results and renew the cache at *path*, again and again; return whether each table had what was put before."""
    tracker = open_tracker(base)
    frame = tracker.frame(cache=path)
    for number in range(10):
        tracker.put(f"{seed}/{number}", x=number, s=f"{seed}")
        rows = {row["key"]: row["x"] for row in pyarrow.table(frame).to_pylist()}
        if any(rows.get(f"{seed}/{before}") != before for before in range(number + 1)):
            return False
    return True


def test_two_processes_share_a_cache(tracker: ResultTracker, path: Path, tmp_path: Path) -> None:
    """Each has a whole table at any time, whichever of them wrote last."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(2) as pool:
        outcomes = pool.starmap(renew_often, [(str(tmp_path / "base"), str(path), seed) for seed in range(2)])
    assert outcomes == [True, True]
    assert table_of(tracker.frame(cache=path)) == table_of(tracker.frame())
    assert len(table_of(tracker.frame(cache=path))[1]) == 20
