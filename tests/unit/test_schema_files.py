"""Schema files, local and remote, and the record classes made from them."""

from __future__ import annotations

import gzip
import pickle
import sys
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

import attrs
import fsspec
import pytest

from typedtrack import FsspecResultTracker, InvalidResultError, SchemaError, Stat, field, record, schema_of
from typedtrack.schemas import document_text, file_name, files, load_schemas, parse_document, read_schemas


@record
class Inner:
    """A nested record."""

    count: int = 0


@record
class EvalResult:
    """One evaluation."""

    accuracy: float
    l2norm: Stat
    inner: Inner = field(default=Inner(count=2))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with two schema files and another file."""
    for cls in (EvalResult, Inner):
        (tmp_path / file_name(cls.__name__)).write_text(document_text(schema_of(cls)), encoding="utf-8")
    (tmp_path / "README.md").write_text("schemas")
    return tmp_path


def test_a_folder_of_schemas(folder: Path) -> None:
    """Only the schema files of a folder are read, in order."""
    found = read_schemas(folder)

    assert list(found) == [str(folder / "eval_result.schema.json"), str(folder / "inner.schema.json")]
    assert list(found.values()) == [schema_of(EvalResult), schema_of(Inner)]


def test_one_file(folder: Path) -> None:
    """A file may have any name."""
    renamed = (folder / "inner.schema.json").rename(folder / "x.json")

    assert read_schemas(f"file://{renamed}") == {str(renamed): schema_of(Inner)}


def test_missing_schemas(tmp_path: Path) -> None:
    """A folder without schemas and a missing file raise `FileNotFoundError`."""
    with pytest.raises(FileNotFoundError, match=r"no \*\.schema\.json in "):
        read_schemas(tmp_path)
    with pytest.raises(FileNotFoundError):
        read_schemas(tmp_path / "none.schema.json")
    with pytest.raises(FileNotFoundError, match="No such file or directory: 'memory://test-nothing-there'"):
        read_schemas("memory://test-nothing-there")
    (tmp_path / "folder.schema.json").mkdir()
    with pytest.raises(FileNotFoundError, match=r"no \*\.schema\.json in "):
        read_schemas(tmp_path)


def test_a_url(folder: Path) -> None:
    """A folder or a file may be at any fsspec URL; caches are bypassed."""
    memory: Any = fsspec.filesystem("memory")
    memory.put(str(folder), "/test-schema-files", recursive=True)
    try:
        found = read_schemas("memory://test-schema-files/", storage_options={})
        one = read_schemas("memory://test-schema-files/inner.schema.json")
        cached = read_schemas("simplecache::memory://test-schema-files")
    finally:
        memory.rm("/test-schema-files", recursive=True)

    assert list(found) == [
        "memory://test-schema-files/eval_result.schema.json",
        "memory://test-schema-files/inner.schema.json",
    ]
    assert list(found.values()) == [schema_of(EvalResult), schema_of(Inner)]
    assert list(cached.values()) == list(found.values())
    assert one == {"memory://test-schema-files/inner.schema.json": schema_of(Inner)}


def test_a_file_from_another_system(tmp_path: Path) -> None:
    """A byte order mark and line ends of two characters are ignored."""
    text = document_text(schema_of(Inner)).replace("\n", "\r\n")

    assert parse_document(b"\xef\xbb\xbf" + text.encode(), "file") == schema_of(Inner)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is not JSON: "),
        (b"\xff", "is not UTF-8 (byte 0)"),
        (b'{"title": NaN}', "is not JSON: NaN is not a JSON number"),
        (b'{"a": 1, "a": 1}', "is not JSON: the name 'a' is repeated"),
        (b"[" * 100_000, "is nested too deeply"),
        (b'{"minimum": ' + b"9" * 5000 + b"}", "is not JSON: "),
        (b"[]", "must be an object, not []"),
    ],
)
def test_files_that_are_not_documents(data: bytes, reason: str) -> None:
    """A file without a JSON object is refused; the error names it and the reason."""
    with pytest.raises(SchemaError) as caught:
        parse_document(data, "run.schema.json")

    ((pointer, why),) = caught.value.problems
    assert (caught.value.source, pointer) == ("run.schema.json", "")
    assert why.startswith(reason)


def test_large_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file over the limit is refused, after one byte more."""
    monkeypatch.setattr(files, "MAX_BYTES", 10)
    large = tmp_path / "large.schema.json"
    large.write_bytes(b"{        }")
    with pytest.raises(SchemaError, match='must be "object"'):
        read_schemas(large)

    large.write_bytes(b"{         }")
    with pytest.raises(SchemaError, match="is larger than 10 bytes"):
        read_schemas(large)


class Answer(NamedTuple):
    """An answer of the server."""

    body: bytes | None
    """`None` sends spaces for ever."""
    headers: Mapping[str, str] = {}
    status: int = 200


class Server(ThreadingHTTPServer):
    """A server that gives one answer, and remembers its requests."""

    answer: Answer
    requests: list[tuple[str, str, str | None]]
    sent: int


class Handler(BaseHTTPRequestHandler):
    """Answers every request alike."""

    def do_GET(self) -> None:
        """Send the answer."""
        server = self.server
        assert isinstance(server, Server)
        server.requests.append((self.command, self.path, self.headers["X-Token"]))
        self.send_response(server.answer.status)
        for name, value in server.answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            while server.answer.body is None:
                server.sent += self.wfile.write(b" " * 2**16)
            self.wfile.write(server.answer.body)
        except OSError:  # the client has hung up
            pass

    def do_HEAD(self) -> None:
        """Send the answer."""
        self.do_GET()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    """Serve HTTP on loopback."""
    with Server(("127.0.0.1", 0), Handler) as server:
        server.requests, server.sent = [], 0
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_document_over_http_is_one_request(server: Server) -> None:
    """The document is not searched for links; the request has the user's headers."""
    url = f"http://127.0.0.1:{server.server_port}/run.schema.json"
    link = "http://127.0.0.1/run.schema.json/other.schema.json"
    text = document_text(attrs.evolve(schema_of(Inner), doc=f'See <a href="{link}">this</a> or {link}.'))
    server.answer = Answer(text.encode(), {"Content-Type": "text/html"})
    found = read_schemas(url, storage_options={"headers": {"X-Token": "secret"}})
    assert list(found) == [url]
    assert found[url].name == "Inner"
    assert server.requests == [("GET", "/run.schema.json", "secret")]
    assert list(load_schemas(f"simplecache::{url}")) == ["Inner"]


def test_a_document_over_http_has_a_limit(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that sends for ever is cut off, also if the URL has a cache."""
    monkeypatch.setattr(files, "MAX_BYTES", 2**20)
    server.answer = Answer(None)
    url = f"http://127.0.0.1:{server.server_port}/"
    for each in (url, f"filecache::{url}"):
        with pytest.raises(SchemaError, match="is larger than 1,048,576 bytes"):
            read_schemas(each)
    assert server.sent < 2**26  # the rest of it was in buffers


def test_a_compressed_document_over_http_is_refused(server: Server) -> None:
    """A compressed document could unpack to any size."""
    server.answer = Answer(gzip.compress(b" " * 2**20), {"Content-Encoding": "gzip"})
    with pytest.raises(SchemaError, match="is not UTF-8"):
        read_schemas(f"http://127.0.0.1:{server.server_port}/")


def test_a_missing_document_over_http(server: Server) -> None:
    """It raises `FileNotFoundError`, and a refused request another error."""
    server.answer = Answer(b"nothing", status=404)
    url = f"http://127.0.0.1:{server.server_port}/none"
    with pytest.raises(FileNotFoundError, match=f"No such file or directory: '{url}'"):
        read_schemas(url)
    server.answer = Answer(b"no", status=403)
    with pytest.raises(Exception, match="403"):
        read_schemas(url)


class Name(str):
    """A name that counts comparisons with others."""

    __slots__ = ()
    compared = 0

    def __eq__(self, other: object) -> bool:
        Name.compared += 1
        return str(self) == str(other)

    __hash__ = str.__hash__


def test_a_repeated_name_is_found_in_linear_time() -> None:
    """No name of an object is compared with each other one."""
    names = [Name(f"n{number}") for number in range(1000)]
    with pytest.raises(ValueError, match="the name 'n999' is repeated"):
        files._object([(name, 1) for name in [*names, Name("n999")]])
    assert Name.compared < 100


def test_classes_behave_as_declared_ones(folder: Path, tmp_path: Path) -> None:
    """They construct, refuse, compare, and read results of declared classes. `Stat` is `typedtrack.Stat`."""
    records: dict[str, Any] = load_schemas(folder)
    loaded = records["EvalResult"]
    result = loaded(accuracy=1, l2norm=Stat(mean=0.5, sem=0.1))

    assert list(records) == ["Stat", "Inner", "EvalResult"]
    assert records["Stat"] is Stat
    assert loaded.__doc__ == "One evaluation."
    assert result == loaded(accuracy=1.0, l2norm=Stat(mean=0.5, sem=0.1), inner=records["Inner"](count=2))
    assert repr(result) == "EvalResult(accuracy=1.0, l2norm=Stat(mean=0.5, sem=0.1), inner=Inner(count=2))"
    with pytest.raises(InvalidResultError, match="accuracy"):
        loaded(accuracy="high", l2norm=Stat(mean=0.5, sem=0.1))

    tracker = FsspecResultTracker(str(tmp_path / "results"))
    tracker.typed(EvalResult)["app"] = EvalResult(accuracy=1.0, l2norm=Stat(mean=0.5, sem=0.1))
    assert tracker.typed(loaded)["app"] == result


def test_classes_belong_to_the_module_that_loads_them(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They can be pickled if that module binds them."""
    records: dict[str, Any] = load_schemas(folder)
    for name, cls in records.items():
        monkeypatch.setattr(sys.modules[__name__], name, cls, raising=False)
    result = records["EvalResult"](accuracy=1.0, l2norm=Stat(mean=0.5, sem=0.1))

    assert records["EvalResult"].__module__ == __name__
    assert pickle.loads(pickle.dumps(result)) == result


def test_two_records_of_one_name(folder: Path) -> None:
    """Different records with one name are refused; a repeated record is not."""
    (folder / "other.schema.json").write_text(document_text(schema_of(Inner)))
    assert len(load_schemas(folder)) == 3

    renamed = document_text(schema_of(Inner)).replace('"count"', '"number"')
    (folder / "other.schema.json").write_text(renamed)
    with pytest.raises(SchemaError, match="has a record Inner that differs from another of that name") as caught:
        load_schemas(folder)
    assert caught.value.source == str(folder / "other.schema.json")


def test_a_local_load_imports_no_fsspec(folder: Path) -> None:
    """`put` and `get` do not import cattrs either."""
    import subprocess

    code = f"import sys, typedtrack.schemas as s; s.load_schemas({str(folder)!r}); print('fsspec' in sys.modules)"
    code += "; import typedtrack"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    put = "import sys, typedtrack; print('cattrs' in sys.modules, 'typedtrack._schema.documents' in sys.modules)"
    other = subprocess.run([sys.executable, "-c", put], capture_output=True, text=True, check=True)

    assert (done.stdout, other.stdout) == ("False\n", "False False\n")


@pytest.mark.parametrize(
    ("name", "expected"),
    [("EvalResult", "eval_result"), ("Stat", "stat"), ("HTTPServer2Run", "http_server2_run"), ("x", "x")],
)
def test_file_names(name: str, expected: str) -> None:
    """The name of the record in snake case."""
    assert file_name(name) == f"{expected}.schema.json"
