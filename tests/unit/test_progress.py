"""Long calls count on a progress bar what they read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from typedtrack import Frame, Progress, ResultTracker, Stat, open_tracker, record
from typedtrack._progress import counted


class Bar:
    """A bar that remembers its updates."""

    def __init__(self) -> None:
        self.updates: list[int] = []

    def update(self, n: int, /) -> None:
        """Count *n* more."""
        self.updates.append(n)


@given(st.integers(0, 350))
def test_items_are_counted_by_the_hundred(number: int) -> None:
    """A bar that takes long to draw does not slow a call down; at the end it has counted everything."""
    bar = Bar()
    assert list(counted(range(number), bar)) == list(range(number))
    assert sum(bar.updates) == number
    assert bar.updates == [100] * (number // 100) + [number % 100] * (number % 100 > 0)


def test_a_bar_counts_while_the_items_come() -> None:
    """The bar counts each item as it comes, not all of them at the end."""
    bar = Bar()
    items = counted(range(1000), bar)
    for _ in range(201):
        next(items)
    assert bar.updates == [100, 100]


@record
class Trial:
    """A trial."""

    loss: Stat


def write(frame: Frame, path: Path, bar: Progress) -> None:
    """Write a table."""
    frame.write(path / "table.parquet", progress=bar)


def report(frame: Frame, path: Path, bar: Progress) -> None:
    """Write a page."""
    frame.report(path / "page.html", progress=bar)


@pytest.fixture
def tracker(tmp_path: Path) -> ResultTracker:
    """Return a tracker with 120 results and a failure."""
    tracker = open_tracker(tmp_path / "base")
    tracker.put_many({f"t{n}": {"loss/mean": n / 8, "loss/sem": 0.5} for n in range(120)})
    tracker.fail("failed", "out of memory")
    return tracker


@pytest.mark.parametrize("call", [write, report])
def test_frames_count_what_they_read(
    tracker: ResultTracker, tmp_path: Path, call: Callable[[Frame, Path, Progress], None]
) -> None:
    """Untyped and typed frames count failures, too. With a cache they count only the results that they read anew."""
    for frame in (tracker.frame(), tracker.typed(Trial).frame()):
        bar = Bar()
        call(frame, tmp_path, bar)
        assert bar.updates == [100, 21]
        call(frame, tmp_path, Bar())
        assert bar.updates == [100, 21]
    frame = tracker.frame(cache=tmp_path / "cache")
    while True:  # until all files are old enough to have a version
        bar = Bar()
        call(frame, tmp_path, bar)
        if not bar.updates:
            break


def test_archive_counts_what_it_reads(tracker: ResultTracker, tmp_path: Path) -> None:
    """An archive counts results and failures."""
    bar = Bar()
    assert tracker.archive(tmp_path / "all.ndjson", progress=bar) == 121
    assert bar.updates == [100, 21]


@pytest.mark.parametrize("progress", [True, 5, Bar])
def test_progress_is_a_bar(tmp_path: Path, progress: Any) -> None:
    """Any other object is refused at once, and no file is written."""
    tracker = open_tracker(tmp_path / "base")
    tracker.put("a", loss=1.0)
    calls: list[Callable[[], object]] = [
        lambda: tracker.wait_all(["a"], progress=progress),
        lambda: tracker.archive(tmp_path / "all.ndjson", progress=progress),
        lambda: tracker.frame().write(tmp_path / "table.csv", progress=progress),
        lambda: tracker.frame().report(tmp_path / "page.html", progress=progress),
    ]
    for call in calls:
        with pytest.raises(TypeError, match="progress is a bar with an update method"):
            call()
    assert [path.name for path in tmp_path.iterdir()] == ["base"]
