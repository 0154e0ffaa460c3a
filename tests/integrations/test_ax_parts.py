"""`ResultMetric` and `ProcessRunner` by themselves, where stand-ins take the place of Ax's few classes."""

from __future__ import annotations

import importlib
import math
import sys
import time
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from typedtrack import ResultExistsError, ResultFailedError, Stat, as_result, field, open_tracker, record

if TYPE_CHECKING:
    from typedtrack.integrations import ax as integration


class IMetric:
    """Ax's base of a metric keeps its name."""

    def __init__(self, name: str) -> None:
        self.name = name


class IRunner:
    """Ax's base of a runner."""


class TrialStatus(int, Enum):
    """Ax's, as far as runners that poll use it."""

    FAILED = 2
    COMPLETED = 3
    RUNNING = 4


STAND_INS: dict[str, Mapping[str, object]] = {
    "ax": {},
    "ax.api": {},
    "ax.api.protocols": {},
    "ax.api.protocols.metric": {"IMetric": IMetric},
    "ax.api.protocols.runner": {"IRunner": IRunner},
    "ax.api.types": {"TParameterization": Mapping},
    "ax.core": {},
    "ax.core.trial_status": {"TrialStatus": TrialStatus},
}


@pytest.fixture
def ax(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """Return the module of the integration, over the stand-ins."""
    for name, contents in STAND_INS.items():
        module = ModuleType(name)
        vars(module).update(contents)
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.delitem(sys.modules, "typedtrack.integrations.ax", raising=False)
    yield importlib.import_module("typedtrack.integrations.ax")
    del sys.modules["typedtrack.integrations.ax"]


@record
class Trial:
    """A result of every sort of metric."""

    loss: Stat
    steps: int
    accuracy: float
    note: str = field(default="text")


@pytest.fixture
def base(tmp_path: Path) -> str:
    """Return a base with the result of trial 3."""
    trial = Trial(loss=Stat(mean=0.5, sem=0.25), steps=7, accuracy=0.75)
    open_tracker(tmp_path).put("3", {**as_result(trial), "half/mean": 1})
    return str(tmp_path)


class TestResultMetric:
    """The metric that Ax fetches."""

    def test_a_number_is_a_float(self, ax: ModuleType, base: str) -> None:
        """Ax would unpack an int as a pair."""
        outcomes = [ax.ResultMetric(name, base).fetch(3, {}) for name in ("steps", "accuracy")]
        assert outcomes == [(0, 7.0), (0, 0.75)]
        assert all(type(outcome) is float for _, outcome in outcomes)

    def test_a_stat_is_a_pair(self, ax: ModuleType, base: str) -> None:
        """A mean alone has an unknown error, which is NaN to Ax."""
        assert ax.ResultMetric("loss", base).fetch(3, {}) == (0, (0.5, 0.25))
        _, (mean, sem) = ax.ResultMetric("half", base).fetch(3, {})
        assert (type(mean), mean, math.isnan(sem)) == (float, 1.0, True)

    def test_a_key_of_ones_own(self, ax: ModuleType, base: str) -> None:
        """It is a format string."""
        open_tracker(base).put("search/trial_003", loss=0.125)
        assert ax.ResultMetric("loss", base, key="search/trial_{trial_index:03d}").fetch(3, {}) == (0, 0.125)

    def test_a_result_without_the_metric(self, ax: ModuleType, base: str) -> None:
        """The error names the fields that are there."""
        with pytest.raises(
            KeyError, match=r"key '3' has neither the field 'los' nor 'los/mean'; it has: 'loss/mean', "
        ):
            ax.ResultMetric("los", base).fetch(3, {})
        with pytest.raises(KeyError, match="it has: nothing"):
            ax.ResultMetric("loss", base).fetch(4, {})
        with pytest.raises(TypeError, match="field 'note' is text, 'text': a metric of Ax is a number"):
            ax.ResultMetric("note", base).fetch(3, {})
        open_tracker(base).fail("5", "out of memory")
        with pytest.raises(ResultFailedError, match="out of memory"):
            ax.ResultMetric("loss", base).fetch(5, {})


PROGRAM = """
import os, sys, time
from typedtrack import open_tracker

index, x, waits = int(sys.argv[1]), float(sys.argv[2].removeprefix("--x=")), sys.argv[3] == "True"
if waits:
    open_tracker().put("waiting", index=index)
    time.sleep(3600)
if x == 0.1:
    open_tracker()[os.environ["TYPEDTRACK_KEY"]] = {"x": x}
"""


def ended(runner: integration.ProcessRunner, index: int, metadata: Mapping[str, object]) -> str:
    """Poll until a trial no longer runs; return its status."""
    while (status := runner.poll_trial(index, metadata).name) == "RUNNING":
        time.sleep(0.01)
    return status


class TestProcessRunner:
    """Programs as trials."""

    @pytest.fixture
    def runner(self, ax: ModuleType, base: str, tmp_path: Path) -> integration.ProcessRunner:
        """Return a runner of `PROGRAM`."""
        program = tmp_path / ".program.py"
        program.write_text(PROGRAM, encoding="utf-8")
        command = [sys.executable, str(program), "{trial_index}", "--x={x}", "{waits}"]
        made: integration.ProcessRunner = ax.ProcessRunner(command, base, key="t/{trial_index}")
        return made

    def test_a_program_with_a_result_is_completed(self, runner: integration.ProcessRunner, base: str) -> None:
        """Its parameters are its arguments, every bit of a float included."""
        metadata = runner.run_trial(0, {"x": 0.1, "waits": False})
        assert metadata == {"key": "t/0"}
        assert ended(runner, 0, metadata) == "COMPLETED"
        assert open_tracker(base)["t/0"] == {"x": 0.1}

    def test_a_program_without_a_result_has_failed(self, runner: integration.ProcessRunner, base: str) -> None:
        """Its failure is stored; Ax hears of it at once."""
        assert ended(runner, 1, runner.run_trial(1, {"x": 0.2, "waits": False})) == "FAILED"
        assert [failure.type for _, failure in open_tracker(base).failures()] == ["NoResult"]

    def test_a_program_is_stopped(self, runner: integration.ProcessRunner, base: str) -> None:
        """It runs until then."""
        metadata = runner.run_trial(2, {"x": 0.1, "waits": True})
        open_tracker(base).wait("waiting")
        assert runner.poll_trial(2, metadata).name == "RUNNING"
        assert runner.stop_trial(2, metadata) == {}
        assert ended(runner, 2, metadata) == "FAILED"
        assert [failure.type for _, failure in open_tracker(base).failures()] == ["Signal"]

    def test_a_result_of_an_earlier_experiment_is_not_taken_for_this_one(
        self, runner: integration.ProcessRunner, base: str
    ) -> None:
        """Nothing is started."""
        open_tracker(base).put("t/3", loss=0.5)
        with pytest.raises(ResultExistsError):
            runner.run_trial(3, {"x": 0.1, "waits": False})

    def test_trials_of_an_experiment_that_was_loaded(self, runner: integration.ProcessRunner, base: str) -> None:
        """The stored results decide the status of programs that another process has started."""
        tracker = open_tracker(base)
        tracker.put("t/0", loss=0.5)
        tracker.fail("t/1", "out of memory")
        (Path(base) / "t/2").write_bytes(b"{")
        statuses = [runner.poll_trial(index, {"key": f"t/{index}"}).name for index in range(4)]
        assert statuses == ["COMPLETED", *["FAILED"] * 3]
        assert runner.stop_trial(0, {"key": "t/0"}) == {}
