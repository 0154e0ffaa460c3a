"""A Slurm array through submitit's local executor, which starts the same processes as Slurm would."""

from __future__ import annotations

from pathlib import Path

from tests.integrations.guides import follow
from typedtrack import Failure, open_tracker


def test_the_guide(tmp_path: Path) -> None:
    """Records return from tasks to which their class was sent by value; a task that raises or dies fails."""
    follow("how-to/submitit", tmp_path)
    tracker = open_tracker(tmp_path / "results")
    assert dict(tracker.items()) == {
        "sweep/trial_000": {"lr": 0.5, "loss": 0.0625},
        "sweep/trial_001": {"lr": 0.25, "loss": 0.0},
    }
    [(key, failure)] = tracker.failures()
    assert (key, type(failure), failure.message) == ("sweep/trial_002", Failure, "the learning rate is negative")
