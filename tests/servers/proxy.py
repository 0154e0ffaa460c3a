"""A proxy on loopback before an HTTP server: it counts requests and makes some of them fail."""

from __future__ import annotations

import http.client
import socket
import struct
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final, Literal, NamedTuple, TypeAlias

from tests.servers.process import HOST

__all__ = ["Answer", "Fault", "Proxy", "Request", "serve"]

Kind: TypeAlias = Literal[
    "refuse", "reset", "lose", "halve", "stall", "trickle", "edit", "raw", "hold", "twice", "delay"
]

_HOP_BY_HOP: Final = frozenset({"connection", "expect", "keep-alive", "transfer-encoding"})


class Request(NamedTuple):
    """A request; *path* includes its query."""

    method: str
    path: str


class Answer(NamedTuple):
    """An answer of the server; *length* is its Content-Length, or `None` for a body in chunks."""

    status: int
    headers: dict[str, str]  # without Content-Length, and with names in lower case
    body: bytes
    length: int | None


class Fault(NamedTuple):
    """A fault of a request of *method* that has *path* in its path or query.

    - ``refuse`` answers with *status*, *headers* and *body* without asking the server.
    - ``reset`` breaks the connection without asking the server.
    - ``lose`` breaks the connection after the server has done its work.
    - ``halve`` breaks the connection in the middle of the answer's body.
    - ``stall`` stays silent for ten seconds.
    - ``trickle`` sends the answer's head, and then one byte in a tenth of a second for ever.
    - ``edit`` sends the answer that *edit* makes of the server's.
    - ``raw`` sends *body* as the whole answer, head included, and ends the connection; ``hold`` does not end it.
    - ``twice`` sends the request twice to the server, and answers with the second answer.
    - ``delay`` answers a tenth of a second later.

    The *method* ``*`` stands for any.
    """

    method: str
    kind: Kind
    status: int = 503
    body: bytes = b""
    path: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    edit: Callable[[Answer], Answer] = lambda answer: answer

    def hits(self, request: Request) -> bool:
        """Return whether *request* has this fault."""
        return self.method in (request.method, "*") and self.path in request.path


class Proxy:
    """The requests that passed, and the faults to come: ``faults``, each once and in order, or ``always`` one.

    Or *choose* returns the fault of each request.
    """

    def __init__(self, port: int, upstream: int) -> None:
        self.endpoint = f"http://{HOST}:{port}"
        self.upstream = upstream
        self.requests: list[Request] = []
        self.faults: deque[Fault] = deque()
        self.always: Fault | None = None
        self.choose: Callable[[Request], Fault | None] | None = None
        self.closed = threading.Event()

    @property
    def methods(self) -> Counter[str]:
        """The number of requests of each method."""
        return Counter(request.method for request in self.requests)

    def reset(self) -> None:
        """Forget all requests and faults."""
        self.requests.clear()
        self.faults.clear()
        self.always = None
        self.choose = None

    def next_fault(self, request: Request) -> Fault | None:
        """Return the fault of *request*, if it has one, and count it as done."""
        if self.choose is not None:
            return self.choose(request)
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
                headers = {"content-type": "application/xml", **dict(fault.headers)}
                return self._answer(Answer(fault.status, headers, fault.body, len(fault.body)))
            if fault is not None and kind in ("raw", "hold"):
                self.wfile.write(fault.body)
                if kind == "hold":
                    proxy.closed.wait(10)
                return self._break()
            if kind == "delay":
                proxy.closed.wait(0.1)
            if kind == "twice":
                self._ask(body)
            answer = self._ask(body)
            if kind == "lose":
                return self._break()
            if kind == "halve":
                self._answer(answer._replace(body=answer.body[: len(answer.body) // 2]))
                return self._break()
            if kind == "trickle":
                self._answer(answer._replace(body=answer.body[:1], length=1_000_000))
                while not proxy.closed.wait(0.1):
                    self.wfile.write(b" ")
                return self._break()
            self._answer(answer if fault is None else fault.edit(answer))

        do_PUT = do_POST = do_DELETE = do_HEAD = do_GET  # noqa: N815  # the names are the base class's

        def _ask(self, body: bytes) -> Answer:
            connection = http.client.HTTPConnection(HOST, proxy.upstream, timeout=30)
            try:
                connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                for name, value in self.headers.items():
                    if name.lower() not in _HOP_BY_HOP:
                        connection.putheader(name, value)
                connection.endheaders(body)
                response = connection.getresponse()
                headers = {name.lower(): value for name, value in response.getheaders()}
                data = response.read()
                length = headers.pop("content-length", len(data)) if self.command == "HEAD" else len(data)
                return Answer(response.status, headers, data, int(length))
            finally:
                connection.close()

        def _answer(self, answer: Answer) -> None:
            self.send_response_only(answer.status)
            for name, value in answer.headers.items():
                if name not in _HOP_BY_HOP and name != "content-length":
                    self.send_header(name, value)
            if answer.length is None:
                self.send_header("Transfer-Encoding", "chunked")
                body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(answer.body), answer.body)
            else:
                self.send_header("Content-Length", str(answer.length))
                body = answer.body
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
            """Print nothing, because this server breaks connections on purpose."""

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
