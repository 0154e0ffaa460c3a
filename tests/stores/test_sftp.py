"""An sftp server that falls silent or stops, and comes back."""

from __future__ import annotations

import errno
import gc
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from math import inf
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Any

import asyncssh
import fsspec
import pytest

from tests.servers.process import HOST
from tests.servers.sshd import Sftp
from typedtrack import (
    BulkError,
    FsspecResultTracker,
    KeyConflictError,
    Result,
    ResultNotFoundError,
    ResultTracker,
)
from typedtrack.backends.asynchronous import AsyncResultTracker

# The errors for a lost connection, of the client and of a bulk call.
LOST: tuple[type[Exception], ...] = OSError, asyncssh.Error, BulkError


class Line:
    """A relay on loopback to the server at *port*, which can be slow, silent and cut."""

    def __init__(self, port: int) -> None:
        self.silent = threading.Event()  # while it is set, nothing passes
        self.rate = inf  # bytes per second, in each direction
        self.trickle = 0.0  # seconds between two bytes of the server; 0 for no such pause
        self.port = 0
        self._server_port = port
        self._sockets: list[socket.socket] = []

    def start(self) -> None:
        """Begin to relay, at the same port as before."""
        line = self

        class Handler(BaseRequestHandler):
            def handle(self) -> None:
                line.relay(self.request)

        class Relay(ThreadingTCPServer):
            allow_reuse_address = True

        self._relay = Relay((HOST, self.port), Handler)
        self.port = self._relay.server_address[1]
        self._thread = threading.Thread(target=self._relay.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def stop(self) -> None:
        """Break every connection and accept no other."""
        self._relay.shutdown()
        self._thread.join()
        self._relay.socket.close()
        self.cut()
        self._relay.server_close()

    def cut(self) -> None:
        """Break every connection."""
        for end in self._sockets:
            with suppress(OSError):  # it is closed already
                end.shutdown(socket.SHUT_RDWR)

    def relay(self, client: socket.socket) -> None:
        """Relay between *client* and the server until one of them ends the connection."""
        with socket.create_connection((HOST, self._server_port)) as server:
            self._sockets += [client, server]
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            back = threading.Thread(target=self._pump, args=(server, client))
            back.start()
            self._pump(client, server)
            back.join()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):  # the other side is gone
            while data := source.recv(16384):
                time.sleep(len(data) / self.rate)
                while self.trickle and data:
                    time.sleep(self.trickle)
                    target.sendall(data[:1])
                    data = data[1:]
                if not self.silent.is_set():
                    target.sendall(data)
            target.shutdown(socket.SHUT_WR)


@pytest.fixture
def line(sftp: Sftp) -> Iterator[Line]:
    """Return a line to the server."""
    line = Line(sftp.port)
    line.start()
    yield line
    line.stop()


@pytest.fixture
def tracker(sftp: Sftp, line: Line) -> FsspecResultTracker:
    """Return a tracker at the other end of the line."""
    base = f"sftp://{sftp._replace(port=line.port).address}/{uuid.uuid4()}"
    return FsspecResultTracker(base, storage_options={"client_keys": [str(sftp.client_key)], "timeout": 3})


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Return a list that grows by one with each connection that the client tries to make."""
    tries: list[object] = []

    def counted(connect: Any) -> Any:
        def call(*args: Any, **options: Any) -> Any:
            tries.append(None)
            return connect(*args, **options)

        return call

    monkeypatch.setattr(asyncssh, "connect", counted(asyncssh.connect))
    return tries


def test_base_that_is_a_file_is_an_error(tracker: FsspecResultTracker, sftp: Sftp) -> None:
    """Every call raises where the base is a file or is below one, as on a local disk; a missing base is empty."""
    assert tracker.get("a") == {}
    assert list(tracker) == []
    base = sftp.folder / tracker._location("").rstrip("/").rpartition("/")[2]
    base.write_text("no folder")
    below = FsspecResultTracker(f"{tracker._tracker_base}/below", storage_options=tracker._storage_options)
    for place in (tracker, below):
        for call in (place.get, place.__contains__, place.__delitem__, partial(place.wait, timeout=1)):
            with pytest.raises(NotADirectoryError, match=f"it is not a folder.*: '{base}'"):
                call("a")
        for put in (place.put, place.create):
            with pytest.raises(NotADirectoryError, match=f"it is not a folder.*: '{base}'"):
                put("a", x=1)
        with pytest.raises(NotADirectoryError):
            list(place.keys())


@pytest.mark.parametrize("target", ["unmounted", "base", "x" * 200])
def test_base_that_is_a_link_to_nowhere_is_an_error(sftp: Sftp, target: str) -> None:
    """Every call raises where the base is a link to storage that is not mounted, or is below one, as on a local disk.

    A link to a folder is a base.
    """
    folder = sftp.folder / f"{uuid.uuid4()}"
    folder.mkdir()
    (folder / "base").symlink_to(target)
    options = {"client_keys": [str(sftp.client_key)]}
    base = f"sftp://{sftp.address}/{folder.name}/base"
    for tracker in (FsspecResultTracker(place, storage_options=options) for place in (base, f"{base}/below")):
        calls: list[Callable[[], object]] = [
            *(partial(call, "a") for call in (tracker.get, tracker.__contains__, tracker.__delitem__)),
            *(partial(put, "a", x=1) for put in (tracker.put, tracker.create)),
            *(partial(tracker.wait, "a", timeout=60), partial(list, tracker.keys()), tracker.remove_leftovers),
        ]
        for call in calls:
            with pytest.raises(NotADirectoryError, match=f"this link leads nowhere.*: '{folder}/base'"):
                call()
    if target == "unmounted":
        (folder / target).mkdir()
        tracker = FsspecResultTracker(base, storage_options=options)
        assert tracker.get("a") == {}
        tracker.put("a", x=1)
        assert tracker["a"] == {"x": 1}


@pytest.mark.parametrize("key", ["share/a", "share/a/b"])
def test_link_to_nowhere_above_a_key_is_an_error(tracker: FsspecResultTracker, sftp: Sftp, key: str) -> None:
    """Every call raises below a link to storage that is not mounted, as on a local disk; other keys are read."""
    tracker["a"] = {"x": 1}
    base = sftp.folder / tracker._location("").rstrip("/").rpartition("/")[2]
    (base / "share").symlink_to("unmounted")
    calls: list[Callable[[], object]] = [
        *(partial(call, key) for call in (tracker.get, tracker.__contains__, tracker.__delitem__)),
        *(partial(put, key, x=1) for put in (tracker.put, tracker.create)),
        partial(tracker.wait, key, timeout=60),
        *(partial(list, tracker.keys(prefix)) for prefix in (key, "share")),
    ]
    for call in calls:
        with pytest.raises(NotADirectoryError, match=f"this link leads nowhere.*: '{base}/share'"):
            call()
    assert tracker.get("b/c") == {}
    assert tracker.get("a/b") == {}  # below a result
    assert list(tracker) == ["a"]
    (base / "unmounted").mkdir()
    assert tracker.get(key) == {}
    tracker[key] = {"x": 2}
    assert tracker[key] == {"x": 2}


def test_link_to_nowhere_at_a_key_holds_nothing(tracker: FsspecResultTracker, sftp: Sftp) -> None:
    """It reads as absent, a create names it, and a put replaces it, as on a local disk."""
    tracker["a"] = {"x": 1}
    base = sftp.folder / tracker._location("").rstrip("/").rpartition("/")[2]
    (base / "link").symlink_to("unmounted")
    assert tracker.get("link") == {}
    with pytest.raises(FileExistsError, match=f"this link leads nowhere; `put` replaces it: '{base}/link'"):
        tracker.create("link", x=1)
    with pytest.raises(ResultNotFoundError):
        del tracker["link"]
    tracker["link"] = {"x": 1}
    assert dict(tracker.items()) == {"a": {"x": 1}, "link": {"x": 1}}


def test_del_keeps_a_link_to_a_folder(tracker: FsspecResultTracker, sftp: Sftp) -> None:
    """It is a folder of results, and not a result, as on a local disk."""
    tracker["a/b"] = {"x": 1}
    base = sftp.folder / tracker._location("").rstrip("/").rpartition("/")[2]
    (base / "link").symlink_to("a")
    with pytest.raises(ResultNotFoundError):
        del tracker["link"]
    assert tracker["link/b"] == {"x": 1}


def test_files_of_all_sizes_are_read_whole(tracker: FsspecResultTracker) -> None:
    """A read returns the whole file up to its limit, whether it takes one request or many."""
    for size in (0, 1, 2**14 - 1, 2**14, 2**14 + 1, 2**15 + 1, 2**20):
        data = (b"0123456789abcde\n" * 2**16)[:size]
        for stored in (data, data[:-2] + b"}\n"):
            tracker._write("a", stored)
            assert tracker._read("a", 2**20 + 1) == stored
            assert tracker._read("a", 1) == stored[:1]
            assert tracker._read("a", 2**14 + 7) == stored[: 2**14 + 7]


def test_listing_is_the_same_as_on_a_local_disk(tracker: FsspecResultTracker, sftp: Sftp) -> None:
    """A listing skips names that are not UTF-8 and has links to files, as on a local disk."""
    for key in ("a", "b/c"):
        tracker[key] = {"x": 1}
    base = sftp.folder / tracker._location("").rstrip("/").rpartition("/")[2]
    for folder in (base, base / "b"):
        Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9")).write_text("x")
    for link, target in (
        *(("link", "a"), ("folder", "b"), ("nothing", "nowhere"), ("itself", "itself")),
        *(("through", "a/file"), ("name", "x" * 300), ("long", "x/" * 2_000)),
    ):
        (base / link).symlink_to(target)
    local = FsspecResultTracker(f"file://{base}")
    assert sorted(tracker) == sorted(local) == ["a", "b/c", "link"]
    assert tracker.get_many(["a", "link", "nothing"]) == {"a": {"x": 1}, "link": {"x": 1}, "nothing": {}}
    del tracker["b/c"]
    with pytest.raises(KeyConflictError):  # a put removes no file of another tool
        tracker["b"] = {"x": 1}


def test_leftovers_of_killed_writers_are_removed(tracker: FsspecResultTracker, sftp: Sftp) -> None:
    """The hidden files of killed writers go when they are a day old; results and younger files stay."""
    tracker["a/b"] = {"x": 1}
    base = sftp.folder / tracker._location("").rstrip("/").rpartition("/")[2]
    for number, folder in enumerate((base, base / "a")):
        for age in (0, 90_000):
            path = folder / f".typedtrack-0011-{age}-{number}.tmp"
            path.write_text("x")
            os.utime(path, (time.time() - age, time.time() - age))
    assert tracker.remove_leftovers() == 2
    assert tracker.remove_leftovers() == 0
    assert sorted(path.name for path in base.rglob("*")) == [
        ".typedtrack-0011-0-0.tmp", ".typedtrack-0011-0-1.tmp", "a", "b"
    ]  # fmt: skip
    assert dict(tracker.items()) == {"a/b": {"x": 1}}


def test_threads_share_a_connection(tracker: FsspecResultTracker) -> None:
    """Several threads can use trackers that share one connection."""
    others = [
        FsspecResultTracker(f"{tracker._tracker_base}/{number}", storage_options=tracker._storage_options)
        for number in range(12)  # more channels than OpenSSH allows on one connection
    ]
    for other in others:
        assert other.get("a") == {}  # opens it in this thread, because fsspec has one client for each thread

    def use(other: ResultTracker) -> object:
        other.put_many({f"{number}": {"x": number} for number in range(20)})
        return dict(other.items())

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(use, others)) == [{f"{number}": {"x": number} for number in range(20)}] * 12


def test_slow_line_is_not_a_silent_one(tracker: FsspecResultTracker, line: Line) -> None:
    """A bulk call or a large result may take longer than the time for one answer, while answers keep coming."""
    large = {f"{number}": "x" * 1000 for number in range(1000)}
    many = {f"{number}": {f"{number}": "x" * 1000 for number in range(40)} for number in range(32)}
    tracker["large"] = large
    for call in (lambda: tracker.put_many(many), lambda: tracker.get("large")):
        line.rate = 300_000
        begin = time.monotonic()
        call()
        assert time.monotonic() - begin > 3  # the time for one answer
        line.rate = inf
    assert tracker.get_many(many) == many
    assert tracker["large"] == large


def test_silence_during_a_put(tracker: ResultTracker, line: Line) -> None:
    """A server that falls silent in the middle of a large result is an error when the time is up."""
    tracker["a"] = {"x": 1}
    line.rate = 400_000
    silence = threading.Timer(1, line.silent.set)
    silence.start()
    with pytest.raises(TimeoutError, match="no answer within 3 s"):
        tracker.put("large", {f"{number}": "x" * 1000 for number in range(1000)})
    silence.join()
    line.silent.clear()
    line.rate = inf
    assert tracker.get_many(["a", "large"]) == {"a": {"x": 1}, "large": {}}


def test_trickle_is_a_silence(tracker: ResultTracker, line: Line) -> None:
    """A server whose bytes never make up an answer is an error when the time is up."""
    tracker["a"] = {"x": 1}
    line.trickle = 0.5
    with pytest.raises(TimeoutError, match="no answer within 3 s"):
        tracker.get("a")
    line.trickle = 0.0
    assert tracker.get("a") == {"x": 1}


def test_slow_answers_end_within_the_bound(tracker: FsspecResultTracker, line: Line) -> None:
    """A call whose every answer comes in time, and whose last one never would, ends within the bound."""
    tracker["large"] = {f"{number}": "x" * 1000 for number in range(1000)}
    assert isinstance(tracker._backend, AsyncResultTracker)
    tracker._backend._bound = 1  # 120 by default, which a test would not wait for
    line.rate = 50_000  # 20 seconds for all, less than one for each answer
    with pytest.raises(TimeoutError, match="did not end within 1 s"):
        tracker.get("large")
    line.rate = inf


def test_silence_during_a_bulk_call(tracker: ResultTracker, line: Line) -> None:
    """A bulk call on a silent server ends when the time is up, also where it opens further channels."""
    tracker["a"] = {"x": 1}
    line.silent.set()
    with pytest.raises(BulkError) as caught:
        tracker.get_many([f"{number}" for number in range(20)])
    assert len(caught.value.errors) == 20


def test_silence_is_an_error(tracker: ResultTracker, line: Line) -> None:
    """A silent server is an error when the time is up, and never ``{}``."""
    tracker["a"] = {"x": 1}
    line.silent.set()
    with pytest.raises(TimeoutError, match="no answer within 3 s") as caught:
        tracker.get("a")
    assert caught.value.errno == errno.ETIMEDOUT
    assert any("get " in note for note in caught.value.__notes__)
    with pytest.raises(OSError, match="cannot connect to the server again"):
        tracker.get("a")


def test_broken_connection_is_an_error(tracker: ResultTracker, line: Line) -> None:
    """A broken connection is an error, and never ``{}``, whether the key holds something or not."""
    tracker["a"] = {"x": 1}
    for key, content in (("a", {"x": 1}), ("nothing", {})):
        line.cut()
        with pytest.raises(LOST) as caught:
            tracker.get(key)
        assert any("get " in note for note in caught.value.__notes__)
        assert tracker.get(key) == content


def test_connection_that_breaks_during_a_request(tracker: ResultTracker, line: Line) -> None:
    """A connection that breaks during a request is an error at once; the next call has a new connection."""
    tracker["a"] = {"x": 1}
    line.silent.set()
    cut = threading.Timer(0.3, line.cut)
    cut.start()
    with pytest.raises(LOST) as caught:
        tracker.get("a")
    assert not isinstance(caught.value, TimeoutError)
    cut.join()
    line.silent.clear()
    assert tracker.get("a") == {"x": 1}


def test_calls_after_a_silence_share_a_new_connection(
    tracker: ResultTracker, line: Line, connected: list[object]
) -> None:
    """Concurrent calls after a time-out connect once: they fail together, and work once the server answers again."""
    tracker["a"] = {"x": 1}
    line.silent.set()
    with pytest.raises(TimeoutError):
        tracker.get("a")
    connected.clear()
    together = threading.Barrier(4)

    def get(_: int) -> Result:
        together.wait()
        return tracker.get("a")

    def failure(number: int) -> str:
        with pytest.raises(ConnectionError) as caught:
            get(number)
        assert any("get " in note for note in caught.value.__notes__)
        return str(caught.value)

    with ThreadPoolExecutor(4) as pool:
        texts = list(pool.map(failure, range(4)))
        assert len(connected) == 1
        assert all("cannot connect to the server again: " in text for text in texts)
        line.silent.clear()
        assert list(pool.map(get, range(4))) == [{"x": 1}] * 4
    assert len(connected) == 2


def test_restart_of_the_server(tracker: FsspecResultTracker, line: Line, connected: list[object]) -> None:
    """Calls raise while the server is stopped; afterwards one new connection serves all.

    It also serves a tracker that is made later, and the user's own filesystem.
    """
    tracker["a"] = {"x": 1}
    for meet in (lambda: tracker.get("a"), lambda: list(tracker), lambda: tracker.get_many(["a", "b"])):
        line.stop()
        with pytest.raises(LOST):
            meet()
        away = (
            lambda: tracker.get("a"),
            lambda: tracker.put("b", x=2),
            lambda: tracker.create("b", x=2),
            lambda: tracker.__delitem__("a"),
            lambda: list(tracker),
            lambda: tracker.get_many(["a", "b"]),
            lambda: tracker.put_many({"b": {"x": 2}}),
        )
        for call in away:
            with pytest.raises(ConnectionError, match="cannot connect to the server again: "):
                call()
        line.start()
        connected.clear()
        assert tracker.get_many(["a", "b"]) == {"a": {"x": 1}, "b": {}}
        assert list(tracker) == ["a"]
        again = FsspecResultTracker(tracker._tracker_base, storage_options=tracker._storage_options)
        assert again["a"] == {"x": 1}
        fs, root = fsspec.url_to_fs(tracker._tracker_base, **tracker._storage_options)
        assert fs.exists(f"{root}/a")
        assert len(connected) == 1


def test_trackers_share_a_new_connection(tracker: FsspecResultTracker, line: Line, connected: list[object]) -> None:
    """One call raises where a connection breaks that several trackers share; one new connection serves them all."""
    base, options = tracker._tracker_base, tracker._storage_options
    trackers = [FsspecResultTracker(f"{base}/{number}", storage_options=options) for number in range(3)]
    for one in trackers:
        one["a"] = {"x": 1}
    connected.clear()
    line.cut()
    with pytest.raises(LOST):
        trackers[0].get("a")
    assert [one.get("a") for one in trackers[::-1]] == [{"x": 1}] * 3
    assert len(connected) == 1


def test_restart_between_two_trackers(tracker: FsspecResultTracker, line: Line, connected: list[object]) -> None:
    """A tracker that is made after a restart connects again at its first call."""
    base, options = tracker._tracker_base, tracker._storage_options
    tracker["a"] = {"x": 1}
    tracker._opened = None
    gc.collect()
    fs: Any = fsspec.url_to_fs(base, **options)[0]
    line.stop()
    line.start()
    until = time.monotonic() + 10
    while not fs._client.is_closed() and time.monotonic() < until:
        time.sleep(0.01)
    connected.clear()
    assert FsspecResultTracker(base, storage_options=options)["a"] == {"x": 1}
    assert len(connected) == 1
