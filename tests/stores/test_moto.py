"""Moto's S3 answers: a second server to tell a missing key from a missing bucket."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest

from tests.servers.ceph import S3
from typedtrack import FsspecResultTracker, ResultExistsError, ResultTracker, open_tracker


@pytest.mark.parametrize("door", [open_tracker, FsspecResultTracker])
def test_missing_key_and_missing_bucket(moto: S3, door: Callable[..., ResultTracker]) -> None:
    """A missing key is ``{}``, a missing bucket an error; a create finds what is there."""
    options = moto.obstore_options if door is open_tracker else moto.s3fs_options
    name = f"b-{uuid.uuid4()}"
    with pytest.raises(FileNotFoundError):
        door(f"s3://{name}/base", storage_options=options).get("a")
    moto.make_bucket(name)
    tracker = door(f"s3://{name}/base", storage_options=options)
    assert tracker["a"] == {}
    tracker.create("a", x=1)
    tracker.create("a", x=1)
    with pytest.raises(ResultExistsError):
        tracker.create("a", x=2)
    assert list(tracker) == ["a"]
