"""Does what the pages of docs/ show: writes their files, runs their commands, compares what they print."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from doctest import ELLIPSIS, OutputChecker
from pathlib import Path

from tests.programs import read_all, unmeasured

__all__ = ["follow", "run", "write_files"]

_ROOT = Path(__file__).parents[2]
_BIN = Path(sys.executable).parent
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_FILE = re.compile(r"(?:#!.*\n)?# (\S+\.\w+|Snakefile)\n")  # the first line of a block that is a file


def run(folder: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run *command* in *folder*; the programs of this environment come first, and examples/ can be imported."""
    variables = {**os.environ, **_variables(environment)}
    return subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)


def write_files(page: str, folder: Path) -> str:
    """Write the files of docs/*page*.md, whose first line is ``# NAME``, into *folder*; return the page."""
    text = _text(page)
    for _, block in _FENCE.findall(text):
        _write(block, folder)
    return text


def follow(page: str, folder: Path, **environment: str) -> None:
    """Do what docs/*page*.md says, from top to bottom: write its files and run its commands in *folder*.

    Each command must print on a terminal what the page shows; ``...`` stands for any text.
    """
    for language, block in _FENCE.findall(_text(page)):
        if language != "console":
            _write(block, folder)
            continue
        for shown in block.removeprefix("$ ").split("\n$ "):
            command, _, output = shown.strip("\n").partition("\n")
            if not command.startswith("pip install"):
                printed = _on_a_terminal(folder, command, environment)
                assert OutputChecker().check_output(_lines(output), _lines(printed), ELLIPSIS), (command, printed)


def _text(page: str) -> str:
    return (_ROOT / f"docs/{page}.md").read_text(encoding="utf-8")


def _write(block: str, folder: Path) -> None:
    if named := _FILE.match(block):
        path = folder / named[1]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block, encoding="utf-8")


def _variables(environment: dict[str, str]) -> dict[str, str]:
    return {
        "PYTHONPATH": f"{_ROOT}{os.pathsep}{_ROOT / 'examples'}",
        **environment,
        "PATH": f"{_BIN}{os.pathsep}{environment.get('PATH', os.environ['PATH'])}",
    }


def _on_a_terminal(folder: Path, command: str, environment: dict[str, str]) -> str:
    ours, its = pty.openpty()
    dumb = {"TERM": "dumb", "COLUMNS": "110", "LINES": "50"}  # no colours, no bars
    variables = {**unmeasured(), **_variables(environment), **dumb}
    with subprocess.Popen(["sh", "-c", command], cwd=folder, env=variables, stdin=its, stdout=its, stderr=its):
        os.close(its)
        printed = read_all(ours)
    return printed.decode().replace("\x1b[0m", "")  # DVC resets colours where there are none


def _lines(text: str) -> str:
    lines = [line.expandtabs().rstrip() for line in text.splitlines()]
    return "".join(f"{line}\n" for line in lines if line)
