"""The demo of `make demo`: real processes, a real data set, and the README's account of it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run_search(tracker_base: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the coordinator on *tracker_base*, as a user would."""
    program = [sys.executable, str(ROOT / "examples/hyperparameter_search.py"), f"--tracker-base={tracker_base}"]
    return subprocess.run([*program, *arguments], cwd=ROOT, capture_output=True, encoding="utf-8", check=False)


def test_demo_prints_what_the_readme_shows(tmp_path: Path) -> None:
    """Two runs on one base print the block between the README's markers, and nothing on standard error."""
    block = re.search(
        r"<!-- demo output -->\n+```[a-z]*\n(.*?)```\n+<!-- demo output -->",
        (ROOT / "README.md").read_text(encoding="utf-8"),
        re.DOTALL,
    )
    assert block is not None
    for _ in range(2):
        run = run_search(tmp_path)
        assert (run.returncode, run.stderr, run.stdout) == (0, "", block[1])


def test_a_trial_that_fails_is_named(tmp_path: Path) -> None:
    """The coordinator says which trial returned nothing, reports the others, and exits with 1."""
    run = run_search(tmp_path, "--c", "-1", "1", "--gamma", "0.001")
    assert run.returncode == 1
    assert "digits/trial_0 failed: its process ended with code 1 and returned no result" in run.stderr
    assert "1 of 2 results returned" in run.stdout
    assert "best: digits/trial_1" in run.stdout


def test_a_search_whose_trials_all_fail_ends(tmp_path: Path) -> None:
    """Without any result there is nothing to report, and nothing to hang on."""
    run = run_search(tmp_path, "--c", "-1", "--gamma", "0.001")
    assert run.returncode == 1
    assert "digits/trial_0 failed" in run.stderr
    assert "best" not in run.stdout
