"""Output files: whole or not at all, on a local path or at a URL."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from fsspec.implementations.memory import MemoryFileSystem

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
