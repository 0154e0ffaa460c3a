"""Trackers in other processes: forked, spawned, and hundreds at once."""

from __future__ import annotations

import multiprocessing
import sys
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from tests.servers.azurite import Azure
from tests.servers.ceph import S3
from tests.servers.gcs import Gcs
from tests.servers.sshd import Sftp
from typedtrack import (
    FsspecResultTracker,
    Result,
    ResultExistsError,
    ResultTracker,
    UnsupportedOperationError,
    open_tracker,
)

PRODUCERS = 200
AT_ONCE = 20
TRIALS = [f"trial/{number:03}" for number in range(PRODUCERS)]
ENOUGH = 600  # seconds, even on a busy machine


@pytest.fixture(autouse=True, scope="module")
def imported_once() -> None:
    """Let the server that forks processes import once what its processes need."""
    multiprocessing.set_forkserver_preload(["obstore.store", __name__])


def use(tracker: ResultTracker, key: str) -> str:
    """Put, get and list; return "done", or the text of the refusal."""
    try:
        tracker[key] = {"x": 1}
        assert tracker[key] == {"x": 1}
        assert key in list(tracker)
        assert tracker.get_many([key]) == {key: {"x": 1}}
    except UnsupportedOperationError as error:
        return str(error)
    return "done"


def in_child(method: str, tracker: ResultTracker, key: str) -> str:
    """Return what `use` returns in a child process made by *method*; fail if it hangs."""
    with multiprocessing.get_context(method).Pool(1) as pool:
        return pool.apply_async(use, (tracker, key)).get(timeout=ENOUGH)


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_s3fs(ceph: S3, bucket: str, method: str) -> None:
    """A tracker on s3fs that the parent has used works in a child, however it starts, and then in the parent."""
    tracker = FsspecResultTracker(f"s3://{bucket}/base", storage_options=ceph.s3fs_options)
    assert use(tracker, "before") == "done"
    assert in_child(method, tracker, "child") == "done"
    assert use(tracker, "after") == "done"
    assert sorted(tracker) == ["after", "before", "child"]


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_azure_adlfs(azurite: Azure, method: str) -> None:
    """A tracker on adlfs that the parent has used works in a child, however it starts, and then in the parent."""
    container = f"c-{uuid.uuid4()}"
    azurite.make_container(container)
    tracker = FsspecResultTracker(f"az://{container}/base", storage_options=azurite.adlfs_options)
    assert use(tracker, "before") == "done"
    assert in_child(method, tracker, "child") == "done"
    assert use(tracker, "after") == "done"


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_gcs_gcsfs(fake_gcs: Gcs, method: str) -> None:
    """A tracker on gcsfs that the parent has used works in a child, however it starts, and then in the parent."""
    bucket = f"b-{uuid.uuid4()}"
    fake_gcs.make_bucket(bucket)
    tracker = FsspecResultTracker(f"gs://{bucket}/base", storage_options=fake_gcs.gcsfs_options)
    assert use(tracker, "before") == "done"
    assert in_child(method, tracker, "child") == "done"
    assert use(tracker, "after") == "done"


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_sshfs(sftp: Sftp, method: str) -> None:
    """A tracker on sshfs that the parent has used works in a child, however it starts, and then in the parent."""
    options = {"client_keys": [str(sftp.client_key)]}
    tracker = FsspecResultTracker(f"ssh://{sftp.address}/{uuid.uuid4()}", storage_options=options)
    assert use(tracker, "before") == "done"
    assert in_child(method, tracker, "child") == "done"
    assert use(tracker, "after") == "done"


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_s3_obstore(ceph: S3, bucket: str, method: str) -> None:
    """A tracker on obstore that the parent has used works in a child that was not forked."""
    tracker = open_tracker(f"s3://{bucket}/base", storage_options=ceph.obstore_options)
    assert use(tracker, "before") == "done"
    assert in_child(method, tracker, "child") == "done"
    assert use(tracker, "after") == "done"


def test_s3_obstore_after_a_fork(ceph: S3, bucket: str) -> None:
    """A tracker on obstore that the parent has used is refused at once in a forked child, with a remedy."""
    tracker = open_tracker(f"s3://{bucket}/base", storage_options=ceph.obstore_options)
    assert use(tracker, "before") == "done"
    assert "spawn" in in_child("fork", tracker, "child")
    another = open_tracker(f"s3://{bucket}/another", storage_options=ceph.obstore_options)
    assert "spawn" in in_child("fork", another, "child")
    assert use(tracker, "after") == "done"


BEGUN: dict[str, Callable[[ResultTracker, list[str]], Iterator[object]]] = {
    "keys": lambda tracker, _: iter(tracker.keys()),
    "items": lambda tracker, _: iter(tracker.items()),
    "wait_all": lambda tracker, keys: tracker.wait_all(keys, timeout=ENOUGH),
}


def go_on(begun: Iterator[object]) -> str:
    """Continue an iteration of the parent; return "done", or the text of the refusal."""
    try:
        list(begun)
    except UnsupportedOperationError as error:
        return str(error)
    return "done"


def in_forked_child(begun: Iterator[object]) -> str:
    """Return what `go_on` returns in a forked child; fail if it hangs. No iterator can be sent to a pool."""
    here, there = multiprocessing.Pipe(duplex=False)
    child = multiprocessing.get_context("fork").Process(target=lambda: there.send(go_on(begun)))
    child.start()
    try:
        assert here.poll(ENOUGH)
        return str(here.recv())
    finally:
        child.kill()
        child.join()


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # Python 3.12 warns of a fork with threads
@pytest.mark.parametrize("door", [open_tracker, FsspecResultTracker])
@pytest.mark.parametrize("begin", BEGUN)
def test_s3_iterations_over_a_fork(ceph: S3, bucket: str, door: Callable[..., ResultTracker], begin: str) -> None:
    """An iteration that began before a fork is refused at once in the child, and continues in the parent."""
    options = ceph.obstore_options if door is open_tracker else ceph.s3fs_options
    tracker = door(f"s3://{bucket}/base", storage_options=options, max_concurrency=2)
    keys = [f"{number:04}" for number in range(1200 if begin == "keys" else 20)]
    writer = open_tracker(f"s3://{bucket}/base", storage_options=ceph.obstore_options)  # faster than s3fs
    writer.put_many((key, {"x": 1}) for key in keys)
    begun = BEGUN[begin](tracker, keys)
    next(begun)
    refused = in_forked_child(begun)
    assert "start the iteration" in refused or "spawn" in refused
    assert len(list(begun)) == len(keys) - 1


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # Python 3.12 warns of a fork with threads
@pytest.mark.parametrize("begin", BEGUN)
def test_sftp_iterations_over_a_fork(sftp: Sftp, begin: str) -> None:
    """An iteration over sftp that began before a fork is refused in the child; a new one has its own connection."""
    options: dict[str, object] = {"client_keys": [str(sftp.client_key)]}
    tracker = FsspecResultTracker(f"sftp://{sftp.address}/{uuid.uuid4()}", storage_options=options, max_concurrency=2)
    keys = [f"{folder}/{number}" for folder in range(5) for number in range(4)]
    tracker.put_many((key, {"x": 1}) for key in keys)
    begun, not_begun = BEGUN[begin](tracker, keys), BEGUN[begin](tracker, keys)
    next(begun)
    assert "start the iteration" in in_forked_child(begun)
    assert in_forked_child(not_begun) == "done"
    assert len(list(begun)) == len(keys) - 1
    assert len(list(not_begun)) == len(keys)


def produce(tracker: ResultTracker, number: int) -> None:
    """Put the result of one trial; exit with 0 if it was the first to create the key that all share, else with 1."""
    tracker[f"trial/{number:03}"] = {"number": number, "accuracy": 1 / (number + 1)}
    try:
        tracker.create("first", number=number)
    except ResultExistsError:
        sys.exit(1)


def coordinate(tracker: ResultTracker) -> tuple[list[tuple[str, Result]], int]:
    """Wait for all trials; return them in the order of arrival, and the number that is listed then."""
    arrived = [(str(key), result) for key, result in tracker.wait_all(TRIALS, ENOUGH)]
    return arrived, len(tracker.keys("trial"))


def test_s3_many_processes(ceph: S3, bucket: str) -> None:
    """Two coordinators and 200 producers, each a process: no result is lost or repeated."""
    tracker = open_tracker(f"s3://{bucket}/search", storage_options=ceph.obstore_options)
    wanted = {f"trial/{n:03}": {"number": n, "accuracy": 1 / (n + 1)} for n in range(PRODUCERS)}
    own = multiprocessing.get_context("forkserver")

    producers = [own.Process(target=produce, args=(tracker, number)) for number in range(PRODUCERS)]
    with multiprocessing.get_context("spawn").Pool(2) as coordinators:
        waiting = [coordinators.apply_async(coordinate, (tracker,)) for _ in range(2)]
        for first in range(0, PRODUCERS, AT_ONCE):
            for process in producers[first : first + AT_ONCE]:
                process.start()
            for process in producers[first : first + AT_ONCE]:
                process.join()
        assert Counter(process.exitcode for process in producers) == {0: 1, 1: PRODUCERS - 1}
        for coordinator in waiting:
            arrived, listed = coordinator.get(timeout=ENOUGH)
            assert len(arrived) == PRODUCERS
            assert dict(arrived) == wanted
            assert listed == PRODUCERS
    assert dict(tracker.items("trial")) == wanted


RACERS = 16
ROUNDS = 5


def race_for_failures(tracker: ResultTracker, racer: int, start: Barrier) -> None:
    """Put a result as one racer of each round, and store a failure as any other."""
    try:
        for number in range(ROUNDS):
            start.wait(ENOUGH)
            if racer == number:
                tracker[f"race/{number}"] = {"racer": racer}
            else:
                tracker.fail(f"race/{number}", f"racer {racer}")
    except BaseException:
        start.abort()  # lest the others wait
        raise


def local_base(folder: Path, request: pytest.FixtureRequest) -> ResultTracker:
    """Return a tracker on the local disk."""
    return open_tracker(folder)


def s3_of_s3fs(folder: Path, request: pytest.FixtureRequest) -> ResultTracker:
    """Return a tracker on Ceph, through s3fs."""
    ceph: S3 = request.getfixturevalue("ceph")
    options = ceph.s3fs_options
    return FsspecResultTracker(f"s3://{request.getfixturevalue('bucket')}/base", storage_options=options)


def s3_of_obstore(folder: Path, request: pytest.FixtureRequest) -> ResultTracker:
    """Return a tracker on Ceph, through obstore."""
    ceph: S3 = request.getfixturevalue("ceph")
    options = ceph.obstore_options
    return open_tracker(f"s3://{request.getfixturevalue('bucket')}/base", storage_options=options)


def azure(folder: Path, request: pytest.FixtureRequest) -> ResultTracker:
    """Return a tracker on Azurite, through adlfs."""
    azurite: Azure = request.getfixturevalue("azurite")
    container = f"c-{uuid.uuid4()}"
    azurite.make_container(container)
    return FsspecResultTracker(f"az://{container}/base", storage_options=azurite.adlfs_options)


def ssh(folder: Path, request: pytest.FixtureRequest) -> ResultTracker:
    """Return a tracker on sshd."""
    sftp: Sftp = request.getfixturevalue("sftp")
    options = {"client_keys": [str(sftp.client_key)]}
    return FsspecResultTracker(f"ssh://{sftp.address}/{uuid.uuid4()}", storage_options=options)


@pytest.mark.parametrize("make", [local_base, s3_of_s3fs, s3_of_obstore, azure, ssh])
def test_no_failure_replaces_a_result(
    tmp_path: Path,
    request: pytest.FixtureRequest,
    make: Callable[[Path, pytest.FixtureRequest], ResultTracker],
) -> None:
    """If one process puts a result while 15 others store failures, the result stays, whoever is first."""
    tracker = make(tmp_path, request)
    own = multiprocessing.get_context("forkserver")
    start = own.Barrier(RACERS)
    racers = [own.Process(target=race_for_failures, args=(tracker, racer, start)) for racer in range(RACERS)]
    for process in racers:
        process.start()
    for process in racers:
        process.join(ENOUGH)
    assert [process.exitcode for process in racers] == [0] * RACERS
    assert dict(tracker.items()) == {f"race/{number}": {"racer": number} for number in range(ROUNDS)}
    assert dict(tracker.failures()) == {}
