"""A thousand to a million results: put, listed, read, framed, archived, reported. Is the cost of each result the same?

Each step is a process of its own, so that its memory can be told. ``python -m tests.torture.scale`` prints a table, and
``--plot FILE`` draws it. ``--store ceph`` does the same on a Ceph cluster in memory.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from html import escape
from pathlib import Path
from typing import Any, Final, NamedTuple

from typedtrack import Result, ResultTracker, open_tracker

__all__ = ["STEPS", "Cost", "measure", "plot"]

_A_FOLDER: Final = 1000  # results in one folder


class Cost(NamedTuple):
    """The cost of a step: seconds by the clock and of the CPU, and the most memory of its process, in bytes."""

    step: str
    results: int
    seconds: float
    cpu: float
    memory: int


def _results(count: int) -> Iterator[tuple[str, Result]]:
    for number in range(count):
        loss = 1 / (1 + number)
        result: Result = {"loss": loss, "accuracy": 1 - loss, "epochs": number % 90, "optimizer": f"adam {number % 7}"}
        yield f"search_{number // _A_FOLDER}/trial_{number}", result


def _put(tracker: ResultTracker, count: int, out: Path) -> int:
    tracker.put_many(_results(count))
    return count


def _list(tracker: ResultTracker, count: int, out: Path) -> int:
    return sum(1 for _ in iter(tracker))


def _read(tracker: ResultTracker, count: int, out: Path) -> int:
    return sum(1 for _, result in tracker.items() if result["accuracy"] != "")


def _frame(tracker: ResultTracker, count: int, out: Path) -> int:
    from arro3.io import read_parquet

    tracker.frame().write(out / "all.parquet")
    return sum(batch.num_rows for batch in read_parquet(out / "all.parquet"))


def _archive(tracker: ResultTracker, count: int, out: Path) -> int:
    return tracker.archive(out / "all.ndjson")


def _report(tracker: ResultTracker, count: int, out: Path) -> int:
    tracker.frame().report(out / "all.html", by="accuracy")
    return count if (out / "all.html").stat().st_size > 0 else 0


STEPS: Final[dict[str, Callable[[ResultTracker, int, Path], int]]] = {
    "put_many": _put,
    "list": _list,
    "items": _read,
    "frame.write": _frame,
    "archive": _archive,
    "report": _report,
}


def measure(base: str, count: int, folder: Path, options: dict[str, Any] | None = None) -> Iterator[Cost]:
    """Yield the cost of each step with *count* results; raise if a step finds another number of results."""
    for step in STEPS:
        program = [sys.executable, "-m", "tests.torture.scale", "--step", step, "--base", base, "--sizes", str(count)]
        program += ["--folder", str(folder), "--options", json.dumps(options)]
        run = subprocess.run(program, check=True, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2])
        found = json.loads(run.stdout)
        assert found.pop("found") == count, f"{step} of {count:,} results found another number"
        yield Cost(step, count, **found)


def _make_step(given: argparse.Namespace) -> None:
    """Make one step in this process, and print its cost."""
    options = json.loads(given.options)
    tracker = open_tracker(given.base) if options is None else open_tracker(given.base, storage_options=options)
    began, cpu_began = time.perf_counter(), time.process_time()
    found = STEPS[given.step](tracker, given.sizes[0], Path(given.folder))
    cost = {"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu_began}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    print(json.dumps({"found": found, **cost, "memory": peak}))


# -- a table and a plot -----------------------------------------------------------------------------------------------


def table(costs: Sequence[Cost]) -> Iterator[str]:
    """Yield the lines of a table."""
    sizes = sorted({cost.results for cost in costs})
    yield f"| µs of the CPU for a result (and by the clock), and MB | {' | '.join(f'{size:,}' for size in sizes)} |"
    yield f"|---{'|--:' * len(sizes)}|"
    for step in STEPS:
        found = {cost.results: cost for cost in costs if cost.step == step}
        cells = [
            f"{found[size].cpu / size * 1e6:.0f} µs ({found[size].seconds / size * 1e6:.0f}), "
            f"{found[size].memory / 1e6:.0f} MB"
            for size in sizes
        ]
        yield f"| {step} | {' | '.join(cells)} |"


_COLOURS: Final = "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"  # which everybody tells apart
_WIDTH, _HEIGHT, _LEFT, _TOP = 330, 220, 55, 40


def plot(costs: Sequence[Cost], title: str) -> str:
    """Return an SVG: the time of one result and the memory of the process, over the number of results."""
    panels = [
        _panel(costs, "µs of the CPU for one result", 0, lambda cost: cost.cpu / cost.results * 1e6),
        _panel(costs, "MB, the most memory", _WIDTH + _LEFT + 30, lambda cost: cost.memory / 1e6),
    ]
    names = "".join(
        f'<text x="{_LEFT + 105 * place}" y="{_TOP + _HEIGHT + 52}" fill="{colour}">● {escape(step)}</text>'
        for place, (step, colour) in enumerate(zip(STEPS, _COLOURS, strict=True))
    )
    width, height = 2 * (_WIDTH + _LEFT) + 60, _TOP + _HEIGHT + 70
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
        f'font-size="12"><title>{escape(title)}</title><rect width="{width}" height="{height}" fill="#fff"/>'
        f"{''.join(panels)}{names}</svg>\n"
    )


def _panel(costs: Sequence[Cost], name: str, left: float, value: Callable[[Cost], float]) -> str:
    sizes = sorted({cost.results for cost in costs})
    low, high = math.log10(sizes[0]), math.log10(sizes[-1])
    highest = max(map(value, costs)) * 1.1

    def x(size: int) -> float:
        return left + _LEFT + (math.log10(size) - low) / ((high - low) or 1) * _WIDTH

    def y(number: float) -> float:
        return _TOP + _HEIGHT * (1 - number / highest)

    parts = [f'<text x="{left + _LEFT}" y="{_TOP - 14}" font-weight="bold">{escape(name)}</text>']
    for mark in range(5):
        number = highest * mark / 4
        parts.append(f'<path d="M{left + _LEFT} {y(number):.1f}h{_WIDTH}" stroke="#ddd"/>')
        parts.append(f'<text x="{left + _LEFT - 6}" y="{y(number) + 4:.1f}" text-anchor="end">{number:,.0f}</text>')
    parts += [
        f'<text x="{x(size):.1f}" y="{_TOP + _HEIGHT + 20}" text-anchor="middle">{size:,}</text>' for size in sizes
    ]
    for step, colour in zip(STEPS, _COLOURS, strict=True):
        points = " ".join(f"{x(c.results):.1f},{y(value(c)):.1f}" for c in costs if c.step == step)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
    return "".join(parts)


def main(arguments: list[str]) -> int:
    """Measure each step with each number of results; print the table, and draw it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--store", choices=["local", "ceph"], default="local")
    parser.add_argument("--folder", help="a folder on the disk to use (default: the temporary folder)")
    parser.add_argument("--plot", help="the SVG file to write")
    for name in ("--step", "--base", "--options"):  # of a process that makes one step
        parser.add_argument(name, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.step is not None:
        _make_step(given)
        return 0
    costs: list[Cost] = []
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        for size, base, options in _bases(given, Path(folder)):
            (Path(folder) / "out").mkdir(exist_ok=True)
            for cost in measure(base, size, Path(folder) / "out", options):
                print(cost, file=sys.stderr, flush=True)
                costs.append(cost)
    print(*table(costs), sep="\n")
    if given.plot is not None:
        Path(given.plot).write_text(plot(costs, f"The cost of one result on {given.store}"), "utf-8")
    return 0


def _bases(given: argparse.Namespace, folder: Path) -> Iterator[tuple[int, str, dict[str, Any] | None]]:
    """Yield each number of results with a base for them and its options."""
    from tests.servers import ceph

    with nullcontext() if given.store == "local" else ceph.serve(folder) as service:
        for size in given.sizes:
            if service is None:
                yield size, str(folder / f"{size}"), None
            else:
                service.make_bucket(f"scale-{size}")
                yield size, f"s3://scale-{size}/results", service.obstore_options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
