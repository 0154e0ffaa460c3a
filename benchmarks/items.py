"""Read all results of a base: 10,000 results, in folders of 100."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
from torchx.runtime import tracking

from benchmarks.harness import RESULT, Contestant, Topic
from typedtrack import FsspecResultTracker, open_tracker

__all__ = ["topics"]

_decode = msgspec.json.Decoder().decode


def topics(folder: Path, quick: bool) -> Iterator[Topic]:
    """Yield the topic; each call reads every result and keeps none."""
    base = f"{folder}/items"
    count, rounds = (300, 3) if quick else (10_000, 15)
    ours, fsspec, torchx = open_tracker(base), FsspecResultTracker(base), tracking.FsspecResultTracker(base)
    for number in range(count):
        ours[f"search_{number // 100}/trial_{number % 100}"] = RESULT

    def limit(folder: str = base) -> int:
        read = 0
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir():
                    read += limit(entry.path)
                else:
                    fd = os.open(entry.path, os.O_RDONLY | os.O_CLOEXEC)
                    data = os.read(fd, 16384)
                    os.close(fd)
                    _decode(data)
                    read += 1
        return read

    def walk_and_get() -> int:
        read = 0
        for path, _, names in os.walk(base):
            for name in names:
                read += len(torchx[os.path.relpath(f"{path}/{name}", base)]) > 0
        return read

    def drained(results: Iterator[object]) -> int:
        return sum(1 for _ in results)

    contestants = [
        Contestant("limit: scandir, open, read, close, decode", limit),
        Contestant("typedtrack.open_tracker", lambda: drained(iter(ours.items())), aim=1.25),
        Contestant("typedtrack.FsspecResultTracker", lambda: drained(iter(fsspec.items())), aim=1.25),
        Contestant("torchx.runtime.tracking, and os.walk to find the keys", walk_and_get),
    ]
    for contestant in contestants:
        if contestant.call() != count:
            raise AssertionError(f"{contestant.name} did not read every result")
    yield Topic(f"items() over {count:,} results", contestants, 1, rounds)
