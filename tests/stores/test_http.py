"""Results on a web server, and on filesystems whose clients give some characters of a name a meaning."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from email.message import Message
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from unittest.mock import Mock
from urllib.parse import unquote

import aiohttp
import fsspec
import pytest
from hypothesis import HealthCheck, given, settings

from tests.servers.process import HOST
from typedtrack import (
    CorruptResultError,
    FsspecResultTracker,
    Key,
    ResultNotFoundError,
    ResultTracker,
    UnsupportedOperationError,
    load_schemas,
    open_tracker,
)
from typedtrack.backends.http import HttpResultTracker
from typedtrack.backends.local import LocalResultTracker
from typedtrack.backends.other import OtherResultTracker
from typedtrack.testing import FaultyFileSystem, keys

KEYS = [
    "a", "a?v=1", "a#1", "a%20b", "a b", "a+b", "a%2Fb", "a&b=c;d", "é/ü", "a@b:c", "x~*[]{}(),='!$", "100%", "%", "?",
    "sub/a?b#c%d", "sub/deeper/a",
]  # fmt: skip


class Quiet(BaseHTTPRequestHandler):
    """The base of the handlers below: it prints nothing."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is the base class's
        """Print nothing."""

    def answer(self, status: int, headers: dict[str, str], body: bytes = b"") -> None:
        """Send an answer; no body if HEAD asks for none."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


class Handler(Quiet, SimpleHTTPRequestHandler):
    """Python's own web server for files, which also takes them by PUT."""

    def do_PUT(self) -> None:  # the name is the base class's
        """Store the body as a file."""
        path = Path(self.directory) / unquote(self.path.partition("?")[0].partition("#")[0]).lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
        self.answer(201, {"Content-Length": "0"})


@contextmanager
def serving(handler: Callable[..., BaseHTTPRequestHandler]) -> Generator[str]:
    """Run a web server until the block is left; return its URL."""
    with ThreadingHTTPServer((HOST, 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://{HOST}:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Return the URL of a web server, and the folder that it serves."""
    folder = tmp_path_factory.mktemp("served")
    with serving(partial(Handler, directory=str(folder))) as url:
        yield url, folder


@pytest.fixture
def pair(served: tuple[str, Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[ResultTracker, ResultTracker]:
    """Return a local tracker on an empty folder, and one on the same folder over HTTP."""
    url, folder = served
    base = tmp_path_factory.mktemp("base")
    (folder / base.name).symlink_to(base)
    return open_tracker(base), open_tracker(f"{url}/{base.name}")


def test_each_key_is_itself(pair: tuple[ResultTracker, ResultTracker]) -> None:
    """Every key of a local tracker is read and listed over HTTP, and no key answers for another."""
    local, over_http = pair
    assert isinstance(over_http, FsspecResultTracker)
    assert isinstance(over_http._backend, HttpResultTracker)
    for number, key in enumerate(KEYS):
        assert over_http.get(key) == {}
        local[key] = {"number": number}
    assert over_http.get_many(KEYS) == {key: {"number": number} for number, key in enumerate(KEYS)}
    assert sorted(iter(over_http)) == sorted(KEYS)
    assert dict(over_http.items("sub")) == dict(local.items("sub"))
    assert list(iter(over_http.keys("é"))) == ["é/ü"]
    for key in KEYS:
        del local[key]
        assert over_http.get(key) == {}


class Endless(Quiet):
    """Sends spaces for ever, whatever range is asked for."""

    sent = 0

    def do_GET(self) -> None:  # the name is the base class's
        """Send the head, and spaces until the client hangs up."""
        self.send_response(200)
        self.end_headers()
        with suppress(OSError):
            while Endless.sent < 2**30:
                Endless.sent += self.wfile.write(b" " * 2**16)


def test_a_file_that_is_too_large_is_read_up_to_the_limit() -> None:
    """A server may ignore the range that is asked for, as Python's own does; the rest of the file stays unread."""
    with serving(Endless) as url:
        tracker = open_tracker(url)
        with pytest.raises(CorruptResultError, match="is larger than the limit"):
            tracker.get("a")
        assert "a" in tracker
    assert Endless.sent < 2**26  # the rest of it was in buffers


def test_a_get_over_http_is_one_request(pair: tuple[ResultTracker, ResultTracker]) -> None:
    """The request has the headers that the user gives, and asks for no more than a result may have."""
    requests: list[Message] = []

    class Noting(Handler):
        def do_GET(self) -> None:
            requests.append(self.headers)
            super().do_GET()

    local, _ = pair
    assert isinstance(local, LocalResultTracker)
    local.put("a", x=1)
    with serving(partial(Noting, directory=local._location(""))) as url:
        tracker = open_tracker(url, storage_options={"headers": {"X-Token": "secret"}})
        assert tracker.get("a") == {"x": 1}
        assert tracker.get("b") == {}
    assert [(request["X-Token"], request["Range"]) for request in requests] == [("secret", "bytes=0-1048576")] * 2


def test_a_trickle_over_http_ends() -> None:
    """An answer that comes byte by byte for ever is an error when the time-out of the client is up, and never `{}`."""

    class Trickling(Quiet):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            with suppress(OSError):
                while not ended.wait(0.01):
                    self.wfile.write(b" ")

    ended = threading.Event()
    with serving(Trickling) as url:
        options = {"client_kwargs": {"timeout": aiohttp.ClientTimeout(total=0.3)}}
        tracker = open_tracker(url, storage_options=options)
        calls: list[Callable[[], object]] = [
            *(partial(call, "a") for call in (tracker.get, tracker.__contains__, tracker.__delitem__)),
            lambda: list(tracker.keys()),
        ]
        for call in calls:
            with pytest.raises(TimeoutError):
                call()
        ended.set()


def test_put_over_http(pair: tuple[ResultTracker, ResultTracker]) -> None:
    """A put reaches exactly its key; a create is refused."""
    local, over_http = pair
    with pytest.warns(UserWarning, match="HTTPFileSystem makes a write visible"):
        over_http.put_many({key: {"number": number} for number, key in enumerate(KEYS)})
    assert dict(local.items()) == {key: {"number": number} for number, key in enumerate(KEYS)}
    with pytest.raises(UnsupportedOperationError, match="create"):
        over_http.create("new", x=1)


@given(key=keys())
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_key_is_itself(pair: tuple[ResultTracker, ResultTracker], key: Key) -> None:
    """Any key that a local tracker stores is read and listed over HTTP."""
    local, over_http = pair
    assert over_http[key] == {}
    local[key] = {"x": 1}
    try:
        assert over_http[key] == {"x": 1}
        assert list(iter(over_http)) == [str(key)]
    finally:
        del local[key]


def test_folder_is_not_a_result(pair: tuple[ResultTracker, ResultTracker], served: tuple[str, Path]) -> None:
    """The index page of a folder is not a result; a web page that is stored under a key is a corrupt one."""
    local, over_http = pair
    local["sub/a"] = {"x": 1}
    assert over_http.get("sub") == {}
    assert "sub" not in over_http
    assert list(iter(over_http.keys("sub"))) == ["sub/a"]
    with pytest.raises(ResultNotFoundError):
        over_http.get_bytes("sub")
    local._write("page", b"<html>")
    assert over_http.get_bytes("page") == b"<html>"


ANSWERS: dict[str, tuple[int, dict[str, str], str]] = {
    "no content": (204, {}, "its status is 204, not 200"),
    "accepted": (202, {"Content-Length": "0"}, "its status is 202, not 200"),
    "reset": (205, {"Content-Length": "0"}, "its status is 205, not 200"),
    "redirect to nowhere": (302, {"Content-Length": "0"}, "its status is 302, not 200"),
    "not modified": (304, {}, "its status is 304, not 200"),
    "a range of its own choice": (206, {"Content-Length": "0"}, "it is not the range from the first byte on"),
    "a later range": (206, {"Content-Length": "0", "Content-Range": "bytes 8-9/10"}, "it is not the range from the f"),
}


@pytest.mark.parametrize(("status", "headers", "reason"), ANSWERS.values(), ids=ANSWERS)
def test_an_answer_that_is_not_the_stored_file_is_an_error(status: int, headers: dict[str, str], reason: str) -> None:
    """Its body is not taken for an empty file, nor for the result, and the error names its status."""

    class Strange(Quiet):
        def do_GET(self) -> None:
            self.answer(status, headers)

        def do_HEAD(self) -> None:
            self.answer(status, headers)

    with serving(Strange) as url:
        tracker = open_tracker(url)
        for call in (tracker.get, tracker.get_bytes, tracker.__contains__, tracker.__delitem__):
            with pytest.raises(ConnectionError, match=reason):
                call("a")
        with pytest.raises(ConnectionError, match=f"its status is {status}, not 200"):
            load_schemas(f"{url}/a.schema.json")


@pytest.mark.filterwarnings("ignore:typedtrack does not know how HTTPFileSystem")
def test_a_put_over_http_is_done_when_the_server_has_stored_it() -> None:
    """A put sends the headers that the user gives; another status, or a redirect to a page, is an error."""
    tokens: list[str | None] = []

    class Storing(Quiet):
        def do_PUT(self) -> None:
            tokens.append(self.headers["X-Token"])
            self.rfile.read(int(self.headers["Content-Length"]))
            status = int(self.path.strip("/"))
            self.answer(status, {"Location": "/login", "Content-Length": "0"})

        def do_GET(self) -> None:
            self.answer(200, {"Content-Length": "6"}, b"<html>")

    with serving(Storing) as url:
        tracker = open_tracker(url, storage_options={"headers": {"X-Token": "secret"}})
        for stored in ("200", "201", "204"):
            tracker.put(stored, x=1)
        with pytest.raises(ConnectionError, match=r"the answer to a put .* its status is 202, not 200, 201 or 204"):
            tracker.put("202", x=1)
        with pytest.raises(ConnectionError, match=r"the answer to a put .* it redirects the put to another page"):
            tracker.put("303", x=1)
        with pytest.raises(aiohttp.ClientResponseError, match="403"):
            tracker.put("403", x=1)
    assert tokens == ["secret"] * 6


def test_a_range_that_was_not_asked_for_is_an_error() -> None:
    """A schema is asked for as a whole."""

    class Partial(Quiet):
        def do_GET(self) -> None:
            self.answer(206, {"Content-Range": "bytes 0-1/10", "Content-Length": "2"}, b"{}")

    with serving(Partial) as url:
        assert open_tracker(url).get_bytes("a") == b"{}"
        with pytest.raises(ConnectionError, match="its status is 206, not 200"):
            load_schemas(f"{url}/a.schema.json")


def test_a_login_page_is_not_the_index_page_of_a_folder() -> None:
    """A server that leads every key to another page does not confirm that nothing is stored."""

    class Portal(Quiet):
        def do_GET(self) -> None:
            status = 200 if self.path == "/login/" else 302
            self.answer(status, {"Location": "/login/", "Content-Length": "6"}, b"<html>")

        def do_HEAD(self) -> None:
            self.do_GET()

    with serving(Portal) as url, pytest.raises(CorruptResultError):
        open_tracker(f"{url}/results").get("a")


def test_page_that_vanishes_is_not_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """A web page is the stored file if the server does not tell its final URL."""
    tracker = HttpResultTracker(FaultyFileSystem(), "http://host/base")

    def missing(*_: object, **__: object) -> None:
        raise FileNotFoundError

    monkeypatch.setattr(HttpResultTracker, "_contents", Mock(return_value=b"<html>"))
    monkeypatch.setattr(FaultyFileSystem, "info", missing)
    assert tracker._read("a", 3) == b"<ht"


def test_links_of_an_index_page_to_itself_are_not_results(monkeypatch: pytest.MonkeyPatch) -> None:
    """Links that sort an index page, as Apache's pages have them, are not in a listing."""
    fs = fsspec.filesystem("http")

    def links(_: object, path: str, **__: object) -> list[dict[str, object]]:
        return [{"name": f"{path}/{name}", "type": "file"} for name in ("?C=N;O=D", "a%3Fb", "#top")]

    monkeypatch.setattr(type(fs), "ls", links)
    assert list(iter(HttpResultTracker(fs, "http://host/base"))) == ["a?b"]


class Renaming(FaultyFileSystem):
    """A filesystem that typedtrack does not know; its client cuts a name at ``?`` or ``#``, and unquotes ``%``."""

    def _real(self, path: str) -> str:
        return unquote(path.partition("?")[0].partition("#")[0])

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **kwargs: object) -> bytes:
        """Return the bytes of another file."""
        return super().cat_file(self._real(path), start, end)


@pytest.mark.parametrize("key", ["a?v=1", "a#1", "a%20b", "sub/100%"])
def test_unknown_filesystem_refuses_a_key_that_may_reach_another(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    """A key that the client of an unknown filesystem may read as another is refused at every call."""
    monkeypatch.setattr("typedtrack.backends.other._LITERAL", frozenset[str]())
    fs = Renaming()
    for path in ("a", "a b"):
        fs.fs.pipe_file(f"/base/{path}", b'{"x": 1}\n')
    tracker = OtherResultTracker(fs, "/base")
    for call in (tracker.get, tracker.__contains__, tracker.__delitem__, partial(tracker.put, x=1), tracker.wait):
        with pytest.raises(UnsupportedOperationError, match=f"the key {key!r}.*another key".replace("?", "[?]")):
            call(key)
    with pytest.raises(UnsupportedOperationError):
        list(tracker.keys("a#1"))
    assert tracker["a b"] == {"x": 1}
    assert sorted(iter(tracker)) == ["a", "a b"]


def test_key_error_of_a_filesystem_is_not_an_absent_key() -> None:
    """A `KeyError` of an unknown filesystem becomes another error: it would mean that the key holds nothing."""
    fs = FaultyFileSystem()
    fs.fs.pipe_file("/base/a", b'{"x": 1}\n')
    fs.faults.errors = dict.fromkeys(("cat_file", "pipe_file", "rm_file", "ls"), KeyError("size"))
    tracker = OtherResultTracker(fs, "/base")
    with pytest.raises(ConnectionError, match="lacks 'size'"):
        tracker.get("a")
    with pytest.raises(ConnectionError, match="lacks 'size'"):
        list(tracker)
    with pytest.warns(UserWarning, match="visible"), pytest.raises(ConnectionError, match="lacks 'size'"):
        tracker.put("a", x=1)
    fs.faults.errors = {"rm_file": KeyError("size")}
    with pytest.raises(ConnectionError, match="lacks 'size'"):
        del tracker["a"]
