"""Losses of power on real file systems: ext4, xfs and btrfs, each on a disk that is copied while processes write.

The disk is a file. While one process writes with ``fsync`` and another without, the file is copied at once (xfs shares
the blocks) at random moments: that is the disk after a loss of power, with every block that had reached it by then and
none that came later. Each copy is mounted, so that the file system recovers, and read. ``python -m
tests.torture.disks`` prints what came of it. It needs root, and a kernel with these file systems.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from typedtrack import CorruptResultError, Result, ResultTracker, open_tracker

__all__ = ["FILE_SYSTEMS", "KEYS", "Tally", "folder_for_disks", "missing", "mounted", "new_disk", "torture"]

FILE_SYSTEMS: Final = {"ext4": 64, "xfs": 320, "btrfs": 256}  # and the size of a disk, in MiB
_MAKE: Final = {"ext4": ["mkfs.ext4", "-q", "-F"], "xfs": ["mkfs.xfs", "-q"], "btrfs": ["mkfs.btrfs", "-q"]}
_ROOM: Final = 2 * 2**30  # bytes that the disks and their copies need at most
_CLONE: Final = 0x40049409  # the request FICLONE
WRITERS: Final = "with", "without"
KEYS: Final = 12  # that are put again and again

State: TypeAlias = int | None  # the number of a result; `None` where nothing is stored


class Tally(NamedTuple):
    """How often the power was lost, and how many keys held what then."""

    losses: int
    with_fsync: Counter[str]
    without_fsync: Counter[str]


def missing(kind: str) -> str | None:
    """Return why no loss of power on *kind* can be tried here, or `None`."""
    if os.getuid() != 0:
        return "only root can mount a disk"
    for name in {kind, "xfs"}:
        if f"\t{name}\n" not in Path("/proc/filesystems").read_text("ascii") or shutil.which(_MAKE[name][0]) is None:
            return f"this kernel has no {name}, or mkfs.{name} is not installed"
    if shutil.which("losetup") is None or _run("losetup", "--find").returncode != 0:
        return "this machine has no loop devices"
    return None if _run("unshare", "--mount", "true").returncode == 0 else "this machine lets nobody mount a disk"


def torture(kind: str, folder: Path, seed: int, losses: int) -> Tally:
    """Lose the power *losses* times on a disk of the file system *kind*.

    Raises:
        AssertionError: an acknowledged result was lost, or a result is not whole. Without ``fsync`` it may be
            empty, or have zeros only.
    """
    chance = random.Random(f"{seed} {kind}")
    tally = Tally(losses, Counter(), Counter())
    with ExitStack() as stack:
        pool = stack.enter_context(mounted("xfs", new_disk("xfs", folder / "pool", 4096), folder / "pool.d"))
        disk = new_disk(kind, pool / "disk", FILE_SYSTEMS[kind])
        copies: list[tuple[Path, int]] = []
        with mounted(kind, disk, folder / "disk.d") as base:
            for name in WRITERS:  # some keys hold results that are on the disk for certain
                open_tracker(base).put_many((f"{name}/{number}", _result(0)) for number in range(KEYS))
        with mounted(kind, disk, folder / "disk.d") as base, _writers(base, folder / "log", seed):
            for number in range(losses):
                time.sleep(chance.uniform(0.05, 0.6))
                acknowledged = (folder / "log").stat().st_size
                copies.append((_copied(disk, pool / f"copy {number}"), acknowledged))
        log = (folder / "log").read_bytes()
        for copy, acknowledged in copies:
            with mounted(kind, copy, folder / "copy.d") as base:
                place = f"seed {seed}, {kind}, a loss after {acknowledged} of {len(log)} bytes of the log"
                _check(base, log, acknowledged, place, tally)
            copy.unlink()
    return tally


def folder_for_disks() -> str | None:
    """Return a folder in memory with room for disks, or `None`, the temporary folder."""
    memory = "/dev/shm"
    return memory if os.path.isdir(memory) and shutil.disk_usage(memory).free > _ROOM else None


def _run(*command: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command, check=False, capture_output=True)


# -- disks ------------------------------------------------------------------------------------------------------------


def new_disk(kind: str, path: Path, mebibytes: int, options: Sequence[str] = ()) -> Path:
    """Return the file *path* that is a disk of that size with an empty file system, made with *options*."""
    with path.open("wb") as file:
        file.truncate(mebibytes * 2**20)
    subprocess.run([*_MAKE[kind], *options, str(path)], check=True, stdout=subprocess.DEVNULL)
    return path


@contextmanager
def mounted(kind: str, disk: Path, folder: Path, *options: str) -> Generator[Path]:
    """Mount *disk* at *folder* with *options*."""
    folder.mkdir(exist_ok=True)
    every = ",".join(["loop", *(["nouuid"] if kind == "xfs" else []), *options])
    subprocess.run(["mount", "-t", kind, "-o", every, str(disk), str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def _copied(disk: Path, copy: Path) -> Path:
    """Return a copy of *disk* as it is at one moment."""
    with disk.open("rb") as source, copy.open("wb") as target:
        fcntl.ioctl(target, _CLONE, source.fileno())
    return copy


# -- writers ----------------------------------------------------------------------------------------------------------


def _result(number: int) -> Result:
    """Return the result of a *number*: some bytes, or some blocks of a disk."""
    return {"number": number, "repeated": number, **{f"field {n}": "x" * 900 for n in range(number * 7 % 20)}}


@contextmanager
def _writers(base: Path, log: Path, seed: int) -> Generator[None]:
    """Let two processes write meanwhile, which log each change before and after it, and kill them at the end."""
    log.touch()
    processes: list[int] = []
    try:
        for name in WRITERS:
            process = os.fork()
            if process == 0:
                try:
                    _write_for_ever(base, log, name, random.Random(f"{seed} {name}"))
                finally:
                    os._exit(1)
            processes.append(process)
        yield
        assert [os.waitpid(process, os.WNOHANG)[0] for process in processes] == [0, 0], "a writer ended by itself"
    finally:
        for process in processes:
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)


def _write_for_ever(base: Path, log: Path, name: str, chance: random.Random) -> None:
    tracker = open_tracker(base, fsync=name == "with")
    lines = os.open(log, os.O_WRONLY | os.O_APPEND)

    def tell(moment: str, states: dict[str, State]) -> None:
        os.write(lines, "".join(f"{moment} {key} {state}\n" for key, state in states.items()).encode())

    created: list[str] = []
    for number in range(1, 1_000_000):
        call = chance.choice(["put", "put", "create", "put_many", "delete"])
        keys = [f"{name}/{chance.randrange(KEYS)}"]
        if call == "create":
            keys = [f"{name}/new {number // 50}/{number}"]
        elif call == "put_many":
            keys = [f"{name}/{n}" for n in range(0, KEYS, 3)]
        elif call == "delete":
            if not created:
                continue
            keys = [created.pop(chance.randrange(len(created)))]
        states: dict[str, State] = dict.fromkeys(keys, None if call == "delete" else number)
        tell("before", states)
        if call == "delete":
            del tracker[keys[0]]
        elif call == "create":
            tracker.create(keys[0], _result(number))
            created += keys
        else:
            tracker.put_many(dict.fromkeys(keys, _result(number)))
        tell("after", states)


# -- what is left -----------------------------------------------------------------------------------------------------


def _histories(log: Iterable[bytes], moment: str) -> dict[str, list[State]]:
    """Return the states of each key: that before the writers began, and those whose lines are of this *moment*."""
    histories: dict[str, list[State]] = {f"{name}/{number}": [0] for name in WRITERS for number in range(KEYS)}
    for line in log:
        told, _, rest = line.decode().partition(" ")
        key, _, state = rest.rpartition(" ")
        if told == moment:
            histories.setdefault(key, [None]).append(None if state == "None" else int(state))
    return histories


def _check(base: Path, log: bytes, acknowledged: int, place: str, tally: Tally) -> None:
    """Compare what is stored with the *log*, whose first bytes were *acknowledged* before the loss."""
    tracker = open_tracker(base)
    made = _histories(log[:acknowledged].splitlines(), "after")
    begun = _histories(log[: log.rindex(b"\n")].splitlines(), "before")
    assert set(tracker) <= set(begun), place
    for key, states in begun.items():
        has_fsync = key.startswith("with/")
        known = len(made.get(key, [None])) - 1
        last = known if has_fsync else 0  # the first state that may be left
        found = _state(tracker, key)
        if isinstance(found, str):
            assert not has_fsync, f"{place}: {key}: {found}"
            tally.without_fsync[f"{found}, {'a new' if states[0] is None else 'an old'} key"] += 1
            continue
        assert found in states[last:], f"{place}: {key} holds {found}, and it may hold {states[last:]}"
        if has_fsync:
            tally.with_fsync["acknowledged" if found == states[last] else "later"] += 1
        else:
            tally.without_fsync["the last" if found in states[known:] else "an older one"] += 1
    for key in _keys_to_put(begun):
        tracker.put(key, n=1)
        assert tracker[key] == {"n": 1}, place


def _keys_to_put(begun: dict[str, list[State]]) -> Iterator[str]:
    """Yield some keys: after the recovery, results can be put there as before."""
    yield from list(begun)[:5]
    yield "after/all"


def _state(tracker: ResultTracker, key: str) -> State | str:
    try:
        result = tracker[key]
    except CorruptResultError:
        data = tracker.get_bytes(key)
        assert data.strip(b"\0") == b"", f"{key} holds a part: {data[:60]!r} … {data[-60:]!r}"
        return "zeros" if data else "empty"
    if not result:
        return None
    number = result["number"]
    assert isinstance(number, int)
    assert result == _result(number), f"{key} holds a result that nobody put"
    return number


def main(arguments: list[str]) -> int:
    """Lose the power of each file system that this machine has; print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--losses", type=int, default=40, help="on each file system (default: 40)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", default=folder_for_disks(), help="where the disks lie (default: in memory)")
    given = parser.parse_args(arguments)
    for kind in FILE_SYSTEMS:
        if (reason := missing(kind)) is not None:
            print(f"{kind}: not run: {reason}")
            continue
        with tempfile.TemporaryDirectory(prefix="torture-", dir=given.folder) as folder:
            tally = torture(kind, Path(folder), given.seed, given.losses)
        print(f"{kind}: {tally.losses} losses of power", flush=True)
        print(f"  with fsync: {_shown(tally.with_fsync)}; none lost")
        print(f"  without: {_shown(tally.without_fsync)}; each whole, empty or zeros", flush=True)
    return 0


def _shown(counts: Counter[str]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in sorted(counts.items()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
