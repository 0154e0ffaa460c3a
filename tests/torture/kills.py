"""SIGKILL before and after each system call of a call on a local disk, and an error in place of each of them.

What is stored afterwards must be the old or the new content, whole, and nothing else may be listed. All the while
another process reads. ``python -m tests.torture.kills`` prints how often each call was interrupted.
"""

from __future__ import annotations

import argparse
import errno
import os
import random
import shutil
import signal
import sys
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from tests.torture import tracing
from tests.torture.calls import Case, cases
from typedtrack import open_tracker
from typedtrack._tracker.backend import READ_LIMIT

__all__ = ["Count", "torture"]

_ERRORS: Final = errno.EIO, errno.ENOSPC, errno.EACCES, errno.EMFILE, errno.EINTR, errno.EDQUOT

State: TypeAlias = dict[str, bytes]


class Count(NamedTuple):
    """How often the calls of a case were interrupted, and how often they got an error."""

    name: str
    kills: int
    errors: int


def torture(folder: Path, seed: int, *, step: int = 1) -> Iterator[Count]:
    """Interrupt each case at every *step*-th system call, with and without ``fsync``; yield how often.

    Raises:
        AssertionError: what is stored after an interrupt is neither the old nor the new content; says at which step.
    """
    for fsync in (False, True):
        for case in cases(seed):
            if fsync and case.check_output is not None:  # output files are not synchronised
                continue
            yield _torture(folder, case, fsync, seed, step * case.stride)


def _torture(folder: Path, case: Case, fsync: bool, seed: int, step: int) -> Count:
    base, out = folder / "base", folder / "out"
    out.mkdir(parents=True, exist_ok=True)
    tracker = open_tracker(base, fsync=fsync)
    name = f"{case.name}{' with fsync' if fsync else ''}"

    def call() -> object:
        return case.call(
            open_tracker(base, fsync=fsync, max_concurrency=1), out
        )  # one thread makes the same calls each time

    _restore(folder, case)
    before = _state(folder)
    call()
    after = _state(folder)

    def check(ended: tracing.Ended, where: str) -> None:
        found = _state(folder)
        place = f"seed {seed}, {name}: {where}, {ended.outcome}"
        assert ended.outcome != "wrong", f"{place}: a wrong answer"
        if ended.outcome == "done":
            assert found.keys() == after.keys(), f"{place}: stored are {_shown(found)}"
            assert not case.is_exact or found == after, f"{place}: stored are {_shown(found)}"
        if case.check_output is not None:
            case.check_output(tracker, out)
        is_exact = case.is_exact and (case.check_output is None or ended.outcome != "raised")
        for path in before.keys() | after.keys() | found.keys():
            if path.startswith("out/") and not is_exact:
                continue
            allowed: set[bytes | None] = {before.get(path), after.get(path)}
            if before.get(path) == b"":  # a create moves an empty file out of its way first
                allowed.add(None)
            assert found.get(path) in allowed, f"{place}: {path} is {_shown(found)}"
        assert {f"base/{key}" for key in tracker} == {path for path in found if path.startswith("base/")}, place
        with suppress(Exception):
            tracker.remove_leftovers(older_than=0)
        hidden = list(base.rglob(".*"))
        assert not hidden, f"{place}: {hidden} stays"

    with _reader(base, before, after):
        _restore(folder, case)
        whole = tracing.run(call)
        check(whole, "not interrupted")
        kills = range(1, whole.steps, step)
        for at in kills:
            _restore(folder, case)
            check(tracing.run(call, kill_at=at), f"killed at step {at}")
        chance = random.Random(seed)
        failures = [at for at, number in enumerate(whole.calls) if number in tracing.OF_FILES][::step]
        for at in failures:
            error = chance.choice(_ERRORS)
            _restore(folder, case)
            ended = tracing.run(call, fail_at=at, error=error)
            check(ended, f"{errno.errorcode[error]} at call {at} ({whole.calls[at]})")
    return Count(name, len(kills), len(failures))


def _state(folder: Path) -> State:
    """Return the files below *folder* that are not hidden: path → content."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }


def _shown(state: State) -> str:
    return ", ".join(f"{path} ({len(content)} bytes)" for path, content in sorted(state.items()))


def _restore(folder: Path, case: Case) -> None:
    """Store what *case* begins with, and nothing else; a reader sees whole files all the while."""
    tracker = open_tracker(folder / "base")
    for key in list(iter(tracker)):
        if key not in case.stored:
            del tracker[key]
    tracker.remove_leftovers(older_than=0)
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and path != folder / "out":
            with suppress(OSError):
                path.rmdir()
    for key, data in case.stored.items():
        tracker._write(key, data)
    shutil.rmtree(folder / "out")
    (folder / "out").mkdir()


@contextmanager
def _reader(base: Path, before: State, after: State) -> Generator[None]:
    """Read all results meanwhile, in another process, and check that each is whole."""
    reader = os.fork()
    if reader == 0:
        code = 1
        try:
            _read_for_ever(base, before, after)
        finally:
            os._exit(code)
    try:
        yield
    finally:
        os.kill(reader, signal.SIGTERM)
        _, status = os.waitpid(reader, 0)
    assert os.WIFSIGNALED(status), f"a reader of {base} found a part of a result"


def _read_for_ever(base: Path, before: State, after: State) -> None:
    tracker = open_tracker(base)
    keys = [path.removeprefix("base/") for path in before.keys() | after.keys() if path.startswith("base/")]
    while True:
        for key in keys:
            data = tracker._read(key, READ_LIMIT)
            assert data in (None, before.get(f"base/{key}"), after.get(f"base/{key}"))
        assert set(tracker) <= set(keys)


def main() -> int:
    """Run what the command line says; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="decides the sizes of results and the errors (default: 1)")
    parser.add_argument("--rounds", type=int, default=3, help="the number of seeds, one after the other (default: 3)")
    parser.add_argument("--step", type=int, default=1, help="interrupt at every STEP-th system call (default: 1)")
    parser.add_argument("--folder", help="a folder on the disk to use (default: the temporary folder)")
    args = parser.parse_args()
    if tracing.MISSING is not None:
        print(f"not run: {tracing.MISSING}")
        return 0
    kills = errors = 0
    for seed in range(args.seed, args.seed + args.rounds):
        print(f"seed {seed}", flush=True)
        with tempfile.TemporaryDirectory(prefix="torture-", dir=args.folder) as folder:
            for count in torture(Path(folder), seed, step=args.step):
                print(f"  {count.name}: {count.kills} kills, {count.errors} errors", flush=True)
                kills += count.kills
                errors += count.errors
    print(f"{kills} kills and {errors} errors: each result was the old or the new one, whole")
    return 0


if __name__ == "__main__":
    sys.exit(main())
