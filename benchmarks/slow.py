"""Read results from a server that takes a millisecond to open a file, and put results on a disk that must keep them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.harness import RESULT, Contestant, Topic
from typedtrack import ResultTracker, open_tracker

__all__ = ["checked", "drain", "read_in_threads", "topics"]

_LATENCY: Final = 0.001  # seconds
_CHUNK: Final = 8  # files that a thread reads in a row; more or fewer took longer

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
_open = os.open


def topics(folder: Path, quick: bool) -> Iterator[Topic]:
    """Yield the topics; each call reads every result and keeps none, or puts every result."""
    yield _reading(f"{folder}/slow", quick)
    yield _synchronising(f"{folder}/synchronised", quick)


def _reading(base: str, quick: bool) -> Topic:
    number, rounds, share = (300, 3, 0.1) if quick else (10_000, 9, 0.02)
    tracker = open_tracker(base)
    tracker.put_many((f"search_{n // 100}/trial_{n % 100}", RESULT) for n in range(number))
    contestants = [
        Contestant(
            "limit: scandir; open, read, close by 64 threads; decode", _slow(partial(read_in_threads, base, 64))
        ),
        Contestant("typedtrack.open_tracker", _slow(lambda: drain(tracker)), aim=1.2),
        Contestant("one thread", _slow(partial(read_in_threads, base, 1, round(share * number))), share=share),
    ]
    return Topic(f"items() over {number:,} results, 1 ms to open each", checked(contestants, number), 1, rounds)


def _synchronising(base: str, quick: bool) -> Topic:
    number, rounds, share = (30, 3, 1) if quick else (1000, 9, 0.05)
    keys = [f"trial_{n}" for n in range(number)]
    tracker = open_tracker(base, fsync=True)

    def put_many() -> int:
        tracker.put_many((key, RESULT) for key in keys)
        return len(tracker)

    def in_threads(threads: int, number: int) -> int:
        os.makedirs(base, exist_ok=True)
        with ThreadPoolExecutor(threads) as pool:
            return sum(pool.map(partial(_put_and_sync, base), keys[:number]))

    contestants = [
        Contestant(
            "limit: encode, write, fsync, rename, fsync of the folder, by 64 threads", lambda: in_threads(64, number)
        ),
        Contestant("typedtrack.open_tracker", put_many, aim=1.2),
        Contestant("one thread", lambda: in_threads(1, round(share * number)), share=share),
    ]
    return Topic(f"put_many() of {number:,} results with fsync", checked(contestants, number), 1, rounds)


def checked(contestants: list[Contestant], number: int) -> list[Contestant]:
    """Return *contestants*, after a check that each reads or puts *number* results."""
    for contestant in contestants:
        if contestant.call() != round(number * contestant.share):
            raise AssertionError(f"{contestant.name} left results out")
    return contestants


def drain(tracker: ResultTracker) -> int:
    """Read all results of *tracker*; return their number."""
    return sum(1 for _ in iter(tracker.items()))


def read_in_threads(base: str, threads: int, limit: int | None = None) -> int:
    """List, read and decode the results of *base*, *limit* at most, the reads by so many threads; return the number."""
    with ThreadPoolExecutor(threads) as pool:
        paths = islice(_files(base), limit)
        chunks = iter(lambda: list(islice(paths, _CHUNK)), [])
        return sum(len(_decode(data)) > 0 for read in pool.map(_read, chunks) for data in read)


def _files(folder: str) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                yield from _files(entry.path)
            else:
                yield entry.path


def _read(paths: list[str]) -> list[bytes]:
    read: list[bytes] = []
    for path in paths:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        read.append(os.read(fd, 16384))
        os.close(fd)
    return read


def _put_and_sync(folder: str, key: str) -> bool:
    temporary = f"{folder}/.{key}"
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC)
    os.write(fd, _encode(RESULT))
    os.fsync(fd)
    os.close(fd)
    os.rename(temporary, f"{folder}/{key}")
    fd = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    os.fsync(fd)
    os.close(fd)
    return True


def _slow(call: Callable[[], int]) -> Callable[[], int]:
    """Return *call*, in which `os.open` waits before it opens a file."""

    def open_late(path: str | bytes, flags: int, mode: int = 0o777) -> int:
        time.sleep(_LATENCY)
        return _open(path, flags, mode)

    def slow() -> int:
        os.open = open_late  # type: ignore[assignment]  # a stand-in, which lacks an argument that no contestant uses
        try:
            return call()
        finally:
            os.open = _open

    return slow
