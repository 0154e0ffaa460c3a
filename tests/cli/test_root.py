"""The command line as a process: its codes, its one line of error, and what it says when its libraries are missing."""

from __future__ import annotations

import os
import subprocess
import sys

import click
import pytest

from tests.cli.conftest import Cli
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


def test_a_reader_who_has_seen_enough_is_no_error() -> None:
    """A closed pipe ends the command without a word."""
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "typedtrack", "schema", "rules"]
    ended = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (0, b"")


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
