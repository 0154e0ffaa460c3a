"""The guides on other tools, with the real tool where it is installed, and the examples that they name."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from tests.integrations.guides import follow, run, write_files
from typedtrack import open_tracker

_EXAMPLES = Path(__file__).parents[2] / "examples"


def needs(program: str) -> pytest.MarkDecorator:
    """Skip a test where *program* is not installed."""
    absent = shutil.which(program, path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}") is None
    return pytest.mark.skipif(absent, reason=f"`make test-integrations` installs {program}")


@needs("dvc")
def test_dvc(tmp_path: Path) -> None:
    """A result is a metrics file: DVC runs the stage, and shows the fields."""
    follow("how-to/dvc", tmp_path, DVC_NO_ANALYTICS="1")


@needs("snakemake")
def test_snakemake(tmp_path: Path) -> None:
    """A result is the output of a rule, and a failed job leaves none."""
    follow("how-to/snakemake", tmp_path)
    assert sorted(open_tracker(tmp_path / "results").keys()) == ["sweep/trial_0", "sweep/trial_2"]


_RANK_2_FAILS = """
import os, pathlib, time
pathlib.Path("started_" + os.environ["RANK"]).touch()
while os.environ["RANK"] != "2" or len(list(pathlib.Path().glob("started_*"))) < 4:
    time.sleep(0.05)
raise ValueError("no data")
"""


@needs("torchrun")
def test_distributed(tmp_path: Path) -> None:
    """Each rank stores a result of its own. If one fails, `torchrun` ends the others, and each returns a failure."""
    follow("how-to/distributed", tmp_path)
    shutil.rmtree(tmp_path / "results")

    (command,) = re.findall(r"^\$ (torchrun .*)$", write_files("how-to/distributed", tmp_path), re.MULTILINE)
    (tmp_path / "train.py").write_text(_RANK_2_FAILS, encoding="utf-8")
    assert run(tmp_path, "sh", "-c", command).returncode != 0
    failures = dict(open_tracker(tmp_path / "results").failures())
    assert {key: failure.type for key, failure in failures.items()} == {
        "job_7/rank_0": "Signal",
        "job_7/rank_1": "Signal",
        "job_7/rank_2": "ExitCode",
        "job_7/rank_3": "Signal",
    }


def train_in(folder: Path) -> None:
    """Write a program that returns an accuracy of 0.93."""
    (folder / "train").write_text("#!/bin/sh\ntypedtrack put accuracy=0.93\n", encoding="utf-8")
    (folder / "train").chmod(0o755)


def test_argo(tmp_path: Path) -> None:
    """The command of the container leaves the parameter in a file."""
    write_files("how-to/argo", tmp_path)
    train_in(tmp_path)
    workflow = yaml.safe_load((tmp_path / "workflow.yaml").read_text(encoding="utf-8"))
    [template] = workflow["spec"]["templates"]
    [parameter] = template["outputs"]["parameters"]
    [script] = template["container"]["args"]
    for shown, real in {"s3://bucket/results": "results", "{{workflow.name}}": "train-x7", "/tmp/": ""}.items():
        assert shown in script
        script = script.replace(shown, real)
    done = run(tmp_path, *template["container"]["command"], script)
    assert done.returncode == 0, done.stderr
    output = tmp_path / Path(parameter["valueFrom"]["path"]).name
    assert output.read_text(encoding="utf-8") == "0.93\n"


def test_kubeflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The component writes the parameter to the path that Kubeflow gives it, whose folder does not exist yet."""
    page = write_files("how-to/argo", tmp_path)
    train_in(tmp_path)
    source = re.search(r"^```text\n(from kfp .*?)^```", page, re.DOTALL | re.MULTILINE)
    assert source is not None

    def as_it_is(function: Callable[..., Any]) -> Callable[..., Any]:
        return function

    dsl = SimpleNamespace(container_component=as_it_is, ContainerSpec=SimpleNamespace, OutputPath=type)
    monkeypatch.setitem(sys.modules, "kfp", SimpleNamespace(dsl=dsl))
    names: dict[str, Any] = {}
    exec(source[1], names)
    output = tmp_path / "outputs" / "accuracy"
    spec = names["train"]("trial_7", str(output))
    script, *arguments = spec.args
    assert "s3://bucket/results" in script
    done = run(tmp_path, *spec.command, script.replace("s3://bucket/results", "results"), *arguments)
    assert done.returncode == 0, done.stderr
    assert output.read_text(encoding="utf-8") == "0.93\n"


def test_github_actions(tmp_path: Path) -> None:
    """The step runs as a shell script, as GitHub runs it, and has an output."""
    write_files("how-to/github-actions", tmp_path)
    workflow = yaml.safe_load((tmp_path / ".github/workflows/evaluate.yaml").read_text(encoding="utf-8"))
    [step] = [step for step in workflow["jobs"]["evaluate"]["steps"] if "id" in step]
    done = run(tmp_path, "bash", "-e", "-c", step["run"], GITHUB_OUTPUT="output")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "output").read_text(encoding="utf-8") == "accuracy=0.93\n"


_RUNS_OF_MLFLOW = """
import sys
import mlflow

mlflow.set_tracking_uri(sys.argv[1])
mlflow.set_experiment("digits")
with mlflow.start_run():
    mlflow.log_params({"lr": 0.1, "depth": 7, "optimizer": "adam", "layers": "é" * 600})
    for step, loss in enumerate([0.5, 0.125, 0.25]):
        mlflow.log_metric("val/loss", loss, step=step)
    mlflow.log_metric("nan", float("nan"))
try:
    with mlflow.start_run():
        raise ValueError("no data")
except ValueError:
    pass
with mlflow.start_run() as deleted:
    mlflow.log_metric("val/loss", 1)
mlflow.delete_run(deleted.info.run_id)
"""


@needs("mlflow")
@pytest.mark.parametrize("runs", ["sqlite:///mlflow.db", "mlruns"])
def test_mlflow(runs: str, tmp_path: Path) -> None:
    """A run becomes its status, its parameters and the last value of each metric; a deleted run is left out."""
    environment = {"MLFLOW_ALLOW_FILE_STORE": "true", "MLFLOW_DISABLE_TELEMETRY": "true"}
    for program in (["-c", _RUNS_OF_MLFLOW, runs], [str(_EXAMPLES / "import_mlflow.py"), runs, "results"]):
        done = run(tmp_path, sys.executable, *program, **environment)
        assert done.returncode == 0, done.stderr
    tracker = open_tracker(tmp_path / "results")
    failed, finished = sorted(tracker.values(), key=len)
    assert failed == {"status": "FAILED"}
    assert str(finished.pop("nan")) == "nan"
    parameters = {"param/lr": 0.1, "param/depth": 7, "param/optimizer": "adam", "param/layers": "é" * 512}
    assert finished == {"status": "FINISHED", **parameters, "val/loss": 0.25}
    assert all(re.fullmatch("mlflow/[0-9]+/[0-9a-f]{32}", str(key)) for key in tracker)
