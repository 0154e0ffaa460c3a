"""The guides on Slurm and Kubernetes: their job scripts run, with a stand-in for the scheduler."""

from __future__ import annotations

import os
from pathlib import Path

import yaml

from tests.integrations.guides import follow, run, write_files
from typedtrack import open_tracker

# Slurm runs the tasks of an array after one another here, on this machine.
_SBATCH = """#!/bin/bash
echo "Submitted batch job 7"
for task in 0 1 2 3; do SLURM_ARRAY_TASK_ID=$task bash "$1" >/dev/null 2>&1; done
exit 0
"""
_SRUN = '#!/bin/sh\nexec "$@"\n'


def _program(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


def test_slurm(tmp_path: Path) -> None:
    """A task that raises returns that; the results become one file in the end."""
    programs = tmp_path / "slurm"
    _program(programs / "sbatch", _SBATCH)
    _program(programs / "srun", _SRUN)
    follow("how-to/slurm", tmp_path, PATH=f"{programs}{os.pathsep}{os.environ['PATH']}")


def test_kubernetes(tmp_path: Path) -> None:
    """The command of the container runs with the variable that Kubernetes sets, and no failed pod ends the others."""
    write_files("how-to/kubernetes", tmp_path)
    job = yaml.safe_load((tmp_path / "sweep.yaml").read_text(encoding="utf-8"))
    assert job["spec"].keys() & {"backoffLimit", "backoffLimitPerIndex"} == {"backoffLimitPerIndex"}
    container = job["spec"]["template"]["spec"]["containers"][0]
    [script] = container["args"]
    _program(tmp_path / "train", "#!/bin/sh\ntypedtrack put accuracy=0.93\n")
    command = [*container["command"], script.replace("s3://bucket/results", "results")]
    done = run(tmp_path, *command, JOB_COMPLETION_INDEX="2")
    assert done.returncode == 0, done.stderr
    assert dict(open_tracker(tmp_path / "results").items()) == {"sweep/trial_2": {"accuracy": 0.93}}
