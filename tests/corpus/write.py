"""Writes schemas, results, failures, archives and a cache as this release stores them, for the tests of later releases.

Run ``python tests/corpus/write.py`` once for each release, before its tag, and never again. It needs torchx.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torchx.runtime.tracking  # pyright: ignore[reportMissingTypeStubs]  # ships none

from typedtrack import FsspecResultTracker, as_result, open_tracker, schema_of
from typedtrack.codegen import write_files
from typedtrack.schemas import document_text, file_name

CORPUS = Path(__file__).parent
sys.path.insert(0, str(CORPUS.parents[1]))

from tests.corpus.records import (  # noqa: E402  # after the path
    EVALUATIONS,
    FAILURES,
    LIMITS,
    RELEASE,
    Evaluation,
    Latency,
)


def main() -> None:
    """Write the folder of this release, unless it exists."""
    folder = CORPUS / RELEASE
    if folder.exists():
        sys.exit(f"{folder} exists: the corpus of a release is written only once")
    schemas = [schema_of(Evaluation), schema_of(Latency)]
    write_files({folder / "schemas" / file_name(schema.name): document_text(schema) for schema in schemas})
    base = str(folder / "results")
    tracker = FsspecResultTracker(base)
    tracker["limits"] = LIMITS
    tracker["naïve 中文 #1"] = {"größe": 1.5}
    open_tracker(base).typed(Evaluation).put_many(EVALUATIONS)
    torchx.runtime.tracking.FsspecResultTracker(base)["torchx"] = {"accuracy": 0.5, "l2norm/mean": float("nan")}
    failures = open_tracker(folder / "failures")
    failures.put_many({key: as_result(failure) for key, failure in FAILURES.items()})
    for ending in ("ndjson", "ndjson.gz"):
        tracker.archive(folder / f"results.{ending}")
        failures.archive(folder / f"failures.{ending}")
    cached = open_tracker("memory://corpus")  # a cache knows the place of its base
    cached.typed(Evaluation).put_many(EVALUATIONS)
    cached.put_many({key: as_result(failure) for key, failure in FAILURES.items()})
    print(f"cached the columns {cached.frame(cache=folder / 'cache.parquet').schema.names}")


if __name__ == "__main__":
    main()
