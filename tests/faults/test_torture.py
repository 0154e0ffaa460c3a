"""Short runs of the programs that torture the local backend; ``make torture`` runs all of each."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.programs import unmeasured
from tests.torture import disks, scale, tracing

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(tracing.MISSING is not None, reason=tracing.MISSING or "")
def test_a_short_run(tmp_path: Path) -> None:
    """Every case is interrupted, and no call leaves anything but the old or the new content."""
    memory = "/dev/shm" if os.path.isdir("/dev/shm") else tmp_path  # a tmpfs synchronises in no time
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        program = [sys.executable, "-m", "tests.torture.kills", "--rounds=1", "--step=9", f"--folder={folder}"]
        # Unmeasured, because coverage's own writes would be interrupted as well.
        run = subprocess.run(program, cwd=ROOT, env=unmeasured(), capture_output=True, encoding="utf-8", check=False)
        left = os.listdir(folder)
    assert run.returncode == 0, run.stderr  # where arro3 may tell of an error amid a cache
    kills, errors = re.findall(r"(\d+) kills and (\d+) errors: each result was the old or the new one", run.stdout)[0]
    assert int(kills) > 100
    assert int(errors) > 40
    assert left == []


@pytest.mark.parametrize("kind", disks.FILE_SYSTEMS)
def test_losses_of_power_on_a_real_file_system(tmp_path: Path, kind: str) -> None:
    """No acknowledged result is lost with ``fsync``; without it each is whole, or a get says what it is."""
    if (reason := disks.missing(kind)) is not None:
        pytest.skip(reason)
    with tempfile.TemporaryDirectory(prefix="torture-", dir=disks.folder_for_disks()) as folder:
        tally = disks.torture(kind, Path(folder), seed=2, losses=4)
    assert tally.with_fsync["acknowledged"] >= 4 * disks.KEYS - tally.with_fsync["later"] > 0
    assert tally.without_fsync.total() >= 4 * disks.KEYS


def test_the_cost_of_results(tmp_path: Path) -> None:
    """Each step finds every result; a plot has a line for each."""
    costs = [
        *scale.measure(str(tmp_path / "base"), 100, tmp_path),
        *scale.measure(str(tmp_path / "more"), 300, tmp_path),
    ]
    assert [(cost.step, cost.results) for cost in costs] == [
        (step, size) for size in (100, 300) for step in scale.STEPS
    ]
    assert len([*scale.table(costs)]) == 2 + len(scale.STEPS)
    assert scale.plot(costs, "<title>").count("<polyline") == 2 * len(scale.STEPS)
