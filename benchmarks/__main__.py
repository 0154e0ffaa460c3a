"""``python -m benchmarks``: measures the topics and prints one table for each."""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

from benchmarks import archive, cached, codec, frame, get, items, memory, process, put, records, slow
from benchmarks.harness import cpu_seconds, race

_MODULES = {
    "put": put,
    "get": get,
    "items": items,
    "frame": frame,
    "cached": cached,
    "archive": archive,
    "memory": memory,
    "slow": slow,
    "process": process,
    "codec": codec,
    "records": records,
}
_MORE_MODULES = ("cold", "far", "report", "stores")


def main() -> None:
    """Print one Markdown table for each topic."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    help_text = (
        "the topics to measure (default: all but cold, which only root can run, and report, far and stores, which need "
        "the programs of `make servers`)"
    )
    parser.add_argument("modules", nargs="*", choices=[*_MODULES, *_MORE_MODULES, []], help=help_text)
    parser.add_argument("--quick", action="store_true", help="make only a few calls, to test the benchmarks themselves")
    parser.add_argument("--folder", help="a folder on the disk to measure (default: the temporary folder)")
    parser.add_argument("--results", type=int, default=frame.results, help="how many results there are in tables")
    parser.add_argument("--cpu", action="store_true", help="measure CPU time, for a machine that is busy")
    args = parser.parse_args()
    timer = cpu_seconds if args.cpu else time.perf_counter
    frame.results = args.results

    versions = ", ".join(f"{name} {version(name)}" for name in ("msgspec", "fsspec", "torchx"))
    print(f"Python {platform.python_version()}, {versions}; {os.cpu_count()} CPUs, {platform.system()}.")
    print(f"{'CPU time' if args.cpu else 'Time'} of a call, and its ratio to the first line, round by round.")
    for name in args.modules or _MODULES:
        with tempfile.TemporaryDirectory(dir=args.folder) as folder:
            module = _MODULES.get(name) or import_module(f"benchmarks.{name}")
            for topic in module.topics(Path(folder), args.quick):
                print(f"\n{topic if isinstance(topic, str) else race(topic, timer)}", flush=True)


if __name__ == "__main__":
    main()
