"""Times in listings, which `typedtrack rm --older-than` needs, on every store that has them."""

from __future__ import annotations

import os
import time
import uuid
from pathlib import Path
from unittest.mock import Mock

import pytest

from tests.servers.sshd import Sftp
from tests.stores.conftest import CLIENTS, Client
from typedtrack import FsspecResultTracker, ResultTracker, open_tracker
from typedtrack._tracker.below import times_below
from typedtrack.cli.app import run

_CLOCKS_DIFFER = 60  # seconds by which the clock of a server may be another


@pytest.fixture(params=[*CLIENTS, "gcs_gcsfs", "sftp", "local", "memory"])
def tracker(request: pytest.FixtureRequest, tmp_path: Path) -> ResultTracker:
    """Return a tracker whose store lists times."""
    if request.param == "local":
        return open_tracker(tmp_path)
    if request.param == "memory":
        return open_tracker(f"memory://{uuid.uuid4()}")
    if request.param == "sftp":
        sftp: Sftp = request.getfixturevalue("sftp")
        options = {"client_keys": [str(sftp.client_key)]}
        return FsspecResultTracker(f"sftp://{sftp.address}/{uuid.uuid4()}", storage_options=options)
    client: Client = request.getfixturevalue(request.param)
    return client.tracker


def test_listings_have_the_time_of_the_last_put(
    tracker: ResultTracker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is in seconds since the epoch, by the store's clock, for a key itself and for those below it."""
    began = time.time()
    tracker.put_many({"a": {"x": 1}, "b": {"x": 1}, "sub/a": {"x": 1}, "sub/b": {"x": 1}})
    times = dict(times_below(tracker, ""))
    assert sorted(times) == ["a", "b", "sub/a", "sub/b"]
    assert all(began - _CLOCKS_DIFFER < modified < time.time() + _CLOCKS_DIFFER for modified in times.values())
    assert dict(times_below(tracker, "sub")) == {key: times[key] for key in ("sub/a", "sub/b")}
    assert dict(times_below(tracker, "sub/")) == dict(times_below(tracker, "sub"))
    assert dict(times_below(tracker, "sub/b")) == {"sub/b": times["sub/b"]}
    assert dict(times_below(tracker, "b")) == {"b": times["b"]}
    assert dict(times_below(tracker, "none")) == dict(times_below(tracker, "b/")) == {}

    monkeypatch.setattr("typedtrack.cli.rm.open_tracker", Mock(return_value=tracker))
    youngest = max(times.values())
    monkeypatch.setattr("typedtrack.cli.rm.time.time", lambda: youngest + 30 * 86_400)
    assert run(["rm", "base", "--older-than", "31d", "--dry-run"]) == 0
    assert run(["rm", "base", "--older-than", "29d", "--prefix", "sub", "--dry-run"]) == 0
    assert capsys.readouterr().out == "sub/a\nsub/b\n"
    assert run(["rm", "base", "--older-than", "29d"]) == 0
    assert list(tracker) == []


def test_a_listing_on_sftp_has_the_times_of_files(sftp: Sftp) -> None:
    """They have whole seconds."""
    folder = f"{uuid.uuid4()}"
    options = {"client_keys": [str(sftp.client_key)]}
    tracker = FsspecResultTracker(f"sftp://{sftp.address}/{folder}", storage_options=options)
    tracker.put("a", x=1)
    os.utime(Path(sftp.folder, folder, "a"), (1000, 1000))
    assert dict(tracker._list_times("")) == {"a": 1000}
