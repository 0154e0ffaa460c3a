"""Put one result on a local disk, into an existing folder and into a new one."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import msgspec
from torchx.runtime import tracking

from benchmarks.harness import RESULT, Contestant, Result, Topic
from typedtrack import FsspecResultTracker, open_tracker

__all__ = ["topics"]

Put: TypeAlias = Callable[[str, Result], None]

_encode = msgspec.json.Encoder().encode
_writes = itertools.count()


def topics(folder: Path, quick: bool) -> Iterator[Topic]:
    """Yield one topic for each folder; in each round, every contestant gets a new, empty base."""
    calls, rounds = (5, 3) if quick else (50, 200)
    for title, key, aim in (("put, folder exists", "{}", 1.5), ("put, folder must be made", "{}/out", 1.2)):
        bases = (f"{folder}/{title} {number}" for number in itertools.count())
        contestants = [
            _contestant("limit: encode, open, write, close, rename", _limit, key, bases),
            _contestant("typedtrack.open_tracker", lambda base: open_tracker(base).put, key, bases, aim),
            _contestant("typedtrack.FsspecResultTracker", lambda base: FsspecResultTracker(base).put, key, bases, aim),
            _contestant("torchx.runtime.tracking", _torchx, key, bases),
        ]
        yield Topic(title, contestants, calls, rounds)


def _contestant(
    name: str, way: Callable[[str], Put], key: str, bases: Iterator[str], aim: float | None = None
) -> Contestant:
    numbers = itertools.count()
    put: Put

    def prepare() -> None:
        nonlocal put
        base = next(bases)
        os.mkdir(base)
        put = way(base)

    return Contestant(name, lambda: put(key.format(next(numbers)), RESULT), prepare, aim)


def _limit(base: str) -> Put:
    def put(key: str, result: Result) -> None:
        data = msgspec.json.format(_encode(result)) + b"\n"
        path = f"{base}/{key}"
        temporary = f"{path}.{next(_writes)}"
        try:
            fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        except FileNotFoundError:
            os.mkdir(os.path.dirname(path))
            fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        os.write(fd, data)
        os.close(fd)
        os.rename(temporary, path)

    return put


def _torchx(base: str) -> Put:
    tracker = tracking.FsspecResultTracker(base)
    return lambda key, result: tracker.put(key, **result)
