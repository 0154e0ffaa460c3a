"""An sftp server that falls silent or goes away, by both clients."""

from __future__ import annotations

import errno
import socket
import threading
import uuid
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from socketserver import BaseRequestHandler, ThreadingTCPServer

import fsspec
import pytest
from fsspec.implementations.sftp import SFTPFileSystem

from tests.servers.process import HOST
from tests.servers.sshd import Sftp
from typedtrack import BulkError, FsspecResultTracker, ResultTracker


class Line:
    """A relay on loopback; once it is silent nothing passes any more, and once it is cut no connection is left."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.silent = threading.Event()
        self.sockets: list[socket.socket] = []

    def cut(self) -> None:
        """Break every connection."""
        for end in self.sockets:
            with suppress(OSError):  # it is closed already
                end.shutdown(socket.SHUT_RDWR)


@contextmanager
def line_to(port: int) -> Generator[Line]:
    """Relay to the server at *port* until the block is left."""

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection((HOST, port)) as server:
                line.sockets += [self.request, server]
                for end in (self.request, server):
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                back = threading.Thread(target=self._pump, args=(server, self.request))
                back.start()
                self._pump(self.request, server)
                back.join()

        def _pump(self, source: socket.socket, target: socket.socket) -> None:
            with suppress(OSError):  # the other side is gone
                while data := source.recv(65536):
                    if not line.silent.is_set():
                        target.sendall(data)
                target.shutdown(socket.SHUT_WR)

    with ThreadingTCPServer((HOST, 0), Handler) as relay:
        line = Line(relay.server_address[1])
        thread = threading.Thread(target=relay.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield line
        finally:
            line.cut()
            relay.shutdown()
            thread.join()


@pytest.fixture(name="line")
def line_to_sshd(sftp: Sftp) -> Iterator[Line]:
    """Return a line to the server."""
    with line_to(sftp.port) as line:
        yield line


@pytest.fixture(params=["sshfs", "paramiko"])
def tracker(request: pytest.FixtureRequest, sftp: Sftp, line: Line) -> Iterator[FsspecResultTracker]:
    """Return a tracker on the far side of the line."""
    before = fsspec.get_filesystem_class("sftp")
    base = f"sftp://{sftp._replace(port=line.port).address}/{uuid.uuid4()}"
    if request.param == "sshfs":
        yield FsspecResultTracker(base, storage_options={"client_keys": [str(sftp.client_key)], "timeout": 3})
    else:
        fsspec.register_implementation("sftp", SFTPFileSystem, clobber=True)
        yield FsspecResultTracker(base, storage_options={"key_filename": str(sftp.client_key), "timeout": 3})
    fsspec.register_implementation("sftp", before, clobber=True)


def test_file_as_base(tracker: FsspecResultTracker, sftp: Sftp) -> None:
    """A base that is a file, or below one, is an error at every call, as on a local disk; a missing one is empty."""
    assert tracker.get("a") == {}
    assert list(tracker) == []
    base = sftp.folder / tracker._location("").rstrip("/").rpartition("/")[2]
    base.write_text("no folder")
    below = FsspecResultTracker(f"{tracker._tracker_base}/below", storage_options=tracker._storage_options)
    for place in (tracker, below):
        for call in (place.get, place.__contains__, place.__delitem__, partial(place.wait, timeout=1)):
            with pytest.raises(NotADirectoryError, match=f"no folder: '{base}'"):
                call("a")
        for put in (place.put, place.create):
            with pytest.raises(NotADirectoryError, match=f"no folder: '{base}'"):
                put("a", x=1)
        with pytest.raises(NotADirectoryError):
            list(place.keys())


def test_all_sizes(tracker: FsspecResultTracker) -> None:
    """What takes one request and what takes many comes back whole, and no more of it than is asked for."""
    for size in (0, 1, 2**14 - 1, 2**14, 2**14 + 1, 2**15 + 1, 2**20):
        data = (b"0123456789abcde\n" * 2**16)[:size]
        for stored in (data, data[:-2] + b"}\n"):
            tracker._write("a", stored)
            assert tracker._read("a", 2**20 + 1) == stored
            assert tracker._read("a", 1) == stored[:1]
            assert tracker._read("a", 2**14 + 7) == stored[: 2**14 + 7]


def test_connection_shared(tracker: FsspecResultTracker) -> None:
    """Trackers that share a connection may be used by several threads, and leave the user's own channel as it was."""
    fs, _ = fsspec.url_to_fs(tracker._tracker_base, **tracker._storage_options)
    before = fs.ftp.get_channel().gettimeout() if isinstance(fs, SFTPFileSystem) else None
    others = [
        FsspecResultTracker(f"{tracker._tracker_base}/{number}", storage_options=tracker._storage_options)
        for number in range(12)  # more than OpenSSH allows channels on one connection
    ]
    for other in others:
        assert other.get("a") == {}  # which opens it here: fsspec has one client for each thread

    def use(other: ResultTracker) -> object:
        other.put_many({f"{number}": {"x": number} for number in range(20)})
        return dict(other.items())

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(use, others)) == [{f"{number}": {"x": number} for number in range(20)}] * 12
    if isinstance(fs, SFTPFileSystem):
        assert fs.ftp.get_channel().gettimeout() == before


def test_silence_in_bulk(tracker: ResultTracker, line: Line) -> None:
    """A bulk call on a server that says nothing more ends when the time is up, also where it opens further channels."""
    tracker["a"] = {"x": 1}
    line.silent.set()
    with pytest.raises(BulkError) as caught:
        tracker.get_many([f"{number}" for number in range(20)])
    assert len(caught.value.errors) == 20


def test_silence(tracker: ResultTracker, line: Line) -> None:
    """A server that says nothing more is an error when the time is up, and never ``{}``."""
    tracker["a"] = {"x": 1}
    line.silent.set()
    with pytest.raises(TimeoutError, match="no answer within 3 s") as caught:
        tracker.get("a")
    assert caught.value.errno == errno.ETIMEDOUT
    assert any("get " in note for note in caught.value.__notes__)
    with pytest.raises(OSError):  # noqa: PT011  # each client has a text of its own
        tracker.get("a")


def test_cut(tracker: ResultTracker, line: Line) -> None:
    """A connection that breaks is an error, and never ``{}``, whether the key held something or not."""
    tracker["a"] = {"x": 1}
    line.cut()
    for key in ("a", "nothing"):
        with pytest.raises(Exception) as caught:  # noqa: PT011  # each client has errors of its own
            tracker.get(key)
        assert any("get " in note for note in caught.value.__notes__)
