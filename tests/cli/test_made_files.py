"""``schema export`` and ``schema generate``: the files that they write, and stale files."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import RECORDS, Cli
from typedtrack.schemas import load_schemas

BOTH = ["schemas/eval_result.schema.json", "schemas/train_result.schema.json"]


def test_export_writes_a_file_for_each_record_that_a_module_defines(cli: Cli) -> None:
    """Imported records (`Stat`) and other classes are left out; the files load."""
    answer = cli("schema", "export", "records.py", "--out", "schemas")
    assert answer == (0, "".join(f"wrote {path}\n" for path in BOTH), "")
    assert {"EvalResult", "TrainResult"} <= load_schemas("schemas").keys()


def test_export_writes_only_files_that_differ(cli: Cli) -> None:
    """A second export writes nothing; with --json it lists the files."""
    cli("schema", "export", "records.py", "--out", "schemas")
    written = [Path(path).stat().st_mtime_ns for path in BOTH]
    assert cli("schema", "export", "records.py", "--out", "schemas") == (0, "", "")
    assert cli("schema", "export", "records.py", "--out", "schemas", "--json").document == {
        "files": BOTH,
        "written": [],
    }
    assert [Path(path).stat().st_mtime_ns for path in BOTH] == written


def test_export_writes_open_documents(cli: Cli) -> None:
    """With --open, each column is in place and nothing is said of further fields; --check tells the two apart."""
    export = ("schema", "export", "records.py:EvalResult", "--out", "schemas")
    assert cli(*export, "--open").code == 0
    document = json.loads(Path(BOTH[0]).read_text("utf-8"))

    assert document.keys() == {"$schema", "title", "description", "type", "properties", "required"}
    assert document["properties"]["l2norm/sem"] == {"type": "number"}
    assert cli(*export, "--open", "--check") == (0, "", "")
    assert cli(*export, "--check").code == 1


def test_export_takes_one_class_of_an_importable_module(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """``MODULE:Class`` is found in the current folder, as for `python -m`."""
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
    Path("cli_test_records.py").write_text(RECORDS, "utf-8")
    answer = cli("schema", "export", "cli_test_records:TrainResult", "--out", "schemas")
    assert answer == (0, f"wrote {BOTH[1]}\n", "")
    assert cli("schema", "export", "cli_test_records:EvalResult", "--out", "schemas").out == f"wrote {BOTH[0]}\n"


def test_a_file_imports_its_neighbours(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file can import modules of its folder, as with `python file.py`."""
    monkeypatch.setattr(sys, "path", sys.path[:])
    Path("folder").mkdir()
    Path("folder/cli_test_neighbour.py").write_text(RECORDS, "utf-8")
    Path("folder/cli_test_importer.py").write_text(
        "from cli_test_neighbour import TrainResult\nfrom typedtrack import record\n\n"
        "@record\nclass Whole:\n    train: TrainResult\n"
    )
    answer = cli("schema", "export", "folder/cli_test_importer.py", "--out", "schemas")
    assert answer == (0, "wrote schemas/whole.schema.json\n", "")


def test_a_file_does_not_replace_another_module(cli: Cli) -> None:
    """A file with the name of a loaded module is loaded beside it, and its annotations are found."""
    loaded = sys.modules["json"]
    Path("json.py").write_text(RECORDS.replace('"""Records', 'from __future__ import annotations\n"""Records'), "utf-8")
    answers = [cli("schema", "export", "json.py", "--out", out) for out in ("schemas", "again")]
    assert [(code, err) for code, _, err in answers] == [(0, ""), (0, "")]
    assert answers[0].out == "".join(f"wrote {path}\n" for path in BOTH)
    assert sys.modules["json"] is loaded


def test_the_output_of_a_module_goes_to_standard_error(cli: Cli) -> None:
    """JSON on standard output stays JSON, even if an imported module prints."""
    Path("records.py").write_text(f"{RECORDS}\n\nprint('loading')\n", "utf-8")
    answer = cli("schema", "export", "records.py", "--out", "schemas", "--json")
    assert answer.document["files"] == BOTH
    assert answer.err == "loading\n"


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("no_such_module", "cannot import no_such_module: ModuleNotFoundError: No module named 'no_such_module'"),
        ("no_such_file.py", "cannot import no_such_file.py: FileNotFoundError: "),
        ("broken.py", "cannot import broken.py: ZeroDivisionError: division by zero"),
        ("exits.py", "cannot import exits.py: SystemExit: 0"),
        ("stops.py", "cannot import stops.py: stops.Stop: no more"),
        ("mute.py", "cannot import mute.py: mute.Mute: <exception str() failed>"),
        ("red\x1b[31m.py", "cannot import red\\x1b[31m.py: FileNotFoundError: "),
        ("empty.py", "empty.py defines no record class"),
        ("records.py:Missing", "records.py has no record class Missing"),
        ("records.py:Unrelated", "records.py has no record class Unrelated"),
        ("records.py:", "records.py has no record class without a name"),
    ],
)
def test_export_refuses_targets_without_a_record(cli: Cli, target: str, reason: str) -> None:
    """One line names the module or class and the reason; the code is 2. A module may raise any exception."""
    Path("broken.py").write_text("1 / 0\n")
    Path("exits.py").write_text("import sys\n\nsys.exit(0)\n")
    Path("empty.py").write_text("")
    Path("stops.py").write_text("class Stop(BaseException): ...\n\n\nraise Stop('no more')\n")
    Path("mute.py").write_text("class Mute(Exception):\n    __str__ = None\n\n\nraise Mute\n")
    code, out, err = cli("schema", "export", target, "--out", "schemas")
    assert (code, out) == (2, "")
    assert err.startswith("typedtrack: ")
    assert reason in err
    assert err.count("\n") == 1
    assert not Path("schemas").exists()


def test_export_refuses_two_records_in_one_file(cli: Cli) -> None:
    """Two modules may define the same record, but not two different records of one name."""
    Path("more.py").write_text(RECORDS.replace("steps: int", "steps: float"), "utf-8")
    assert cli("schema", "export", "records.py", "records.py", "--out", "schemas").code == 0
    code, _, err = cli("schema", "export", "records.py", "more.py", "--out", "schemas")
    assert code == 2
    assert f"two different records would be written to {BOTH[1]}" in err


@pytest.mark.parametrize("stubs", [False, True])
def test_generated_records_export_the_same_schemas(cli: Cli, stubs: bool) -> None:
    """Records → schemas → generated records → schemas gives the same bytes; stubs are written, too."""
    cli("schema", "export", "records.py", "--out", "schemas")
    out = "made.pyi" if stubs else "made.py"
    flags = ["--stubs"] if stubs else []
    assert cli("schema", "generate", "schemas", "--out", out, *flags) == (0, f"wrote {out}\n", "")
    assert cli("schema", "generate", *BOTH, "--out", out, *flags, "--check") == (0, "", "")
    if not stubs:
        assert cli("schema", "export", "made.py", "--out", "schemas", "--check") == (0, "", "")


def test_the_suffix_and_the_flag_must_agree(cli: Cli) -> None:
    """A ``.pyi`` gets stubs without ``--stubs``; ``--stubs`` with a ``.py`` is misuse, and writes nothing."""
    cli("schema", "export", "records.py", "--out", "schemas")
    assert cli("schema", "generate", "schemas", "--out", "made.pyi").code == 0
    assert cli("schema", "generate", "schemas", "--out", "made.pyi", "--stubs", "--check") == (0, "", "")
    assert "steps: int\n" in Path("made.pyi").read_text("utf-8")
    line = "typedtrack: --stubs writes a .pyi, not made.py: leave it out for a module, or name a .pyi\n"
    assert cli("schema", "generate", "schemas", "--out", "made.py", "--stubs") == (2, "", line)
    assert not Path("made.py").exists()


def test_check_shows_stale_files(cli: Cli) -> None:
    """``--check`` writes nothing; it exits with 1 and a diff, also for a missing file."""
    cli("schema", "export", "records.py", "--out", "schemas")
    command = ["schema", "generate", "schemas", "--out", "made.py", "--check"]
    code, out, err = cli(*command)
    assert (code, err) == (1, "")
    assert out.startswith("--- /dev/null\n+++ made.py\n")
    assert "+class EvalResult:\n" in out
    assert not Path("made.py").exists()

    cli(*command[:-1])
    text = Path("made.py").read_text("utf-8")
    Path("made.py").write_text(text.replace("steps: int", "steps: float").rstrip("\n"), "utf-8")
    code, out, err = cli(*command)
    assert (code, err) == (1, "")
    assert out.endswith("-    steps: float\n\\ No newline at end of file\n+    steps: int\n")
    assert cli(*command, "--json").document == {"files": ["made.py"], "diff": out}


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (None, "no schema at schemas: "),
        ("{", "is not JSON"),
        (
            '{"title": "A", "type": "object", "properties": {"self": {"type": "number"}}, "required": ["self"]}',
            "'self'",
        ),
        (
            '{"title": "A", "type": "object", "properties": {"int": {"type": "number"}}, "required": ["int"]}',
            "reserved",
        ),
    ],
)
def test_generate_refuses_schemas_that_it_cannot_use(cli: Cli, document: str | None, reason: str) -> None:
    """Missing schemas, invalid documents and names that code cannot have are refused; nothing is written."""
    if document is not None:
        Path("schemas").mkdir()
        Path("schemas/a.schema.json").write_text(document)
    code, out, err = cli("schema", "generate", "schemas", "--out", "made.py")
    assert (code, out) == (2, "")
    assert reason in err
    assert err.count("\n") == 1
    assert not Path("made.py").exists()


@pytest.mark.parametrize(
    ("schemas", "out", "reason"),
    [
        ("", "made.py", "a path or URL of schemas is empty"),
        ("schemas", "/dev/null", "/dev/null exists and is not a file; name a file"),
    ],
)
def test_generate_refuses_invalid_places(cli: Cli, schemas: str, out: str, reason: str) -> None:
    """The place of the schemas is not empty, and the output is a regular file."""
    cli("schema", "export", "records.py", "--out", "schemas")
    code, printed, err = cli("schema", "generate", schemas, "--out", out)
    assert (code, printed, err.count("\n")) == (2, "", 1)
    assert reason in err


def test_an_error_of_the_file_system_is_one_line(cli: Cli) -> None:
    """Its code is 3."""
    cli("schema", "export", "records.py", "--out", "schemas")
    Path("taken").write_text("a file")
    code, out, err = cli("schema", "generate", "schemas", "--out", "taken/made.py")
    assert (code, out) == (3, "")
    assert err.startswith("typedtrack: ")
    assert "taken" in err
    assert err.count("\n") == 1


def test_interrupting_an_import_interrupts_the_command(cli: Cli) -> None:
    """Ctrl-C while the module runs is not an error of the module."""
    Path("slow.py").write_text("raise KeyboardInterrupt\n")
    assert cli("schema", "export", "slow.py", "--out", "schemas") == (130, "", "")


def test_control_characters_of_paths_are_escaped(cli: Cli) -> None:
    """A terminal obeys nothing in a file name; JSON has it as it is."""
    answer = cli("schema", "export", "records.py:TrainResult", "--out", "red\x1b[31m")
    assert answer == (0, "wrote red\\x1b[31m/train_result.schema.json\n", "")
    assert Path("red\x1b[31m/train_result.schema.json").exists()
    document = cli("schema", "export", "records.py:TrainResult", "--out", "red\x1b[31m", "--json").document
    assert document["files"] == ["red\x1b[31m/train_result.schema.json"]
    folder = f"{Path.cwd()}/red\\x1b[31m/none"
    assert cli("schema", "infer", "red\x1b[31m/none").err.splitlines() == [
        f"typedtrack: warning: folder '{folder}' does not exist",
        "typedtrack: no result in red\\x1b[31m/none to infer a schema from",
    ]


def test_a_terminal_obeys_nothing_in_a_diff(cli: Cli) -> None:
    """On a terminal its control characters are escaped; a pipe gets the text as it is."""
    cli("schema", "export", "records.py:TrainResult", "--out", "schemas")
    Path(BOTH[1]).write_text("\x1b[31mold\n\x9b31m\n")
    command = ["schema", "export", "records.py:TrainResult", "--out", "schemas", "--check"]
    assert "-\x1b[31mold\n-\x9b31m\n" in cli(*command).out
    leader, follower = pty.openpty()
    environment = {**os.environ, "TERM": "xterm"}
    ran = subprocess.run([sys.executable, "-m", "typedtrack", *command], stdout=follower, check=False, env=environment)
    os.close(follower)
    shown = os.read(leader, 65536).decode()
    os.close(leader)
    assert ran.returncode == 1
    assert "-\\x1b[31mold\r\n-\\x9b31m\r\n" in shown
    assert "\x1b" not in shown
