"""The guide on other tools, as far as its tools are small, and the examples that it names."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import import_mlruns
import pytest

from tests.integrations.guides import run
from typedtrack import open_tracker

PAGE = (Path(__file__).parents[2] / "docs/how-to/frameworks.md").read_text(encoding="utf-8")


def test_a_result_is_a_metrics_file_of_dvc(tmp_path: Path) -> None:
    """DVC reads a flat map of numbers from a JSON file."""
    open_tracker(tmp_path)["metrics.json"] = {"accuracy": 0.93, "loss": 0.25}
    assert json.loads((tmp_path / "metrics.json").read_bytes()) == {"accuracy": 0.93, "loss": 0.25}


def test_the_step_of_github_actions(tmp_path: Path) -> None:
    """It runs as a shell script, as GitHub runs it."""
    step = re.search(r"^  run: \|\n(.*?)^- if", PAGE, re.DOTALL | re.MULTILINE)
    assert step is not None
    program = "from typedtrack import open_tracker; open_tracker()['evaluation'] = {'accuracy': 0.93}"
    (tmp_path / "evaluate.py").write_text(program, encoding="utf-8")
    done = run(tmp_path, "sh", "-e", "-c", step[1], GITHUB_OUTPUT="output")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "output").read_text(encoding="utf-8") == "accuracy=0.93\n"


def test_the_container_of_argo(tmp_path: Path) -> None:
    """Its command leaves the parameter in a file."""
    lines = re.search(r"^    - >\n(.*?)^outputs", PAGE, re.DOTALL | re.MULTILINE)
    assert lines is not None
    script = " ".join(lines[1].split()).replace("s3://bucket/results", "results").replace("/tmp/accuracy", "accuracy")
    (tmp_path / "train").write_text("#!/bin/sh\ntypedtrack put accuracy=0.93\n", encoding="utf-8")
    (tmp_path / "train").chmod(0o755)
    done = run(tmp_path, "sh", "-c", script)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "accuracy").read_text(encoding="utf-8") == "0.93\n"


@pytest.mark.skipif(shutil.which("snakemake") is None, reason="Snakemake is not installed")
def test_the_rule_of_snakemake(tmp_path: Path) -> None:
    """A result is the output of a rule, and a failed job leaves none."""
    rules = re.search(r"^```text\n(rule all.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    assert rules is not None
    (tmp_path / "Snakefile").write_text(rules[1], encoding="utf-8")
    (tmp_path / "train").write_text('#!/bin/sh\n[ "$1" != 1 ] && typedtrack put trial="$1"\n', encoding="utf-8")
    (tmp_path / "train").chmod(0o755)
    done = run(tmp_path, "snakemake", "--cores", "1", "--keep-going")
    assert done.returncode == 1
    assert dict(open_tracker(tmp_path / "results").items()) == {f"sweep/trial_{n}": {"trial": n} for n in (0, 2)}
    assert len(open_tracker(tmp_path / "results").keys("sweep")) == 2


def test_runs_of_mlflow_are_imported(tmp_path: Path) -> None:
    """The last value of a metric counts; a run without any content is a failure."""
    run_folder = tmp_path / "mlruns/0/abc"
    files = {
        "meta.yaml": "status: 3\n",
        "params/lr": "0.1",
        "params/depth": "7",
        "params/optimizer": "adam",
        "metrics/val/loss": "1000 0.5 0\n2000 0.25 1\n1500 0.125 1\n",
        "metrics/nan": "1000 nan 0\n",
        "tags/mlflow.user": "me",
    }
    for name, text in files.items():
        (run_folder / name).parent.mkdir(parents=True, exist_ok=True)
        (run_folder / name).write_text(text, encoding="utf-8")
    empty = tmp_path / "mlruns/0/def/meta.yaml"
    empty.parent.mkdir()
    empty.write_text("status: 4\n", encoding="utf-8")
    command = [sys.executable, import_mlruns.__file__, "mlruns", "results"]
    subprocess.run(command, cwd=tmp_path, check=True, env={**os.environ})
    tracker = open_tracker(tmp_path / "results")
    [(key, result)] = tracker.items()
    assert key == "mlflow/0/abc"
    assert str(result.pop("nan")) == "nan"
    assert result == {"param/lr": 0.1, "param/depth": 7, "param/optimizer": "adam", "val/loss": 0.25}
    assert [key for key, _ in tracker.failures()] == ["mlflow/0/def"]
