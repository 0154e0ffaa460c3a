"""An sftp server that falls silent or goes away, by both clients."""

from __future__ import annotations

import errno
import socket
import threading
import uuid
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer

import fsspec
import pytest
from fsspec.implementations.sftp import SFTPFileSystem

from tests.servers.process import HOST
from tests.servers.sshd import Sftp
from typedtrack import FsspecResultTracker, ResultTracker


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
def tracker(request: pytest.FixtureRequest, sftp: Sftp, line: Line) -> Iterator[ResultTracker]:
    """Return a tracker on the far side of the line."""
    before = fsspec.get_filesystem_class("sftp")
    base = f"sftp://{sftp._replace(port=line.port).address}/{uuid.uuid4()}"
    if request.param == "sshfs":
        yield FsspecResultTracker(base, storage_options={"client_keys": [str(sftp.client_key)], "timeout": 3})
    else:
        fsspec.register_implementation("sftp", SFTPFileSystem, clobber=True)
        yield FsspecResultTracker(base, storage_options={"key_filename": str(sftp.client_key), "timeout": 3})
    fsspec.register_implementation("sftp", before, clobber=True)


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
