"""Read all results of a base that is not in the page cache: on a file system in a file, which only root can mount.

It is mounted anew before each call, so that no other program on the machine loses its cache. Run it on a disk.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

import polars

from benchmarks import frame
from benchmarks.frame import EvalResult
from benchmarks.harness import RESULT, Contestant, Topic
from benchmarks.slow import checked, drain, read_in_threads
from typedtrack import open_tracker

__all__ = ["topics"]

_BYTES: Final = 16_384  # of the file, for each result: a block, an inode, and as much again


def topics(folder: Path, quick: bool) -> Iterator[Topic]:
    """Yield the topics; each call reads every result and keeps none."""
    count, rounds = (300, 3) if quick else (frame.results, 7)
    with _file_system(folder, max(count * _BYTES, 2**25)) as (mounted, empty_cache):
        base = f"{mounted}/base"
        tracker = open_tracker(base)
        tracker.put_many((f"search_{n // 100}/trial_{n % 100}", RESULT) for n in range(count))
        view = tracker.typed(EvalResult)
        one, many = partial(read_in_threads, base, 1), partial(read_in_threads, base, 16)
        limit = Contestant("limit: scandir; open, read, close by 16 threads; decode", many, empty_cache)
        contestants = [
            limit,
            Contestant("items()", lambda: drain(tracker), empty_cache, aim=1.2),
            Contestant("typed frame", lambda: polars.DataFrame(view.frame()).height, empty_cache, aim=1.2),
            Contestant("one thread", one, empty_cache),
        ]
        yield Topic(f"{count:,} results, none in the page cache", checked(contestants, count), 1, rounds)


@contextmanager
def _file_system(folder: Path, size: int) -> Generator[tuple[Path, Callable[[], None]]]:
    """Mount an ext4 of *size* bytes in *folder*; yield its path, and the function that empties its cache."""
    image, mounted = folder / "image", folder / "mounted"
    mounted.mkdir()
    image.touch()
    os.truncate(image, size)
    _run("mkfs.ext4", "-q", "-i", "8192", str(image))
    device = _run("losetup", "--direct-io=on", "--find", "--show", str(image))  # else the file would be in the cache
    mount, unmount = partial(_run, "mount", device, str(mounted)), partial(_run, "umount", str(mounted))

    def empty_cache() -> None:
        unmount()
        mount()

    try:
        mount()
        try:
            yield mounted, empty_cache
        finally:
            unmount()
    finally:
        _run("losetup", "--detach", device)


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout.strip()
