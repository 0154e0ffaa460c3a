"""The memory that a call takes does not grow with the number of results."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from typedtrack import ResultTracker, _sorting
from typedtrack.frame import chunks, frame
from typedtrack.report import contents, rows

FEW, MANY = 2_000, 20_000


class Endless(ResultTracker):
    """A store of *count* results, which are not in memory; keys come in no order."""

    max_concurrency = 1

    def __init__(self, count: int) -> None:
        self._count = count

    def _read(self, key: str, limit: int) -> bytes | None:
        number = float(key.partition("/")[2])
        return b'{"loss": %r, "text": "%0100d"}' % (number, number)

    def _write(self, key: str, data: bytes, *, exclusive: bool = False) -> None:
        pass

    def _delete(self, key: str) -> None:
        pass

    def _list(self, prefix: str) -> Iterator[str]:
        return (f"search/{number * 7_919 % self._count:06}" for number in range(self._count))


CALLS: dict[str, Callable[[ResultTracker, Path], object]] = {
    "items": lambda tracker, folder: sum(1 for _ in tracker.items()),
    "put_many": lambda tracker, folder: tracker.put_many((key, {"x": 1}) for key in tracker),
    "archive": lambda tracker, folder: tracker.archive(folder / "all.ndjson"),
    "write": lambda tracker, folder: tracker.frame().write(folder / "all.csv"),
    "report": lambda tracker, folder: tracker.frame().report(folder / "all.html"),
}


@pytest.fixture(autouse=True)
def _little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep little in memory, so that a few thousand results are many."""
    monkeypatch.setattr(_sorting, "_MOST", 1_000)
    monkeypatch.setattr(contents.contents_of, "__defaults__", (100, ()))
    for module in (frame, chunks):
        monkeypatch.setattr(module, "CHUNK_ROWS", 500)
    for module in (chunks, rows):
        monkeypatch.setattr(module, "_MEMORY", 2**16)


def peak(call: Callable[[], object]) -> int:
    """Return the most bytes of Python's objects during *call*."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", CALLS)
def test_memory_is_bounded(name: str, tmp_path: Path) -> None:
    """Ten times as many results take hardly more memory."""
    call = CALLS[name]
    call(Endless(10), tmp_path)  # imports take memory once
    few, many = (peak(partial(call, Endless(count), tmp_path)) for count in (FEW, MANY))
    assert many < few + 2**19  # 30 bytes a result, which are the buffers of so many small temporary files
