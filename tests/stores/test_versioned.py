"""Versioned buckets of S3: a tracker finds out whether the store ignores the condition of a create."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Final

import pytest

from tests.servers import proxy as proxies
from tests.servers.ceph import S3
from typedtrack import FsspecResultTracker, ResultExistsError, ResultTracker, UnsupportedOperationError, open_tracker

_DOORS: Final = [open_tracker, FsspecResultTracker]


def tracker_in(bucket: str, service: S3, door: Callable[..., ResultTracker]) -> ResultTracker:
    """Return a tracker in *bucket*."""
    options = service.obstore_options if door is open_tracker else service.s3fs_options
    return door(f"s3://{bucket}/base", storage_options=options)


@pytest.mark.parametrize("door", _DOORS)
def test_moto_honours_the_condition(moto: S3, door: Callable[..., ResultTracker]) -> None:
    """Where the store honours the condition, a create works as in any bucket; each tracker checks the store once."""
    bucket = f"b-{uuid.uuid4()}"
    moto.make_bucket(bucket, versioned=True)
    with proxies.serve(moto.port) as proxy:
        for number, puts in enumerate([3, 2]):  # the second tracker finds the probe of the first
            tracker = tracker_in(bucket, moto._replace(endpoint=proxy.endpoint), door)
            for key, more in (("a", puts), ("b", 1), ("c", 1)):
                proxy.reset()
                tracker.create(f"{number}{key}", x=1)
                assert proxy.methods == {"PUT": more}
                tracker.create(f"{number}{key}", x=1)
                with pytest.raises(ResultExistsError):
                    tracker.create(f"{number}{key}", x=2)
        tracker = tracker_in(bucket, moto, door)
        assert dict(tracker.items()) == {f"{number}{key}": {"x": 1} for number in (0, 1) for key in "abc"}


@pytest.mark.parametrize("door", _DOORS)
def test_s3_of_ceph_overwrites(ceph: S3, door: Callable[..., ResultTracker]) -> None:
    """Where the store ignores the condition, each create stores once and raises; a put works as in any bucket."""
    bucket = f"b-{uuid.uuid4()}"
    ceph.make_bucket(bucket, versioned=True)
    tracker = tracker_in(bucket, ceph, door)
    for number in (1, 2):
        with pytest.raises(UnsupportedOperationError, match=f"not safe on s3://{bucket}/base.*former version"):
            tracker.create("a", x=number)
        assert tracker["a"] == {"x": number}
    tracker["a"] = {"x": 3}
    assert dict(tracker.items()) == {"a": {"x": 3}}
    assert ceph.versions(bucket, "base/a") == 3
