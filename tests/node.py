"""A Node.js process that answers questions: one process for all examples of a property."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import pytest

__all__ = ["NPM", "Ask", "answers", "node"]

NPM = Path(__file__).parents[1] / "build" / "generators" / "node_modules"
"""The packages that `tests/generators/install.sh` installs."""


Ask: TypeAlias = Callable[[object], Any]
"""Returns the answer of the process to a question; both are JSON."""


def node(*packages: str) -> str:
    """Return the path of Node.js; skip the test where Node.js or one of *packages* is missing."""
    found = shutil.which("node")
    if found is None:
        pytest.skip("needs Node.js")
    for package in packages:
        if not (NPM / package).is_dir():
            pytest.skip(f"needs {package}, which tests/generators/install.sh installs")
    return found


@contextmanager
def answers(script: Path, *packages: str) -> Generator[Ask]:
    """Run *script* with *packages*; it answers each line of JSON on its standard input with one on its output."""
    command = [node(*packages), str(script)]
    environment = {**os.environ, "NODE_PATH": str(NPM)}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        stdin, stdout = process.stdin, process.stdout

        def ask(question: object) -> Any:
            stdin.write(json.dumps(question).encode() + b"\n")
            stdin.flush()
            return json.loads(stdout.readline())

        yield ask
        stdin.close()
