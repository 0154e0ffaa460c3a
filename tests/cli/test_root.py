"""The command line as a process: exit codes, one-line errors, quick starts, missing libraries."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path

import click
import pytest

import typedtrack
from tests.cli.conftest import RECORDS, Cli
from typedtrack import (
    BulkError,
    CorruptResultError,
    Failure,
    InvalidKeyError,
    ResultExistsError,
    ResultFailedError,
    ResultNotFoundError,
    ResultTimeoutError,
)
from typedtrack.cli import main
from typedtrack.cli.app import root


def _noted(error: Exception) -> Exception:
    for note in ("typedtrack: put /base/k", "retried 4 times"):
        error.add_note(note)
    return error


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "typedtrack", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_python_m_typedtrack_is_the_command_line() -> None:
    """``--help`` prints to standard output; misuse exits with 2 and one line on standard error."""
    shown = _run("--help")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "Usage: typedtrack" in shown.stdout
    wrong = _run("schema", "infe")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr.startswith("typedtrack: No such command 'infe'")
    assert wrong.stderr.count("\n") == 1


def _complete(cli: Cli, monkeypatch: pytest.MonkeyPatch, words: str) -> tuple[int, str, str]:
    """Return what the script for bash gets for a tab after *words*."""
    asked = {"_TYPEDTRACK_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    for name, value in asked.items():
        monkeypatch.setenv(name, value)
    return cli()


@pytest.mark.parametrize("words", ["get ba", "ls ba", "run base k -- ba", "report base --out ba"])
def test_completion_leaves_files_to_the_shell(cli: Cli, monkeypatch: pytest.MonkeyPatch, words: str) -> None:
    """A base may be a folder, or an archive."""
    assert _complete(cli, monkeypatch, f"typedtrack {words}") == (0, "file,ba\n", "")


def test_completion_is_silent_without_the_extra_of_a_command(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """A traceback would cover the line that a person types; the command says what it needs when it is called."""
    monkeypatch.setitem(sys.modules, "typedtrack.cli.top", None)
    assert _complete(cli, monkeypatch, "typedtrack top --") == (1, "", "")


def test_version_prints_the_version_alone(cli: Cli) -> None:
    """``--version`` prints `typedtrack.__version__`."""
    assert cli("--version") == (0, f"{typedtrack.__version__}\n", "")


def _loaded_by(program: str) -> set[str]:
    """Return the modules that a new interpreter has loaded at the end of *program*, those of coverage aside."""
    program = f"import sys\n{program}\nprint(*sys.modules)"
    unmeasured = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    ended = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, env=unmeasured)
    return set(ended.stdout.split())


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_version_and_help_load_click_and_little_else(option: str) -> None:
    """A shell loop pays the start each time: no command, no tracker and no table is loaded before it is needed."""
    run = f"from typedtrack.cli.app import run\nrun(['{option}'])"
    loaded = _loaded_by(run) - _loaded_by("import click, locale, select")
    assert {name for name in loaded if name.partition(".")[0] == "typedtrack"} == {
        "typedtrack",
        "typedtrack.cli",
        "typedtrack.cli.app",
        "typedtrack.cli.output",
    }
    assert not {"importlib.metadata", "json", "msgspec", "pathlib", "rich"} & loaded


@pytest.mark.parametrize("arguments", [["--help"], ["check", "schemas"], ["infer", "--help"]])
def test_help_and_misuse_of_schema_load_no_schemas(arguments: list[str]) -> None:
    """Its commands import what they need when they are called."""
    loaded = _loaded_by(f"from typedtrack.cli.app import run\nrun(['schema', *{arguments}])")
    assert {name for name in loaded if name.partition(".")[0] == "typedtrack"} == {
        "typedtrack",
        "typedtrack.cli",
        "typedtrack.cli.app",
        "typedtrack.cli.output",
        "typedtrack.cli.schema",
    }
    assert not {"attrs", "msgspec"} & loaded


@pytest.mark.parametrize("name", root.commands)
def test_help_describes_each_command_in_its_own_words(cli: Cli, name: str) -> None:
    """``typedtrack --help`` shows a line for each command without loading it; it is the first line of its own help."""
    command = root.commands[name]
    assert f" {name} " in cli("--help").out
    with click.Context(root) as context:
        _, loaded, _ = root.resolve_command(context, [name])
    assert loaded is not None
    assert loaded is not command
    assert loaded.get_short_help_str(1000) == command.get_short_help_str(1000)
    assert loaded.name == name


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (ResultNotFoundError("k", "T"), 1, "no result under key 'k' in T; `wait` for it if it is still to come"),
        (
            ResultTimeoutError(("k",), 1.0),
            1,
            "no result after 1 s under 1 key(s): 'k'; wait longer, or look at the writer",
        ),
        (ResultFailedError("k", Failure(type="ExitCode")), 1, str(ResultFailedError("k", Failure(type="ExitCode")))),
        (InvalidKeyError("'/'", "is bad"), 2, "key '/': is bad"),
        (ValueError("Protocol not known: x"), 2, "ValueError: Protocol not known: x"),
        (ImportError("Install s3fs"), 2, "ImportError: Install s3fs"),
        (
            CorruptResultError("f", None, "is broken"),
            3,
            "f: is broken; get_bytes() returns its bytes",
        ),
        (BulkError({"k": OSError("x")}), 3, "key 'k': OSError: x"),
        (BulkError({"k": ResultExistsError("k", "T")}), 1, str(ResultExistsError("k", "T"))),
        (PermissionError(13, "Permission denied", "f"), 3, "PermissionError: [Errno 13] Permission denied: 'f'"),
        (
            _noted(OSError(28, "No space left on device")),
            3,
            "OSError: [Errno 28] No space left on device (put /base/k)",
        ),
        (
            _noted(OSError(13, "Permission denied", b"/base/k")),
            3,
            "PermissionError: [Errno 13] Permission denied: b'/base/k'",
        ),
        (OSError("two\n  lines\nmore"), 3, "OSError: two; lines; more"),
        (OSError("\x1b[31mred\x07 \u202e 'é\\x'"), 3, "OSError: \\x1b[31mred\\x07 \\u202e 'é\\x'"),
        (OSError(), 3, "OSError:"),
        (KeyboardInterrupt(), 130, None),
    ],
)
def test_an_error_is_one_line_and_a_code(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, line: str | None
) -> None:
    """1: the answer is no; 2: misuse or refused input; 3: the store failed; there is never a traceback."""

    def fail() -> None:
        raise error

    monkeypatch.setitem(root.commands, "fail", click.Command("fail", callback=fail))
    assert cli("fail") == (code, "", "" if line is None else f"typedtrack: {line}\n")


@pytest.mark.parametrize("arguments", [[], ["schema"]])
def test_a_missing_command_prints_the_help_and_exits_with_2(cli: Cli, arguments: list[str]) -> None:
    """The help goes to standard error, with its line breaks."""
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
def test_a_closed_pipe_keeps_the_answer_no(incompatible: list[str], unbuffered: str, code: int) -> None:
    """The command ends silently: with its exit code if the answer is known, else with that of SIGPIPE."""
    reader, writer = os.pipe()
    os.close(reader)
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    ended = subprocess.run(incompatible, stdout=writer, stderr=subprocess.PIPE, check=False, env=environment)
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (code, b"")


def test_a_closed_standard_output_keeps_the_exit_code(incompatible: list[str]) -> None:
    """The command drops its output."""
    ended = subprocess.run(["sh", "-c", 'exec "$@" >&-', "sh", *incompatible], stderr=subprocess.PIPE, check=False)
    assert (ended.returncode, ended.stderr) == (1, b"")


def test_a_broken_pipe_to_the_store_is_reported(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an error of the store, unlike a closed pipe at standard output."""

    def fail() -> None:
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setitem(root.commands, "fail", click.Command("fail", callback=fail))
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as pipe, redirect_stdout(pipe):
        answer = cli("fail")
    os.close(reader)
    assert answer == (3, "", "typedtrack: BrokenPipeError: [Errno 32] Broken pipe\n")


def test_output_is_utf_8_in_every_locale(cli: Cli) -> None:
    """It may be redirected into a schema file."""
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
    """It is printed as an error is, without Python's source line, and the exit code stays 0."""
    Path("warned.py").write_text(f"import warnings\nwarnings.warn('old\\nand slow')\n{RECORDS}", "utf-8")
    ended = _run("schema", "export", "warned.py", "--out", "warned")
    assert (ended.returncode, ended.stderr) == (0, "typedtrack: warning: old; and slow\n")


def test_without_click_an_error_names_the_extra() -> None:
    """Exit code 2, and one line with the command that installs it."""
    program = "import sys; sys.modules['click'] = None; from typedtrack.cli import main; main()"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "typedtrack: the command line needs click: pip install 'typedtrack[cli]'\n"


def test_a_missing_module_of_ours_is_not_taken_for_click() -> None:
    """Only the import of click is explained by the extra."""
    program = "import sys; sys.modules['typedtrack.cli.output'] = None; from typedtrack.cli import main; main()"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1].startswith("ModuleNotFoundError: import of typedtrack.cli.output halted")


def test_main_exits_with_the_code_of_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    """The console script calls it."""
    with pytest.raises(SystemExit) as ended:
        main(["schema", "rules"])
    assert ended.value.code == 0
    assert "field-missing" in capsys.readouterr().out


def test_without_rich_a_terminal_gets_lines() -> None:
    """Tables need rich; without it the same cells are printed, separated by tabs."""
    program = "import sys; sys.modules['rich'] = None; from typedtrack.cli import main; main(['schema', 'rules'])"
    leader, follower = pty.openpty()
    with open(leader, "rb", buffering=0) as shown:
        ended = subprocess.run([sys.executable, "-c", program], stdout=follower, stderr=subprocess.PIPE, check=False)
        first = shown.readline()
        os.close(follower)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert first.startswith(b"field-missing\t")
