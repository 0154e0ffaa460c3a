"""Times in listings, which `typedtrack rm --older-than` needs, on every store that has them."""

from __future__ import annotations

import os
import re
import time
import uuid
from pathlib import Path
from unittest.mock import Mock

import pytest

from tests.servers.sshd import Sftp
from tests.stores.conftest import CLIENTS, Client
from tests.trackers import times_of
from typedtrack import FsspecResultTracker, ResultTracker, open_tracker
from typedtrack._tracker.below import times_below
from typedtrack.cli.app import run
from typedtrack.cli.top import Look

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
    assert times_of(tracker) == {"a": 1000}


@pytest.mark.parametrize("client", ["azure_obstore", "azure_adlfs", "gcs_gcsfs"], indirect=True)
def test_a_table_that_renews_itself_reads_only_what_changed(client: Client, tmp_path: Path) -> None:
    """``typedtrack top --watch`` lists the keys at each look, and then asks for new and changed results alone.

    On S3 and sftp, young results are read again: their versions could be those of other contents.
    """
    client.tracker.put_many({f"trial-{number}": {"loss": number / 8} for number in range(20)})
    look = Look(client.tracker.frame().rows, "loss", "min", 5, None, (), None)
    look.cache = str(tmp_path / "cache")

    def reads() -> set[str]:
        """Return the keys that the next look reads."""
        client.proxy.reset()
        look()
        found = (re.search(r"trial-[0-9]+", request.path) for request in client.proxy.requests)
        return {match[0] for match in found if match is not None}

    assert len(reads()) == 20
    assert reads() == set()
    client.tracker.put("trial-7", loss=-1.0)
    client.tracker.put("trial-99", loss=-2.0)
    assert reads() == {"trial-7", "trial-99"}
    assert look().columns[0].values[:3] == ["trial-99", "trial-7", "trial-0"]
