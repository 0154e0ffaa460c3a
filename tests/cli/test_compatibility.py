"""``schema check`` and ``schema rules``: verdicts and warnings, in words and as JSON."""

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
from tests.programs import read_all
from typedtrack import SchemaError
from typedtrack.schemas import MODES, RULES, files, read_committed


@pytest.fixture
def versions(cli: Cli) -> None:
    """Make folders of three versions: ``v2`` adds a field with a default to ``v1``, and ``v3`` drops the default."""
    v2 = RECORDS.replace("steps: int", "steps: int\n    loss: float = 0.0")
    for name, text in [("v1", RECORDS), ("v2", v2), ("v3", v2.replace("loss: float = 0.0", "loss: float"))]:
        Path("records.py").write_text(text, "utf-8")
        assert cli("schema", "export", "records.py", "--out", name).code == 0


@pytest.mark.usefixtures("versions")
def test_compatible_records_are_named_with_the_older_files(cli: Cli) -> None:
    """The records of a folder are matched by name."""
    code, out, err = cli("schema", "check", "v2", "--against", "v1")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "EvalResult: compatible with v1/eval_result.schema.json",
        "TrainResult: compatible with v1/train_result.schema.json",
    ]


@pytest.mark.usefixtures("versions")
def test_an_incompatibility_names_direction_field_rule_and_remedy(cli: Cli) -> None:
    """Each is a line on standard output; the exit code is 1."""
    code, out, err = cli("schema", "check", "v3/train_result.schema.json", "--against", "v1", "--against", "v2")
    assert (code, err) == (1, "")
    assert out == (
        "TrainResult, reading v1/train_result.schema.json: field 'loss': the reader requires it, but the writer does "
        "not store it; give the field a default in the reader (field-missing)\n"
        "TrainResult, reading v2/train_result.schema.json: warning: field 'loss': a result without it means 0.0 to the "
        "writer, but is refused by the reader; keep the default, or read older results with the older schema "
        "(default-changed)\n"
    )


@pytest.mark.usefixtures("versions")
@pytest.mark.parametrize(("mode", "code"), [("backward", 0), ("backward_transitive", 1), ("forward", 0), ("full", 0)])
def test_modes_decide_which_versions_read_which(cli: Cli, mode: str, code: int) -> None:
    """The last of the older schemas is the latest; only transitive modes check the others."""
    command = ["schema", "check", "v3", "--against", "v1", "--against", "v2", "--mode", mode]
    assert cli(*command).code == code
    document = cli(*command, "--json").document
    assert (document["mode"], document["compatible"]) == (mode, code == 0)
    asked = ["v1", "v2"] if mode == "backward_transitive" else ["v2"]
    assert document["records"][1]["against"] == [f"{version}/train_result.schema.json" for version in asked]


def test_the_help_lists_the_modes(cli: Cli) -> None:
    """An unknown mode is misuse; the error lists them, too."""
    listed = f"[{'|'.join(MODES)}]"
    assert listed in "".join(cli("schema", "check", "--help").out.split())
    code, out, err = cli("schema", "check", "new", "--against", "old", "--mode", "sideways")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert all(mode in err for mode in MODES)


@pytest.mark.usefixtures("versions")
def test_older_readers_are_checked_forward(cli: Cli) -> None:
    """Forward, the older schema reads the new one; with --unknown error it refuses the added field."""
    code, out, _ = cli("schema", "check", "v2", "--against", "v1", "--mode", "forward", "--unknown", "error")
    assert code == 1
    assert "TrainResult, read by v1/train_result.schema.json: field 'loss'" in out


def test_json_has_examples_and_warnings(cli: Cli) -> None:
    """NaN, which JSON lacks, is text as an example. A value that is read as another one is a warning."""
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
    warning = "TrainResult, reading old/train_result.schema.json: warning: field 'steps'"
    assert warning in cli("schema", "check", "new", "--against", "old").out
    both = ["--against", "old", "--against", "new"]  # the latest has nothing to warn of
    assert warning in cli("schema", "check", "new", *both).out
    assert "warning" not in cli("schema", "check", "new", *both, "--mode", "backward").out
    forward = cli("schema", "check", "old", "--against", "new", "--mode", "forward").out
    assert forward.count("warning") == 1
    assert "TrainResult, read by new/train_result.schema.json: warning: field 'steps'" in forward
    assert "warning" not in cli("schema", "check", "new", "--against", "old", "--mode", "forward").out


def test_a_file_is_compared_with_a_file_of_another_name(cli: Cli) -> None:
    """A renamed record can be checked in this way."""
    cli("schema", "export", "records.py", "--out", "schemas")
    Path("records.py").write_text(RECORDS.replace("TrainResult", "Training"), "utf-8")
    cli("schema", "export", "records.py", "--out", "schemas")
    old, new = "schemas/train_result.schema.json", "schemas/training.schema.json"
    assert cli("schema", "check", new, "--against", old) == (0, f"Training: compatible with {old}\n", "")


@pytest.mark.usefixtures("versions")
def test_a_removed_record_is_reported(cli: Cli) -> None:
    """Nothing reads its results, so the exit code is 1. Folders of one schema each are still matched by name."""
    lost = "TrainResult: gone; no new schema reads the results of {}"
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
def test_the_mode_decides_whether_a_removed_record_matters(cli: Cli) -> None:
    """Backward and full look for it in the latest schemas, or in all if transitive; forward does not look."""
    cli("schema", "export", "records.py:EvalResult", "--out", "new")
    check = ["schema", "check", "new", "--against", "v1", "--against", "new", "--mode"]
    codes = {mode: cli(*check, mode).code for mode in ["backward", "full", "forward", "forward_transitive"]}
    assert codes == {"backward": 0, "full": 0, "forward": 0, "forward_transitive": 0}
    assert [cli(*check, f"{mode}_transitive").code for mode in ("backward", "full")] == [1, 1]


def _git(*arguments: str) -> None:
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)


def test_a_commit_is_an_older_version(cli: Cli) -> None:
    """``git:REF`` reads NEW, a folder or a file, as of REF; a record without an older schema is new."""
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
    assert "EvalResult, reading v1:schemas/eval_result.schema.json: field 'accuracy'" in out
    assert out.endswith("TrainResult: new\n")
    assert cli("schema", "check", "schemas/eval_result.schema.json", "--against", "git:v1").out in out


@pytest.mark.parametrize("ref", ["nope", "--help", "", "nope:schemas"])
def test_an_unknown_commit_is_refused(cli: Cli, ref: str) -> None:
    """A ref that looks like an option of git is refused, too."""
    cli("schema", "export", "records.py", "--out", "schemas")
    _git("init")
    code, out, err = cli("schema", "check", "schemas", "--against", f"git:{ref}")
    assert (code, out) == (2, "")
    commit = ref.partition(":")[0]
    assert f"no schema at git:{ref}: {commit!r} is not a commit, branch or tag of the repository of schemas" in err
    assert err.count("\n") == 1


def test_against_a_commit_without_schemas_all_records_are_new(cli: Cli) -> None:
    """The first schemas of a branch pass, as a folder and as a file."""
    cli("schema", "export", "records.py", "--out", "schemas")
    _git("init")
    _git("commit", "--allow-empty", "-m", "Empty")
    new = "EvalResult: new\nTrainResult: new\n"
    assert cli("schema", "check", "schemas", "--against", "git:HEAD") == (0, new, "")
    assert cli("schema", "check", BOTH[0], "--against", "git:HEAD") == (0, "EvalResult: new\n", "")
    Path(BOTH[0]).rename("schemas/renamed.schema.json")
    _git("add", "schemas")
    _git("commit", "-m", "Schemas")
    Path("schemas/renamed.schema.json").rename(BOTH[0])
    assert cli("schema", "check", BOTH[0], "--against", "git:HEAD") == (0, "EvalResult: new\n", "")


def test_the_repository_is_that_of_the_schemas_in_a_hook_too(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a linked worktree, git sets ``GIT_DIR`` for its hooks. Then git takes any current folder for the top."""
    cli("schema", "export", "records.py:TrainResult", "--out", "schemas")
    _git("init")
    _git("add", "schemas")
    _git("commit", "-m", "Schemas")
    compatible = "TrainResult: compatible with HEAD:schemas/train_result.schema.json\n"
    for directory in (Path(".git").resolve(), Path("elsewhere").resolve()):
        monkeypatch.setenv("GIT_DIR", str(directory))
        assert cli("schema", "check", "schemas", "--against", "git:HEAD") == (0, compatible, "")


def test_a_moved_folder_is_read_by_its_old_path(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """``git:REF:PATH`` counts from the top of the repository, in any folder of it, as for ``git show``."""
    cli("schema", "export", "records.py", "--out", "old/schemas")
    _git("init")
    _git("add", "old")
    _git("commit", "-m", "Schemas")
    Path("old").rename("new")
    was = "HEAD:old/schemas"
    both = "".join(
        f"{name}: compatible with {was}/{file}.schema.json\n"
        for name, file in [("EvalResult", "eval_result"), ("TrainResult", "train_result")]
    )
    for path in (was, f"{was}/", "HEAD:./old/../old/schemas"):
        code, out, err = cli("schema", "check", "new/schemas", "--against", f"git:{path}")
        assert (code, out.replace("./old/../", ""), err) == (0, both, "")
    monkeypatch.chdir("new")
    assert cli("schema", "check", "schemas", "--against", f"git:{was}") == (0, both, "")
    file = f"{was}/train_result.schema.json"
    assert cli("schema", "check", "schemas/train_result.schema.json", "--against", f"git:{file}").code == 0
    renamed = Path("schemas/train_result.schema.json").rename("schemas/training.schema.json")
    renamed.write_text(renamed.read_text().replace("TrainResult", "Training"))
    compatible = f"Training: compatible with {file}\n"
    assert cli("schema", "check", str(renamed), "--against", f"git:{file}") == (0, compatible, "")
    code, out, err = cli("schema", "check", "schemas", "--against", "git:HEAD:schemas")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "no schema at git:HEAD:schemas: schemas has no .schema.json file as of HEAD" in err


def test_schemas_at_the_top_of_a_repository(cli: Cli) -> None:
    """The folder of NEW may be the top itself; PATH may be empty."""
    cli("schema", "export", "records.py:TrainResult", "--out", ".")
    _git("init")
    _git("add", ".")
    _git("commit", "-m", "Schemas")
    for against in ("git:HEAD", "git:HEAD:", "git:HEAD:."):
        answer = cli("schema", "check", ".", "--against", against)
        assert (answer.code, answer.out.count("compatible with HEAD:"), answer.err) == (0, 1, "")


def test_a_path_that_looks_like_an_option_of_git_is_a_path(cli: Cli) -> None:
    """A file at the top of the repository may begin with a dash."""
    cli("schema", "export", "records.py:TrainResult", "--out", ".")
    Path("train_result.schema.json").rename("-x.schema.json")
    _git("init")
    _git("add", ".")
    _git("commit", "-m", "Schemas")
    compatible = "TrainResult: compatible with HEAD:-x.schema.json\n"
    assert cli("schema", "check", "./-x.schema.json", "--against", "git:HEAD") == (0, compatible, "")


def test_names_of_a_commit_may_be_any_bytes(cli: Cli) -> None:
    """Other files of the folder do not matter; a schema file with a name that is not UTF-8 is shown escaped."""
    cli("schema", "export", "records.py:TrainResult", "--out", "schemas")
    latin_1 = b"schemas/gr\xf6\xdfe"
    Path(os.fsdecode(latin_1)).write_text("no schema")
    escape = Path("schemas/\x1b[31m.schema.json")
    Path(os.fsdecode(latin_1 + b".schema.json")).write_bytes(Path(BOTH[1]).read_bytes())
    Path("schemas/folder.schema.json").mkdir()
    Path("schemas/folder.schema.json/file").write_text("")
    _git("init")
    _git("add", "schemas")
    _git("commit", "-m", "Schemas")
    Path(BOTH[1]).rename(escape)
    code, out, err = cli("schema", "check", "schemas", "--against", "git:HEAD")
    assert (code, err) == (0, "")
    assert "HEAD:schemas/gr\\udcf6\\udcdfe.schema.json" in out
    assert cli("schema", "check", "schemas", "--against", "git:HEAD", "--json").code == 0
    out = cli("schema", "check", "schemas", "--against", str(escape)).out
    assert "schemas/\\x1b[31m.schema.json" in out
    assert "\x1b" not in out


@pytest.mark.parametrize("protocol", [[], ["protocol.allow=always", "protocol.file.allow=always"]])
def test_a_clone_runs_no_program_of_its_settings(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, protocol: list[str]
) -> None:
    """A missing object is an error: git does not fetch it, whatever the clone or the environment allow."""
    cli("schema", "export", "records.py", "--out", "origin/schemas")
    _git("init", "origin")
    _git("-C", "origin", "config", "uploadpack.allowFilter", "true")
    _git("-C", "origin", "add", ".")
    _git("-C", "origin", "commit", "-m", "Schemas")
    _git("clone", "--filter=blob:none", "--no-checkout", f"file://{Path.cwd()}/origin", "clone")
    marker = Path("marker").resolve()
    program = Path("program").resolve()
    program.write_text(f'#!/bin/sh\ntouch {marker}\nexec git-upload-pack "$@"\n')
    program.chmod(0o755)
    for setting in ("remote.origin.uploadpack", "core.sshCommand", "core.fsmonitor", "core.pager"):
        _git("-C", "clone", "config", setting, str(program))
    for name, _, value in (setting.partition("=") for setting in protocol):
        _git("-C", "clone", "config", name, value)
        monkeypatch.setenv("GIT_ALLOW_PROTOCOL", "file")
    cli("schema", "export", "records.py", "--out", "clone/schemas")
    code, out, err = cli("schema", "check", "clone/schemas", "--against", "git:HEAD")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "git cannot read HEAD:clone/schemas/eval_result.schema.json" in err
    assert not marker.exists()


def test_a_large_file_of_a_commit_is_not_read(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its size is asked for first."""
    cli("schema", "export", "records.py", "--out", "schemas")
    _git("init")
    _git("add", "schemas")
    _git("commit", "-m", "Schemas")
    monkeypatch.setattr(files, "MAX_BYTES", 100)
    with pytest.raises(SchemaError, match="is larger than 100 bytes"):
        read_committed(Path("schemas"), "HEAD")


def test_a_link_in_a_commit_is_refused(cli: Cli) -> None:
    """Git stores only its target."""
    cli("schema", "export", "records.py:EvalResult", "--out", "schemas")
    Path("schemas/linked.schema.json").symlink_to("eval_result.schema.json")
    _git("init")
    _git("add", "schemas")
    _git("commit", "-m", "Schemas")
    code, out, err = cli("schema", "check", "schemas", "--against", "git:HEAD")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "HEAD:schemas/linked.schema.json was a link to 'eval_result.schema.json'; name its target" in err
    assert cli("schema", "check", BOTH[0], "--against", "git:HEAD").code == 0


def test_new_schemas_exist_in_a_local_path(cli: Cli) -> None:
    """NEW exists now, and not only in a commit; with ``git:REF`` it is not a URL."""
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
    assert (
        "no schema at git:HEAD: git finds the repository by NEW, and memory://test-cli-new is a URL; name a file" in err
    )
    assert cli("schema", "check", f"file://{Path.cwd()}/{BOTH[1]}", "--against", "git:HEAD").code == 0


def test_a_missing_repository_or_git_is_reported(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error is one line, with the message of git."""
    cli("schema", "export", "records.py", "--out", "schemas")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(Path.cwd().parent))
    code, out, err = cli("schema", "check", "schemas", "--against", "git:HEAD")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "no schema at git:HEAD: schemas is not in a git repository (fatal: not a git repository" in err
    monkeypatch.setenv("PATH", "")
    answer = cli("schema", "check", "schemas", "--against", "git:HEAD")
    line = "typedtrack: Invalid value: no schema at git:HEAD: git is not installed, or not on the PATH\n"
    assert answer == (2, "", line)


@pytest.mark.usefixtures("versions")
def test_nothing_to_compare_is_misuse(cli: Cli) -> None:
    """A check that compared nothing does not pass."""
    Path("records.py").write_text(RECORDS.replace("TrainResult", "Training"), "utf-8")
    cli("schema", "export", "records.py:Training", "--out", "other")
    code, out, err = cli("schema", "check", "other/training.schema.json", "--against", "v1")
    assert (code, out) == (2, "")
    assert "no older schema is named Training, so nothing was checked" in err
    assert cli("schema", "check", "v1").code == 2
    assert cli("schema", "check", "v1", "--against", "v1", "--mode", "sideways").code == 2


def test_the_rules_are_listed(cli: Cli) -> None:
    """Each rule is a line with tabs, an object of JSON, or a row of Markdown."""
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


def test_the_rules_are_a_table_on_a_terminal() -> None:
    """It has headings, and nothing is cut."""
    leader, follower = pty.openpty()
    environment = {**os.environ, "COLUMNS": "200", "TERM": "xterm"}
    command = [sys.executable, "-m", "typedtrack", "schema", "rules"]
    subprocess.run(command, stdout=follower, check=True, env=environment)
    os.close(follower)
    shown = read_all(leader)
    assert b"holds if" in shown
    assert all(rule.id.encode() in shown for rule in RULES)
    assert b"\t" not in shown


def test_schemas_elsewhere_are_named_in_full(cli: Cli, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A path below the current folder is shown from there, another one in full."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    cli("schema", "export", "records.py:TrainResult", "--out", str(elsewhere))
    shown = f"TrainResult: compatible with {elsewhere}/train_result.schema.json\n"
    assert cli("schema", "check", str(elsewhere), "--against", str(elsewhere)) == (0, shown, "")


def test_a_folder_of_schemas_may_be_named_git(cli: Cli) -> None:
    """Only ``git:`` with its colon stands for a commit."""
    cli("schema", "export", "records.py:TrainResult", "--out", "git")
    shown = "TrainResult: compatible with git/train_result.schema.json\n"
    assert cli("schema", "check", "git", "--against", "git") == (0, shown, "")


def test_read_committed_needs_an_existing_path(tmp_path: Path) -> None:
    """The path tells the repository."""
    with pytest.raises(FileNotFoundError, match="gone does not exist; git:REF reads the same path as of REF"):
        read_committed(tmp_path / "gone", "HEAD")
