"""Start a process that imports a tracker and puts one result, as an application does when it ends."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.harness import RESULT, Contestant, Topic

__all__ = ["topics"]

_PROJECT = Path(__file__).parents[1]


def topics(folder: Path, quick: bool) -> Iterator[Topic]:
    """Yield the topic; each call starts an interpreter and waits until it ends."""
    base = f"{folder}/process"

    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}  # the first round compiles, as an installer does

    def process(program: str) -> int:
        return subprocess.run([sys.executable, "-c", program], cwd=_PROJECT, env=environment, check=True).returncode

    def put(module: str, tracker: str) -> str:
        return f"from {module} import {tracker}\n{tracker}({base!r})['app/out'] = {RESULT!r}"

    contestants = [
        Contestant("limit: a bare interpreter", lambda: process("pass")),
        Contestant("import typing, and nothing else", lambda: process("import typing")),
        Contestant("import msgspec, and nothing else", lambda: process("import msgspec")),
        Contestant("typedtrack.open_tracker", lambda: process(put("typedtrack", "open_tracker")), aim=2.3),
        Contestant(
            "typedtrack.FsspecResultTracker", lambda: process(put("typedtrack", "FsspecResultTracker")), aim=2.3
        ),
        Contestant("torchx.runtime.tracking", lambda: process(put("torchx.runtime.tracking", "FsspecResultTracker"))),
    ]
    yield Topic("fresh process: import and one put", contestants, 1, 3 if quick else 40)
