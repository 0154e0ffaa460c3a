"""The command line as a process: its codes, its one line of error, and what it says when its libraries are missing."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path

import click
import pytest

from tests.cli.conftest import RECORDS, Cli
from typedtrack import BulkError, CorruptResultError, InvalidKeyError, ResultNotFoundError, ResultTimeoutError
from typedtrack.cli import main
from typedtrack.cli.app import root


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "typedtrack", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_python_m_typedtrack_is_the_command_line() -> None:
    """Help and version are printed; the code of misuse reaches the shell."""
    shown = _run("--help")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "Usage: typedtrack" in shown.stdout
    wrong = _run("schema", "infe")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr.startswith("typedtrack: No such command 'infe'")
    assert wrong.stderr.count("\n") == 1


def test_the_version_is_that_of_the_package(cli: Cli) -> None:
    """``--version`` is a bare version."""
    assert cli("--version").out[:1].isdigit()


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (ResultNotFoundError("k", "T"), 1, "no result under key 'k' in T; `wait` for it if it is still to come"),
        (
            ResultTimeoutError(("k",), 1.0),
            1,
            "no result after 1 s under 1 key(s): 'k'; wait longer, or look at the writer",
        ),
        (InvalidKeyError("'/'", "is bad"), 2, "key '/': is bad"),
        (ValueError("Protocol not known: x"), 2, "ValueError: Protocol not known: x"),
        (ImportError("Install s3fs"), 2, "ImportError: Install s3fs"),
        (
            CorruptResultError("f", None, "is broken"),
            3,
            "f: is broken; get_bytes() returns what is stored, if it is within 1 MiB",
        ),
        (
            BulkError({"k": OSError("x")}),
            3,
            "1 key(s) failed, all others were served: 'k'; see its `errors` (1 sub-exception)",
        ),
        (PermissionError(13, "Permission denied", "f"), 3, "PermissionError: [Errno 13] Permission denied: 'f'"),
        (OSError("two\n  lines\nmore"), 3, "OSError: two lines; more"),
        (OSError("\x1b[31mred\x07 \u202e 'é\\x'"), 3, "OSError: \\x1b[31mred\\x07 \\u202e 'é\\x'"),
        (OSError(), 3, "OSError:"),
        (KeyboardInterrupt(), 130, None),
    ],
)
def test_an_error_is_one_line_and_a_code(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, line: str | None
) -> None:
    """1: the answer is no; 2: misuse or refused input; 3: the store failed. There is no traceback."""

    def fail() -> None:
        raise error

    monkeypatch.setitem(root.commands, "fail", click.Command("fail", callback=fail))
    assert cli("fail") == (code, "", "" if line is None else f"typedtrack: {line}\n")


@pytest.mark.parametrize("arguments", [[], ["schema"]])
def test_without_a_command_the_help_is_printed_as_it_is(cli: Cli, arguments: list[str]) -> None:
    """It is misuse, and its help keeps its lines."""
    code, out, err = cli(*arguments)
    assert (code, out) == (2, "")
    assert err == cli(*arguments, "--help").out


@pytest.fixture
def incompatible(cli: Cli) -> list[str]:
    """Return a command whose answer is no."""
    for version, bound in enumerate(["le=1", "le=0.5"], 1):
        Path("records.py").write_text(RECORDS.replace("le=1", bound), "utf-8")
        cli("schema", "export", "records.py", "--out", f"v{version}")
    return [sys.executable, "-m", "typedtrack", "schema", "check", "v2", "--against", "v1"]


@pytest.mark.parametrize(("unbuffered", "code"), [("", 1), ("1", 141)])
def test_a_reader_who_has_left_makes_no_yes_of_a_no(incompatible: list[str], unbuffered: str, code: int) -> None:
    """A closed pipe ends the command without a word: with its answer, if that is known, else as SIGPIPE would."""
    reader, writer = os.pipe()
    os.close(reader)
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    ended = subprocess.run(incompatible, stdout=writer, stderr=subprocess.PIPE, check=False, env=environment)
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (code, b"")


def test_without_standard_output_the_answer_is_a_code(incompatible: list[str]) -> None:
    """What is printed goes nowhere."""
    ended = subprocess.run(["sh", "-c", 'exec "$@" >&-', "sh", *incompatible], stderr=subprocess.PIPE, check=False)
    assert (ended.returncode, ended.stderr) == (1, b"")


def test_a_broken_pipe_to_the_store_is_no_reader_that_left(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store failed."""

    def fail() -> None:
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setitem(root.commands, "fail", click.Command("fail", callback=fail))
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as pipe, redirect_stdout(pipe):
        answer = cli("fail")
    os.close(reader)
    assert answer == (3, "", "typedtrack: BrokenPipeError: [Errno 32] Broken pipe\n")


def test_output_is_as_files_are(cli: Cli) -> None:
    """It is UTF-8 whatever the locale is, for it may become a schema; and what is no text is escaped."""
    Path("records.py").write_text(RECORDS.replace("Milliseconds.", "Größe 中"), "utf-8")
    cli("schema", "export", "records.py", "--out", "schemas")
    command = [sys.executable, "-m", "typedtrack", "schema", "export", "records.py", "--out", "old", "--check"]
    ended = subprocess.run(command, capture_output=True, env={**os.environ, "PYTHONIOENCODING": "ascii"}, check=False)
    assert (ended.returncode, ended.stderr) == (1, b"")
    assert '"description": "Größe 中"'.encode() in ended.stdout
    with redirect_stdout(io.StringIO()) as printed:
        assert cli("schema", "rules").code == 0
    assert "field-missing" in printed.getvalue()


@pytest.mark.usefixtures("cli")
def test_a_warning_is_one_line() -> None:
    """What Python would say with a line of its source is told as an error is, and is none."""
    properties = {"a": {"type": "string", "pattern": "[[a]"}}
    document = {"title": "R", "type": "object", "properties": properties, "required": ["a"]}
    Path("r.schema.json").write_text(json.dumps(document), "utf-8")
    ended = _run("schema", "check", "r.schema.json", "--against", "r.schema.json")
    assert ended.returncode == 0
    assert ended.stderr.startswith("typedtrack: warning: Possible nested set at position 1\n")
    assert "re.compile" not in ended.stderr


@pytest.mark.parametrize(("missing", "named"), [(["click"], "click"), (["click", "rich"], "click and rich")])
def test_without_its_libraries_it_says_what_to_install(missing: list[str], named: str) -> None:
    """The extra is named in one line, and the code is that of misuse."""
    program = f"""
import importlib.util
find_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name in {missing} else find_spec(name, *rest)
from typedtrack.cli import main
main()
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == f"typedtrack: the command line needs {named}: pip install 'typedtrack[cli]'\n"


def test_main_exits_with_the_code_of_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    """What the console script calls ends the process."""
    with pytest.raises(SystemExit) as ended:
        main(["schema", "rules"])
    assert ended.value.code == 0
    assert "field-missing" in capsys.readouterr().out
