"""The most memory that a process takes while it writes a frame to Parquet."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from benchmarks import frame
from typedtrack import open_tracker

__all__ = ["topics"]

_AIM: Final = 300  # MB for a million results
_PROJECT: Final = Path(__file__).parents[1]
_PROGRAM: Final = """
import resource
from typedtrack import open_tracker
from benchmarks.frame import EvalResult
tracker = open_tracker({base!r})
view = tracker.typed(EvalResult)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
{call}
print(before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def topics(folder: Path, quick: bool) -> Iterator[str]:
    """Yield one finished table."""
    count = 300 if quick else frame.results
    base, out, cache = f"{folder}/memory", f"{folder}/out.parquet", f"{folder}/cache.parquet"
    open_tracker(base).put_many(frame.various_results(count))
    calls = {
        "typed frame": f"view.frame().write({out!r})",
        "untyped frame": f"tracker.frame().write({out!r})",
        "typed frame that makes its cache": f"view.frame(cache={cache!r}).write({out!r})",
        "typed frame from its cache": f"view.frame(cache={cache!r}).write({out!r})",
    }
    lines = [f"| memory to write {count:,} results to Parquet | before | at most | aim |", "|---|--:|--:|--:|"]
    for name, call in calls.items():
        before, most = map(int, _run(_PROGRAM.format(base=base, call=call)).split())
        lines.append(f"| {name} | {before >> 10} MB | {most >> 10} MB | ≤ {_AIM} MB |")
    yield "\n".join(lines)


def _run(program: str) -> str:
    command = [sys.executable, "-c", program]
    return subprocess.run(command, cwd=_PROJECT, check=True, capture_output=True, encoding="utf-8").stdout
