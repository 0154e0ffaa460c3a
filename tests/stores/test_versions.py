"""Versions in listings: equal ones mean equal bytes, on every store that has them."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

import pytest

from tests.servers.sshd import Sftp
from tests.stores.conftest import CLIENTS, Client
from typedtrack import FsspecResultTracker, ResultTracker, open_tracker


def check_versions(tracker: ResultTracker, *, age: bool = False) -> None:
    """Check that each key has a version, which changes with the bytes and only for keys that are put."""
    tracker.put_many({key: {"x": 1} for key in ("a", "b", "sub/a", "sub/b")})
    before = dict(tracker._list_versions(""))
    assert sorted(before) == sorted(iter(tracker)) == ["a", "b", "sub/a", "sub/b"]
    assert all(before.values())
    assert dict(tracker._list_versions("")) == before
    assert dict(tracker._list_versions("sub")) == {key: before[key] for key in ("sub/a", "sub/b")}
    tracker["a"] = {"x": 2}
    del tracker["sub/b"]
    after = dict(tracker._list_versions(""))
    assert after.pop("a") not in (None, before["a"])
    assert after == {key: before[key] for key in ("b", "sub/a")}


@pytest.mark.parametrize("client", [*CLIENTS, "gcs_gcsfs"], indirect=True)
def test_versions_of_objects(client: Client) -> None:
    """S3, Azure Blob and Google Cloud Storage have versions in their listings, through each client."""
    check_versions(client.tracker)
    assert dict(client.tracker._list_versions("b")) == {"b": None}  # a read finds it there, without its version


def test_versions_on_sftp(sftp: Sftp) -> None:
    """An sftp server has sizes and seconds; a file that is young has no version yet."""
    folder = f"{uuid.uuid4()}"
    options = {"client_keys": [str(sftp.client_key)]}
    tracker = FsspecResultTracker(f"sftp://{sftp.address}/{folder}", storage_options=options)
    tracker.put_many({"a": {"x": 1}, "b": {"x": 1}})
    assert dict(tracker._list_versions("")) == {"a": None, "b": None}
    for key, seconds in (("a", 1000), ("b", 2000)):
        os.utime(Path(sftp.folder, folder, key), (seconds, seconds))
    assert dict(tracker._list_versions("")) == {"a": "13-1000", "b": "13-2000"}
    tracker["a"] = {"x": 22}
    os.utime(Path(sftp.folder, folder, "a"), (1000, 1000))
    assert dict(tracker._list_versions("")) == {"a": "14-1000", "b": "13-2000"}


def test_versions_are_unknown_by_default() -> None:
    """A backend that has no versions lists each key with `None`."""
    tracker = open_tracker(f"memory://{uuid.uuid4()}")
    tracker.put_many({"a": {"x": 1}, "sub/b": {"x": 1}})
    assert dict(tracker._list_versions("")) == {"a": None, "sub/b": None}
