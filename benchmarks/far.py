"""Renew the cached frame of a base on S3 behind 20 ms of latency, which is Ceph: `make servers` installs it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import obstore
from obstore.store import S3Store

from benchmarks import frame
from benchmarks.cached import CHANGED
from benchmarks.frame import EvalResult, various_results
from benchmarks.harness import RESULT, Contestant, Result, Topic
from tests.servers import ceph, latency
from tests.servers.process import HOST
from typedtrack import open_tracker

__all__ = ["topics"]

_LATENCY: Final = 0.02  # seconds


def topics(folder: Path, quick: bool) -> Iterator[Topic]:
    """Yield the topic."""
    count, rounds = (300, 2) if quick else (frame.results, 7)
    with ExitStack() as servers:
        near = servers.enter_context(ceph.serve(folder / "ceph"))
        near.make_bucket("bench")
        port = servers.enter_context(latency.serve(folder, near.port, _LATENCY))
        os.environ.update(near.environment)
        tracker = open_tracker("s3://bench/far")
        tracker.put_many(various_results(count))

        far = near._replace(endpoint=f"http://{HOST}:{port}", port=port)
        os.environ.update(far.environment)
        view = open_tracker("s3://bench/far").typed(EvalResult)
        store = S3Store("bench", config=far.obstore_options["config"], client_options={"allow_http": True})
        cache = folder / "far.parquet"
        changed = [key for key, _ in various_results(count)][:: max(1, count // CHANGED)]
        steps = iter(range(10**9))

        def change() -> None:
            new: Result = {**RESULT, "steps": next(steps)}
            tracker.put_many((key, new) for key in changed)

        def list_all() -> int:
            pages = obstore.list(store, "far/")  # pyright: ignore[reportUnknownMemberType]  # arrow's
            return sum(len(page) for page in pages)

        def renew() -> int:
            return len(view.frame(cache=cache).schema)

        if list_all() != count:
            raise AssertionError("the limit did not list every result")
        yield Topic(
            f"renewal of a cached frame of {count:,}, S3 behind 20 ms",
            [
                Contestant("limit: raw obstore, one listing", list_all),
                Contestant(f"renewal, {len(changed)} changed", renew, change, aim=1.2),
                Contestant("renewal, nothing changed", renew, renew),
            ],
            1,
            rounds,
        )
