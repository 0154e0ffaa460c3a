"""A store that refuses a call: the caller gets `PermissionError`, and the old result stays."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.faults.as_nobody import as_nobody
from tests.trackers import snapshot
from typedtrack import ResultTracker, open_tracker


@pytest.fixture
def base() -> Iterator[Path]:
    """Return a base that any user may read and none may write, but for a folder that is closed."""
    folder = Path(tempfile.mkdtemp())
    tracker = open_tracker(folder)
    tracker["k"] = {"n": 1}
    tracker["closed/k"] = {"n": 2}
    (folder / "closed").chmod(0)
    (folder / "k").chmod(0o444)
    folder.chmod(0o555)
    yield folder
    folder.chmod(0o755)
    (folder / "closed").chmod(0o755)
    shutil.rmtree(folder)


CALLS: list[tuple[str, Callable[[ResultTracker], object]]] = [
    ("put", lambda tracker: tracker.put("k", n=3)),
    ("put", lambda tracker: tracker.put("new/k", n=3)),
    ("put", lambda tracker: tracker.put("closed/k", n=3)),
    ("create", lambda tracker: tracker.create("new", n=3)),
    ("get", lambda tracker: tracker.get("closed/k")),
    ("get", lambda tracker: tracker.wait("closed/k")),
    ("look for", lambda tracker: "closed/k" in tracker),
    ("delete", lambda tracker: tracker.__delitem__("k")),
    ("list", list),
    ("list", lambda tracker: list(tracker.keys("closed"))),
    ("list", lambda tracker: list(tracker.items())),
    ("remove leftovers below", lambda tracker: tracker.remove_leftovers()),
]


@pytest.mark.parametrize(("operation", "call"), CALLS)
def test_a_call_without_permission(base: Path, operation: str, call: Callable[[ResultTracker], object]) -> None:
    """The error of the disk has a note with the call and its key; nothing changes, and no file is left."""
    error = as_nobody(lambda: call(open_tracker(base)))
    assert isinstance(error, PermissionError)
    (note,) = error.__notes__
    assert note.startswith(f"typedtrack: {operation} {base}")
    (base / "closed").chmod(0o755)
    assert {path for path, data in snapshot(base).items() if data is not None} == {"k", "closed/k"}
    assert dict(open_tracker(base).items()) == {"k": {"n": 1}, "closed/k": {"n": 2}}


def test_a_folder_without_permission_is_known_before_a_write(base: Path) -> None:
    """So `typedtrack run` need not wait for the end of a program whose result it could not store."""
    for key, folder in (("k", base), ("new/k", base), ("closed/k", base / "closed")):
        error = as_nobody(partial(open_tracker(base)._check_writable, key))
        assert isinstance(error, PermissionError)
        assert error.filename == str(folder)
    (base / "closed").chmod(0o777)
    assert as_nobody(partial(open_tracker(base)._check_writable, "closed/k")) is None
    assert as_nobody(partial(open_tracker(base)._check_writable, "closed/new/k")) is None


def test_a_read_only_base(base: Path) -> None:
    """A user who may not write can still get results, and learn that a key is absent."""
    assert as_nobody(lambda: open_tracker(base).get("k")) == {"n": 1}
    assert as_nobody(lambda: open_tracker(base).get("absent")) == {}
