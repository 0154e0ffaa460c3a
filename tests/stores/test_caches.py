"""A state machine whose model is a dict renews the cache of a frame, on every store."""

from __future__ import annotations

import os
import tempfile
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import pyarrow
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from tests.servers.sshd import Sftp
from tests.stores.conftest import CLIENTS, Client
from tests.trackers import versions_of
from typedtrack import FsspecResultTracker, ResultTracker, open_tracker
from typedtrack._tracker.backend import Listed, Read
from typedtrack.backends import versions

KEYS = st.sampled_from(["a", "b", "c/d", "c/e"])
VALUES = st.integers(1, 3)  # few, of one size, so that an old content often returns
SKEW = 900  # seconds by which the clocks may differ


class CacheMachine(RuleBasedStateMachine):
    """Puts, deletes, failures, renewals and a clock that jumps; the model has what is stored."""

    tracker: ClassVar[ResultTracker]
    has_versions: ClassVar[bool]

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.cache = f"{self.folder.name}/cache.parquet"
        self.model: dict[str, int | None] = {}  # `None` for a failure
        self.known: dict[str, str | None] = {}  # the versions that the cache has
        self.listed: dict[str, str | None] = {}
        self.reads: list[str] = []
        self.ahead = SKEW  # seconds by which this machine's clock is ahead of the store's
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(versions, "time", SimpleNamespace(time=lambda: time.time() + self.ahead))
        self._watch()
        for there in list(self.tracker):
            del self.tracker[there]

    def _watch(self) -> None:
        """Note each listing with versions, and the keys that are read."""
        list_details, read_many = self.tracker._list_details, self.tracker._read_many

        def listed(prefix: str) -> Iterator[Listed]:
            found = list(list_details(prefix))
            self.listed = {text: version for text, version, _ in found}
            return iter(found)

        def read(keys: Iterable[str]) -> Iterator[tuple[str, Read]]:
            for key, found in read_many(keys):
                self.reads.append(key)
                yield key, found

        self.patch.setattr(self.tracker, "_list_details", listed)
        self.patch.setattr(self.tracker, "_read_many", read)

    def teardown(self) -> None:
        """Remove the cache."""
        self.patch.undo()
        self.folder.cleanup()

    @rule(text=KEYS, value=VALUES)
    def put(self, text: str, value: int) -> None:
        """Put a result."""
        self.tracker.put(text, x=value)
        self.model[text] = value

    @rule(text=KEYS, values=st.lists(VALUES, min_size=2, max_size=3))
    def put_within_a_tick(self, text: str, values: list[int]) -> None:
        """Put results one after the other."""
        for value in values:
            self.put(text, value)

    @rule(text=KEYS)
    def delete(self, text: str) -> None:
        """Delete what is stored."""
        if text in self.model:
            del self.tracker[text]
            del self.model[text]

    @rule(text=KEYS)
    def fail(self, text: str) -> None:
        """Store a failure where nothing is."""
        is_stored = self.tracker.fail(text, "out of memory")
        assert is_stored == (self.model.setdefault(text, None) is None)

    @precondition(lambda self: self.has_versions)
    @rule()
    def age(self) -> None:
        """Wait until the listing tells all results apart from later ones."""
        self.ahead = SKEW
        while None in versions_of(self.tracker).values():
            time.sleep(0.1)

    @rule(ahead=st.sampled_from([SKEW, 0, -SKEW]))
    def jump(self, ahead: int) -> None:
        """Set the clock of this machine."""
        self.ahead = ahead

    @rule(text=KEYS, between=VALUES, value=VALUES | st.none())
    def renew_between_puts(self, text: str, between: int, value: int | None) -> None:
        """Put a result between the listing of a renewal and its reads; then put another, or what was there before."""
        before = self.model.get(text)
        self._renew(lambda: self.put(text, between))
        self.put(text, value or before or between)
        self.renew()

    @rule()
    def renew(self) -> None:
        """The table has what is stored, and no result was read that the cache knew."""
        before = self.known
        table = self._renew(lambda: None)
        changed = {text for text, version in self.listed.items() if version is None or version != before.get(text)}
        assert sorted(self.reads) == sorted(changed)
        assert table == {text: value for text, value in self.model.items() if value is not None}

    def _renew(self, meanwhile: Callable[[], None]) -> dict[str, int]:
        """Return the table from the cache; *meanwhile* is called between the listing and the reads."""
        self.reads.clear()
        noted = self.tracker._list_details

        def listed(prefix: str) -> Iterator[Listed]:
            found = noted(prefix)
            meanwhile()
            return found

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(self.tracker, "_list_details", listed)
            rows = pyarrow.table(self.tracker.frame(cache=self.cache)).to_pylist()
        self.known = self.listed
        return {row["key"]: row["x"] for row in rows}


def run_machine(tracker: ResultTracker, examples: int, *, has_versions: bool = True) -> None:
    """Run the machine on *tracker*."""
    machine = type("Machine", (CacheMachine,), {"tracker": tracker, "has_versions": has_versions})
    run_state_machine_as_test(machine, settings=settings(max_examples=examples, stateful_step_count=12, deadline=None))


@pytest.mark.parametrize("client", [*CLIENTS, "gcs_gcsfs"], indirect=True)
def test_caches_of_objects(client: Client) -> None:
    """On S3, Azure Blob and Google Cloud Storage, through each client."""
    run_machine(client.tracker, 3)


def test_caches_on_sftp(sftp: Sftp) -> None:
    """On an sftp server."""
    options = {"client_keys": [str(sftp.client_key)]}
    run_machine(FsspecResultTracker(f"sftp://{sftp.address}/{uuid.uuid4()}", storage_options=options), 3)


def test_caches_on_a_local_disk(tmp_path: Path) -> None:
    """On a local disk."""
    run_machine(open_tracker(tmp_path / "base"), 30)


def test_caches_in_memory() -> None:
    """A cache of a memory base reads every result again, since none has a version."""
    run_machine(open_tracker(f"memory://{uuid.uuid4()}"), 30, has_versions=False)


def test_a_time_set_by_hand_hides_no_change(tmp_path: Path) -> None:
    """On a local disk the time of change counts, which no program can set."""
    tracker, file = open_tracker(tmp_path / "base"), tmp_path / "base" / "a"

    def renew() -> object:
        while None in versions_of(tracker).values():
            time.sleep(0.01)
        return pyarrow.table(tracker.frame(cache=tmp_path / "cache.parquet")).to_pylist()

    tracker.put("a", x=1)
    assert renew() == [{"key": "a", "x": 1}]
    times = file.stat().st_atime_ns, file.stat().st_mtime_ns
    tracker.put("a", x=2)
    os.utime(file, ns=times)
    assert renew() == [{"key": "a", "x": 2}]
    with file.open("r+b") as opened:  # by a program that writes in place
        opened.write(file.read_bytes().replace(b"2", b"3"))
    os.utime(file, ns=times)
    assert renew() == [{"key": "a", "x": 3}]
