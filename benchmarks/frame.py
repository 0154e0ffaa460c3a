"""Read results as a table: a typed frame, a frame from its cache, and an archive."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
import polars
from arro3.core import Array, DataType, Field, RecordBatch, RecordBatchReader, Schema

from benchmarks.harness import RESULT, Contestant, Result, Topic
from typedtrack import Frame, Stat, open_tracker, record

__all__ = ["CHANGED", "EvalResult", "results", "topics"]

results = 100_000
"""How many results the base has, unless the run is quick."""

CHANGED: Final = 100
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


class _Struct(msgspec.Struct):
    accuracy: Annotated[float, msgspec.Meta(ge=0, le=1)]
    steps: int
    mean: float = msgspec.field(name="l2norm/mean")
    sem: float = msgspec.field(name="l2norm/sem")
    split: Literal["train", "test"]
    checkpoint: str | None = None


class _Line(_Struct):
    key: str = ""


def topics(folder: Path, quick: bool) -> Iterator[Topic]:
    """Yield the topics: a frame, the renewal of a cached one, its way to polars, and the items of an archive."""
    base, cache, archive = f"{folder}/frame", f"{folder}/cache.parquet", f"{folder}/sweep.ndjson"
    count, rounds = (300, 3) if quick else (results, 7)
    tracker = open_tracker(base)
    keys = [f"search_{number // 100}/trial_{number % 100}" for number in range(count)]
    tracker.put_many((key, RESULT) for key in keys)
    view = tracker.typed(EvalResult)
    decode = msgspec.json.Decoder(_Struct).decode
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

    def rows_of(frame: Frame) -> int:
        return sum(batch.num_rows for batch in RecordBatchReader.from_stream(frame))

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

    cached = view.frame(cache=cache)
    time.sleep(0.1)  # until the files are old enough to have versions
    assert rows_of(cached) == count

    changed, steps = keys[:: max(1, count // CHANGED)], iter(range(10**9))

    def change() -> None:
        new: Result = {**RESULT, "steps": next(steps)}
        tracker.put_many((key, new) for key in changed)
        time.sleep(0.1)

    yield Topic(
        f"renewal of a cached frame of {count:,} with {len(changed)} changed",
        [
            Contestant("limit: one listing with versions", lambda: sum(1 for _ in tracker._list_versions(""))),
            Contestant("one listing of keys", lambda: sum(1 for _ in tracker)),
            Contestant("renewal, written anew", lambda: view.frame(cache=cache).schema, change, aim=1.5),
            Contestant("the same frame without a cache", lambda: rows_of(view.frame())),
        ],
        1,
        rounds,
    )
    rows_of(cached)
    table = cached._renewed([])
    assert table is not None
    types = cached._read([])[0]

    def from_cache() -> int:
        batches = RecordBatchReader.from_batches(schema, [*table.batches(types)])
        return polars.DataFrame(batches).height

    yield Topic(
        f"{count:,} cached rows to polars, without the listing",
        [
            Contestant("limit: polars reads the same Parquet", lambda: polars.read_parquet(cache).height),
            Contestant("the rows of the cache, handed to polars", from_cache, aim=2),
            Contestant("the whole frame: list, compare, read, hand over", lambda: polars.DataFrame(cached).height),
        ],
        1,
        rounds,
    )

    tracker.archive(archive)
    archived = open_tracker(archive)
    records = archived.typed(EvalResult)
    decode_line, decode_dict = msgspec.json.Decoder(_Line).decode, msgspec.json.Decoder().decode

    def lines(decode: object) -> int:
        assert callable(decode)
        with open(archive, "rb") as file:
            return sum(1 for line in file if decode(line))

    yield Topic(
        f"items() of an archive of {count:,}",
        [
            Contestant("limit: msgspec decodes the lines to dicts", lambda: lines(decode_dict)),
            Contestant("items()", lambda: sum(1 for _ in archived.items()), aim=2),
        ],
        1,
        rounds,
    )
    yield Topic(
        f"typed items() of an archive of {count:,}",
        [
            Contestant("limit: msgspec decodes the lines to Structs", lambda: lines(decode_line)),
            Contestant("typed items()", lambda: sum(1 for _ in records.items()), aim=2),
            Contestant("typed frame", lambda: rows_of(records.frame())),
        ],
        1,
        rounds,
    )
