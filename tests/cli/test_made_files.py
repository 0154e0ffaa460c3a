"""``schema export`` and ``schema generate``: what they write, and what they hold to be stale."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.cli.conftest import RECORDS, Cli
from typedtrack.schemas import load_schemas

BOTH = ["schemas/eval_result.schema.json", "schemas/train_result.schema.json"]


def test_export_writes_a_file_for_each_record_that_a_module_defines(cli: Cli) -> None:
    """Records that a module only imports (`Stat`) and its other classes are left out; what is written loads."""
    answer = cli("schema", "export", "records.py", "--out", "schemas")
    assert answer == (0, "".join(f"wrote {path}\n" for path in BOTH), "")
    assert {"EvalResult", "TrainResult"} <= load_schemas("schemas").keys()


def test_export_writes_only_what_differs(cli: Cli) -> None:
    """A second export writes nothing, and says what it would have written as JSON."""
    cli("schema", "export", "records.py", "--out", "schemas")
    written = [Path(path).stat().st_mtime_ns for path in BOTH]
    assert cli("schema", "export", "records.py", "--out", "schemas") == (0, "", "")
    assert cli("schema", "export", "records.py", "--out", "schemas", "--json").document == {
        "files": BOTH,
        "written": [],
    }
    assert [Path(path).stat().st_mtime_ns for path in BOTH] == written


def test_export_takes_one_class_of_an_importable_module(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """``MODULE:Class`` is looked for in the current folder, as `python -m` does."""
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
    Path("cli_test_records.py").write_text(RECORDS, "utf-8")
    answer = cli("schema", "export", "cli_test_records:TrainResult", "--out", "schemas")
    assert answer == (0, f"wrote {BOTH[1]}\n", "")
    assert cli("schema", "export", "cli_test_records:EvalResult", "--out", "schemas").out == f"wrote {BOTH[0]}\n"


def test_a_file_imports_its_neighbours(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ``.py`` file is run as `python` runs it: the modules of its folder are found."""
    monkeypatch.setattr(sys, "path", sys.path[:])
    Path("folder").mkdir()
    Path("folder/cli_test_neighbour.py").write_text(RECORDS, "utf-8")
    Path("folder/cli_test_importer.py").write_text(
        "from cli_test_neighbour import TrainResult\nfrom typedtrack import record\n\n"
        "@record\nclass Whole:\n    train: TrainResult\n"
    )
    answer = cli("schema", "export", "folder/cli_test_importer.py", "--out", "schemas")
    assert answer == (0, "wrote schemas/whole.schema.json\n", "")


def test_a_file_takes_the_place_of_no_other_module(cli: Cli) -> None:
    """A file named as a loaded module is a module all the same, for annotations too, and leaves that one be."""
    loaded = sys.modules["json"]
    Path("json.py").write_text(RECORDS.replace('"""Records', 'from __future__ import annotations\n"""Records'), "utf-8")
    answers = [cli("schema", "export", "json.py", "--out", out) for out in ("schemas", "again")]
    assert [(code, err) for code, _, err in answers] == [(0, ""), (0, "")]
    assert answers[0].out == "".join(f"wrote {path}\n" for path in BOTH)
    assert sys.modules["json"] is loaded


def test_what_a_module_prints_is_not_the_answer(cli: Cli) -> None:
    """It goes to standard error, so that JSON stays JSON."""
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
        ("empty.py", "empty.py defines no record class"),
        ("records.py:Missing", "records.py has no record class Missing"),
        ("records.py:Unrelated", "records.py has no record class Unrelated"),
        ("records.py:", "records.py has no record class without a name"),
    ],
)
def test_export_refuses_what_names_no_record(cli: Cli, target: str, reason: str) -> None:
    """One line says which module or class, and why; the code is that of misuse."""
    Path("broken.py").write_text("1 / 0\n")
    Path("exits.py").write_text("import sys\n\nsys.exit(0)\n")
    Path("empty.py").write_text("")
    code, out, err = cli("schema", "export", target, "--out", "schemas")
    assert (code, out) == (2, "")
    assert err.startswith("typedtrack: ")
    assert reason in err
    assert err.count("\n") == 1
    assert not Path("schemas").exists()


def test_export_refuses_two_records_in_one_file(cli: Cli) -> None:
    """Two modules may define the same record, not two different ones of one name."""
    Path("more.py").write_text(RECORDS.replace("steps: int", "steps: float"), "utf-8")
    assert cli("schema", "export", "records.py", "records.py", "--out", "schemas").code == 0
    code, _, err = cli("schema", "export", "records.py", "more.py", "--out", "schemas")
    assert code == 2
    assert f"two different records would be written to {BOTH[1]}" in err


@pytest.mark.parametrize("stubs", [False, True])
def test_generate_writes_what_export_reads(cli: Cli, stubs: bool) -> None:
    """Records → schemas → generated records → schemas: not a byte differs; stubs are written just so."""
    cli("schema", "export", "records.py", "--out", "schemas")
    out = "made.pyi" if stubs else "made.py"
    flags = ["--stubs"] if stubs else []
    assert cli("schema", "generate", "schemas", "--out", out, *flags) == (0, f"wrote {out}\n", "")
    assert cli("schema", "generate", *BOTH, "--out", out, *flags, "--check") == (0, "", "")
    if not stubs:
        assert cli("schema", "export", "made.py", "--out", "schemas", "--check") == (0, "", "")


def test_the_suffix_and_the_flag_say_the_same(cli: Cli) -> None:
    """A ``.pyi`` has stubs without being told; ``--stubs`` into a ``.py`` is misuse, and writes nothing."""
    cli("schema", "export", "records.py", "--out", "schemas")
    assert cli("schema", "generate", "schemas", "--out", "made.pyi").code == 0
    assert cli("schema", "generate", "schemas", "--out", "made.pyi", "--stubs", "--check") == (0, "", "")
    assert "steps: int\n" in Path("made.pyi").read_text("utf-8")
    line = "typedtrack: --stubs writes a .pyi, not made.py: leave it out for a module, or name a .pyi\n"
    assert cli("schema", "generate", "schemas", "--out", "made.py", "--stubs") == (2, "", line)
    assert not Path("made.py").exists()


def test_check_of_made_files_shows_what_is_stale(cli: Cli) -> None:
    """``--check`` exits with 1 and a diff, of a file that is missing, too; it writes nothing."""
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
    """What is missing, no document, or has a name that no code can have is refused in one line, nothing written."""
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
        ("", "made.py", "schemas are at a path or a URL, which is not empty"),
        ("schemas", "/dev/null", "/dev/null exists and is not a file; name a file"),
    ],
)
def test_generate_refuses_places_that_are_none(cli: Cli, schemas: str, out: str, reason: str) -> None:
    """What is read is named, and what would be written is a file."""
    cli("schema", "export", "records.py", "--out", "schemas")
    code, printed, err = cli("schema", "generate", schemas, "--out", out)
    assert (code, printed, err.count("\n")) == (2, "", 1)
    assert reason in err


def test_a_folder_that_may_not_be_written_is_an_error_of_the_store(cli: Cli) -> None:
    """An error of the operating system is one line, too; nothing is left beside the target."""
    cli("schema", "export", "records.py", "--out", "schemas")
    Path("taken").write_text("a file")
    code, out, err = cli("schema", "generate", "schemas", "--out", "taken/made.py")
    assert (code, out) == (3, "")
    assert err.startswith("typedtrack: ")
    assert "taken" in err
    assert err.count("\n") == 1
