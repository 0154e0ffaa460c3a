"""Every tracker as a state machine against a plain dict."""

from __future__ import annotations

from sqlite_tracker import SqliteResultTracker

from tests.trackers import DictTracker
from typedtrack import FsspecResultTracker, open_tracker
from typedtrack.testing.machine import state_machine

TestLocal = state_machine(open_tracker, real_folders=True)
TestConcurrent = state_machine(lambda _: DictTracker())
TestMemory = state_machine(lambda folder: open_tracker(f"memory:/{folder}"))
# Each put of these two waits for the disk.
TestFsync = state_machine(lambda folder: FsspecResultTracker(folder, fsync=True), real_folders=True, runs=20)
TestSqlite = state_machine(lambda folder: SqliteResultTracker(str(folder / "results.sqlite")), runs=20)
