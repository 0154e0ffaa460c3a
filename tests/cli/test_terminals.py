"""Commands at a terminal, in a closed pipe, and completed by a shell."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.programs import read_all
from typedtrack import open_tracker


def at_terminal(*arguments: str, answer: bytes = b"", environment: Mapping[str, str] = {}) -> tuple[int, str]:
    """Run a command on a terminal that is 60 columns wide; return its exit code, and all that it showed."""
    keyboard, terminal = pty.openpty()
    command = [sys.executable, "-m", "typedtrack", *arguments]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "60", **environment}
    os.write(keyboard, answer)
    with subprocess.Popen(command, stdin=terminal, stdout=terminal, stderr=terminal, env=environment) as running:
        os.close(terminal)
        shown = read_all(keyboard)
    return running.returncode, shown.decode()


def test_a_terminal_gets_tables_without_control_characters(base: str) -> None:
    """A terminal gets control characters escaped, in a table and in a bare value; a pipe gets them as they are."""
    tracker = open_tracker(base)
    tracker.put("k", {"x": 0.5, "t": "\x1b[31mred\u202e"})
    for arguments in (
        ["get", base, "k"],
        ["get", base, "k", "t"],
        ["get", base, "k", "--json"],
        ["ls", base, "--long"],
    ):
        code, shown = at_terminal(*arguments)
        assert code == 0
        assert "\x1b[31m" not in shown
        assert "\u202e" not in shown
        assert "red" in shown
    assert "field" in at_terminal("get", base, "k")[1]
    command = [sys.executable, "-m", "typedtrack", "get", base, "k", "t"]
    assert subprocess.run(command, capture_output=True, check=True).stdout == "\x1b[31mred\u202e\n".encode()


@pytest.mark.parametrize(
    ("environment", "colours"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)]
)
def test_no_color_is_honoured(base: str, environment: dict[str, str], colours: bool) -> None:
    """The bar of a wait is in colour elsewhere."""
    open_tracker(base).put("k", x=1)
    code, shown = at_terminal("wait", base, "k", environment=environment)
    assert (code, re.search(r"\x1b\[[0-9;]*3[0-9]", shown) is not None) == (0, colours)
    assert "x=1" in shown


def test_a_narrow_terminal_loses_nothing(base: str) -> None:
    """Cells are wrapped."""
    open_tracker(base).put("k", {"text": "abcdefghij" * 20})
    shown = at_terminal("get", base, "k", environment={"COLUMNS": "30"})[1]
    assert "".join(shown.split()).count("abcdefghij") == 20


@pytest.mark.parametrize(("answer", "left"), [(b"y\n", []), (b"n\n", ["s/1", "s/2"]), (b"\x04", ["s/1", "s/2"])])
def test_rm_of_a_prefix_asks_on_a_terminal(base: str, answer: bytes, left: list[str]) -> None:
    """The question shows the number of results; ``--yes`` answers it."""
    tracker = open_tracker(base)
    tracker.put_many({"s/1": {"x": 1}, "s/2": {"x": 1}})
    os.utime(Path(base, "s/1"), (0, 0))
    assert "Delete 1 result? [y/N]" in at_terminal("rm", base, "--older-than", "1d", answer=b"n\n")[1]
    code, shown = at_terminal("rm", base, "--prefix", "s", answer=answer)
    assert "Delete 2 results at and below 's'? [y/N]" in shown
    assert (code, sorted(tracker)) == ({b"y\n": 0, b"n\n": 1, b"\x04": 130}[answer], left)
    assert at_terminal("rm", base, "--prefix", "s", "--yes")[0] == 0
    assert list(tracker) == []


def test_a_person_who_waits_sees_a_bar(base: str) -> None:
    """It counts the results that have come, and is gone at the end; the results stay."""
    tracker = open_tracker(base)
    tracker.put_many({"a": {"x": 1}, "b": {"x": 2}})
    code, shown = at_terminal("wait", base, "a", "b")
    assert code == 0
    assert "waiting" in shown
    assert "2/2" in shown
    assert "a" in shown
    assert "x=2" in shown


LONG_WORK = [
    ("export", "{base}", "--out", "{out}.csv"),
    ("export", "{base}", "--out", "{out}.ndjson.gz"),
    ("report", "{base}", "--out", "{out}.html"),
    ("top", "{base}"),
    ("rm", "{base}", "--prefix", "s", "--yes"),
    ("wait", "{base}", "s/1", "s/2"),
]


@pytest.mark.parametrize("command", LONG_WORK)
def test_long_work_has_a_bar_where_a_person_watches(base: str, tmp_path: Path, command: tuple[str, ...]) -> None:
    """The bar counts results, and is erased at the end. In a pipe there is none, and a log file has no bar either."""
    tracker = open_tracker(base)
    tracker.put_many({"s/1": {"x": 1.5}, "s/2": {"x": 2.5}})
    arguments = [argument.format(base=base, out=tmp_path / "out") for argument in command]
    code, shown = at_terminal(*arguments)
    assert code == 0
    assert re.search(r"(reading|waiting|deleting) .*2/[2?]", shown)
    assert "\x1b[2K" in shown.rpartition("2/")[2]
    tracker.put_many({"s/1": {"x": 1.5}, "s/2": {"x": 2.5}})
    ended = subprocess.run([sys.executable, "-m", "typedtrack", *arguments], capture_output=True, text=True, check=True)
    assert ended.stderr == ""
    assert "\x1b" not in ended.stdout
    assert (ended.stdout == "") == (command[0] not in ("top", "wait"))


def test_a_closed_pipe_ends_ls_silently(base: str) -> None:
    """``typedtrack ls | head -1`` prints no error with many keys."""
    open_tracker(base).put_many((f"{'long' * 20}/{n}", {"x": 1}) for n in range(2000))
    command = [sys.executable, "-m", "typedtrack", "ls", base]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as listing:
        assert listing.stdout is not None
        assert listing.stderr is not None
        listing.stdout.readline()
        listing.stdout.close()
        assert listing.stderr.read() == b""
    assert listing.returncode == 141


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete_commands_and_options(shell: str) -> None:
    """The script is click's; what it asks for is answered without a word on standard error."""
    program = [sys.executable, "-c", "from typedtrack.cli import main; main()"]
    script = subprocess.run(
        program,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "_TYPEDTRACK_COMPLETE": f"{shell}_source"},
    )
    assert "_TYPEDTRACK_COMPLETE" in script.stdout
    for words, offered in ({"typedtrack wa": "wait", "typedtrack run --re": "--retries"}).items():
        word = words.split()[-1]
        current = word if shell == "fish" else str(len(words.split()) - 1)
        asked = {"_TYPEDTRACK_COMPLETE": f"{shell}_complete", "COMP_WORDS": words, "COMP_CWORD": current}
        answer = subprocess.run(program, capture_output=True, text=True, check=True, env={**os.environ, **asked})
        assert (offered in answer.stdout, answer.stderr) == (True, "")
