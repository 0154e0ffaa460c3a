"""What the guides of docs/how-to/ show: the files of an example, and the commands with their output."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

__all__ = ["run", "try_out", "write_files"]

_ROOT = Path(__file__).parents[2]
_BIN = Path(sys.executable).parent


def run(folder: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run *command* in *folder*; the programs of this environment come first, and examples/ can be imported."""
    variables = {
        **os.environ,
        "PATH": f"{_BIN}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": f"{_ROOT}{os.pathsep}{_ROOT / 'examples'}",
        **environment,
    }
    return subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)


def write_files(guide: str, folder: Path) -> str:
    """Write the files of *guide*, whose first line is ``# NAME``, into *folder*; return the page."""
    page = (_ROOT / "docs/how-to" / f"{guide}.md").read_text(encoding="utf-8")
    for name, text in re.findall(r"^```\w+\n# (\S+\.\w+)\n(.*?)^```", page, re.DOTALL | re.MULTILINE):
        (folder / name).write_text(text, encoding="utf-8")
    return page


def try_out(guide: str, folder: Path) -> None:
    """Write the files of *guide* into *folder*; run its commands, and compare what they print with the page."""
    page = write_files(guide, folder)
    for block in re.findall(r"^```console\n(.*?)^```", page, re.DOTALL | re.MULTILINE):
        for shown in block.removeprefix("$ ").split("\n$ "):
            command, _, output = shown.strip().partition("\n")
            done = run(folder, "sh", "-c", command)
            assert done.stdout.strip() == output, done.stderr
