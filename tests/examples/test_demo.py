"""The demo of `make demo`: real processes, real failures, and the output that the README shows."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from typedtrack import open_tracker

ROOT = Path(__file__).parents[2]
SEARCH = ROOT / "examples/hyperparameter_search.py"
REPORT = ROOT / "examples/hyperparameter_report.py"


def run_example(program: Path, tracker_base: Path) -> subprocess.CompletedProcess[str]:
    """Run a program of the demo on *tracker_base*, as a user would."""
    command = [sys.executable, str(program), f"--tracker-base={tracker_base}"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)


def test_the_demo_prints_the_output_in_the_readme(tmp_path: Path) -> None:
    """The output has a line for each trial, also for one that diverges, raises, is killed or never starts."""
    block = re.search(
        r"<!-- demo output -->\n+```[a-z]*\n(.*?)```\n+<!-- demo output -->",
        (ROOT / "README.md").read_text(encoding="utf-8"),
        re.DOTALL,
    )
    assert block is not None
    open_tracker(tmp_path)["digits/trial_99"] = {"x": 1}  # of an earlier search: not in the output
    run = run_example(SEARCH, tmp_path)
    assert (run.returncode, run.stderr, run.stdout) == (0, "", block[1])


def test_a_report_without_any_result(tmp_path: Path) -> None:
    """Where all trials failed, the report has their lines and no best trial."""
    open_tracker(tmp_path).fail("digits/trial_0", "out of memory")
    run = run_example(REPORT, tmp_path)
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.splitlines()[1:] == ["digits/trial_0    Failure: out of memory"]
