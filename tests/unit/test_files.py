"""Output files: whole or not at all, on a local path or at a URL."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from typedtrack import ResultTracker, open_tracker
from typedtrack._files import writing


def write(path: str | Path, meanwhile: Callable[[], None] | None = None) -> None:
    """Write a file; *meanwhile* is called amid that."""
    with writing(path) as file:
        file.write(b"new")
        if meanwhile is not None:
            meanwhile()


@pytest.mark.parametrize("fails", ["writing", "uploading"])
def test_a_failed_upload_leaves_the_old_file_and_no_other(fails: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """After an error of the caller or of the store, the folder has only the old file."""

    def refuse(*arguments: object) -> None:
        raise PermissionError(13, "refused")

    filesystem = MemoryFileSystem()
    filesystem.pipe_file("/files/table.csv", b"old")
    if fails == "uploading":
        monkeypatch.setattr(MemoryFileSystem, "mv", refuse)
    with pytest.raises(PermissionError):
        write("memory://files/table.csv", refuse if fails == "writing" else None)
    assert filesystem.ls("/files", detail=False) == ["/files/table.csv"]
    assert filesystem.cat_file("/files/table.csv") == b"old"


def test_a_local_file_has_the_permissions_that_the_process_gives(tmp_path: Path) -> None:
    """The file has the permissions of one that `open` makes, not those of a temporary file."""
    (tmp_path / "other").touch()
    write(tmp_path / "table.csv")
    assert (tmp_path / "table.csv").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    """The error names it, and not the temporary file that would be in it."""
    with pytest.raises(FileNotFoundError) as caught:
        write(tmp_path / "missing" / "table.csv")
    assert caught.value.filename == str(tmp_path / "missing")


def test_an_interrupt_leaves_nothing(tmp_path: Path) -> None:
    """Ctrl-C amid the writing leaves the folder as it was."""

    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "table.csv", interrupt)
    assert [*tmp_path.iterdir()] == []


OUTPUTS: list[Callable[[ResultTracker, str], object]] = [
    lambda tracker, path: tracker.archive(f"{path}.ndjson", "sweep"),
    lambda tracker, path: tracker.frame("sweep").write(f"{path}.csv"),
    lambda tracker, path: tracker.frame("sweep").report(f"{path}.html"),
    lambda tracker, path: tracker.frame("sweep", cache=f"{path}.cache"),
]


@pytest.mark.parametrize("write", OUTPUTS, ids=["archive", "write", "report", "cache"])
def test_a_file_among_the_results_is_refused(write: Callable[[ResultTracker, str], object], tmp_path: Path) -> None:
    """The next listing would find the file, and a get would fail. Elsewhere in the base, or hidden, it does no harm."""
    tracker = open_tracker(tmp_path)
    tracker["sweep/a"] = {"loss": 0.5}
    reason = f"'{tmp_path}/sweep/out.* is among the results .* write it outside '{tmp_path}/sweep'"
    with pytest.raises(ValueError, match=reason):
        write(tracker, f"{tmp_path}/sweep/out")
    assert [path.name for path in (tmp_path / "sweep").iterdir()] == ["a"]
    for path in ("sweep/.out", "sweeps"):
        write(tracker, f"{tmp_path}/{path}")


@pytest.mark.parametrize("base", ["s3://bucket/results", "s3://bucket"])
def test_an_object_among_the_results_is_refused(base: str) -> None:
    """A base of an object store is compared by its URL, before any request."""
    tracker = open_tracker(base, storage_options={"config": {"endpoint": "http://127.0.0.1:1", "region": "x"}})
    for write in OUTPUTS[:3]:
        with pytest.raises(ValueError, match="is among the results"):
            write(tracker, f"{base}/sweep/out")
