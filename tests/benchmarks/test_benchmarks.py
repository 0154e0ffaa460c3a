"""The benchmarks run and print their tables; what they measure is not tested."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

CONTESTANTS = {
    "put, folder exists": 4,
    "put, folder must be made": 4,
    "get": 4,
    "items() over 300 results": 4,
    "items() over 300 results, 1 ms to open each": 3,
    "put_many() of 30 results with fsync": 3,
    "frame of 300 records": 4,
    "renewal of a cached frame of 300": 5,
    "300 cached rows to polars, after the listing": 2,
    "items() of an archive of 300": 2,
    "typed items() of an archive of 300": 3,
    "fresh process: import and one put": 6,
    "encode": 4,
    "decode": 3,
    "encode awkward values": 6,
    "decode awkward values": 4,
    "record: construct and encode": 6,
    "record: encode": 6,
    "record: decode": 6,
    "record: declare a class": 2,
    "record: fresh process, declare one and put it": 3,
}


def test_quick_run_prints_every_table(tmp_path: Path) -> None:
    """Each topic has one line for each contestant, the limit first and at ratio 1, and leaves no file behind."""
    program = [sys.executable, "-m", "benchmarks", "--quick", f"--folder={tmp_path}"]
    run = subprocess.run(program, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    assert (run.returncode, run.stderr) == (0, "")
    assert not list(tmp_path.iterdir())

    _, *tables = run.stdout.strip().split("\n\n")
    shapes: dict[str, int] = {}
    (memory,) = [table for table in tables if table.startswith("| memory ")]
    assert memory.count(" MB |") == 3 * 4
    for table in tables:
        if table == memory:
            continue
        head, rule, limit, *others = (line.strip("| ").split(" | ") for line in table.splitlines())
        assert head[1:] == ["median", "ratio", "quartiles", "aim"]
        assert rule == ["---|--:|--:|:-:|--:"]
        assert limit[0].startswith("limit: ")
        assert limit[2:4] == ["1.00", "1.00 to 1.00"]
        assert all(float(line[2]) > 0 for line in others)
        shapes[head[0]] = 1 + len(others)
    assert shapes == CONTESTANTS


def test_one_module_by_name(tmp_path: Path) -> None:
    """A name on the command line runs that module alone."""
    program = [sys.executable, "-m", "benchmarks", "--quick", f"--folder={tmp_path}", "get"]
    run = subprocess.run(program, cwd=ROOT, capture_output=True, encoding="utf-8", check=True)
    assert run.stdout.count("| ratio |") == 1
    assert "| get | median |" in run.stdout


def test_the_report_is_measured_in_a_browser(tmp_path: Path) -> None:
    """The table has the times of writing and of drawing, and the size, each with its least and its most."""
    if not (shutil.which("chromium") or shutil.which("google-chrome")):
        absent = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        absent("no Chromium on this machine; `make servers` installs it")
    program = [sys.executable, "-m", "benchmarks", "--quick", f"--folder={tmp_path}", "report"]
    run = subprocess.run(program, cwd=ROOT, capture_output=True, encoding="utf-8", check=True)
    _, table = run.stdout.strip().split("\n\n")
    head, _, *lines = table.splitlines()
    assert head == "| the report of 300 results | least | most | aim |"
    assert [re.sub(r"\d+\.\d\d", "N", line) for line in lines] == [
        "| write it | N s | N s |  |",
        "| open it in Chromium until it is drawn | N s | N s | ≤ 3 s |",
        "| its size | N MB | N MB | ≤ 3 MB |",
    ]
    assert not list(tmp_path.iterdir())
