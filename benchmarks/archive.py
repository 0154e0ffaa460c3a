"""Read the results of an archive, whose lines msgspec decodes without any check."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from benchmarks import frame
from benchmarks.frame import EvalResult, Struct, rows_of, various_results
from benchmarks.harness import Contestant, Topic
from typedtrack import open_tracker

__all__ = ["topics"]


class _Line(Struct):
    key: str = ""


def topics(folder: Path, quick: bool) -> Iterator[Topic]:
    """Yield the topics; each call reads every result and keeps none."""
    archive = f"{folder}/sweep.ndjson"
    count, rounds = (300, 3) if quick else (frame.results, 7)
    tracker = open_tracker(f"{folder}/archived")
    tracker.put_many(various_results(count))
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
