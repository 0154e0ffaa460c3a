"""The conformance suite: what every `typedtrack.ResultTracker` must do, as tests that a class inherits.

::

    class TestMyTracker(ResultTrackerSuite):
        @pytest.fixture
        def tracker(self) -> ResultTracker:
            return MyTracker(...)              # on an empty base

The class attributes say what the store can do. A tracker over an fsspec filesystem inherits `FaultSuite` too.
"""

from __future__ import annotations

import math
import multiprocessing
import pickle
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ClassVar, TypeVar

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from typedtrack import (
    BulkError,
    CorruptResultError,
    InvalidKeyError,
    InvalidResultError,
    Key,
    KeyConflictError,
    Result,
    ResultExistsError,
    ResultNotFoundError,
    ResultTimeoutError,
    ResultTracker,
    UnsupportedOperationError,
    Value,
)
from typedtrack.testing.faults import FaultyFileSystem
from typedtrack.testing.looks import exact
from typedtrack.testing.machine import TrackerMachine

__all__ = ["FaultSuite", "ResultTrackerSuite"]

T = TypeVar("T")

# Each is allowed on every store, means itself, and has a meaning to some client or filesystem in between.
KEYS = (
    "app1_out", "5", "a b", " a", "a ", "a*b", "a[1]", "a?b", "x#y", "x%20y", "%2e%2e", "p%y", "é/ü", "日本/語",
    "~t", "~", "a+b", "a:b=c,d@e", "{z}", "a\u2028b", "a|b", "a<b>", "a`b^", 'a"b', "a'b", "a&b", "$HOME",
    "-rf", "q?versionId=3", "q?versionid=3", "q#3", "w?x=1&y", "<Code>NoSuchKey<", "s3:x", "C:x",
    "deep/er/and/deep/er", "x" * 255, "é" * 127 + "/" + "x" * 255,
)  # fmt: skip

VALUES: tuple[Value, ...] = (
    0, 1, -1, 2**64 - 1, -(2**63), 0.0, -0.0, 1.0, 5e-324, 1.7976931348623157e308, math.nan, math.inf, -math.inf,
    "", "é", "a\nb\x00", "😀" * 256,
)  # fmt: skip

BAD_KEYS = ("", "/a", "a/", "a//b", ".a", "a/../b", "..", "a\nb", "a\\b", "x" * 256, "\ud800", True, None, 1.5)


def at_once(call: Callable[[int], T], count: int) -> list[T]:
    """Return what *call* answers for 0 … *count* − 1, each called in a thread of its own at the same moment."""
    barrier = threading.Barrier(count)

    def wait_and_call(number: int) -> T:
        barrier.wait()
        return call(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(wait_and_call, range(count)))


def put_elsewhere(tracker: ResultTracker, key: str, result: Result) -> None:
    """Put a result; run in another process."""
    tracker[key] = result


class ResultTrackerSuite:
    """Inherit, and override the fixture ``tracker``."""

    real_folders: ClassVar[bool] = False
    """Whether ``a`` and ``a/b`` cannot both hold results."""

    exclusive_create: ClassVar[bool] = True
    """Whether `create` is atomic; if not, it must raise `typedtrack.UnsupportedOperationError`."""

    race_rounds: ClassVar[int] = 20
    """How often 16 writers race for one key."""

    machine_runs: ClassVar[int] = 10
    """How often the state machine calls tracker and dict alike, 30 calls each time."""

    shared_by_processes: ClassVar[bool] = True
    """Whether the tracker, pickled, reaches the same results from another process."""

    @pytest.fixture
    def tracker(self) -> ResultTracker:
        """Return a tracker on an empty base."""
        raise NotImplementedError("override the fixture `tracker`")

    # -- one key

    def test_absent(self, tracker: ResultTracker) -> None:
        """Where nothing is, every call says so."""
        assert tracker.get("nothing") == {}
        assert tracker["some/where"] == {}
        assert "nothing" not in tracker
        assert list(tracker) == []
        assert len(tracker) == 0
        assert dict(tracker.items()) == {}
        with pytest.raises(ResultNotFoundError):
            del tracker["nothing"]
        with pytest.raises(ResultNotFoundError):
            tracker.get_bytes("nothing")

    def test_values(self, tracker: ResultTracker) -> None:
        """Every value comes back with its type and bits."""
        result = {f"field/{number}": value for number, value in enumerate(VALUES)}
        tracker["values"] = result
        assert exact(tracker["values"]) == exact(result)

    @pytest.mark.parametrize("key", KEYS)
    def test_keys(self, tracker: ResultTracker, key: str) -> None:
        """A key means itself: it is read, listed and deleted, and no other."""
        tracker["other"] = {"x": 0}
        tracker[key] = {"key": key}
        assert tracker[key] == {"key": key}
        assert key in tracker
        assert sorted(tracker) == sorted([key, "other"])
        assert list(tracker.keys(key)) == [key]
        tracker[key] = {"again": 1}
        assert tracker[key] == {"again": 1}
        del tracker[key]
        assert tracker[key] == {}
        assert list(tracker) == ["other"]

    def test_keys_are_apart(self, tracker: ResultTracker) -> None:
        """No two keys share a place."""
        several: dict[Key, Result] = {key: {"key": key} for key in KEYS}
        tracker.put_many(several)
        assert {key: tracker[key] for key in KEYS} == {key: {"key": key} for key in KEYS}
        assert dict(tracker.items()) == {key: {"key": key} for key in KEYS}

    @pytest.mark.parametrize("key", BAD_KEYS)
    def test_bad_keys(self, tracker: ResultTracker, key: str) -> None:
        """What breaks the rules of keys is refused, and nothing is written."""
        with pytest.raises(InvalidKeyError):
            tracker[key] = {"x": 1}
        with pytest.raises(InvalidKeyError):
            tracker.get(key)
        assert list(tracker) == []

    def test_bad_results(self, tracker: ResultTracker) -> None:
        """What breaks the rules of results is refused, and what was there stays."""
        tracker["a"] = {"x": 1}
        too_large: dict[str, Value] = {f"field {number}": "x" * 1024 for number in range(1024)}
        bad: tuple[Mapping[str, Value], ...] = ({}, {"": 1}, {"x": True}, {"x": 2**64}, {"x": "é" * 513}, too_large)
        for result in bad:
            with pytest.raises(InvalidResultError):
                tracker["a"] = result
        assert tracker["a"] == {"x": 1}

    def test_largest_result(self, tracker: ResultTracker) -> None:
        """A result of nearly 1 MiB is put and got."""
        result = {f"field {number}": "x" * 1000 for number in range(1000)}
        tracker["large"] = result
        assert tracker["large"] == result

    def test_stored_bytes(self, tracker: ResultTracker) -> None:
        """What is stored is the wire format: JSON, indented by two spaces, ending in a newline."""
        tracker["a"] = {"x": 1, "y": math.nan}
        assert tracker.get_bytes("a") == b'{\n  "x": 1,\n  "y": NaN\n}\n'

    @pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")
    @pytest.mark.parametrize("data", [b"", b"{", b"[]", b"{}", b'{"x": true}', b'{"x": 1', b"\xff", b"x" * (2**20 + 5)])
    def test_corrupt(self, tracker: ResultTracker, data: bytes) -> None:
        """What is stored but no result is neither absent nor a result; it is listed and may be deleted."""
        tracker._write("bad", data)
        tracker["good"] = {"x": 1}
        with pytest.raises(CorruptResultError):
            tracker.get("bad")
        assert "bad" in tracker
        assert sorted(tracker) == ["bad", "good"]
        with pytest.raises(BulkError) as caught:
            tracker.get_many(["bad", "good"])
        assert caught.value.results == {"good": {"x": 1}}
        if len(data) <= 2**20:
            assert tracker.get_bytes("bad") == data
        del tracker["bad"]
        assert list(tracker) == ["good"]

    @pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")
    def test_bounded_read(self, tracker: ResultTracker) -> None:
        """A read returns no more bytes than it was asked for."""
        tracker._write("large", b"x" * 3_000_000)
        assert tracker._read("large", 2**20 + 1) == b"x" * (2**20 + 1)
        assert tracker._read("large", 1) == b"x"

    # -- create

    def test_create(self, tracker: ResultTracker) -> None:
        """The first create wins, the same again is no error, another is refused; or all are, if it is unsafe."""
        if not self.exclusive_create:
            with pytest.raises(UnsupportedOperationError):
                tracker.create("a", x=1)
            assert list(tracker) == []
            return
        tracker.create("a/b", x=1.5)
        tracker.create("a/b", x=1.5)
        with pytest.raises(ResultExistsError):
            tracker.create("a/b", x=2.5)
        assert tracker["a/b"] == {"x": 1.5}
        tracker["a/b"] = {"x": 3}
        assert tracker["a/b"] == {"x": 3}
        del tracker["a/b"]
        tracker.create("a/b", x=4)
        assert tracker["a/b"] == {"x": 4}

    def test_create_races(self, tracker: ResultTracker) -> None:
        """Of 16 writers at once exactly one creates; all others are told so, and its content stays."""
        if not self.exclusive_create:
            pytest.skip("the store has no atomic create")

        for number in range(self.race_rounds):
            key = f"race/{number}"

            def create(writer: int, key: str = key) -> bool:
                try:
                    tracker.create(key, writer=writer)
                except ResultExistsError:
                    return False
                return True

            won = at_once(create, 16)
            assert won.count(True) == 1
            assert tracker[key] == {"writer": won.index(True)}

    # -- folders

    def test_folders(self, tracker: ResultTracker) -> None:
        """``a`` beside ``a/b``: refused where folders are real, and what was first stays; else both hold results."""
        tracker["a"] = {"x": 1}
        tracker["b/c"] = {"x": 2}
        if self.real_folders:
            with pytest.raises(KeyConflictError):
                tracker["a/b"] = {"x": 3}
            with pytest.raises(KeyConflictError):
                tracker["a/b/c"] = {"x": 3}
            with pytest.raises(KeyConflictError):
                tracker["b"] = {"x": 3}
            assert dict(tracker.items()) == {"a": {"x": 1}, "b/c": {"x": 2}}
            del tracker["b/c"]
            tracker["b"] = {"x": 4}
            assert tracker["b"] == {"x": 4}
        else:
            tracker["a/b"] = {"x": 3}
            tracker["b"] = {"x": 4}
            assert dict(tracker.items()) == {"a": {"x": 1}, "a/b": {"x": 3}, "b/c": {"x": 2}, "b": {"x": 4}}
        assert tracker["a/nothing"] == {}
        tracker["d/e/f"] = {"x": 5}
        del tracker["d/e/f"]  # what is left of its folders is in nobody's way
        tracker["d"] = {"x": 6}
        assert tracker["d"] == {"x": 6}

    def test_prefixes(self, tracker: ResultTracker) -> None:
        """A prefix is of whole segments, and a final slash leaves the key itself out."""
        keys = ["t", "u/1", "u/2", "u/v/3", "uv", "w*/1", "w/1"]
        several: dict[Key, Result] = {key: {"x": 1} for key in keys}
        tracker.put_many(several)
        assert sorted(tracker.keys()) == keys
        assert sorted(tracker.keys("u")) == ["u/1", "u/2", "u/v/3"]
        assert sorted(tracker.keys("u/v/")) == ["u/v/3"]
        assert list(tracker.keys("t")) == ["t"]
        assert list(tracker.keys("t/")) == []
        assert list(tracker.keys("w*")) == ["w*/1"]
        assert list(tracker.keys("nothing")) == []
        assert {key for key, _ in tracker.items("u")} == {"u/1", "u/2", "u/v/3"}

    # -- many keys, and others who write

    def test_many(self, tracker: ResultTracker) -> None:
        """Bulk calls serve every key, and one bad key hides no other's outcome."""
        results: dict[Key, Result] = {f"trial/{number:04}": {"number": number} for number in range(200)}
        tracker.put_many(results)
        assert tracker.get_many(results) == results
        assert dict(tracker.items("trial")) == results
        with pytest.raises(BulkError) as caught:
            tracker.get_many(["trial/0001", "../x", "nothing"])
        assert set(caught.value.errors) == {"../x"}
        assert caught.value.results == {"trial/0001": {"number": 1}, "nothing": {}}

    def test_long_listing(self, tracker: ResultTracker) -> None:
        """A listing of more keys than any store has on one page is complete."""
        keys = [f"{number}" for number in range(1100)]
        several: dict[Key, Result] = {key: {"x": 1} for key in keys}
        tracker.put_many(several)
        assert sorted(tracker.keys()) == sorted(keys)

    def test_stream_given_up(self, tracker: ResultTracker) -> None:
        """A stream that is given up after its first result leaves the tracker in order."""
        several: dict[Key, Result] = {f"{number}": {"number": number} for number in range(300)}
        tracker.put_many(several)
        key, result = next(iter(tracker.items()))
        assert result == {"number": int(key)}
        assert len(tracker.get_many(str(number) for number in range(300))) == 300

    def test_always_fresh(self, tracker: ResultTracker) -> None:
        """What was put a moment ago is listed and read, and what was deleted is not."""
        for number in range(10):
            assert f"{number}" not in tracker
            assert len(tracker) == number
            tracker[number] = {"number": number}
            assert sorted(tracker) == sorted(str(n) for n in range(number + 1))
        for number in range(10):
            del tracker[number]
            assert tracker[number] == {}
            assert len(tracker) == 9 - number

    def test_wait(self, tracker: ResultTracker) -> None:
        """Waiting ends when the result is put by another thread, or when the time is up."""
        timer = threading.Timer(0.2, lambda: tracker.put("late", x=1))
        timer.start()
        assert tracker.wait("late", timeout=30) == {"x": 1}
        timer.join()
        with pytest.raises(ResultTimeoutError):
            tracker.wait("never", timeout=0.05)
        assert dict(tracker.wait_all(["late"], timeout=30)) == {"late": {"x": 1}}

    def test_replaced_whole(self, tracker: ResultTracker) -> None:
        """A reader under a writer sees one result or another, never a part or a mixture, and never none."""
        results = [{f"field {n}": number for n in range(1 + 400 * number)} for number in range(2)]
        tracker["hot"] = results[0]
        stop = threading.Event()

        def write() -> None:
            number = 0
            while not stop.is_set():
                tracker["hot"] = results[number % 2]
                number += 1

        with ThreadPoolExecutor(1) as pool:
            writing = pool.submit(write)
            try:
                for _ in range(100):
                    assert tracker["hot"] in results
            finally:
                stop.set()
            writing.result()

    def test_threads(self, tracker: ResultTracker) -> None:
        """Threads share a tracker."""

        def use(number: int) -> Result:
            tracker[f"thread/{number}"] = {"number": number}
            return tracker[f"thread/{number}"]

        assert at_once(use, 16) == [{"number": number} for number in range(16)]

    def test_like_a_dict(self, tracker: ResultTracker) -> None:
        """Calls in any order answer as a plain dict would."""
        suite = self

        class Machine(TrackerMachine):
            real_folders = suite.real_folders
            exclusive_create = suite.exclusive_create

            def make(self, folder: Path) -> ResultTracker:
                for key in list(tracker.keys()):
                    del tracker[key]
                return tracker

        bounds = settings(max_examples=self.machine_runs, stateful_step_count=30, deadline=None)
        run_state_machine_as_test(Machine, settings=bounds)

    # -- processes

    def test_pickles(self, tracker: ResultTracker) -> None:
        """A pickled tracker is as good as the first, before its first use and after."""
        if not self.shared_by_processes:
            pytest.skip("the store is of one process")
        copy = pickle.loads(pickle.dumps(tracker))
        tracker["a"] = {"x": 1}
        assert copy["a"] == {"x": 1}
        assert pickle.loads(pickle.dumps(tracker))["a"] == {"x": 1}

    def test_other_process(self, tracker: ResultTracker) -> None:
        """What a spawned process puts is there when it has ended."""
        if not self.shared_by_processes:
            pytest.skip("the store is of one process")
        assert tracker["elsewhere"] == {}
        process = multiprocessing.get_context("spawn").Process(
            target=put_elsewhere, args=(tracker, "elsewhere", {"x": 1})
        )
        process.start()
        process.join(60)
        assert process.exitcode == 0
        assert tracker["elsewhere"] == {"x": 1}
        assert list(tracker) == ["elsewhere"]


class FaultSuite:
    """What a tracker over an fsspec filesystem must do when that fails. Inherit, and override ``tracker_on``."""

    writes_in_place: ClassVar[bool] = False
    """Whether a write that breaks off leaves a part (only where the filesystem has nothing better)."""

    @pytest.fixture
    def tracker_on(self) -> Callable[[FaultyFileSystem, str], ResultTracker]:
        """Return what makes a tracker in a folder of a filesystem."""
        raise NotImplementedError("override the fixture `tracker_on`")

    @pytest.fixture
    def faulty(self) -> FaultyFileSystem:
        """Return a filesystem whose faults the tests set."""
        return FaultyFileSystem()

    @pytest.fixture
    def tracker(
        self, tracker_on: Callable[[FaultyFileSystem, str], ResultTracker], faulty: FaultyFileSystem
    ) -> ResultTracker:
        """Return a tracker on it, which holds a result."""
        tracker = tracker_on(faulty, "/base")
        tracker["a"] = {"x": 1}
        return tracker

    @pytest.mark.parametrize(
        "error",
        [PermissionError(13, "refused"), ConnectionResetError(104, "reset"), TimeoutError("late"), OSError(5, "io")],
    )
    def test_errors_pass_unchanged(self, tracker: ResultTracker, faulty: FaultyFileSystem, error: Exception) -> None:
        """What the store raises reaches the caller itself, with a note that names the key; it is never ``{}``."""
        faulty.faults.errors = dict.fromkeys(("cat_file", "pipe_file", "rm_file", "ls", "info"), error)
        calls: tuple[Callable[[], object], ...] = (
            lambda: tracker["a"],
            lambda: tracker.put("a", x=2),
            lambda: tracker.__delitem__("a"),
            lambda: "a" in tracker,
            lambda: tracker.wait("a", timeout=5),
        )
        for call in calls:
            with pytest.raises(type(error)) as caught:
                call()
            assert caught.value is error
            assert any("a" in note and "typedtrack" in note for note in error.__notes__)
        with pytest.raises(type(error)):
            list(tracker)
        with pytest.raises(BulkError) as bulk:
            tracker.get_many(["a"])
        assert bulk.value.errors == {"a": error}
        faulty.faults.errors = {}
        assert tracker["a"] == {"x": 1}

    def test_torn_write(self, tracker: ResultTracker, faulty: FaultyFileSystem) -> None:
        """A write that breaks off is an error for its writer; a reader has the old result, or is told it is corrupt."""
        faulty.faults.torn_write = ConnectionResetError(104, "reset")
        with pytest.raises(ConnectionResetError):
            tracker["a"] = {"x": 2}
        faulty.faults.torn_write = None
        if self.writes_in_place:
            with pytest.raises(CorruptResultError):
                tracker.get("a")
        else:
            assert tracker["a"] == {"x": 1}
        tracker["a"] = {"x": 3}
        assert tracker["a"] == {"x": 3}
        assert list(tracker) == ["a"]

    def test_torn_read(self, tracker: ResultTracker, faulty: FaultyFileSystem) -> None:
        """Half of the bytes of a result are no result."""
        faulty.faults.torn_read = True
        with pytest.raises(CorruptResultError):
            tracker.get("a")

    def test_stale_listings(self, tracker: ResultTracker, faulty: FaultyFileSystem) -> None:
        """A filesystem that answers listings from a cache is asked anew."""
        faulty.faults.stale_listings = True
        assert list(tracker) == ["a"]
        faulty.fs.pipe_file("/base/b", b'{"x": 2}')
        faulty.fs.pipe_file("/base/c/d", b'{"x": 3}')
        assert sorted(tracker) == ["a", "b", "c/d"]
        assert dict(tracker.items()) == {"a": {"x": 1}, "b": {"x": 2}, "c/d": {"x": 3}}
        faulty.fs.rm_file("/base/a")
        assert sorted(tracker) == ["b", "c/d"]
        assert tracker["a"] == {}

    def test_latency(self, tracker: ResultTracker, faulty: FaultyFileSystem) -> None:
        """A slow store changes no answer."""
        faulty.faults.latency = 0.01
        several: dict[Key, Result] = {f"slow/{number}": {"number": number} for number in range(8)}
        tracker.put_many(several)
        assert dict(tracker.items("slow")) == {f"slow/{number}": {"number": number} for number in range(8)}
        with pytest.raises(ResultTimeoutError):
            tracker.wait("never", timeout=0.02)
