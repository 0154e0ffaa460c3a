"""Results in fsspec's memory filesystem."""

from __future__ import annotations

import uuid

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from typedtrack import FsspecResultTracker, ResultExistsError, ResultNotFoundError, ResultTracker, open_tracker


@pytest.fixture
def base() -> str:
    """Return a base that no other test uses: all tests share the filesystem."""
    return f"memory://{uuid.uuid4()}"


@pytest.fixture(params=[open_tracker, FsspecResultTracker], ids=["open_tracker", "FsspecResultTracker"])
def tracker(request: pytest.FixtureRequest, base: str) -> ResultTracker:
    """Return a tracker on the base, made in either way."""
    made = request.param(base)
    assert isinstance(made, ResultTracker)
    return made


def test_results_are_ordinary_files_of_the_filesystem(tracker: ResultTracker, base: str) -> None:
    """Other users of the filesystem read what a tracker puts, and a tracker reads what they write."""
    fs = MemoryFileSystem()
    root = base.removeprefix("memory:/")
    tracker["a/b"] = {"n": 1}
    assert fs.cat_file(f"{root}/a/b") == b'{\n  "n": 1\n}\n'
    fs.pipe_file(f"{root}/c", b'{"n": 2}')
    assert tracker["c"] == {"n": 2}
    assert sorted(tracker) == ["a/b", "c"]


def test_every_call(tracker: ResultTracker, base: str) -> None:
    """A create is exclusive, a delete needs a result, `a` and `a/b` both hold results, and bases are separate."""
    tracker.create("a", n=1)
    tracker.create("a/b", n=2)
    with pytest.raises(ResultExistsError):
        tracker.create("a", n=3)
    assert dict(tracker.items("a")) == {"a": {"n": 1}, "a/b": {"n": 2}}
    assert list(open_tracker(f"{base}x")) == []
    assert tracker.get_many(["a", "x"]) == {"a": {"n": 1}, "x": {}}
    tracker.put_many([("a", {"n": 4})])
    del tracker["a/b"]
    with pytest.raises(ResultNotFoundError):
        del tracker["a/b"]
    assert dict(tracker.items()) == {"a": {"n": 4}}


def test_an_error_names_the_file(tracker: ResultTracker, base: str) -> None:
    """The error of a corrupt result has its URL."""
    MemoryFileSystem().pipe_file(f"{base.removeprefix('memory:/')}/k", b"x" * (2**20 + 7))
    with pytest.raises(ValueError, match=f"{base}/k: is larger than"):
        tracker.get("k")


def test_the_root_is_a_base() -> None:
    """`memory://` without a path is a base."""
    name = str(uuid.uuid4())
    tracker = open_tracker("memory://")
    tracker[name] = {"n": 1}
    assert open_tracker("memory:///")[name] == {"n": 1}
    assert name in tracker.keys()  # noqa: SIM118  # the view's own answer
    del tracker[name]
