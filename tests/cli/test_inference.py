"""``schema infer``: what is proposed for what is stored."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from typedtrack import BulkError, CorruptResultError, FsspecResultTracker, ResultTracker


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
        "is not a result: 1 stored (a/broken)",
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
    code, out, err = cli("schema", "infer", "nowhere", "--json")
    assert (code, err) == (1, "typedtrack: no result in nowhere to infer a schema from\n")
    assert out == '{\n  "schema": null,\n  "results": 0,\n  "outliers": []\n}\n'


def test_nothing_but_corrupt_results_is_told(cli: Cli) -> None:
    """The answer is no, and says what is stored instead of results."""
    Path("results").mkdir()
    Path("results/broken").write_text("{")
    line = "is not a result: 1 stored (broken)"
    no = "typedtrack: no result in results to infer a schema from"
    code, out, err = cli("schema", "infer", "results")
    assert (code, out, err.splitlines()) == (1, "", [no, line])
    answer = cli("schema", "infer", "results", "--json")
    assert (answer.code, answer.err.splitlines()) == (1, [no, line])
    outlier = {"field": None, "reason": "is not a result", "results": 1, "keys": ["broken"]}
    assert answer.document == {"schema": None, "results": 0, "outliers": [outlier]}


def test_names_that_python_cannot_have_are_proposed_others(cli: Cli) -> None:
    """The schema and the module load, though no field has the attribute of its name."""
    FsspecResultTracker("results")["a"] = {"class": 1, "2d/loss": 0.5, "Result": "x", "loss/1": 1, "loss-1": 2}
    code, out, err = cli("schema", "infer", "results")
    assert (code, err) == (0, "")
    Path("result.schema.json").write_text(out)
    assert cli("schema", "generate", "result.schema.json", "--out", "made.py").code == 0
    assert Path("made.py").read_text() == cli("schema", "infer", "results", "--python").out
    assert '    loss_1_2: int = field(name="loss/1")\n' in Path("made.py").read_text()


def test_a_name_that_is_none_is_misuse(cli: Cli) -> None:
    """``--name`` is that of a class; nothing is read before it is known to be one."""
    reasons = {
        "my run": "'my run' is not a Python identifier",
        "int": "the name 'int' is reserved in generated code",
        "größe": "the name 'größe' has a character outside ASCII, or begins with two underscores",
    }
    for name, reason in reasons.items():
        line = f"typedtrack: Invalid value for '--name': {reason}\n"
        assert cli("schema", "infer", "nowhere", "--name", name) == (2, "", line)


def test_a_store_that_fails_is_no_answer(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failure to read is an error, with its code, whatever is corrupt besides."""

    def fail(tracker: ResultTracker, prefix: str) -> None:
        raise BulkError({"a": PermissionError("no"), "b": CorruptResultError("b", None, "is broken")})

    monkeypatch.setattr(ResultTracker, "items", fail)
    answer = cli("schema", "infer", "results", "--json")
    assert (answer.code, answer.out) == (3, "")
