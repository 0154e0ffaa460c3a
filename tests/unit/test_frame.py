"""Frames: exact columns whatever is stored, any number of chunks, parts, files, and one error at the end."""

from __future__ import annotations

import enum
import math
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import duckdb
import pandas
import polars
import pyarrow
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import Meta

from tests.trackers import DictTracker
from typedtrack import (
    BulkError,
    Frame,
    KeyTemplate,
    Result,
    ResultTracker,
    SchemaMismatchError,
    Stat,
    Value,
    as_result,
    key,
    open_tracker,
    record,
)
from typedtrack._records.typed_keys import PlainKeys
from typedtrack._results.chunks import Chunk
from typedtrack._tracker.backend import Listed
from typedtrack.frame import chunks as chunks_module
from typedtrack.frame import frame as frame_module
from typedtrack.frame.chunks import CHUNK_ROWS, Spool, batch_of
from typedtrack.frame.columns import GROUP_ROWS
from typedtrack.frame.files import writer_of
from typedtrack.report import page as page_module
from typedtrack.testing import records, results


class Phase(enum.IntEnum):
    """An enumeration of ints."""

    TRAIN = 1
    TEST = 2


@record
class Evaluation:
    """A record with every kind of column."""

    accuracy: float
    steps: int
    batch: Annotated[int, Meta(ge=1, le=4096)]
    l2norm: Stat
    phase: Phase = Phase.TRAIN
    split: Literal["train", "test"] = "test"
    checkpoint: str | None = None


@key("{model}/seed_{seed}")
class RunKey(KeyTemplate):
    """A key with a text and a number."""

    model: str
    seed: int


@pytest.fixture
def tracker(tmp_path: Path) -> ResultTracker:
    """Return a tracker on an empty local base."""
    return open_tracker(tmp_path / "base")


def rows_of(frame: Frame) -> list[dict[str, Any]]:
    """Return the rows of *frame* as pyarrow reads them, by their keys."""
    return sorted(pyarrow.table(frame).to_pylist(), key=lambda row: str(row.get("key")))


def evaluation(seed: int, **changes: Any) -> Evaluation:
    """Return some record."""
    fields: dict[str, Any] = {"accuracy": 0.5, "steps": seed, "batch": 8, "l2norm": Stat(mean=1.0, sem=0.1), **changes}
    return Evaluation(**fields)


def same(value: object, stored: Value | None) -> bool:
    """Return whether *value* of a table is what was *stored*: the same number, and NaN and null told apart."""
    if stored is None or value is None:
        return value is stored
    if isinstance(stored, float):
        return type(value) is float and repr(value) == repr(stored)  # NaN too
    if isinstance(stored, int):
        return type(value) in (int, Decimal) and value == stored
    return type(value) is str and value == stored


TYPES = {
    "int64": (polars.Int64(), "BIGINT"),
    "uint64": (polars.UInt64(), "UBIGINT"),
    "decimal128(20, 0)": (polars.Decimal(20, 0), "DECIMAL(20,0)"),
    "double": (polars.Float64(), "DOUBLE"),
    "string": (polars.String(), "VARCHAR"),
}
"""The types of columns in pyarrow, each with the same in polars and in DuckDB."""


def tables_of(frame: Frame) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of *frame* as each library reads them, after a check that all give a column the same type."""
    arrow = pyarrow.table(frame)
    types = {name: TYPES[str(arrow.schema.field(name).type)] for name in arrow.column_names}
    table = polars.DataFrame(frame)
    assert dict(table.schema) == {name: found for name, (found, _) in types.items()}
    relation = duckdb.sql("select * from frame")
    assert relation is not None
    assert [str(kind) for kind in relation.types] == [found for _, found in types.values()]
    found = (row.values() for row in pyarrow.table(relation).to_pylist())
    rows = [
        dict(zip(arrow.column_names, values, strict=True)) for values in found
    ]  # DuckDB renames `LOSS` beside `loss`
    return {"pyarrow": arrow.to_pylist(), "polars": table.to_dicts(), "duckdb": rows}


@given(st.dictionaries(st.sampled_from("abcdef"), results(), max_size=6), st.integers(1, 3))
@example({"a": {"loss": 0, "LOSS": 1}}, 1)
def test_every_library_reads_the_stored_values(stored: dict[str, Result], rows: int) -> None:
    """Any results become the same values in pyarrow, polars and DuckDB, or an error names the columns that cannot."""
    tracker = open_tracker("memory://frames/property")
    for there in list(tracker):
        del tracker[there]
    tracker.put_many(stored)
    names = {name for result in stored.values() for name in result}
    kinds = {name: {type(result[name]) for result in stored.values() if name in result} for name in names}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frame_module, "CHUNK_ROWS", rows)
        frame = tracker.frame()
        try:
            table = pyarrow.table(frame)
        except SchemaMismatchError as error:
            for problem in error.problems:
                mixed = kinds.get(str(problem.field), set())
                assert problem.field == "key" or (str in mixed and len(mixed) > 1) or mixed == {int, float}
            return
        assert set(table.column_names) == {"key", *names}
        assert table.column_names[0] == "key"
        tables = tables_of(frame)
    for library, found in tables.items():
        assert {row["key"] for row in found} == stored.keys(), library
        for row in found:
            for name in names:
                expected: Value | None = stored[row["key"]].get(name)
                if isinstance(expected, int) and float in kinds[name]:
                    expected = float(expected)
                assert same(row[name], expected), (library, name, row[name], expected)


RUN_KEYS = st.builds(RunKey, model=st.sampled_from(["gpt", "ünï", "x.y"]), seed=st.integers(0, 2**64 - 1))


@given(st.dictionaries(RUN_KEYS, records(Evaluation), max_size=5), st.integers(1, 3))
def test_what_records_hold_is_what_every_library_reads(stored: dict[RunKey, Evaluation], rows: int) -> None:
    """Any records become the same values in the columns of their key and their fields, with any number of chunks."""
    tracker = open_tracker("memory://frames/typed")
    view = tracker.typed(Evaluation, key=RunKey)
    view.clear()
    view.put_many(stored)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frame_module, "CHUNK_ROWS", rows)
        tables = tables_of(view.frame())
    for library, found in tables.items():
        assert len(found) == len(stored), library
        for row in found:
            key = RunKey(model=row.pop("model"), seed=int(row.pop("seed")))
            result = as_result(stored[key])
            assert row.keys() >= result.keys()
            for name, value in row.items():
                assert same(value, result.get(name)), (library, name, value)


@pytest.mark.parametrize(
    ("values", "arrow"),
    [
        ([1, -(2**63), 2**63 - 1], "int64"),
        ([1, 2**64 - 1], "uint64"),
        ([-1, 2**64 - 1, -(2**63)], "decimal128(20, 0)"),
        ([1, 2.5, 2**53], "double"),
        ([-0.0, math.nan, math.inf], "double"),
        (["a", ""], "string"),
    ],
)
def test_a_column_has_the_type_that_holds_all_values(tracker: ResultTracker, values: list[Value], arrow: str) -> None:
    """An int column is int64, else uint64, else a decimal; an int beside a float is a float."""
    tracker.put_many((f"{place}", {"x": value}) for place, value in enumerate(values))
    table = pyarrow.table(tracker.frame())
    assert str(table.schema.field("x").type) == arrow
    found = table.sort_by("key")["x"].to_pylist()
    expected = map(float, values) if arrow == "double" else values
    assert all(map(same, found, expected))


def test_values_that_fit_no_type_are_an_error_that_names_every_column(tracker: ResultTracker) -> None:
    """A text beside a number, and a float beside an int that no float equals."""
    tracker.put_many({"a": {"x": 1, "y": 0.5, "z": 1}, "b": {"x": "one", "y": 2**53 + 1, "z": 2}})
    with pytest.raises(SchemaMismatchError) as caught:
        pyarrow.table(tracker.frame())
    assert {problem.field for problem in caught.value.problems} == {"x", "y"}
    assert str(caught.value) == (
        f"{tracker!r} does not fit a table: 2 problems\n"
        "  field 'x': holds a str in some results and a number in others\n"
        "  field 'y': holds a float in some results, and the int 9007199254740993, which no float equals, in others\n"
        "a column has one type; a record declares it, and a frame of records leaves out the results that do not fit"
    )


def test_no_results_make_an_empty_table(tracker: ResultTracker) -> None:
    """An untyped tracker without results knows only the column of the key; a view knows all its columns."""
    assert pyarrow.table(tracker.frame()).column_names == ["key"]
    view = tracker.typed(Evaluation, key=RunKey)
    table = pyarrow.table(view.frame())
    assert (table.num_rows, table.column_names[:3]) == (0, ["model", "seed", "accuracy"])
    assert str(table.schema.field("steps").type) == "int64"


def test_a_view_has_the_columns_of_its_key_and_its_record(tracker: ResultTracker) -> None:
    """Enumerations are their values, an absent field is null, a nested record is its columns."""
    view = tracker.typed(Evaluation, key=RunKey)
    view[RunKey("small", 1)] = evaluation(1, checkpoint="c", phase=Phase.TEST)
    view[RunKey("small", 2)] = evaluation(2**64 - 1)
    rows = pyarrow.table(view.frame()).sort_by("seed").to_pylist()
    assert rows[0] == {
        "model": "small",
        "seed": 1,
        "accuracy": 0.5,
        "steps": 1,
        "batch": 8,
        "l2norm/mean": 1.0,
        "l2norm/sem": 0.1,
        "phase": 2,
        "split": "test",
        "checkpoint": "c",
    }
    assert (rows[1]["steps"], rows[1]["checkpoint"]) == (2**64 - 1, None)
    plain = tracker.typed(Evaluation)
    assert pyarrow.table(plain.frame("small")).sort_by("key")["key"].to_pylist() == ["small/seed_1", "small/seed_2"]


def test_a_record_whose_columns_are_all_known_streams(tracker: ResultTracker, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first batch is handed over before the second is read."""
    monkeypatch.setattr(frame_module, "CHUNK_ROWS", 2)
    view = tracker.typed(Stat)
    view.put_many((f"{number}", Stat(mean=number, sem=0.0)) for number in range(6))
    monkeypatch.setattr(frame_module, "Spool", None)  # which would read all first
    reader = pyarrow.RecordBatchReader.from_stream(view.frame())
    assert [batch.num_rows for batch in reader] == [2, 2, 2]


def test_one_name_for_two_columns_is_an_error_with_a_remedy(tracker: ResultTracker) -> None:
    """A field may not be named as a column of the key: both names and what to do are told."""

    @record
    class Clash:
        seed: int

    with pytest.raises(SchemaMismatchError, match="field 'seed': is the name of a column of the key, too\ngive this"):
        tracker.typed(Clash, key=RunKey).frame()
    tracker.put("a", {"key": 1})
    with pytest.raises(SchemaMismatchError) as caught:
        pyarrow.table(tracker.frame())
    remedy = "read the results as records, by a key class whose fields have other names"
    assert str(caught.value).endswith(f"field 'key': is the name of a column of the key, too\n{remedy}")


def test_unreadable_results_are_left_out_and_named_at_the_end(tracker: ResultTracker, tmp_path: Path) -> None:
    """Corrupt results are one error after all other rows; as a warning they are no error; failures are neither."""
    tracker.put_many({"good": {"x": 1}, "fine": {"x": 2}})
    tracker.fail("failed", "out of memory")
    (tmp_path / "base" / "bad").write_text("{")
    with pytest.raises(pyarrow.ArrowInvalid, match="1 key"):
        pyarrow.table(tracker.frame())
    with pytest.warns(UserWarning, match="'bad'"):
        assert [row["key"] for row in rows_of(tracker.frame(on_error="warn"))] == ["fine", "good"]
    with pytest.raises(BulkError) as caught:
        tracker.frame().write(tmp_path / "table.parquet")
    assert [*caught.value.errors] == ["bad"]
    assert polars.read_parquet(tmp_path / "table.parquet").height == 2
    with pytest.raises(ValueError, match="on_error is 'raise' or 'warn', not 'ignore'"):
        tracker.frame(on_error="ignore")  # type: ignore[arg-type]  # what a program without a type checker may do


OUTPUTS: dict[str, Callable[[ResultTracker, Path], object]] = {
    "table.parquet": lambda tracker, path: tracker.frame().write(path),
    "table.csv": lambda tracker, path: tracker.frame().write(path),
    "table.arrow": lambda tracker, path: tracker.frame().write(path),
    "warned.csv": lambda tracker, path: tracker.frame(on_error="warn").write(path),
    "typed.csv": lambda tracker, path: tracker.typed(Stat).frame().write(path),
    "cached.csv": lambda tracker, path: tracker.frame(cache=f"{path}.cache").write(path),
    "page.html": lambda tracker, path: tracker.frame().report(path),
    "cached.html": lambda tracker, path: tracker.frame(cache=f"{path}.cache").report(path),
    "sweep.ndjson": lambda tracker, path: tracker.archive(path),
    "sweep.ndjson.gz": lambda tracker, path: tracker.archive(path),
}


@pytest.mark.parametrize("name", OUTPUTS)
def test_an_error_of_the_store_leaves_the_old_file(name: str, tmp_path: Path) -> None:
    """The next file has all results. A corrupt result stays corrupt, so a file without it replaces the old one."""
    pytest.importorskip("typedtrack.report.page")
    tracker, target, write = DictTracker(), tmp_path / name, OUTPUTS[name]
    tracker.put_many((text, {"mean": 1.0, "sem": 0.5}) for text in "abc")
    write(tracker, target)
    before = target.read_bytes()
    del tracker["a"]
    tracker.stored["bad"] = b"{"
    tracker.faults["b"] = PermissionError(13, "refused")
    with pytest.raises(PermissionError, match="refused") as caught:
        write(tracker, target)
    assert "'b'" in caught.value.__notes__[0]
    assert target.read_bytes() == before
    del tracker.faults["b"]
    expected = pytest.warns(UserWarning, match="'bad'") if "warned" in name else pytest.raises(BulkError)
    with expected:
        write(tracker, target)
    assert target.read_bytes() != before


def test_parts_read_the_same_table_in_other_processes(tracker: ResultTracker) -> None:
    """Each part pickles, has the schema of the whole, and reads its own results."""
    tracker.put_many(
        (f"{number}", {"x": number if number % 2 else number / 2, f"only_{number}": 1}) for number in range(7)
    )
    frame = tracker.frame()
    parts = [pickle.loads(pickle.dumps(part)) for part in frame.parts(3)]
    tables = [pyarrow.table(part) for part in parts]
    assert [table.num_rows for table in tables] == [2, 2, 3]
    assert {table.schema for table in tables} == {pyarrow.table(frame).schema}
    assert pyarrow.concat_tables(tables).sort_by("key") == pyarrow.table(frame).sort_by("key")
    view = tracker.typed(Stat)
    view["stat"] = Stat(mean=1.0, sem=0.0)
    assert repr(frame.parts(3)[0]).startswith(f"<Frame of a part of {tracker!r} with 2 results: hand it to ")
    (part,) = view.frame("stat").parts(5)
    assert repr(part).startswith(f"<Frame of a part of {view!r} below 'stat' with 1 result: ")
    assert pyarrow.table(pickle.loads(pickle.dumps(part))).to_pylist() == [{"key": "stat", "mean": 1.0, "sem": 0.0}]
    assert [pyarrow.table(smaller).num_rows for smaller in part.parts(1)] == [1]
    with pytest.raises(ValueError, match="at least 1 part, not 0"):
        frame.parts(0)


def test_pandas_takes_it(tracker: ResultTracker) -> None:
    """`DataFrame.from_arrow` takes a frame; the constructor of pandas does not."""
    tracker.put("a", x=1, y="é")
    assert pandas.DataFrame.from_arrow(tracker.frame()).to_dict("records") == [{"key": "a", "x": 1, "y": "é"}]


@pytest.mark.parametrize("name", ["table.parquet", "table.csv", "table.arrow"])
@pytest.mark.parametrize("place", ["local", "memory"])
def test_a_table_is_written_to_a_file(tracker: ResultTracker, tmp_path: Path, name: str, place: str) -> None:
    """Parquet, CSV and Arrow files, on a local path or a URL, in place of what was there."""
    tracker.put_many({"a": {"x": 1, "s": "one, two"}, "b": {"x": 2}})
    path = str(tmp_path / name) if place == "local" else f"memory://frames/{name}"
    for _ in range(2):
        tracker.frame().write(path)
    data = Path(path).read_bytes() if place == "local" else MemoryFileSystem().cat_file(f"/frames/{name}")
    readers: dict[str, Any] = {"parquet": polars.read_parquet, "csv": polars.read_csv, "arrow": polars.read_ipc}
    assert readers[name.partition(".")[2]](data).sort("key").rows() == [("a", 1, "one, two"), ("b", 2, None)]
    leftovers = [*map(str, tmp_path.glob(".*"))] + [path for path in MemoryFileSystem.store if ".tmp" in path]
    assert leftovers == []


def test_a_file_is_written_whole_or_not_at_all(tracker: ResultTracker, tmp_path: Path) -> None:
    """An error on the way leaves the old file and nothing else."""
    tracker.put_many({"a": {"x": 1}, "b": {"x": "one"}})
    target = tmp_path / "table.csv"
    target.write_text("old")
    with pytest.raises(SchemaMismatchError):
        tracker.frame().write(target)
    with pytest.raises(FileNotFoundError):
        tracker.frame("a").write(tmp_path / "missing" / "table.csv")
    with pytest.raises(ValueError, match=r"ends in \.parquet, \.csv, \.arrow"):
        tracker.frame("a").write(tmp_path / "table.xlsx")
    assert target.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["base", "table.csv"]


def test_a_table_of_an_archive_is_the_table_of_its_base(tracker: ResultTracker, tmp_path: Path) -> None:
    """Below a prefix, too, and whether the lines of the archive are decoded together or one by one."""
    view = tracker.typed(Evaluation, key=RunKey)
    for seed in range(9):
        view[RunKey(model="a", seed=seed)] = evaluation(seed)
        view[RunKey(model="b", seed=seed)] = evaluation(seed, accuracy=math.nan if seed == 5 else -0.0)
    tracker.fail("b/seed_10", "out of memory")
    tracker.put("c", x=1)
    tracker.archive(tmp_path / "sweep.ndjson")
    archive = open_tracker(tmp_path / "sweep.ndjson")
    archived = archive.typed(Evaluation, key=RunKey)
    for prefix, rows in (("", 18), ("b", 9), ("b/", 9)):
        assert shown_rows(archived.frame(prefix)) == shown_rows(view.frame(prefix))
        assert shown_rows(archive.frame(prefix)) == shown_rows(tracker.frame(prefix))
        assert len(shown_rows(archived.frame(prefix))) == rows


def shown_rows(frame: Frame) -> list[str]:
    """Return the rows of *frame* as texts, in which a NaN equals a NaN, and the order of columns does not count."""
    return sorted(repr(sorted(row.items())) for row in pyarrow.table(frame).to_pylist())


def test_parquet_is_written_in_groups_that_fit_in_memory(tmp_path: Path) -> None:
    """A group is in memory until it is written, and no larger for more rows; its columns are compressed."""
    rows = CHUNK_ROWS
    chunk = Chunk(rows, {"x": range(rows)})
    batches = [batch_of(chunk, {"x": "int64"})] * 20
    write = writer_of("table.parquet")
    with open(tmp_path / "table.parquet", "wb") as file:
        write({"x": "int64"}, batches, file)
    groups = duckdb.sql(f"from parquet_metadata('{tmp_path}/table.parquet') order by row_group_id")
    assert groups is not None
    found = groups.select("row_group_num_rows", "compression").fetchall()
    assert found == [(GROUP_ROWS, "SNAPPY"), (4 * rows, "SNAPPY")]


def test_a_notebook_shows_the_first_rows_and_no_markup_of_data(tracker: ResultTracker, tmp_path: Path) -> None:
    """Twenty rows at most, whatever their values hold; a note tells of more, and of what cannot be read."""
    tracker.put_many((f"<b>{number:02d}", {"<i>": "<script>" + "x" * 100}) for number in range(25))
    shown = tracker.frame()._repr_html_()
    assert shown.count("<tr>") == 21
    assert "the first 20 rows; there are more" in shown
    assert "<b>" not in shown
    assert "<script>" not in shown
    assert "…</td>" in shown
    empty = open_tracker(tmp_path / "empty")
    assert "<th>key</th>" in empty.frame()._repr_html_()
    assert "0 rows" in empty.frame()._repr_html_()
    empty.put("a", x=1)
    assert "<p>1 row</p>" in empty.frame()._repr_html_()
    (tmp_path / "empty" / "a").write_text("{")
    assert "1 key(s) failed" in empty.frame()._repr_html_()
    assert repr(empty.frame("a")).startswith("<Frame of LocalResultTracker(")
    assert "below 'a'" in repr(empty.frame("a"))


def test_nothing_is_listed_or_read_to_show_a_tracker(tracker: ResultTracker, monkeypatch: pytest.MonkeyPatch) -> None:
    """A notebook shows the value of a cell by its ``repr``, unless it has another way; only a frame has one."""

    def touch(*_: object) -> None:
        raise AssertionError("the store was touched")

    for primitive in ("_list", "_list_details", "_read", "_read_many"):
        monkeypatch.setattr(type(tracker), primitive, touch)
    view = tracker.typed(Evaluation, key=RunKey)
    for shown in (tracker, view, tracker.keys(), tracker.values(), tracker.items(), view.items()):
        assert "LocalResultTracker(" in repr(shown)
        assert not hasattr(shown, "_repr_html_")
    assert "LocalResultTracker(" in repr(view.frame())


def test_the_schema_is_that_of_the_table(tracker: ResultTracker) -> None:
    """A record whose ints are bounded knows it without reading."""
    tracker.put("a", x=1)
    assert pyarrow.schema(tracker.frame().schema) == pyarrow.table(tracker.frame()).schema


def test_a_spool_keeps_much_in_a_file_and_little_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond its memory it goes on in a temporary file, with the same batches."""
    monkeypatch.setattr(chunks_module, "_MEMORY", 1000)
    chunks = [Chunk(100, {"x": [*range(start, start + 100)]}) for start in range(0, 500, 100)]
    spool = Spool([*chunks, Chunk(1, {"y": ["late"]})])
    batches = [*spool.batches({"x": "decimal128", "y": "string"})]
    found = [pyarrow.record_batch(batch).to_pydict() for batch in batches]
    assert [value for batch in found for value in batch["x"]] == [*map(Decimal, range(500)), None]
    assert found[-1]["y"] == ["late"]
    assert found[0]["y"] == [None] * 100


def test_groups_are_summed_up_over_a_field_of_the_key(tracker: ResultTracker) -> None:
    """Each numeric field has a `Stat` of its values; absent values do not count."""
    view = tracker.typed(Evaluation, key=RunKey)
    for seed in range(4):
        view[RunKey("small", seed)] = evaluation(seed, accuracy=seed / 10)
    view[RunKey("large", 0)] = evaluation(7)
    (large, of_large), (small, of_small) = view.over("seed")
    assert (large, small) == ({"model": "large"}, {"model": "small"})
    assert (of_large.count, of_small.count) == (1, 4)
    assert of_small["accuracy"] == Stat.of([0.0, 0.1, 0.2, 0.3])
    assert of_large["steps"].mean == 7.0
    assert math.isnan(of_large["steps"].sem)
    assert "split" not in of_small.stats
    ((everything, of_all),) = view.over("seed", "model")
    assert (everything, of_all.count) == ({}, 5)


def test_a_summary_names_unreadable_results_at_its_end(tracker: ResultTracker, tmp_path: Path) -> None:
    """All other results count."""
    view = tracker.typed(Stat, key=RunKey)
    view[RunKey("small", 1)] = Stat(mean=1.0, sem=0.0)
    (tmp_path / "base" / "small" / "seed_2").write_text("{")
    found = view.over("seed")
    assert next(found)[1].count == 1
    with pytest.raises(BulkError, match="seed=2"):
        next(found)


@pytest.mark.parametrize("fields", [(), ("epoch",), ("seed", "epoch")])
def test_a_summary_is_over_fields_of_the_key(tracker: ResultTracker, fields: tuple[str, ...]) -> None:
    """Anything else is an error that names the fields there are."""
    with pytest.raises(ValueError, match="the keys have the fields 'model', 'seed'"):
        next(tracker.typed(Stat, key=RunKey).over(*fields))
    with pytest.raises(ValueError, match="the keys have no fields"):
        next(tracker.typed(Stat).over("seed"))


def test_without_the_extra_the_error_names_it() -> None:
    """The first call that needs Arrow says what to install; trackers work without."""
    program = """
import importlib.util, sys
find_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name.startswith("arro3") else find_spec(name, *rest)
from typedtrack import open_tracker
open_tracker("memory://x").frame()
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ended.stderr.endswith("tables need arro3-core and arro3-io: pip install 'typedtrack[arrow]'\n")


def test_without_the_extra_the_other_names_are_listed() -> None:
    """`help`, completion and an import of every name leave out the class that cannot be loaded."""
    program = """
import pydoc
from importlib.machinery import PathFinder
find_spec = PathFinder.find_spec
PathFinder.find_spec = lambda name, *rest: None if name == "arro3" else find_spec(name, *rest)
import typedtrack
assert "open_tracker" in pydoc.render_doc(typedtrack)
assert "open_tracker" in dir(typedtrack) and "Frame" not in dir(typedtrack)
from typedtrack import *
print(open_tracker)
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ended.stdout.startswith("<function open_tracker"), ended.stderr


def test_a_report_says_what_it_leaves_out(tracker: ResultTracker, tmp_path: Path) -> None:
    """Failures and corrupt results are counted on the page, which is written before the error is raised."""
    view = tracker.typed(Evaluation, key=RunKey)
    for seed in range(3):
        view[RunKey("small", seed)] = evaluation(seed)
    view.fail(RunKey("small", 7), "out of memory")
    page = tmp_path / "report.html"
    view.frame().report(page, by="l2norm", direction="min", title="Runs & more")
    text = page.read_text(encoding="utf-8")
    assert "<title>Runs &amp; more</title>" in text
    assert "<p>Failed and left out: 1</p>" in text
    (tmp_path / "base" / "small" / "seed_8").write_text("{")
    with pytest.raises(BulkError):
        view.frame().report(page)
    assert "<p>Not readable and left out: 1</p>" in page.read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="by='loss': no result has a numeric field of that name; there are: 'seed'"):
        view.frame().report(page, by="loss")
    with pytest.raises(ValueError, match="direction is 'max' or 'min', not 'up'"):
        view.frame().report(page, direction="up")  # type: ignore[arg-type]  # as above


def test_a_report_without_its_script_says_how_to_build_it(
    tracker: ResultTracker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An editable install has no script at first."""

    def files(package: str) -> Path:
        return tmp_path

    monkeypatch.setattr(page_module, "files", files)
    (tmp_path / "report.css").write_text("")
    with pytest.raises(FileNotFoundError, match="run `make report` in the clone"):
        tracker.frame().report(tmp_path / "report.html")
    assert not (tmp_path / "report.html").exists()


def test_an_absent_field_is_an_empty_cell_in_a_notebook(tracker: ResultTracker) -> None:
    """No text stands for it."""
    tracker.put_many({"a": {"x": 1}, "b": {"y": 2}})
    assert tracker.frame()._repr_html_().count("<td></td>") == 2


def test_plain_keys_are_their_text(tracker: ResultTracker) -> None:
    """In a view without typed keys, the first column is the text of the key."""
    assert PlainKeys().values(5) == ("5",)


def test_an_error_of_listing_versions_names_the_base(tracker: ResultTracker, tmp_path: Path) -> None:
    """The error has a note with the base, as every other error of the store; keys of other forms are skipped."""
    view = tracker.typed(Stat, key=RunKey)
    view[RunKey("small", 1)] = Stat(mean=1.0, sem=0.0)
    tracker.put("other", x=1)
    cache = tmp_path / "cache.parquet"
    assert pyarrow.table(view.frame(cache=cache)).num_rows == 1

    def refuse(prefix: str) -> Iterator[Listed]:
        raise PermissionError(13, "refused")

    tracker._list_details = refuse  # type: ignore[method-assign]  # a store that lost its login
    with pytest.raises(PermissionError) as caught:
        _ = view.frame(cache=cache).schema
    assert "typedtrack: list" in caught.value.__notes__[0]
