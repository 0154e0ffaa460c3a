"""Real launches by TorchX, and the example of a backend for its experiment tracking."""

from __future__ import annotations

from pathlib import Path

import pytest
import torchx_tracker
from torchx.tracker.api import TrackerBase, TrackerSource

from tests.integrations.guides import follow, run
from typedtrack import InvalidResultError, open_tracker


def test_the_guide(tmp_path: Path) -> None:
    """`app2` gets what `app1` has returned, each launched by TorchX; then a run adds to itself."""
    follow("how-to/torchx", tmp_path)
    names = {"TORCHX_TRACKERS": "torchx_tracker:create", "TYPEDTRACK_BASE": "results"}
    listed = run(tmp_path, "torchx", "tracker", "list", "jobs", **names)
    [job] = [line.strip() for line in listed.stdout.splitlines() if "://" in line]
    tracker = torchx_tracker.create(str(tmp_path / "results"))
    assert tracker.run_ids() == [job]
    assert tracker.metadata(job) == {"learning_rate": 0.1, "loss": 0.25}
    assert tracker.artifacts(job)["model"].metadata == {"bytes": 1024}


@pytest.fixture
def backend(tmp_path: Path) -> TrackerBase:
    """Return the backend of the example on an empty base."""
    open_tracker(tmp_path)["app1_out"] = {"accuracy": 0.93}  # the backend leaves other results alone
    return torchx_tracker.create(str(tmp_path))


RUNS = ["local_cwd://torchx/app-1", "local://session//app 2%2F", "slurm://a/app/../3"]


def test_runs_and_their_metadata(backend: TrackerBase) -> None:
    """Ids with empty segments, dots and percent signs come back as they were."""
    for number, run_id in enumerate(RUNS):
        backend.add_metadata(run_id, number=number)
        backend.add_metadata(run_id, loss=0.5)
    assert sorted(backend.run_ids()) == sorted(RUNS)
    assert [backend.metadata(run_id) for run_id in RUNS] == [{"number": number, "loss": 0.5} for number in range(3)]
    assert backend.metadata("local://session/other") == {}
    with pytest.raises(InvalidResultError):
        backend.add_metadata(RUNS[0], config={"nested": 1})


def test_artifacts(backend: TrackerBase) -> None:
    """Each has its path and its metadata; the same name again replaces it."""
    backend.add_artifact(RUNS[0], "model/best", "s3://bucket/old")
    backend.add_artifact(RUNS[0], "model/best", "s3://bucket/model", {"path": "x", "bytes": 7})
    backend.add_artifact(RUNS[0], "log", "log.txt")
    found = backend.artifacts(RUNS[0])
    assert {name: (artifact.name, artifact.path, artifact.metadata) for name, artifact in found.items()} == {
        "model/best": ("model/best", "s3://bucket/model", {"path": "x", "bytes": 7}),
        "log": ("log", "log.txt", {}),
    }
    assert backend.artifacts(RUNS[1]) == {}


def test_sources(backend: TrackerBase) -> None:
    """A run has other runs and data as sources, and is found by its parent."""
    backend.add_source(RUNS[1], RUNS[0])
    backend.add_source(RUNS[1], "s3://bucket/digits.csv", "data")
    assert [*backend.sources(RUNS[1], "data")] == [TrackerSource("s3://bucket/digits.csv", "data")]
    assert TrackerSource(RUNS[0], None) in [*backend.sources(RUNS[1])]
    assert len([*backend.sources(RUNS[1])]) == 2
    assert backend.run_ids(parent_run_id=RUNS[0]) == [RUNS[1]]
    assert backend.run_ids(parent_run_id=RUNS[2]) == []
    with pytest.raises(NotImplementedError):
        backend.lineage(RUNS[1])
