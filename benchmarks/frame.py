"""Read results as a table: a typed frame and an untyped one."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from arro3.core import Array, DataType, Field, RecordBatch, RecordBatchReader, Schema

from benchmarks.harness import Contestant, Result, Topic
from typedtrack import Frame, Stat, open_tracker, record

__all__ = ["EvalResult", "Struct", "results", "rows_of", "topics", "various_results"]

results = 100_000
"""How many results the base has, unless the run is quick."""

_COLUMNS: Final = {
    "key": DataType.string(),
    "accuracy": DataType.float64(),
    "steps": DataType.int64(),
    "l2norm/mean": DataType.float64(),
    "l2norm/sem": DataType.float64(),
    "split": DataType.string(),
    "checkpoint": DataType.string(),
}


@record
class EvalResult:
    """The result of the benchmarks, with columns that are known beforehand."""

    accuracy: Annotated[float, msgspec.Meta(ge=0, le=1)]
    steps: Annotated[int, msgspec.Meta(ge=0, le=10**9)]
    l2norm: Stat
    split: Literal["train", "test"] = "test"
    checkpoint: str | None = None


class Struct(msgspec.Struct):
    """The same result without typedtrack."""

    accuracy: Annotated[float, msgspec.Meta(ge=0, le=1)]
    steps: int
    mean: float = msgspec.field(name="l2norm/mean")
    sem: float = msgspec.field(name="l2norm/sem")
    split: Literal["train", "test"]
    checkpoint: str | None = None


def various_results(count: int) -> Iterator[tuple[str, Result]]:
    """Yield *count* results, all different, each with its key: 100 in a folder."""
    draw = random.Random(count)
    for number in range(count):
        yield (
            f"search_{number // 100}/trial_{number % 100}",
            {
                "accuracy": draw.random(),
                "steps": draw.randrange(10**9),
                "l2norm/mean": draw.gauss(0, 1),
                "l2norm/sem": draw.random(),
                "split": draw.choice(("train", "test")),
                "checkpoint": f"runs/{draw.getrandbits(64):x}",
            },
        )


def rows_of(frame: Frame) -> int:
    """Read every row of *frame*; return their number."""
    return sum(batch.num_rows for batch in RecordBatchReader.from_stream(frame))


def topics(folder: Path, quick: bool) -> Iterator[Topic]:
    """Yield the topic."""
    base = f"{folder}/frame"
    count, rounds = (300, 3) if quick else (results, 7)
    tracker = open_tracker(base)
    tracker.put_many(various_results(count))
    view = tracker.typed(EvalResult)
    decode = msgspec.json.Decoder(Struct).decode
    schema = Schema([Field(name, column) for name, column in _COLUMNS.items()])

    def batch(rows: list[tuple[object, ...]]) -> RecordBatch:
        columns = zip(*rows, strict=True)
        arrays = [Array(values, type=column) for values, column in zip(columns, _COLUMNS.values(), strict=True)]
        return RecordBatch.from_arrays(arrays, schema=schema)  # pyright: ignore[reportUnknownMemberType]  # in a stub

    def by_hand() -> int:
        count = 0
        rows: list[tuple[object, ...]] = []
        folders = [("", base)]
        while folders:
            above, path = folders.pop()
            with os.scandir(path) as entries:
                for entry in entries:
                    if entry.is_dir():
                        folders.append((f"{above}{entry.name}/", entry.path))
                        continue
                    fd = os.open(entry.path, os.O_RDONLY | os.O_CLOEXEC)
                    one = decode(os.read(fd, 16384))
                    os.close(fd)
                    key = above + entry.name
                    rows.append((key, one.accuracy, one.steps, one.mean, one.sem, one.split, one.checkpoint))
                    if len(rows) == 8192:
                        count += batch(rows).num_rows
                        rows = []
        return count + batch(rows).num_rows

    yield Topic(
        f"frame of {count:,} records",
        [
            Contestant("limit: list, read, decode with msgspec, fill the same columns", by_hand),
            Contestant("typed frame", lambda: rows_of(view.frame()), aim=1.15),
            Contestant("untyped frame", lambda: rows_of(tracker.frame())),
            Contestant("typed items()", lambda: sum(1 for _ in view.items())),
        ],
        1,
        rounds,
    )
