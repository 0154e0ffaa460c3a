"""S3 on Ceph, next door and behind 20 ms: single calls, bulk calls, listings, and a fresh process.

The limit of a single call is one HTTP request on an open connection, signed beforehand. The limit of a bulk call is raw
obstore with 64 requests at a time. torchx has no bulk calls and takes minutes for 5,000 keys one by one, so it is timed
on one key in 50. `make servers` installs Ceph.
"""

from __future__ import annotations

import asyncio
import http.client
import os
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import fsspec
import msgspec
import obstore
from obstore.store import S3Store
from torchx.runtime import tracking

from benchmarks.harness import RESULT, Contestant, Topic
from tests.servers import ceph, latency
from tests.servers.ceph import S3
from tests.servers.process import HOST
from typedtrack import FsspecResultTracker, Key, Result, open_tracker

__all__ = ["topics"]

_DATA = msgspec.json.format(msgspec.json.encode(RESULT), indent=2) + b"\n"
_AT_A_TIME = 64
_ONE_IN = 50
_PROJECT = Path(__file__).parents[1]


def topics(folder: Path, quick: bool) -> Iterator[Topic]:
    """Yield the topics without latency, then with it."""
    with ExitStack() as servers:
        service = servers.enter_context(ceph.serve(folder / "ceph"))
        service.make_bucket("bench")
        port = servers.enter_context(latency.serve(folder, service.port, 0.02))
        os.environ.update(service.environment)
        yield from _topics(service, "S3", quick)
        far = service._replace(endpoint=f"http://{HOST}:{port}", port=port)
        os.environ.update(far.environment)  # torchx takes no options and reads these
        fsspec.get_filesystem_class("s3").clear_instance_cache()
        yield from _topics(far, "S3 behind 20 ms", quick)


def _topics(service: S3, where: str, quick: bool) -> Iterator[Topic]:
    base = f"s3://bench/{where.replace(' ', '_')}"
    prefix = base.removeprefix("s3://bench/")
    config = service.obstore_options["config"]
    store = S3Store("bench", config=config, client_options={"allow_http": True})
    native = open_tracker(base)
    through_s3fs = FsspecResultTracker(base)
    torchx = tracking.FsspecResultTracker(base)
    plain = fsspec.filesystem("s3", skip_instance_cache=True, **service.s3fs_options)
    tuned_options = {"max_concurrency": 1, "config_kwargs": {"max_pool_connections": _AT_A_TIME}}
    tuned = fsspec.filesystem("s3", skip_instance_cache=True, **service.s3fs_options, **tuned_options)

    calls, rounds = (3, 2) if quick else (20, 9)
    native["one"] = RESULT
    yield Topic(
        f"put, {where}",
        [
            Contestant("limit: a bare HTTP request", _bare("PUT", store, f"{prefix}/one", service.port)),
            Contestant("typedtrack.open_tracker", lambda: native.put("one", RESULT), aim=1.1),
            Contestant("typedtrack.FsspecResultTracker, s3fs", lambda: through_s3fs.put("one", RESULT)),
            Contestant("raw obstore", lambda: obstore.put(store, f"{prefix}/one", _DATA)),
            Contestant("raw s3fs", lambda: plain.pipe_file(f"bench/{prefix}/one", _DATA)),
            Contestant("torchx.runtime.tracking", lambda: torchx.put("one", **RESULT)),
        ],
        calls,
        rounds,
    )
    yield Topic(
        f"get, {where}",
        [
            Contestant("limit: a bare HTTP request", _bare("GET", store, f"{prefix}/one", service.port)),
            Contestant("typedtrack.open_tracker", lambda: native["one"], aim=1.1),
            Contestant("typedtrack.FsspecResultTracker, s3fs", lambda: through_s3fs["one"]),
            Contestant("raw obstore", lambda: obstore.get(store, f"{prefix}/one").bytes()),
            Contestant("raw s3fs", lambda: plain.cat_file(f"bench/{prefix}/one")),
            Contestant("torchx.runtime.tracking", lambda: torchx["one"]),
        ],
        calls,
        rounds,
    )

    count, rounds = (100, 2) if quick else (5_000, 5)
    results: dict[Key, Result] = {f"bulk/{number:05}": RESULT for number in range(count)}
    paths = [f"{prefix}/{key}" for key in results]
    files = {f"bench/{path}": _DATA for path in paths}
    some = list(map(str, results))[::_ONE_IN]

    def put_some() -> None:
        for key in some:
            torchx.put(key, **RESULT)

    native.put_many(results)
    yield Topic(
        f"put {count:,}, {where}",
        [
            Contestant(
                "limit: raw obstore, 64 at a time", _batch(lambda path: obstore.put_async(store, path, _DATA), paths)
            ),
            Contestant("typedtrack.open_tracker, put_many", lambda: native.put_many(results), aim=1.15),
            Contestant("typedtrack.FsspecResultTracker, s3fs, put_many", lambda: through_s3fs.put_many(results)),
            Contestant("raw s3fs, pipe", lambda: plain.pipe(files)),
            Contestant("raw s3fs, pipe, tuned", lambda: tuned.pipe(files, batch_size=_AT_A_TIME)),
            Contestant("torchx.runtime.tracking, one by one", put_some, share=len(some) / count),
        ],
        1,
        rounds,
    )

    async def read(path: str) -> bytes:
        return bytes(await (await obstore.get_async(store, path)).bytes_async())

    def list_and_read() -> None:
        listed = obstore.list(store, f"{prefix}/bulk")  # pyright: ignore[reportUnknownMemberType]  # arrow's
        _batch(read, [entry["path"] for page in listed for entry in page])()

    yield Topic(
        f"get {count:,}, {where}",
        [
            Contestant("limit: raw obstore, 64 at a time", _batch(read, paths)),
            Contestant("typedtrack.open_tracker, get_many", lambda: native.get_many(results), aim=1.15),
            Contestant("typedtrack.FsspecResultTracker, s3fs, get_many", lambda: through_s3fs.get_many(results)),
            Contestant("raw s3fs, cat", lambda: plain.cat(list(files))),
            Contestant("raw s3fs, cat, tuned", lambda: tuned.cat(list(files), batch_size=_AT_A_TIME)),
            Contestant(
                "torchx.runtime.tracking, one by one", lambda: [torchx[key] for key in some], share=len(some) / count
            ),
        ],
        1,
        rounds,
    )
    yield Topic(
        f"items() over {count:,}, {where}",
        [
            Contestant("limit: raw obstore, list and 64 gets at a time", list_and_read),
            Contestant("typedtrack.open_tracker", lambda: sum(1 for _ in native.items("bulk/")), aim=1.2),
            Contestant("typedtrack.FsspecResultTracker, s3fs", lambda: sum(1 for _ in through_s3fs.items("bulk/"))),
        ],
        1,
        rounds,
    )
    yield Topic(f"fresh process: import and one put, {where}", list(_processes(base)), 1, 2 if quick else 9)


def _bare(method: str, store: S3Store, path: str, port: int) -> Callable[[], object]:
    url = urlsplit(obstore.sign(store, "PUT" if method == "PUT" else "GET", path, timedelta(hours=1)))
    connection = http.client.HTTPConnection(HOST, port)

    def call() -> bytes:
        connection.request(method, f"{url.path}?{url.query}", _DATA if method == "PUT" else None)
        with connection.getresponse() as response:
            if response.status != 200:
                raise AssertionError(f"{method}: {response.status}")
            return response.read()

    return call


def _batch(call: Callable[[str], Coroutine[Any, Any, object]], paths: list[str]) -> Callable[[], None]:
    async def all_of_them() -> None:
        following = iter(paths)

        async def worker() -> None:
            for path in following:
                await call(path)

        await asyncio.gather(*(worker() for _ in range(_AT_A_TIME)))

    return lambda: asyncio.run(all_of_them())


def _processes(base: str) -> Iterator[Contestant]:
    native = f"from typedtrack import open_tracker\nopen_tracker({base!r})['fresh'] = {RESULT!r}"
    through_fsspec = f"from typedtrack import FsspecResultTracker as T\nT({base!r})['fresh'] = {RESULT!r}"
    torchx = f"from torchx.runtime.tracking import FsspecResultTracker as T\nT({base!r})['fresh'] = {RESULT!r}"
    raw = f"""
import json, obstore
from obstore.store import S3Store
store = S3Store("bench", client_options={{"allow_http": True}})
obstore.put(store, {base.removeprefix("s3://bench/") + "/fresh"!r}, json.dumps({RESULT!r}, indent=2).encode())
"""
    yield Contestant("limit: a script on raw obstore", _process(raw))
    yield Contestant("the same, and import msgspec", _process(f"import msgspec\n{raw}"))
    yield Contestant("typedtrack.open_tracker", _process(native), aim=1.4)
    yield Contestant("typedtrack.FsspecResultTracker, s3fs", _process(through_fsspec))
    yield Contestant("torchx.runtime.tracking", _process(torchx))


def _process(program: str) -> Callable[[], object]:
    command = [sys.executable, "-c", program]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}  # the first round compiles, as an installer does
    return lambda: subprocess.run(command, cwd=_PROJECT, env=environment, check=True)
