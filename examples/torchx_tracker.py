"""A backend for TorchX's experiment tracking, which stores as results what a program adds to its run.

``TORCHX_TRACKERS=torchx_tracker:create TYPEDTRACK_BASE=results torchx run …`` launches with it, where Python finds this
module. In a package, declare `create` as an entry point of the group ``torchx.tracker``, and name that entry point.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import cast
from urllib.parse import quote, unquote

from torchx.tracker.api import Lineage, TrackerArtifact, TrackerBase, TrackerSource

from typedtrack import Key, ResultTracker, Value, open_tracker


def create(config: str | None) -> TrackerBase:
    """Return the backend on the base *config*, or on ``TYPEDTRACK_BASE``."""
    return ResultsOfRuns(open_tracker(config))


class ResultsOfRuns(TrackerBase):
    """The metadata of a run are one result, and so is each of its artifacts and sources."""

    def __init__(self, tracker: ResultTracker) -> None:
        self.tracker = tracker

    def add_metadata(self, run_id: str, **kwargs: object) -> None:
        """Add fields to the result of a run. Only one process of a run may do so."""
        key = _key(run_id, "metadata")
        self.tracker[key] = {**self.tracker[key], **cast("Mapping[str, Value]", kwargs)}

    def metadata(self, run_id: str) -> Mapping[str, object]:
        """Return the result of a run."""
        return self.tracker[_key(run_id, "metadata")]

    def add_artifact(self, run_id: str, name: str, path: str, metadata: Mapping[str, object] | None = None) -> None:
        """Store where an artifact of a run is."""
        fields = cast("Mapping[str, Value]", metadata or {})
        self.tracker[_key(run_id, "artifacts", name)] = {
            "path": path,
            **{f"metadata/{field}": value for field, value in fields.items()},
        }

    def artifacts(self, run_id: str) -> Mapping[str, TrackerArtifact]:
        """Return the artifacts of a run by name."""
        found: dict[str, TrackerArtifact] = {}
        for key, result in self.tracker.items(_key(run_id, "artifacts")):
            name = _last_part(key)
            metadata = {field.removeprefix("metadata/"): value for field, value in result.items() if field != "path"}
            found[name] = TrackerArtifact(name, str(result["path"]), metadata)
        return found

    def add_source(self, run_id: str, source_id: str, artifact_name: str | None = None) -> None:
        """Store that a run uses a source: another run, or what another system names so."""
        self.tracker[_key(run_id, "sources", source_id)] = {"artifact": artifact_name or ""}

    def sources(self, run_id: str, artifact_name: str | None = None) -> Iterable[TrackerSource]:
        """Yield the sources of a run."""
        for key, result in self.tracker.items(_key(run_id, "sources")):
            if artifact_name in (None, result["artifact"]):
                yield TrackerSource(_last_part(key), str(result["artifact"]) or None)

    def run_ids(self, **kwargs: str) -> Iterable[str]:
        """Return the runs; with ``parent_run_id`` those that have it as a source."""
        runs = {unquote(str(key).split("/")[1]) for key in self.tracker.keys("torchx/")}
        parent = kwargs.get("parent_run_id")
        return [run for run in runs if parent is None or _key(run, "sources", parent) in self.tracker]

    def lineage(self, run_id: str) -> Lineage:
        """Raise: TorchX's own backend has no answer either."""
        raise NotImplementedError


def _key(*parts: str) -> str:
    quoted = [quote(part, safe="") for part in parts]  # the id of a run is a URL, such as local_cwd://torchx/app
    return "/".join(["torchx", *quoted])


def _last_part(key: Key) -> str:
    return unquote(str(key).rpartition("/")[2])
