"""Real shells complete commands, options and what follows them."""

from __future__ import annotations

import os
import pty
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# What is typed before the tab, and what the shell makes of it.
LINES = {
    "typedtrack wa": "typedtrack wait",
    "typedtrack run --re": "typedtrack run --re",  # --requeue and --retries
    "typedtrack run --ret": "typedtrack run --retries",
    "typedtrack schema inf": "typedtrack schema infer",
    "typedtrack schema check --ag": "typedtrack schema check --against",
    "typedtrack get pyproj": "typedtrack get pyproject.toml",  # a file, as an archive is one
    "typedtrack top pyproj": "typedtrack top pyproject.toml",
    "typedtrack report x --out pyproj": "typedtrack report x --out pyproject.toml",
    "typedtrack run x y -- pyproj": "typedtrack run x y -- pyproject.toml",
    "typedtrack schema check x --mode backward_": "typedtrack schema check x --mode backward_transitive",
}
CONTROL = re.compile(r"\r|\x1b(\[[0-9;?>=]*[a-zA-Z]|[=>]|\][^\x07]*\x07|\(B|[0-9])")


@pytest.fixture
def path(tmp_path: Path) -> str:
    """Return a PATH whose first folder has ``typedtrack``, as an installation has."""
    program = tmp_path / "bin" / "typedtrack"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m typedtrack "$@"\n')
    program.chmod(0o755)
    return f"{program.parent}:{os.environ['PATH']}"


def shell(name: str) -> str:
    """Return the program of a shell, or skip the test; with ``CI=true`` it must be there."""
    found = shutil.which(name)
    if found is None:
        absent = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        absent(f"no {name} on this machine; `make servers` installs it")
    return found


class Terminal:
    """An interactive shell."""

    def __init__(self, command: list[str], path: str) -> None:
        self._master, slave = pty.openpty()
        environment = {**os.environ, "PATH": path, "TERM": "xterm", "PS1": "> ", "COLUMNS": "200", "HISTFILE": ""}
        self._process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True
        )
        os.close(slave)
        self._shown = ""

    def send(self, text: str) -> None:
        """Type *text*."""
        os.write(self._master, text.encode())

    def read_until(self, text: str) -> str:
        """Return what is shown up to *text*."""
        while text not in self._shown:
            self._shown += CONTROL.sub("", os.read(self._master, 65536).decode(errors="replace"))
        before, _, self._shown = self._shown.partition(text)
        return before

    def end(self) -> None:
        """End the shell."""
        self._process.kill()
        self._process.wait()
        os.close(self._master)


@pytest.fixture(params=["bash", "zsh"])
def terminal(request: pytest.FixtureRequest, path: str) -> Iterator[Terminal]:
    """Return a shell whose start-up file has the line of the documentation."""
    name: str = request.param
    plain = {"bash": ["--norc", "--noprofile", "-i"], "zsh": ["-f", "-i"]}[name]
    terminal = Terminal([shell(name), *plain], path)
    if name == "zsh":
        terminal.send("autoload -Uz compinit; compinit -u -D\n")
    terminal.send(f'eval "$(_TYPEDTRACK_COMPLETE={name}_source typedtrack)"; echo rea""dy\n')
    terminal.read_until("ready")
    yield terminal
    terminal.end()


def test_a_tab_completes_a_line(terminal: Terminal) -> None:
    """The shell itself shows what is typed and what it adds; Ctrl-A and an echo show the whole line."""
    for typed, completed in LINES.items():
        terminal.send(f"{typed}\t")
        terminal.send("\x01echo '<\x05>'\n")  # Ctrl-A goes to the beginning of the line, Ctrl-E to its end
        terminal.read_until("\n<")
        assert terminal.read_until(">").rstrip() == completed


def test_fish_completes_a_line(path: str) -> None:
    """Its command ``complete -C`` tells what a tab would offer."""
    script = "_TYPEDTRACK_COMPLETE=fish_source typedtrack | source; for line in $argv; complete -C $line; echo; end"
    command = [shell("fish"), "--no-config", "-c", script, *LINES]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, "PATH": path})
    offered = [{line.split("\t")[0] for line in block.splitlines()} for block in ended.stdout.split("\n\n")]
    for (typed, completed), words in zip(LINES.items(), offered, strict=False):
        if typed == completed:
            assert words == {"--requeue", "--retries"}
        else:
            assert words == {completed.rpartition(" ")[2]}
