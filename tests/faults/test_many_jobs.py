"""A coordinator accounts for each of many jobs exactly once, whichever of them are killed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from threading import Thread
from typing import IO

from tests.faults import jobs
from typedtrack import BulkError, ResultFailedError
from typedtrack.backends.local import LocalResultTracker

COUNT = int(os.environ.get("TYPEDTRACK_TEST_JOBS", "200"))  # at least 40, so that jobs of every sort are killed


class CountingTracker(LocalResultTracker):
    """Counts the reads of each key."""

    def __init__(self, base: Path) -> None:
        super().__init__(base)
        self.reads = Counter[str]()

    def _read(self, key: str, limit: int) -> bytes | None:
        self.reads[key] += 1
        return super()._read(key, limit)


def test_each_job_is_accounted_for_exactly_once(tmp_path: Path) -> None:
    """Each has a result or has failed; a job that is gone is not waited for."""
    tracker = CountingTracker(tmp_path)
    program = [sys.executable, jobs.__file__, str(tmp_path), str(COUNT), "seed"]
    ended: set[str] = set()
    reads_when_gone: dict[str, int] = {}

    def note_ends(lines: IO[str]) -> None:
        for line in lines:
            ended.add(line.strip())

    def alive(key: object) -> bool:
        assert isinstance(key, str)
        if key in ended:
            assert key not in reads_when_gone  # it is asked about once
            reads_when_gone[key] = tracker.reads[key]
            return False
        return scheduler.poll() is None

    results: dict[str, object] = {}
    errors: dict[object, Exception] = {}
    with subprocess.Popen(
        program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as scheduler:
        assert scheduler.stdin is not None
        assert scheduler.stdout is not None
        thread = Thread(target=note_ends, args=(scheduler.stdout,))
        thread.start()
        try:
            for key, result in tracker.wait_all(map(str, range(COUNT)), alive=alive):
                assert key not in results
                results[str(key)] = result
        except BulkError as error:
            errors.update(error.errors)
        scheduler.stdin.close()  # ends a script whose ``typedtrack run`` was killed, and which keeps the output open
        thread.join()
    assert scheduler.returncode == 0

    assert {*results, *errors} == {str(number) for number in range(COUNT)}
    assert not results.keys() & errors.keys()
    assert all(result == {"number": int(key)} for key, result in results.items())
    spared = {str(number) for number in range(COUNT) if not jobs.is_doomed(number)}
    endless = {str(number) for number in range(COUNT) if jobs.has_no_end(number)}
    assert spared <= results.keys()
    assert endless <= errors.keys()
    kinds = Counter(error.failure.type if isinstance(error, ResultFailedError) else error for error in errors.values())
    assert kinds.keys() <= {"Ended", "Signal", "ExitCode", "NoResult"}
    assert kinds["Ended"]
    for key, reads in reads_when_gone.items():
        assert tracker.reads[key] == reads + 1
