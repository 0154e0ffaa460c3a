"""Objects of other tools below a base: markers of folders, and names that no key has."""

from __future__ import annotations

import urllib.request
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final

import fsspec
import pytest
from fsspec.asyn import sync
from s3fs.core import S3FileSystem

from tests.servers.azurite import Azure
from tests.servers.ceph import S3
from tests.servers.gcs import Gcs
from typedtrack import CorruptResultError, FsspecResultTracker, ResultTracker, UnsupportedOperationError, open_tracker

Door = Callable[..., ResultTracker]

_DOORS: Final = [open_tracker, FsspecResultTracker]
_MARKERS: Final = "base/", "base/sub/", "base/sub/below/"
_NAMES: Final = "base//x", "base/./x", "base/a/../x", "base/sub/\nx"  # obstore cannot read these


def put_to_s3(ceph: S3, bucket: str, names: tuple[str, ...]) -> None:
    """Make empty objects of these names, as S3's console does to show a folder."""
    fs: Any = S3FileSystem(**ceph.s3fs_options)  # Any, because the stub has only the calls of typedtrack
    for name in names:
        fs.call_s3("put_object", Bucket=bucket, Key=name, Body=b"")


def check_markers(door: Door, base: str, options: Mapping[str, object]) -> None:
    """A marker is not a result; an empty object at a key is one, though corrupt."""
    tracker = door(base, storage_options=options)
    assert list(tracker) == list(tracker.keys("sub")) == []
    tracker["sub/below/a"] = {"x": 1}
    assert list(tracker) == list(tracker.keys("sub")) == ["sub/below/a"]
    assert dict(tracker.items()) == {"sub/below/a": {"x": 1}}
    tracker._write("empty", b"")
    assert sorted(tracker) == ["empty", "sub/below/a"]
    with pytest.raises(CorruptResultError):
        tracker.get("empty")
    del tracker["empty"], tracker["sub/below/a"]


@pytest.mark.parametrize("door", _DOORS)
def test_s3_markers(ceph: S3, bucket: str, door: Door) -> None:
    """Folders that S3's console made are not results."""
    put_to_s3(ceph, bucket, _MARKERS)
    options = ceph.obstore_options if door is open_tracker else ceph.s3fs_options
    check_markers(door, f"s3://{bucket}/base", options)


@pytest.mark.parametrize("door", _DOORS)
def test_azure_markers(azurite: Azure, door: Door) -> None:
    """Folders that tools for Azure made are not results."""
    container = f"c-{uuid.uuid4()}"
    azurite.make_container(container)
    fs: Any = fsspec.filesystem("az", **azurite.adlfs_options)
    for name in _MARKERS:
        client = fs.service_client.get_blob_client(container, name)
        sync(fs.loop, client.upload_blob, b"")
    options = azurite.obstore_options if door is open_tracker else azurite.adlfs_options
    check_markers(door, f"az://{container}/base", options)


@pytest.mark.parametrize("door", _DOORS)
def test_gcs_markers(fake_gcs: Gcs, door: Door) -> None:
    """Folders that Google's console made are not results."""
    bucket = f"b-{uuid.uuid4()}"
    fake_gcs.make_bucket(bucket)
    for name in _MARKERS:
        url = f"{fake_gcs.endpoint}/upload/storage/v1/b/{bucket}/o?uploadType=media&name={name}"
        urllib.request.urlopen(urllib.request.Request(url, b"", {"Content-Type": "text/plain"}, method="POST")).close()
    options = fake_gcs.obstore_options if door is open_tracker else fake_gcs.gcsfs_options
    check_markers(door, f"gs://{bucket}/base", options)


@pytest.mark.parametrize("name", _NAMES)
def test_s3_names_that_no_key_has(ceph: S3, bucket: str, name: str) -> None:
    """s3fs skips such names. obstore cannot list a folder that has one, and says so; its other calls work."""
    put_to_s3(ceph, bucket, (name,))
    base = f"s3://{bucket}/base"
    through_fsspec = FsspecResultTracker(base, storage_options=ceph.s3fs_options)
    native = open_tracker(base, storage_options=ceph.obstore_options)
    through_fsspec["a"] = {"x": 1}
    assert list(through_fsspec) == ["a"]
    assert native["a"] == {"x": 1}
    with pytest.raises(
        UnsupportedOperationError,
        match=f"listing is not safe on {base}/: obstore cannot read .*; FsspecResultTracker can",
    ):
        list(native)


@pytest.mark.parametrize("folder", ["a?versionId=3", "a?versionId=3/b", "a#b", "a b", "é"])
def test_s3_folders(ceph: S3, bucket: str, folder: str) -> None:
    """Both clients find the same results in a folder whose name one of them would give a meaning."""
    base = f"s3://{bucket}/{folder}"
    through_fsspec = FsspecResultTracker(base, storage_options=ceph.s3fs_options)
    native = open_tracker(base, storage_options=ceph.obstore_options)
    through_fsspec["fsspec"] = {"x": 1}
    native["native"] = {"x": 2}
    for tracker in (through_fsspec, native):
        assert dict(tracker.items()) == {"fsspec": {"x": 1}, "native": {"x": 2}}
