"""``schema infer``: the proposed schema for stored results."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from typedtrack import BulkError, CorruptResultError, FsspecResultTracker, ResultTracker


def test_a_schema_is_proposed_and_outliers_are_listed(cli: Cli) -> None:
    """The proposal is on standard output, the outliers, such as corrupt results, on standard error."""
    tracker = FsspecResultTracker("results")
    tracker.put_many({f"a/{i}": {"loss": i, "l2norm/mean": 0.5} for i in range(5)})
    tracker["a/odd"] = {"loss": "nan", "l2norm/mean": 2**53 + 1}
    Path("results/a/broken").write_text("{")
    code, out, err = cli("schema", "infer", "results", "--name", "Trial")
    assert code == 0
    Path("trial.schema.json").write_text(out)
    assert cli("schema", "generate", "trial.schema.json", "--out", "trial.py").code == 0
    _assert_generated(Path("trial.py"), cli("schema", "infer", "results", "--name", "Trial", "--python").out)
    assert err.splitlines() == [
        "field 'loss': is str, not int: 1 of the results (a/odd)",
        "field 'l2norm/mean': is an int that no float equals: 1 of the results (a/odd)",
        "is not a result: 1 stored (a/broken)",
    ]


def _assert_generated(path: Path, proposed: str) -> None:
    """Assert that the module at *path* equals the *proposed* one, whose docstring does not mention a schema."""
    head, _, rest = proposed.partition("\n")
    assert head == '"""A record proposed by `typedtrack schema infer` from stored results: change it as you need."""'
    assert path.read_text().partition("\n")[2] == rest


def test_the_proposal_is_json_for_programs(cli: Cli) -> None:
    """``--json`` has the schema or the code, the number of results, and the outliers."""
    FsspecResultTracker("results").put_many({"a": {"loss": 1}, "b": {"loss": 2}, "c/d": {"other": "x"}})
    document = cli("schema", "infer", "results", "--prefix", "c", "--json").document
    assert (document["results"], document["outliers"], document["schema"]["title"]) == (1, [], "Result")
    assert list(document["schema"]["properties"]) == ["other"]
    document = cli("schema", "infer", "results", "--prefix", "c", "--json", "--python").document
    assert "class Result:\n    other: str\n" in document["python"]


def test_without_results_the_exit_code_is_1(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error is one line; the base may be that of the environment."""
    Path("empty").mkdir()
    monkeypatch.setenv("TYPEDTRACK_BASE", "empty")
    no = "typedtrack: no result in empty to infer a schema from\n"
    for arguments in ((), ("empty",)):
        assert cli("schema", "infer", *arguments) == (1, "", no)
    code, out, err = cli("schema", "infer", "empty", "--json")
    assert (code, err) == (1, no)
    assert out == '{\n  "schema": null,\n  "results": 0,\n  "outliers": []\n}\n'


def test_corrupt_results_alone_are_listed(cli: Cli) -> None:
    """The exit code is 1; they are listed, as JSON, too."""
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


def test_fields_get_attributes_that_python_allows(cli: Cli) -> None:
    """The schema and the module load, though no name of a field is an attribute."""
    FsspecResultTracker("results")["a"] = {"class": 1, "2d/loss": 0.5, "Result": "x", "loss/1": 1, "loss-1": 2}
    code, out, err = cli("schema", "infer", "results")
    assert (code, err) == (0, "")
    Path("result.schema.json").write_text(out)
    assert cli("schema", "generate", "result.schema.json", "--out", "made.py").code == 0
    _assert_generated(Path("made.py"), cli("schema", "infer", "results", "--python").out)
    assert '    loss_1_2: int = field(name="loss/1")\n' in Path("made.py").read_text()


def test_an_invalid_name_is_misuse(cli: Cli) -> None:
    """``--name`` names a class; it is checked before anything is read."""
    reasons = {
        "my run": "'my run' is not a Python identifier",
        "int": "the name 'int' is reserved in generated code",
        "größe": "the name 'größe' has a character outside ASCII, or begins with two underscores",
    }
    for name, reason in reasons.items():
        line = f"typedtrack: Invalid value for '--name': {reason}\n"
        assert cli("schema", "infer", "nowhere", "--name", name) == (2, "", line)


def test_a_failure_of_the_store_is_an_error(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an error even if some results are corrupt."""

    def fail(tracker: ResultTracker, prefix: str) -> None:
        raise BulkError({"a": PermissionError("no"), "b": CorruptResultError("b", None, "is broken")})

    monkeypatch.setattr(ResultTracker, "items", fail)
    answer = cli("schema", "infer", "results", "--json")
    assert (answer.code, answer.out) == (3, "")
