"""``schema check`` and ``schema rules``: verdicts, in words and as JSON."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import fsspec
import pytest

from tests.cli.conftest import RECORDS, Cli
from tests.cli.test_made_files import BOTH
from typedtrack.schemas import RULES, read_committed


@pytest.fixture
def versions(cli: Cli) -> None:
    """Folders of three versions of the records: ``v1``; ``v2`` adds a field with a default; ``v3`` one without."""
    v2 = RECORDS.replace("steps: int", "steps: int\n    loss: float = 0.0")
    for name, text in [("v1", RECORDS), ("v2", v2), ("v3", v2.replace("loss: float = 0.0", "loss: float"))]:
        Path("records.py").write_text(text, "utf-8")
        assert cli("schema", "export", "records.py", "--out", name).code == 0


@pytest.mark.usefixtures("versions")
def test_compatible_records_are_named_with_what_they_were_held_to(cli: Cli) -> None:
    """Each record of a folder is told apart by its name."""
    code, out, err = cli("schema", "check", "v2", "--against", "v1")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "EvalResult: compatible with v1/eval_result.schema.json",
        "TrainResult: compatible with v1/train_result.schema.json",
    ]


@pytest.mark.usefixtures("versions")
def test_an_incompatibility_names_direction_field_rule_and_remedy(cli: Cli) -> None:
    """The answer is no: 1, on standard output, a line each."""
    code, out, err = cli("schema", "check", "v3/train_result.schema.json", "--against", "v1", "--against", "v2")
    assert (code, err) == (1, "")
    assert out == (
        "TrainResult, where it reads the older (v1/train_result.schema.json): field 'loss': the reader requires it, "
        "but the writer does not store it; give the field a default in the reader (field-missing)\n"
    )


@pytest.mark.usefixtures("versions")
@pytest.mark.parametrize(("mode", "code"), [("backward", 0), ("backward_transitive", 1), ("forward", 0), ("full", 0)])
def test_modes_decide_which_versions_read_which(cli: Cli, mode: str, code: int) -> None:
    """The last of the older ones is the latest: only the transitive modes ask about the first."""
    command = ["schema", "check", "v3", "--against", "v1", "--against", "v2", "--mode", mode]
    assert cli(*command).code == code
    document = cli(*command, "--json").document
    assert (document["mode"], document["compatible"]) == (mode, code == 0)
    asked = ["v1", "v2"] if mode == "backward_transitive" else ["v2"]
    assert document["records"][1]["against"] == [f"{version}/train_result.schema.json" for version in asked]


@pytest.mark.usefixtures("versions")
def test_older_readers_are_checked_forward(cli: Cli) -> None:
    """Forward, the older reads the new; a closed reader refuses the field that came."""
    code, out, _ = cli("schema", "check", "v2", "--against", "v1", "--mode", "forward", "--unknown", "error")
    assert code == 1
    assert "TrainResult, where the older reads it (v1/train_result.schema.json): field 'loss'" in out


def test_json_has_examples_and_warnings(cli: Cli) -> None:
    """An example that JSON lacks (NaN) is text; what is read as something else is a warning, and no conflict."""
    cli("schema", "export", "records.py:TrainResult", "--out", "old")
    Path("records.py").write_text(RECORDS.replace("steps: int", "steps: float"), "utf-8")
    cli("schema", "export", "records.py:TrainResult", "--out", "new")
    answer = cli("schema", "check", "new", "--against", "old", "--mode", "full", "--json")
    document = answer.document
    assert answer.code == 1
    (report,) = document["records"]
    (conflict,) = report["conflicts"]
    assert {name: conflict[name] for name in ("against", "direction", "rule", "field", "example")} == {
        "against": "old/train_result.schema.json",
        "direction": "forward",
        "rule": "kind",
        "field": "steps",
        "example": "nan",
    }
    assert [warning["rule"] for warning in report["warnings"]] == ["int-as-float"]
    assert [(each["against"], each["direction"]) for each in report["warnings"]] == [
        ("old/train_result.schema.json", "backward")
    ]
    warning = "TrainResult, where it reads the older (old/train_result.schema.json): warning: field 'steps'"
    assert warning in cli("schema", "check", "new", "--against", "old").out
    both = ["--against", "old", "--against", "new"]  # the latest has nothing to warn of
    assert warning in cli("schema", "check", "new", *both).out
    assert "warning" not in cli("schema", "check", "new", *both, "--mode", "backward").out
    forward = cli("schema", "check", "old", "--against", "new", "--mode", "forward").out
    assert forward.count("warning") == 1
    assert "TrainResult, where the older reads it (new/train_result.schema.json): warning: field 'steps'" in forward
    assert "warning" not in cli("schema", "check", "new", "--against", "old", "--mode", "forward").out


def test_one_schema_is_held_to_one_whatever_their_names(cli: Cli) -> None:
    """A record that was renamed is compared when both are named by their files."""
    cli("schema", "export", "records.py", "--out", "schemas")
    Path("records.py").write_text(RECORDS.replace("TrainResult", "Training"), "utf-8")
    cli("schema", "export", "records.py", "--out", "schemas")
    old, new = "schemas/train_result.schema.json", "schemas/training.schema.json"
    assert cli("schema", "check", new, "--against", old) == (0, f"Training: compatible with {old}\n", "")


@pytest.mark.usefixtures("versions")
def test_a_record_that_is_gone_is_told(cli: Cli) -> None:
    """Nothing reads what it wrote: 1; a folder of one schema is not held to a folder of one of another name."""
    lost = "TrainResult: gone; no new schema reads what {} wrote"
    cli("schema", "export", "records.py:EvalResult", "--out", "new")
    old = Path("v1/train_result.schema.json")
    Path("one").mkdir()
    Path("one", old.name).write_bytes(old.read_bytes())
    code, out, err = cli("schema", "check", "new", "--against", "v1", "--against", "one")
    assert (code, err) == (1, "")
    assert out.splitlines()[1:] == [lost.format("v1/train_result.schema.json, one/train_result.schema.json")]
    document = cli("schema", "check", "new", "--against", "v1", "--json").document
    assert document["compatible"] is False
    assert [(each["record"], each["gone"]) for each in document["records"]] == [
        ("EvalResult", False),
        ("TrainResult", True),
    ]
    alone = f"EvalResult: new\n{lost.format('one/train_result.schema.json')}\n"
    assert cli("schema", "check", "new", "--against", "one") == (1, alone, "")
    assert cli("schema", "check", "new/eval_result.schema.json", "--against", "v1").code == 0


@pytest.mark.usefixtures("versions")
def test_what_is_gone_is_gone_for_those_that_the_mode_asks_about(cli: Cli) -> None:
    """Backward, from the latest; forward, nobody asks whether what was stored is read."""
    cli("schema", "export", "records.py:EvalResult", "--out", "new")
    check = ["schema", "check", "new", "--against", "v1", "--against", "new", "--mode"]
    codes = {mode: cli(*check, mode).code for mode in ["backward", "full", "forward", "forward_transitive"]}
    assert codes == {"backward": 0, "full": 0, "forward": 0, "forward_transitive": 0}
    assert [cli(*check, f"{mode}_transitive").code for mode in ("backward", "full")] == [1, 1]


def _git(*arguments: str) -> None:
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)


def test_a_commit_is_an_older_version(cli: Cli) -> None:
    """``git:REF`` is what NEW, a folder or a file, held then; a record without a past is new."""
    cli("schema", "export", "records.py:EvalResult", "--out", "schemas")
    Path("schemas/notes.txt").write_text("no schema")
    _git("init")
    _git("add", "schemas")
    _git("commit", "-m", "First")
    _git("tag", "v1")
    Path("records.py").write_text(RECORDS.replace("le=1", "le=0.5"), "utf-8")
    cli("schema", "export", "records.py", "--out", "schemas")
    code, out, _ = cli("schema", "check", "schemas", "--against", "git:v1")
    assert code == 1
    assert "EvalResult, where it reads the older (v1:schemas/eval_result.schema.json): field 'accuracy'" in out
    assert out.endswith("TrainResult: new\n")
    assert cli("schema", "check", "schemas/eval_result.schema.json", "--against", "git:v1").out in out


@pytest.mark.parametrize("ref", ["nope", "--help", "HEAD:x"])
def test_a_commit_that_is_not_there_is_refused(cli: Cli, ref: str) -> None:
    """A ref that git does not know, or that would be an option of git, is misuse."""
    cli("schema", "export", "records.py", "--out", "schemas")
    _git("init")
    code, out, err = cli("schema", "check", "schemas", "--against", f"git:{ref}")
    assert (code, out) == (2, "")
    assert f"no schema at git:{ref}: {ref!r} is no commit, branch or tag of the repository of schemas" in err
    assert err.count("\n") == 1


def test_a_commit_without_the_schemas_is_refused(cli: Cli) -> None:
    """A commit from before the folder is named as such."""
    cli("schema", "export", "records.py", "--out", "schemas")
    _git("init")
    _git("commit", "--allow-empty", "-m", "Empty")
    line = "schemas held no *.schema.json as of HEAD, if it existed; name a later commit"
    assert line in cli("schema", "check", "schemas", "--against", "git:HEAD").err
    code, out, err = cli("schema", "check", BOTH[0], "--against", "git:HEAD")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert f"{BOTH[0]} did not exist as of HEAD; name a later commit (fatal: " in err


def test_a_link_of_a_commit_is_told(cli: Cli) -> None:
    """What git keeps of it is where it points."""
    cli("schema", "export", "records.py:EvalResult", "--out", "schemas")
    Path("schemas/linked.schema.json").symlink_to("eval_result.schema.json")
    _git("init")
    _git("add", "schemas")
    _git("commit", "-m", "Schemas")
    code, out, err = cli("schema", "check", "schemas", "--against", "git:HEAD")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "linked.schema.json was a link as of HEAD, to 'eval_result.schema.json'; name what it was to" in err
    assert cli("schema", "check", BOTH[0], "--against", "git:HEAD").code == 0


def test_what_is_gone_now_is_no_new_schema(cli: Cli) -> None:
    """NEW is there now: what only a commit has is told as missing, a URL as what git has not."""
    cli("schema", "export", "records.py", "--out", "schemas")
    _git("init")
    _git("add", "schemas")
    _git("commit", "-m", "Schemas")
    Path(BOTH[0]).unlink()
    code, out, err = cli("schema", "check", BOTH[0], "--against", "git:HEAD")
    line = f"typedtrack: Invalid value: no schema at {BOTH[0]}: it does not exist\n"
    assert (code, out, err) == (2, "", line)

    memory: Any = fsspec.filesystem("memory")
    memory.pipe("/test-cli-new/a.schema.json", Path(BOTH[1]).read_bytes())
    code, out, err = cli("schema", "check", "memory://test-cli-new", "--against", "git:HEAD")
    memory.rm("/test-cli-new", recursive=True)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "no schema at git:HEAD: it is what NEW held then, and memory://test-cli-new is a URL; name a file" in err
    assert cli("schema", "check", f"file://{Path.cwd()}/{BOTH[1]}", "--against", "git:HEAD").code == 0


def test_without_a_repository_or_git_there_is_no_commit(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Either is told in one line, with what git says of it."""
    cli("schema", "export", "records.py", "--out", "schemas")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(Path.cwd().parent))
    code, out, err = cli("schema", "check", "schemas", "--against", "git:HEAD")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "no schema at git:HEAD: schemas is in no git repository (fatal: not a git repository" in err
    monkeypatch.setenv("PATH", "")
    answer = cli("schema", "check", "schemas", "--against", "git:HEAD")
    line = "typedtrack: Invalid value: no schema at git:HEAD: git is not installed, or not on the PATH\n"
    assert answer == (2, "", line)


@pytest.mark.usefixtures("versions")
def test_nothing_to_compare_is_misuse(cli: Cli) -> None:
    """A check that compared nothing must not pass: no older schema of the name of a file, or none at all."""
    Path("records.py").write_text(RECORDS.replace("TrainResult", "Training"), "utf-8")
    cli("schema", "export", "records.py:Training", "--out", "other")
    code, out, err = cli("schema", "check", "other/training.schema.json", "--against", "v1")
    assert (code, out) == (2, "")
    assert "none of the older schemas is of Training; nothing was checked" in err
    assert cli("schema", "check", "v1").code == 2
    assert cli("schema", "check", "v1", "--against", "v1", "--mode", "sideways").code == 2


def test_rules_are_listed_from_the_table(cli: Cli) -> None:
    """Every rule, a line each with tabs, as JSON, and as Markdown."""
    lines = cli("schema", "rules").out.splitlines()
    assert [line.split("\t")[0] for line in lines] == [rule.id for rule in RULES]
    assert all(line.count("\t") == 2 for line in lines)
    document = cli("schema", "rules", "--json").document
    assert document == [
        {"id": rule.id, "purpose": rule.purpose, "remedy": rule.remedy, "warns": rule.warns} for rule in RULES
    ]
    markdown = cli("schema", "rules", "--markdown").out.splitlines()
    assert markdown[:2] == ["| rule | holds if | if not |", "| --- | --- | --- |"]
    assert len(markdown) == 2 + len(RULES)


def test_rules_are_a_table_on_a_terminal() -> None:
    """On a terminal there are headings, and nothing is cut."""
    leader, follower = pty.openpty()
    environment = {**os.environ, "COLUMNS": "200", "TERM": "xterm"}
    command = [sys.executable, "-m", "typedtrack", "schema", "rules"]
    subprocess.run(command, stdout=follower, check=True, env=environment)
    os.close(follower)
    shown = b""
    try:
        while chunk := os.read(leader, 65536):
            shown += chunk
    except OSError:  # how Linux says that the other end is closed
        pass
    os.close(leader)
    assert b"holds if" in shown
    assert all(rule.id.encode() in shown for rule in RULES)
    assert b"\t" not in shown


def test_schemas_elsewhere_are_named_in_full(cli: Cli, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A path is shown from the current folder on where it is below it, else as it is."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    cli("schema", "export", "records.py:TrainResult", "--out", str(elsewhere))
    shown = f"TrainResult: compatible with {elsewhere}/train_result.schema.json\n"
    assert cli("schema", "check", str(elsewhere), "--against", str(elsewhere)) == (0, shown, "")


def test_a_path_that_is_gone_has_no_past(tmp_path: Path) -> None:
    """`read_committed` is for what is there."""
    with pytest.raises(FileNotFoundError, match="gone does not exist; git:REF is for what is there now"):
        read_committed(tmp_path / "gone", "HEAD")
