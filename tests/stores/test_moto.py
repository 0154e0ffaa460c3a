"""Moto's S3, which pip installs: both clients of S3 where Ceph is missing, and a second server's error answers."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest

from tests.servers.ceph import S3
from typedtrack import (
    FsspecResultTracker,
    Key,
    Result,
    ResultExistsError,
    ResultNotFoundError,
    ResultTracker,
    open_tracker,
)


@pytest.fixture(params=[open_tracker, FsspecResultTracker])
def tracker_in(moto: S3, request: pytest.FixtureRequest) -> Callable[[str], ResultTracker]:
    """Return a function that makes a tracker in a bucket, for each client."""
    door: Callable[..., ResultTracker] = request.param
    options = moto.obstore_options if door is open_tracker else moto.s3fs_options
    return lambda bucket: door(f"s3://{bucket}/base", storage_options=options)


@pytest.fixture
def tracker(moto: S3, tracker_in: Callable[[str], ResultTracker]) -> ResultTracker:
    """Return a tracker in an empty bucket."""
    bucket = f"b-{uuid.uuid4()}"
    moto.make_bucket(bucket)
    return tracker_in(bucket)


def test_missing_bucket(tracker_in: Callable[[str], ResultTracker]) -> None:
    """A missing bucket is an error of a get and of a create."""
    tracker = tracker_in(f"b-{uuid.uuid4()}")
    with pytest.raises(FileNotFoundError):
        tracker.get("a")
    with pytest.raises(FileNotFoundError):
        tracker.create("a", x=1)


def test_one_key(tracker: ResultTracker) -> None:
    """A missing key is ``{}``; a create finds a stored result; a delete raises where there is nothing."""
    assert tracker["a"] == {}
    with pytest.raises(ResultNotFoundError):
        del tracker["a"]
    tracker.create("a", x=1)
    tracker.create("a", x=1)
    with pytest.raises(ResultExistsError):
        tracker.create("a", x=2)
    tracker["a"] = {"x": 3}
    assert tracker["a"] == {"x": 3}
    del tracker["a"]
    assert list(tracker) == []


def test_many_keys(tracker: ResultTracker) -> None:
    """Several keys are put, listed and read, also the key at the prefix."""
    results: dict[Key, Result] = {"t": {"number": -1}, **{f"t/{number}": {"number": number} for number in range(20)}}
    tracker.put_many(results)
    assert dict(tracker.items("t")) == results
    assert tracker.get_many(results) == results
    assert sorted(tracker.keys("t/")) == sorted(map(str, results))[1:]


def test_bounded_read(tracker: ResultTracker) -> None:
    """A read of a large object ends at its limit."""
    tracker._write("large", b"x" * 1_500_000)
    assert tracker._read("large", 2**20 + 1) == b"x" * (2**20 + 1)
    assert tracker._read("large", 1) == b"x"
