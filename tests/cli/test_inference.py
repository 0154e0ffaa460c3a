"""``schema infer``: what is proposed for what is stored."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Cli
from typedtrack import FsspecResultTracker


def test_a_schema_is_proposed_and_what_does_not_fit_is_listed(cli: Cli) -> None:
    """The proposal goes to standard output, the outliers to standard error; a corrupt result is one."""
    tracker = FsspecResultTracker("results")
    tracker.put_many({f"a/{i}": {"loss": i, "l2norm/mean": 0.5} for i in range(5)})
    tracker["a/odd"] = {"loss": "nan", "l2norm/mean": 2**53 + 1}
    Path("results/a/broken").write_text("{")
    code, out, err = cli("schema", "infer", "results", "--name", "Trial")
    assert code == 0
    Path("trial.schema.json").write_text(out)
    assert cli("schema", "generate", "trial.schema.json", "--out", "trial.py").code == 0
    assert Path("trial.py").read_text() == cli("schema", "infer", "results", "--name", "Trial", "--python").out
    assert err.splitlines() == [
        "field 'loss': is str, not int: 1 of the results (a/odd)",
        "field 'l2norm/mean': is an int that no float equals: 1 of the results (a/odd)",
        "is stored, and is no result: 1 of the results (a/broken)",
    ]


def test_the_proposal_is_json_for_programs(cli: Cli) -> None:
    """``--json`` has the schema, or the code, how many results it is from, and the outliers."""
    FsspecResultTracker("results").put_many({"a": {"loss": 1}, "b": {"loss": 2}, "c/d": {"other": "x"}})
    document = cli("schema", "infer", "results", "--prefix", "c", "--json").document
    assert (document["results"], document["outliers"], document["schema"]["title"]) == (1, [], "Result")
    assert list(document["schema"]["properties"]) == ["other"]
    document = cli("schema", "infer", "results", "--prefix", "c", "--json", "--python").document
    assert "class Result:\n    other: str\n" in document["python"]


def test_no_result_is_the_answer_no(cli: Cli) -> None:
    """An empty base is told in one line, with 1."""
    assert cli("schema", "infer", "nowhere") == (1, "", "typedtrack: no result in nowhere to infer a schema from\n")
