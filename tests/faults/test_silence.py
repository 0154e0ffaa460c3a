"""A wait ends in its time, whatever the store does: it never answers, it answers slowly, or it contradicts itself."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trackers import DictTracker
from typedtrack import BulkError, Key, Result, ResultExistsError, ResultTimeoutError
from typedtrack._tracker import backend, polling
from typedtrack._tracker.threads import StillRunningError

ENOUGH = 60  # seconds for a call that takes nearly no time
SILENT = ["typedtrack: the store did not answer in time, so some results may be there"]


class Silent(DictTracker):
    """A store that answers for the first *answered* keys, and for all others not until it is released."""

    def __init__(self, answered: int = 0) -> None:
        super().__init__(1)
        self.answered = answered
        self.released = threading.Event()

    def _read(self, key: str, limit: int) -> bytes | None:
        if self.reads >= self.answered:
            self.released.wait(ENOUGH)
        return super()._read(key, limit)


@pytest.fixture
def silent() -> Iterator[Silent]:
    """Return a store that does not answer."""
    tracker = Silent()
    yield tracker
    tracker.released.set()


@pytest.mark.parametrize("timeout", [0, 0.01])
def test_a_wait_leaves_a_silent_store_behind(silent: Silent, timeout: float) -> None:
    """It ends while the read is still under way; the error says that the store did not answer."""
    silent["k"] = {"n": 1}
    for wait in (lambda: silent.wait("k", timeout), lambda: list(silent.wait_all(["k"], timeout))):
        with pytest.raises(ResultTimeoutError) as caught:
            wait()
        assert not silent.released.is_set()
        assert caught.value.keys == ("k",)
        assert caught.value.__notes__ == SILENT
    silent.released.set()
    assert silent.wait("k", ENOUGH) == {"n": 1}


def test_a_wait_leaves_a_store_behind_that_does_not_open() -> None:
    """A client may connect before its first read, as sshfs does. The wait counts this time, too."""
    released = threading.Event()

    class Opening(DictTracker):
        def _read(self, key: str, limit: int) -> bytes | None:
            assert released.wait(ENOUGH)
            return super()._read(key, limit)

        def _read_many(self, keys: Iterable[str]) -> Iterator[tuple[str, bytes | Exception | None]]:
            assert released.wait(ENOUGH)
            return super()._read_many(keys)

    for keys in (["a"], ["a", "b"]):
        with pytest.raises(ResultTimeoutError) as caught:
            list(Opening().wait_all(keys, timeout=0))
        assert not released.is_set()
        assert (caught.value.keys, caught.value.__notes__) == (tuple(keys), SILENT)
    released.set()


def test_a_wait_for_several_yields_the_results_that_were_read() -> None:
    """The rest is late, and nobody asks whether its applications still run."""
    tracker = Silent(answered=3)
    tracker.put_many({key: {"key": key} for key in "abcde"})
    tracker.stored["b"] = b"torn"
    asked: list[Key] = []

    def alive(key: Key) -> bool:
        asked.append(key)
        return False

    arrived: list[tuple[Key, Result]] = []
    with pytest.raises(BulkError) as caught:
        arrived.extend(tracker.wait_all([*"abcde"], timeout=0, alive=alive))
    assert arrived == [("a", {"key": "a"}), ("c", {"key": "c"})]
    assert list(caught.value.errors) == ["b", "d", "e"]
    assert asked == []
    late = caught.value.errors["d"]
    assert isinstance(late, ResultTimeoutError)
    assert (late.keys, late.__notes__) == (("d", "e"), SILENT)
    tracker.released.set()


# -- a store on a clock of its own ------------------------------------------------------------------------------------


class Clock:
    """A clock that only the store, the caller and the pauses advance."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        """Return the time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let *seconds* pass."""
        self.now += seconds

    def call(self, function: Callable[[], bool], seconds: float) -> bool:
        """Call *function* as another thread would; if it takes longer than *seconds*, stop waiting then."""
        began = self.now
        answer = function()
        if self.now - began > seconds:
            self.now = began + max(seconds, 0)
            raise StillRunningError
        return answer


_durations = st.lists(st.floats(0, 3) | st.just(0.0), min_size=1, max_size=20)


@given(timeout=st.floats(0, 10), reads=_durations, caller=_durations, stored=st.sets(st.integers(0, 9)))
def test_all_looks_end_within_a_second_after_the_timeout(
    timeout: float, reads: list[float], caller: list[float], stored: set[int]
) -> None:
    """The time of the reads does not matter, the caller's own time does not count, and every key has one outcome."""
    clock, spent = Clock(), 0.0

    class Slow(DictTracker):
        def _read(self, key: str, limit: int) -> bytes | None:
            clock.sleep(reads[self.reads % len(reads)])
            return super()._read(key, limit)

    tracker = Slow(1)
    tracker.put_many((number, {"n": number}) for number in stored)
    outcomes: list[Key] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(polling, "time", clock)
        patch.setattr(polling, "call_elsewhere", clock.call)
        try:
            for key, _ in tracker.wait_all(range(10), timeout):
                spent += caller[len(outcomes) % len(caller)]
                clock.sleep(caller[len(outcomes) % len(caller)])
                outcomes.append(key)
        except ResultTimeoutError as late:
            outcomes.extend(late.keys)  # type: ignore[arg-type]  # they are those that were asked for
    assert sorted(map(int, outcomes)) == list(range(10))
    assert clock.now - spent <= timeout + 1


def test_a_wait_without_a_timeout_needs_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller's own thread reads, since the wait may take as long as the store does."""
    readers: set[threading.Thread] = set()

    class Reading(DictTracker):
        def _read(self, key: str, limit: int) -> bytes | None:
            readers.add(threading.current_thread())
            return super()._read(key, limit)

    tracker = Reading(1)
    tracker["k"] = {"n": 1}
    assert tracker.wait("k") == dict(tracker.wait_all(["k"]))["k"] == {"n": 1}
    assert readers == {threading.current_thread()}
    assert tracker.wait("k", timeout=ENOUGH) == {"n": 1}
    assert len(readers) == 2


def test_a_store_that_contradicts_itself_does_not_hold_up_a_create(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the store says "exists" to each create and "absent" to each read, its error is raised after seconds."""
    clock = Clock()
    monkeypatch.setattr(backend, "time", clock)

    class Contradicting(DictTracker):
        def _write(self, key: str, data: bytes, *, exclusive: bool = False) -> None:
            clock.sleep(2)
            raise FileExistsError(key)

    with pytest.raises(FileExistsError) as caught:
        Contradicting().create("k", n=1)
    assert clock.now <= 12
    assert caught.value.__notes__ == ["typedtrack: create DictTracker()['k']"]


def test_a_slow_create_finds_the_stored_result(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slowly the store says "exists", `create` then reads the result, and accepts an equal one."""
    clock = Clock()
    monkeypatch.setattr(backend, "time", clock)

    class Slow(DictTracker):
        def _write(self, key: str, data: bytes, *, exclusive: bool = False) -> None:
            clock.sleep(60)
            super()._write(key, data, exclusive=exclusive)

    tracker = Slow()
    tracker.create("k", n=1)
    tracker.create("k", n=1)
    with pytest.raises(ResultExistsError):
        tracker.create("k", n=2)


# -- a store that takes the connection and never says a word, and a process of its own --------------------------------

WAITS = """
import sys
from typedtrack import FsspecResultTracker, ResultTimeoutError, open_tracker

make, call, endpoint = sys.argv[1:]
if make == "sshfs":
    options = {"username": "a", "password": "b", "known_hosts": None}
    tracker = FsspecResultTracker(f"sftp{endpoint.removeprefix('http')}/base", storage_options=options)
elif make == "obstore":
    config = {"endpoint": endpoint, "region": "us-east-1", "access_key_id": "a", "secret_access_key": "b"}
    tracker = open_tracker("s3://bucket/base", storage_options={"config": config})
else:
    options = {"endpoint_url": endpoint, "key": "a", "secret": "b"}
    tracker = FsspecResultTracker("s3://bucket/base", storage_options=options)
calls = {
    "wait": lambda: tracker.wait("a", timeout=1),
    "wait_all": lambda: list(tracker.wait_all([str(number) for number in range(100)], timeout=1)),
}
try:
    calls[call]()
except ResultTimeoutError as error:
    print(len(error.keys), *error.__notes__)
"""


@pytest.mark.parametrize(("call", "keys"), [("wait", 1), ("wait_all", 100)])
@pytest.mark.parametrize("make", ["obstore", "s3fs", "sshfs"])
def test_a_wait_on_a_silent_server_ends_and_so_does_the_process(make: str, call: str, keys: int) -> None:
    """The server has its connections and says nothing until the process has ended."""
    with socket.create_server(("127.0.0.1", 0), backlog=256) as server:
        command = [sys.executable, "-c", WAITS, make, call, f"http://127.0.0.1:{server.getsockname()[1]}"]
        process = subprocess.run(command, check=True, capture_output=True, text=True, timeout=ENOUGH)
    assert process.stdout == f"{keys} {SILENT[0]}\n"
