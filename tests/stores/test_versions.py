"""Versions in listings: equal ones mean equal bytes, on every store that has them."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pyarrow
import pytest

from tests.servers.sshd import Sftp
from tests.stores.conftest import CLIENTS, Client
from tests.trackers import versions_of
from typedtrack import FsspecResultTracker, ResultTracker, open_tracker
from typedtrack._tracker.backend import Listed


def check_versions(tracker: ResultTracker) -> None:
    """Check that each key has a version once it is not young, which changes with the bytes of keys that are put."""
    tracker.put_many({key: {"x": 1} for key in ("a", "b", "sub/a", "sub/b")})
    before = versions_of(tracker)
    assert sorted(before) == sorted(iter(tracker)) == ["a", "b", "sub/a", "sub/b"]
    while not all(before.values()):
        time.sleep(0.2)
        tracker.put("sub/late", x=1)  # its time tells how old the others are
        before = versions(tracker)
    assert versions(tracker) == before
    assert versions(tracker, "sub") == {key: before[key] for key in ("sub/a", "sub/b")}
    tracker["a"] = {"x": 2}
    del tracker["sub/b"]
    after = versions(tracker)
    assert after.pop("a") != before["a"]
    assert after == {key: before[key] for key in ("b", "sub/a")}


def versions(tracker: ResultTracker, prefix: str = "") -> dict[str, str | None]:
    """Return the versions that a listing of *tracker* shows, without that of the key ``sub/late``."""
    return {key: version for key, version in versions_of(tracker, prefix).items() if key != "sub/late"}


@pytest.mark.parametrize("client", [*CLIENTS, "gcs_gcsfs"], indirect=True)
def test_versions_of_objects(client: Client) -> None:
    """S3, Azure Blob and Google Cloud Storage have versions in their listings, through each client."""
    check_versions(client.tracker)
    assert versions_of(client.tracker, "b") == {"b": None}  # a read finds it there, without its version


def renew_while_a_result_is_put(tracker: ResultTracker, cache: Path, x: int) -> None:
    """Renew the cache of *tracker*'s frame, and put the result ``a`` between the listing and the reads."""
    list_details = tracker._list_details

    def listed(prefix: str) -> Iterator[Listed]:
        found = list(list_details(prefix))
        tracker.put("a", x=x)
        return iter(found)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tracker, "_list_details", listed)
        assert values(tracker, cache) == [x]


def values(tracker: ResultTracker, cache: Path) -> list[object]:
    """Return the values of ``x`` of the key ``a`` in a frame of *tracker* with a *cache*."""
    return [row["x"] for row in pyarrow.table(tracker.frame(cache=cache)).to_pylist() if row["key"] == "a"]


@pytest.mark.parametrize("is_young", [True, False])
@pytest.mark.parametrize("client", [*CLIENTS, "gcs_gcsfs"], indirect=True)
def test_an_old_content_that_returns_is_read_again(client: Client, tmp_path: Path, is_young: bool) -> None:
    """A store may give it the ETag that it had before, while the cache has what was there in between."""
    tracker, cache = client.tracker, tmp_path / "cache.parquet"
    tracker.put("a", x=1)
    while not is_young and versions_of(tracker)["a"] is None:
        time.sleep(0.2)
        tracker.put("b", x=0)  # its time tells how old the other is
    renew_while_a_result_is_put(tracker, cache, x=2)
    tracker.put("a", x=1)
    assert values(tracker, cache) == [1]


def test_versions_on_sftp(sftp: Sftp) -> None:
    """An sftp server has sizes and seconds; a file that is young has no version yet."""
    folder = f"{uuid.uuid4()}"
    options = {"client_keys": [str(sftp.client_key)]}
    tracker = FsspecResultTracker(f"sftp://{sftp.address}/{folder}", storage_options=options)
    tracker.put_many({"a": {"x": 1}, "b": {"x": 1}})
    assert versions_of(tracker) == {"a": None, "b": None}
    for key, seconds in (("a", 1000), ("b", 2000)):
        os.utime(Path(sftp.folder, folder, key), (seconds, seconds))
    assert versions_of(tracker) == {"a": "13-1000", "b": "13-2000"}
    tracker["a"] = {"x": 22}
    os.utime(Path(sftp.folder, folder, "a"), (1000, 1000))
    assert versions_of(tracker) == {"a": "14-1000", "b": "13-2000"}


def test_versions_are_unknown_by_default() -> None:
    """A backend that has no versions lists each key with `None`."""
    tracker = open_tracker(f"memory://{uuid.uuid4()}")
    tracker.put_many({"a": {"x": 1}, "sub/b": {"x": 1}})
    assert versions_of(tracker) == {"a": None, "sub/b": None}
