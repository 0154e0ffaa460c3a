"""``typedtrack export`` and ``report``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars
import pytest

from tests.cli.conftest import Cli
from typedtrack import open_tracker


@pytest.fixture
def stored(base: str) -> str:
    """Return a base that holds three results and a failure."""
    tracker = open_tracker(base)
    tracker.put_many({"a/1": {"loss": 0.5, "steps": 3}, "a/2": {"loss": 0.25}, "b": {"loss": 2.0}})
    tracker.fail("a/3", "out of memory")
    return base


@pytest.mark.parametrize(
    ("name", "read"), [("t.parquet", polars.read_parquet), ("t.csv", polars.read_csv), ("t.arrow", polars.read_ipc)]
)
def test_export_writes_a_table(cli: Cli, stored: str, name: str, read: Callable[[str], polars.DataFrame]) -> None:
    """One row a result; failures are left out."""
    assert cli("export", stored, "a", "--out", name) == (0, "", "")
    table = read(name)
    assert table.sort("key").rows(named=True) == [
        {"key": "a/1", "loss": 0.5, "steps": 3},
        {"key": "a/2", "loss": 0.25, "steps": None},
    ]


@pytest.mark.parametrize("name", ["t.ndjson", "t.ndjson.gz"])
def test_export_writes_an_archive(cli: Cli, stored: str, name: str) -> None:
    """It has failures, too; the commands read it as a base, and `put` reads its lines."""
    assert cli("export", stored, "a", "--out", name) == (0, "", "")
    assert cli("ls", name).out == "a/1\na/2\na/3\n"
    assert cli("ls", name, "--failed").out == "a/3\tFailure\tout of memory\n"
    assert cli("get", name, "a/1", "loss").out == "0.5\n"
    assert cli("put", name, "a/4", "x=1").code == 2
    if name == "t.ndjson":
        cli("rm", stored, "--prefix", "a")
        assert cli("put", stored, "--lines", name).code == 0
        assert open_tracker(stored)["a/2"] == {"loss": 0.25}


def test_export_names_each_result_that_it_cannot_read(cli: Cli, stored: str) -> None:
    """The file has all others."""
    Path(stored, "a/4").write_text("{", "utf-8")
    code, out, err = cli("export", stored, "a", "--out", "t.csv")
    assert (code, out) == (3, "")
    assert err.startswith(f"typedtrack: key 'a/4': {stored}/a/4: ")
    assert polars.read_csv("t.csv").height == 2


@pytest.mark.parametrize(
    ("command", "field"),
    [(("export", "--out", "t.csv"), "x"), (("report", "--out", "t.html"), "key"), (("top",), "key")],
)
def test_results_that_fit_no_table(cli: Cli, base: str, command: tuple[str, ...], field: str) -> None:
    """The error names the field, and a command that takes such results."""
    open_tracker(base).put_many({"a": {field: "one", "y": 0.5}, "b": {field: 1}, "sub/c": {"y": 0.25}})
    name, *options = command
    code, out, err = cli(name, base, *options)
    assert (code, out) == (2, "")
    advice = (
        "an archive takes any results: typedtrack export BASE --out FILE.ndjson; or pass a PREFIX whose results fit"
    )
    assert f"does not fit a table: field {field!r}: " in err
    assert err.endswith(f"; {advice} a table\n")
    assert cli("export", base, "--out", "t.ndjson").code == 0
    assert cli(name, base, "sub", *options).code == 0


def test_export_refuses_other_files(cli: Cli, stored: str) -> None:
    """Nothing is written."""
    code, _, err = cli("export", stored, "--out", "t.xlsx")
    assert (code, Path("t.xlsx").exists()) == (2, False)
    endings = "a table ends in .parquet, .csv, .arrow, and an archive in .ndjson or .ndjson.gz"
    assert err == f"typedtrack: ValueError: cannot write 't.xlsx': {endings}\n"
    assert cli("export", stored).code == 2


def test_report_writes_a_page(cli: Cli, stored: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The best row is named, by the metric and direction that are asked for."""
    monkeypatch.setenv("TYPEDTRACK_BASE", stored)
    assert cli("report", "--out", "r.html") == (0, "", "")
    assert "Best: b (" in Path("r.html").read_text("utf-8")
    assert cli("report", stored, "a", "--out", "r.html", "--by", "loss", "--min", "--title", "Sweep <1>").code == 0
    page = Path("r.html").read_text("utf-8")
    assert "Best: a/2 (" in page
    assert "<title>Sweep &lt;1&gt;</title>" in page
    code, _, err = cli("report", stored, "--out", "r.html", "--by", "accuracy")
    assert (code, err.startswith("typedtrack: ValueError: ")) == (2, True)


@pytest.mark.parametrize("name", ["train.py", "page", "page.html.txt", "html"])
def test_report_overwrites_no_other_file(cli: Cli, stored: str, name: str) -> None:
    """A slip of the fingers must not cost a file: a page's name ends in .html or .htm."""
    Path(name).write_text("mine", "utf-8")
    code, out, err = cli("report", stored, "--out", name)
    assert (code, out, Path(name).read_text("utf-8")) == (2, "", "mine")
    message = f"cannot write {name!r}: a page is written to a file that ends in .html or .htm"
    assert err == f"typedtrack: ValueError: {message}\n"
    assert cli("report", stored, "--out", "page.htm").code == 0
