"""`ReturnResult` in applications of Hydra that run as processes of their own, and in this process."""

from __future__ import annotations

from enum import IntEnum
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from hydra.core.utils import JobReturn, JobStatus
from omegaconf import DictConfig, OmegaConf

from tests.integrations.guides import follow, run
from typedtrack import Failure, InvalidResultError, Stat, open_tracker
from typedtrack.integrations import hydra as integration
from typedtrack.integrations.hydra import ReturnResult

APP = """
import hydra
from omegaconf import DictConfig

@hydra.main(version_base=None, config_path=".", config_name="config")
def main(config: DictConfig) -> object:
    print("started")
    if config.lr == 0:
        raise ValueError("the learning rate is zero")
    if config.lr == 7:
        return {"loss": None}
    return {"loss": config.lr / 2, "model": config.model.name}

main()
"""
CONFIG = """
lr: 1.0
model:
  name: linear
hydra:
  callbacks:
    typedtrack:
      _target_: typedtrack.integrations.hydra.ReturnResult
      tracker_base: results
      key: sweep/{hydra.job.num}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with an application and its configuration."""
    (tmp_path / "app.py").write_text(APP, encoding="utf-8")
    (tmp_path / "config.yaml").write_text(CONFIG, encoding="utf-8")
    return tmp_path


def test_each_job_of_a_sweep_leaves_one_result_or_one_failure(folder: Path) -> None:
    """A relative base counts from where the program was started, also where each job has a folder of its own."""
    done = run(folder, "python", "app.py", "-m", "lr=0.1,0,0.01,7", "hydra.job.chdir=true")
    assert done.returncode == 1
    tracker = open_tracker(folder / "results")
    assert sorted(tracker.items()) == [
        ("sweep/0", {"loss": 0.05, "model": "linear"}),
        ("sweep/2", {"loss": 0.005, "model": "linear"}),
    ]
    failures = {key: failure.type for key, failure in tracker.failures()}
    assert failures == {"sweep/1": "ValueError", "sweep/3": "InvalidResultError"}
    assert dict(tracker.failures())["sweep/1"].message == "the learning rate is zero"


def test_a_key_of_values_of_the_configuration(folder: Path) -> None:
    """A single job has no number; its values make a key. The same job again replaces its result."""
    key = "hydra.callbacks.typedtrack.key='{model.name}/lr={lr:.3f}'"
    assert [run(folder, "python", "app.py", key).returncode for _ in range(2)] == [0, 0]
    assert open_tracker(folder / "results").get("linear/lr=1.000") == {"loss": 0.5, "model": "linear"}


def test_a_result_that_cannot_be_stored_fails_the_job(folder: Path) -> None:
    """The program ends with the error, where Hydra would only warn of an error of a callback."""
    done = run(folder, "python", "app.py", "hydra.callbacks.typedtrack.key=single", "lr=7")
    assert done.returncode == 1
    assert "InvalidResultError" in done.stderr
    (folder / "results/file").touch()
    done = run(
        folder,
        "python",
        "app.py",
        "hydra.callbacks.typedtrack.key=single",
        "hydra.callbacks.typedtrack.tracker_base=results/file",
    )
    assert done.returncode == 1
    assert "NotADirectoryError" in done.stderr


@pytest.mark.parametrize("key", ["{hydra.job.num}", "{lrr}", "{model.nme}", "/{lr}", "{lr", "{}"])
def test_a_job_without_a_key_does_not_start(folder: Path, key: str) -> None:
    """A sweep must not compute for hours what has no place."""
    done = run(folder, "python", "app.py", f"hydra.callbacks.typedtrack.key='{key}'")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith(f"ReturnResult: no key can be made from {key!r}: ")
    assert done.stderr.count("\n") == 1


class Level(IntEnum):
    """A number that is an enumeration."""

    HIGH = 3


def end_job(callback: ReturnResult, status: JobStatus, returned: object) -> JobReturn:
    """Tell *callback* that a job has ended."""
    job = JobReturn()
    job.status, job.return_value = status, returned
    callback.on_job_start(OmegaConf.create({"n": 7}), task_function=None)
    callback.on_job_end(OmegaConf.create({"n": 7}), job)
    return job


@pytest.mark.parametrize(
    ("returned", "stored"),
    [
        ({"a": 1, "b": "x"}, {"a": 1, "b": "x"}),
        (OmegaConf.create({"a": 1}), {"a": 1}),
        (Stat(mean=0.5, sem=0.25), {"mean": 0.5, "sem": 0.25}),
        (0.5, {"accuracy": 0.5}),
        (Level.HIGH, {"accuracy": 3}),
    ],
)
def test_a_function_may_return_a_result(tmp_path: Path, returned: object, stored: dict[str, Any]) -> None:
    """A mapping, a record, or a number under the name that the callback was given."""
    job = end_job(ReturnResult("job/{n}", str(tmp_path), field="accuracy"), JobStatus.COMPLETED, returned)
    assert job.status is JobStatus.COMPLETED
    assert open_tracker(tmp_path).get("job/7") == stored


@pytest.mark.parametrize(
    ("returned", "error"), [(None, TypeError), ((0.5, 0.6), InvalidResultError), ({}, InvalidResultError)]
)
def test_a_function_may_not_return_other_objects(tmp_path: Path, returned: object, error: type[Exception]) -> None:
    """The job has failed then, and so it is stored."""
    job = end_job(ReturnResult("job/{n}", str(tmp_path)), JobStatus.COMPLETED, returned)
    assert job.status is JobStatus.FAILED
    with pytest.raises(error):
        _ = job.return_value
    assert [(key, failure.type) for key, failure in open_tracker(tmp_path).failures()] == [("job/7", error.__name__)]


def test_a_failure_replaces_no_result(tmp_path: Path) -> None:
    """Where the function has stored a result itself and then raised, that result stays."""
    open_tracker(tmp_path)["job/7"] = {"a": 1}
    job = end_job(ReturnResult("job/{n}", str(tmp_path)), JobStatus.FAILED, ValueError("late"))
    assert job.status is JobStatus.FAILED
    assert open_tracker(tmp_path)["job/7"] == {"a": 1}


def test_options_of_a_store_in_the_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients get plain dicts, in whatever type Hydra passes them."""
    spy = Mock()
    monkeypatch.setattr(integration, "open_tracker", spy)
    monkeypatch.setenv("REGION", "eu-west-1")
    options: DictConfig = OmegaConf.create({"config": {"region": "${oc.env:REGION}"}})
    ReturnResult("k", "s3://bucket/results", storage_options=options)
    ReturnResult("k", "s3://bucket/results", storage_options={"anon": True})
    ReturnResult("k")
    passed = [(call.args[0], call.kwargs["storage_options"]) for call in spy.call_args_list]
    assert passed == [
        ("s3://bucket/results", {"config": {"region": "eu-west-1"}}),
        ("s3://bucket/results", {"anon": True}),
        (None, None),
    ]
    assert type(passed[0][1]["config"]) is dict


def test_failures_are_records(tmp_path: Path) -> None:
    """A failure of a job is a failure like any other."""
    end_job(ReturnResult("job/{n}", str(tmp_path)), JobStatus.FAILED, ValueError("the loss is infinite"))
    [(_, failure)] = open_tracker(tmp_path).failures()
    assert isinstance(failure, Failure)
    assert failure.message == "the loss is infinite"


def test_the_guide(tmp_path: Path) -> None:
    """The application, the configuration and the commands of the guide do as it shows."""
    follow("how-to/hydra", tmp_path)
