"""The real Ax; `make test-integrations` installs it. The tests that need no Ax are in test_ax_parts.py."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.integrations.guides import follow
from typedtrack import Stat, as_result, open_tracker

pytest.importorskip("ax", reason="Ax is not installed; `make test-integrations` installs it")

from ax.metrics.torchx import TorchXMetric

from typedtrack.integrations.ax import ProcessRunner, ResultMetric


def test_the_guide(tmp_path: Path) -> None:
    """`Client.run_trials` starts programs and reads their results; each that fails is a failed trial."""
    follow("how-to/ax", tmp_path)
    tracker = open_tracker(tmp_path / "results")
    assert sorted(key for key, _ in tracker.items()) == ["0", "1", "3", "4", "5"]
    assert {key: failure.type for key, failure in tracker.failures()} == {"2": "ExitCode"}


def test_ax_copies_the_metric_and_the_runner() -> None:
    """Ax makes copies by the arguments of constructors."""
    metric, runner = ResultMetric("loss", "results", key="t/{trial_index}"), ProcessRunner(["./train"], "results")
    copy = metric.clone()
    assert (copy.name, copy.tracker_base, copy.key) == ("loss", "results", "t/{trial_index}")
    assert runner.clone() == runner


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # TorchX's call of fsspec, Ax's of pandas
def test_the_torchx_metric_of_ax_reads_our_results(tmp_path: Path) -> None:
    """A number, and the mean and error of a `Stat`, at the key that is the default here."""
    tracker = open_tracker(tmp_path)
    tracker["0"] = {"loss": 0.5}
    tracker["1"] = {f"loss/{name}": value for name, value in as_result(Stat(mean=0.25, sem=0.125)).items()}
    rows: list[tuple[object, object]] = []
    for index in range(2):
        arm = SimpleNamespace(name=f"{index}_0")
        trial = SimpleNamespace(run_metadata={"torchx_tracker_base": str(tmp_path)}, index=index, arm=arm)
        [row] = TorchXMetric("loss").fetch_trial_data(trial).unwrap().df.to_dict("records")
        rows.append((row["mean"], row["sem"]))
    ours = [ResultMetric("loss", str(tmp_path)).fetch(index, {}) for index in range(2)]
    assert ours == [(0, 0.5), (0, (0.25, 0.125))]
    assert rows[0][0] == 0.5
    assert rows[1] == (0.25, 0.125)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # as above
def test_the_torchx_metric_of_ax_has_no_value_for_a_failure(tmp_path: Path) -> None:
    """It answers that the metric is missing."""
    open_tracker(tmp_path).fail("0", "out of memory")
    arm = SimpleNamespace(name="0_0")
    trial = SimpleNamespace(run_metadata={"torchx_tracker_base": str(tmp_path)}, index=0, arm=arm)
    fetched = TorchXMetric("loss").fetch_trial_data(trial)
    assert "Observation for `loss` not found" in str(fetched.err)
