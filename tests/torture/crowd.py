"""Two coordinators and 200 producers on a Ceph cluster, with failures, kills and retries: each job is counted once.

A producer is a process that stores its result within ``attempt``. By a seed it succeeds, raises an error, or is killed
before or after its result is stored. Each coordinator starts its half of the producers at once, waits for all of them,
and starts again those that failed, three times at most. ``python -m tests.torture.crowd`` prints what came of it.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any, Final, NamedTuple

from tests.servers import ceph
from tests.servers.ceph import S3
from typedtrack import BulkError, Result, ResultFailedError, ResultTracker, open_tracker

__all__ = ["Tally", "torture"]

_ATTEMPTS: Final = 3
_FATES: Final = ["ok"] * 5 + ["error"] * 2 + ["killed before"] * 2 + ["killed after"]
_COORDINATORS: Final = 2
_ROOT: Final = Path(__file__).parents[2]


class Tally(NamedTuple):
    """How many jobs returned a result and how many failed for good, and how many producers were started."""

    results: int
    failures: int
    producers: int


def fate_of(seed: int, job: int, attempt: int) -> str:
    """Return what becomes of an attempt of a job."""
    return random.Random(f"{seed} {job} {attempt}").choice(_FATES)


def torture(service: S3, bucket: str, *, producers: int, seed: int) -> Tally:
    """Run all jobs on a bucket, and compare the counts of the coordinators with the stored results and with the seed.

    Raises:
        AssertionError: they differ.
    """
    options = service.obstore_options
    common = ["--base", f"s3://{bucket}/jobs", "--options", json.dumps(options), "--seed", str(seed)]
    program = [sys.executable, "-m", "tests.torture.crowd", *common, "--producers", str(producers), "--coordinator"]
    coordinators = [
        subprocess.Popen([*program, str(number)], stdout=subprocess.PIPE, cwd=_ROOT) for number in range(_COORDINATORS)
    ]
    accounts = [json.loads(coordinator.communicate()[0]) for coordinator in coordinators]
    expected = {str(job): _expected(seed, job) for job in range(producers)}
    counted = [(job, outcome) for account in accounts for job, outcome in account["jobs"].items()]
    assert Counter(job for job, _ in counted) == Counter(expected.keys()), "a job was counted twice or not at all"
    assert dict(counted) == expected
    tracker = open_tracker(f"s3://{bucket}/jobs", storage_options=options)
    stored = {f"{key}".removeprefix("job_"): str(result["attempt"]) for key, result in tracker.items()}
    failed = {f"{key}".removeprefix("job_"): "failed" for key, _ in tracker.failures()}
    assert stored == {job: outcome for job, outcome in expected.items() if outcome != "failed"}
    assert set(failed) <= {job for job, outcome in expected.items() if outcome == "failed"}
    return Tally(len(stored), len(expected) - len(stored), sum(account["started"] for account in accounts))


def _expected(seed: int, job: int) -> str:
    """Return the number of the attempt that returns a result, or ``failed``."""
    for attempt in range(1, _ATTEMPTS + 1):
        if fate_of(seed, job, attempt) in ("ok", "killed after"):
            return str(attempt)
    return "failed"


def _produce(tracker: ResultTracker, seed: int, job: int, attempt: int) -> None:
    fate = fate_of(seed, job, attempt)
    with tracker.attempt(f"job_{job}"):
        if fate == "error":
            raise ArithmeticError(f"attempt {attempt} diverged")
        if fate == "killed before":
            os.kill(os.getpid(), signal.SIGKILL)
        tracker.create(f"job_{job}", attempt=attempt, loss=1 / (1 + job))
        if fate == "killed after":
            os.kill(os.getpid(), signal.SIGKILL)


def _coordinate(tracker: ResultTracker, given: argparse.Namespace) -> None:
    """Start the producers of this coordinator until each has returned or failed for good; print the account."""
    program = [sys.executable, "-m", "tests.torture.crowd", "--base", given.base, "--options", given.options]
    program += ["--seed", str(given.seed)]
    account: dict[str, str] = {}
    started = 0
    attempts = {f"job_{job}": 1 for job in range(given.coordinator, given.producers, _COORDINATORS)}
    while attempts:
        running: dict[str, subprocess.Popen[bytes]] = {}
        for key, attempt in attempts.items():
            words = ["--job", key.removeprefix("job_"), "--attempt", str(attempt)]
            running[key] = subprocess.Popen([*program, *words], stderr=subprocess.DEVNULL)
            started += 1
        results, errors = _wait(tracker, running)
        for key, result in results.items():
            account[key.removeprefix("job_")] = str(result["attempt"])
        for key, error in errors.items():
            assert isinstance(error, ResultFailedError), error
            attempts[key] += 1
            if attempts[key] > _ATTEMPTS:
                account[key.removeprefix("job_")] = "failed"
            elif error.failure.type != "Ended":  # the failure is stored, and must make room
                del tracker[key]
        attempts = {key: attempts[key] for key in errors if attempts[key] <= _ATTEMPTS}
        for process in running.values():
            process.wait()
    print(json.dumps({"jobs": account, "started": started}))


def _wait(
    tracker: ResultTracker, running: dict[str, subprocess.Popen[bytes]]
) -> tuple[dict[str, Result], dict[str, Exception]]:
    """Return the results and the errors of the producers that are *running*; fail if one is told twice."""
    results: dict[str, Result] = {}
    errors: dict[str, Exception] = {}
    try:
        for key, result in tracker.wait_all(running, alive=lambda key: running[str(key)].poll() is None):
            assert key not in results
            results[str(key)] = result
    except BulkError as error:
        errors = {str(key): each for key, each in error.errors.items()}
    assert not errors.keys() & results.keys()
    return results, errors


def main(arguments: list[str]) -> int:
    """Run the coordinators and their producers; print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--producers", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    for name in ("--base", "--options"):  # of a coordinator or a producer
        parser.add_argument(name, help=argparse.SUPPRESS)
    for name in ("--coordinator", "--job", "--attempt"):
        parser.add_argument(name, type=int, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.base is not None:
        options: dict[str, Any] = json.loads(given.options)
        tracker = open_tracker(given.base, storage_options=options)
        if given.coordinator is not None:
            _coordinate(tracker, given)
        else:
            _produce(tracker, given.seed, given.job, given.attempt)
        return 0
    if (reason := ceph.missing()) is not None:
        print(f"not run: {reason}")
        return 0
    with tempfile.TemporaryDirectory() as folder, ceph.serve(Path(folder)) as service:
        service.make_bucket("crowd")
        tally = torture(service, "crowd", producers=given.producers, seed=given.seed)
    print(
        f"{given.producers} jobs by {_COORDINATORS} coordinators: {tally.results} results, {tally.failures} failed ",
        end="",
    )
    print(f"for good, {tally.producers} producers started; each job was counted once")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
