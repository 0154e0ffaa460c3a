"""A short run of the program that interrupts calls at each of their system calls; ``make torture`` runs all of it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.torture import tracing

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(tracing.MISSING is not None, reason=tracing.MISSING or "")
def test_a_short_run(tmp_path: Path) -> None:
    """Every case is interrupted, and no call leaves anything but the old or the new content."""
    folder = "/dev/shm" if os.path.isdir("/dev/shm") else tmp_path  # a tmpfs synchronises in no time
    program = [sys.executable, "-m", "tests.torture.kills", "--rounds=1", "--step=9", f"--folder={folder}"]
    run = subprocess.run(program, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    assert run.returncode == 0, run.stderr  # where arro3 may tell of an error amid a cache
    kills, errors = re.findall(r"(\d+) kills and (\d+) errors: each result was the old or the new one", run.stdout)[0]
    assert int(kills) > 100
    assert int(errors) > 40
    assert not [name for name in os.listdir(folder) if "torture" in name]
