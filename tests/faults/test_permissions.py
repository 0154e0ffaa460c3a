"""A store that refuses is neither absent nor corrupt: `PermissionError`, and the old result stays."""

from __future__ import annotations

import os
import pickle
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.trackers import snapshot
from typedtrack import ResultTracker, open_tracker

NOBODY = 65534


@pytest.fixture
def base() -> Iterator[Path]:
    """Return a base with one result, that any user may reach and none may write."""
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


def _as_nobody(call: Callable[[], object]) -> object:
    """Return what *call* returns or raises in a process that permissions bind: root they do not."""
    outcome, answer = os.pipe()
    process = os.fork()
    if process == 0:
        try:
            if os.getuid() == 0:
                os.setuid(NOBODY)
            try:
                result = call()
            except Exception as error:
                result = error
            os.write(answer, pickle.dumps(result))
        finally:
            os._exit(0)
    os.close(answer)
    with os.fdopen(outcome, "rb") as pipe:
        data = pipe.read()
    os.waitpid(process, 0)
    return pickle.loads(data)


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
    ("list", lambda tracker: list(tracker.items())),
]


@pytest.mark.parametrize(("operation", "call"), CALLS)
def test_no_permission_is_said_so(base: Path, operation: str, call: Callable[[ResultTracker], object]) -> None:
    """The disk's own error comes through with a note of key and operation; nothing changes, nothing is left."""
    error = _as_nobody(lambda: call(open_tracker(base)))
    assert isinstance(error, PermissionError)
    (note,) = error.__notes__
    assert note.startswith(f"typedtrack: {operation} {base}/")
    (base / "closed").chmod(0o755)
    assert {path for path, data in snapshot(base).items() if data is not None} == {"k", "closed/k"}
    assert dict(open_tracker(base).items()) == {"k": {"n": 1}, "closed/k": {"n": 2}}


def test_what_may_be_read_is_read(base: Path) -> None:
    """The probe works: without write permission a get answers."""
    assert _as_nobody(lambda: open_tracker(base).get("k")) == {"n": 1}
    assert _as_nobody(lambda: open_tracker(base).get("absent")) == {}
