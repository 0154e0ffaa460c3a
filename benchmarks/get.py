"""Get one result from a local disk."""

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
    """Yield the topic: one result in its own folder."""
    base = f"{folder}/get"
    ours, fsspec, torchx = open_tracker(base), FsspecResultTracker(base), tracking.FsspecResultTracker(base)
    ours["app/out"] = RESULT

    def limit() -> object:
        fd = os.open(f"{base}/app/out", os.O_RDONLY | os.O_CLOEXEC)
        data = os.read(fd, 16384)
        os.close(fd)
        return _decode(data)

    contestants = [
        Contestant("limit: open, read, close, decode", limit),
        Contestant("typedtrack.open_tracker", lambda: ours["app/out"], aim=1.6),
        Contestant("typedtrack.FsspecResultTracker", lambda: fsspec["app/out"], aim=1.6),
        Contestant("torchx.runtime.tracking", lambda: torchx["app/out"]),
    ]
    yield Topic("get", contestants, *((5, 3) if quick else (200, 200)))
