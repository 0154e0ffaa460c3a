"""A proxy on loopback before an HTTP server: it counts the requests, delays them, and makes some go wrong."""

from __future__ import annotations

import http.client
import socket
import struct
import threading
import time
from collections import Counter, deque
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final, Literal, NamedTuple, TypeAlias

from tests.servers.process import HOST

__all__ = ["Fault", "Proxy", "Request", "serve"]

Kind: TypeAlias = Literal["refuse", "reset", "lose", "halve", "stall"]

_HOP_BY_HOP: Final = frozenset({"connection", "expect", "keep-alive", "transfer-encoding"})


class Request(NamedTuple):
    """One request as it arrived; *path* with its query."""

    method: str
    path: str


class Fault(NamedTuple):
    """What goes wrong with the next request of *method* whose path, or query, has *path* in it.

    ``refuse`` answers with *status* and *body* without asking the server, ``reset`` breaks the connection without
    asking it, ``lose`` breaks it when the server has done its work, ``halve`` breaks it in the middle of the answer's
    body, and ``stall`` says nothing for ten seconds.
    """

    method: str
    kind: Kind
    status: int = 503
    body: bytes = b""
    path: str = ""

    def hits(self, request: Request) -> bool:
        """Return whether *request* is one that goes wrong."""
        return self.method == request.method and self.path in request.path


class Proxy:
    """What passed (``requests``), and what shall go wrong (``faults``, each once, in order)."""

    def __init__(self, port: int, upstream: int) -> None:
        self.endpoint = f"http://{HOST}:{port}"
        self.upstream = upstream
        self.requests: list[Request] = []
        self.faults: deque[Fault] = deque()
        self.always: Fault | None = None
        self.closed = threading.Event()

    @property
    def methods(self) -> Counter[str]:
        """How many requests of each method passed."""
        return Counter(request.method for request in self.requests)

    def reset(self) -> None:
        """Forget what passed, and let nothing more go wrong."""
        self.requests.clear()
        self.faults.clear()
        self.always = None

    def next_fault(self, request: Request) -> Fault | None:
        """Take what shall go wrong with *request*."""
        if self.always is not None and self.always.hits(request):
            return self.always
        if self.faults and self.faults[0].hits(request):
            return self.faults.popleft()
        return None


@contextmanager
def serve(upstream: int) -> Generator[Proxy]:
    """Run a proxy before the server at the port *upstream* until the block is left."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is the base class's
            """Print nothing."""

        def handle_one_request(self) -> None:
            try:
                super().handle_one_request()
            except ConnectionError:  # the client went away
                self.close_connection = True

        def do_GET(self) -> None:  # the names are the base class's
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            request = Request(self.command, self.path)
            proxy.requests.append(request)
            fault = proxy.next_fault(request)
            kind = None if fault is None else fault.kind
            if kind == "stall":
                proxy.closed.wait(10)
            if kind in ("reset", "stall"):
                return self._break()
            if fault is not None and kind == "refuse":
                return self._answer(fault.status, [("Content-Type", "application/xml")], fault.body, len(fault.body))
            status, headers, answer = self._ask(body)
            if kind == "lose":
                return self._break()
            if kind == "halve":
                self._answer(status, headers, answer[: len(answer) // 2], len(answer))
                return self._break()
            self._answer(status, headers, answer, None if self.command == "HEAD" else len(answer))

        do_PUT = do_POST = do_DELETE = do_HEAD = do_GET  # noqa: N815  # the names are the base class's

        def _ask(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
            connection = http.client.HTTPConnection(HOST, proxy.upstream, timeout=30)
            try:
                connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                for name, value in self.headers.items():
                    if name.lower() not in _HOP_BY_HOP:
                        connection.putheader(name, value)
                connection.endheaders(body)
                response = connection.getresponse()
                return response.status, response.getheaders(), response.read()
            finally:
                connection.close()

        def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes, length: int | None) -> None:
            self.send_response_only(status)
            for name, value in headers:
                if name.lower() not in _HOP_BY_HOP and (length is None or name.lower() != "content-length"):
                    self.send_header(name, value)
            if length is not None:
                self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(body)
            self.wfile.flush()

        def _break(self) -> None:
            time.sleep(0.02)  # so that what was sent arrives before the reset
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            self.close_connection = True

    class Server(ThreadingHTTPServer):
        request_queue_size = 256
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """Print nothing: broken connections are what this server is for."""

    with Server((HOST, 0), Handler) as server:
        proxy = Proxy(server.server_port, upstream)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield proxy
        finally:
            proxy.closed.set()
            server.shutdown()
            thread.join()
