"""Schema files, local and remote, and the record classes made of them."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from typing import Any

import fsspec
import pytest

from typedtrack import FsspecResultTracker, InvalidResultError, SchemaError, Stat, field, record, schema_of
from typedtrack.schemas import document_text, file_name, files, load_schemas, parse_document, read_schemas


@record
class Inner:
    """Within another."""

    count: int = 0


@record
class EvalResult:
    """One evaluation."""

    accuracy: float
    l2norm: Stat
    inner: Inner = field(default=Inner(count=2))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with two schema files, and a file of another kind."""
    for cls in (EvalResult, Inner):
        (tmp_path / file_name(cls.__name__)).write_text(document_text(schema_of(cls)), encoding="utf-8")
    (tmp_path / "README.md").write_text("schemas")
    return tmp_path


def test_a_folder_of_schemas(folder: Path) -> None:
    """A folder is read for its schema files, in order, and nothing else."""
    found = read_schemas(folder)

    assert list(found) == [str(folder / "eval_result.schema.json"), str(folder / "inner.schema.json")]
    assert list(found.values()) == [schema_of(EvalResult), schema_of(Inner)]


def test_one_file(folder: Path) -> None:
    """One file is read, whatever its name."""
    renamed = (folder / "inner.schema.json").rename(folder / "x.json")

    assert read_schemas(f"file://{renamed}") == {str(renamed): schema_of(Inner)}


def test_nothing_there(tmp_path: Path) -> None:
    """A folder without schemas, and a file that is not there, are said to be missing."""
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
    """Schemas are read from any fsspec URL: a folder, or one file."""
    memory: Any = fsspec.filesystem("memory")
    memory.put(str(folder), "/test-schema-files", recursive=True)
    try:
        found = read_schemas("memory://test-schema-files/", storage_options={})
        one = read_schemas("memory://test-schema-files/inner.schema.json")
    finally:
        memory.rm("/test-schema-files", recursive=True)

    assert list(found) == [
        "memory://test-schema-files/eval_result.schema.json",
        "memory://test-schema-files/inner.schema.json",
    ]
    assert list(found.values()) == [schema_of(EvalResult), schema_of(Inner)]
    assert one == {"memory://test-schema-files/inner.schema.json": schema_of(Inner)}


def test_a_file_as_other_systems_write_it(tmp_path: Path) -> None:
    """A byte order mark, and line ends of two characters, say nothing."""
    text = document_text(schema_of(Inner)).replace("\n", "\r\n")

    assert parse_document(b"\xef\xbb\xbf" + text.encode(), "file") == schema_of(Inner)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is not JSON: "),
        (b"\xff", "is not UTF-8 (byte 0)"),
        (b'{"title": NaN}', "is not JSON: NaN is no number of JSON"),
        (b'{"a": 1, "a": 1}', "is not JSON: the name 'a' is repeated"),
        (b"[" * 100_000, "is nested too deeply"),
        (b'{"minimum": ' + b"9" * 5000 + b"}", "is not JSON: "),
        (b"[]", "must be an object, not []"),
    ],
)
def test_files_that_are_no_documents(data: bytes, reason: str) -> None:
    """A file that does not even hold a JSON object is refused, named, with the reason."""
    with pytest.raises(SchemaError) as caught:
        parse_document(data, "run.schema.json")

    ((pointer, why),) = caught.value.problems
    assert (caught.value.source, pointer) == ("run.schema.json", "")
    assert why.startswith(reason)


def test_large_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more of a file is read than a schema can need."""
    monkeypatch.setattr(files, "_MAX_BYTES", 10)
    large = tmp_path / "large.schema.json"
    large.write_bytes(b"{        }")
    with pytest.raises(SchemaError, match="title"):
        read_schemas(large)

    large.write_bytes(b"{         }")
    with pytest.raises(SchemaError, match="is larger than 10 bytes"):
        read_schemas(large)


def test_classes_behave_as_declared_ones(folder: Path, tmp_path: Path) -> None:
    """Loaded classes construct, refuse, compare, and read what declared ones stored; Stat is typedtrack's own."""
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


def test_classes_are_from_the_module_that_loads_them(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loaded classes pickle where the module that called binds them."""
    records: dict[str, Any] = load_schemas(folder)
    for name, cls in records.items():
        monkeypatch.setattr(sys.modules[__name__], name, cls, raising=False)
    result = records["EvalResult"](accuracy=1.0, l2norm=Stat(mean=0.5, sem=0.1))

    assert records["EvalResult"].__module__ == __name__
    assert pickle.loads(pickle.dumps(result)) == result


def test_two_records_of_one_name(folder: Path) -> None:
    """Two files with different records of one name are refused; the same one twice is not."""
    (folder / "other.schema.json").write_text(document_text(schema_of(Inner)))
    assert len(load_schemas(folder)) == 3

    renamed = document_text(schema_of(Inner)).replace('"count"', '"number"')
    (folder / "other.schema.json").write_text(renamed)
    with pytest.raises(SchemaError, match="has a record Inner unlike another of that name") as caught:
        load_schemas(folder)
    assert caught.value.source == str(folder / "other.schema.json")


def test_a_local_load_imports_no_fsspec(folder: Path) -> None:
    """Loading local schemas imports no fsspec, and putting and getting imports no cattrs."""
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
    """A schema file is named after its record, in snake case."""
    assert file_name(name) == f"{expected}.schema.json"
