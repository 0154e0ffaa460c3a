"""The stores that are tortured: each client of a real server, behind a proxy that misbehaves."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

from tests.servers import azurite, ceph, gcs
from tests.servers import proxy as proxies
from tests.servers.azurite import Azure
from tests.servers.ceph import S3
from tests.servers.gcs import Gcs
from tests.servers.proxy import Proxy
from typedtrack import FsspecResultTracker, ResultTracker, open_tracker
from typedtrack.backends.asynchronous import AsyncResultTracker

__all__ = ["BOUND", "Store", "azure_stores", "gcs_stores", "s3_stores", "serve_all"]

BOUND: Final = 2.0  # seconds for one request, in place of the 120 that users have

# Two tries of half a second each, so that a store that never answers costs no minutes.
_OBSTORE: Final[dict[str, Any]] = {
    "retry_config": {"max_retries": 1, "backoff": {"init_backoff": timedelta(seconds=0.01)}},
    "client_options": {"timeout": "500ms"},
}
_S3FS: Final[dict[str, Any]] = {
    "config_kwargs": {"read_timeout": 0.5, "connect_timeout": 0.5, "retries": {"max_attempts": 1}}
}
_ADLFS: Final[dict[str, Any]] = {"retry_total": 1, "read_timeout": 0.5, "connection_timeout": 0.5}
_GCSFS: Final[dict[str, Any]] = {"requests_timeout": 0.5}


class Store(NamedTuple):
    """A client of a store behind *proxy*.

    *impatiently* makes a tracker that gives up soon, *patiently* one with the options that users have by default, and
    *directly* one that does not go through the proxy.
    """

    name: str
    proxy: Proxy
    bucket: str
    impatiently: Callable[[str], ResultTracker]
    patiently: Callable[[str], ResultTracker]
    directly: Callable[[str], ResultTracker]
    delete_method: str = "DELETE"
    put_method: str = "PUT"


def _maker(
    door: Callable[..., ResultTracker], scheme: str, options: Mapping[str, Any]
) -> Callable[[str], ResultTracker]:
    return lambda place: door(f"{scheme}://{place}", storage_options=options)


def _makers(
    door: Callable[..., ResultTracker], scheme: str, options: Mapping[str, Any], impatient: Mapping[str, Any]
) -> tuple[Callable[[str], ResultTracker], Callable[[str], ResultTracker]]:
    """Return the functions that make an impatient and a patient tracker."""
    make = _maker(door, scheme, {**options, **impatient})

    def make_impatient(place: str) -> ResultTracker:
        tracker = make(place)
        if isinstance(tracker, FsspecResultTracker) and isinstance(tracker._backend, AsyncResultTracker):
            tracker._backend._bound = BOUND
        return tracker

    return make_impatient, _maker(door, scheme, options)


@contextmanager
def s3_stores(service: S3) -> Generator[list[Store]]:
    """Yield the clients of S3."""
    bucket = f"torture-{uuid.uuid4()}"
    service.make_bucket(bucket)
    with proxies.serve(service.port) as proxy:
        proxied = service._replace(endpoint=proxy.endpoint)
        directly = _maker(open_tracker, "s3", service.obstore_options)
        by_obstore = _makers(open_tracker, "s3", proxied.obstore_options, _OBSTORE)
        by_s3fs = _makers(FsspecResultTracker, "s3", proxied.s3fs_options, _S3FS)
        yield [
            Store("S3, obstore", proxy, bucket, *by_obstore, directly, "POST"),
            Store("S3, s3fs", proxy, bucket, *by_s3fs, directly),
        ]


@contextmanager
def azure_stores(service: Azure) -> Generator[list[Store]]:
    """Yield the clients of Azure Blob Storage."""
    container = f"torture-{uuid.uuid4()}"
    service.make_container(container)
    with proxies.serve(service.port) as proxy:
        proxied = service._replace(endpoint=f"{proxy.endpoint}/{service.account}")
        directly = _maker(open_tracker, "az", service.obstore_options)
        by_obstore = _makers(open_tracker, "az", proxied.obstore_options, _OBSTORE)
        by_adlfs = _makers(FsspecResultTracker, "az", proxied.adlfs_options, _ADLFS)
        yield [
            Store("Azure, obstore", proxy, container, *by_obstore, directly, "POST"),
            Store("Azure, adlfs", proxy, container, *by_adlfs, directly),
        ]


@contextmanager
def gcs_stores(service: Gcs) -> Generator[list[Store]]:
    """Yield the clients of Google Cloud Storage, which have a proxy each, because they use two APIs."""
    bucket = f"torture-{uuid.uuid4()}"
    service.make_bucket(bucket)
    with proxies.serve(service.xml_port) as xml, proxies.serve(int(service.endpoint.rpartition(":")[2])) as proxy:
        proxied = service._replace(endpoint=proxy.endpoint, xml_endpoint=xml.endpoint)
        directly = _maker(open_tracker, "gs", service.obstore_options)
        by_obstore = _makers(open_tracker, "gs", proxied.obstore_options, _OBSTORE)
        by_gcsfs = _makers(FsspecResultTracker, "gs", proxied.gcsfs_options, _GCSFS)
        yield [
            Store("Google, obstore", xml, bucket, *by_obstore, directly),
            Store("Google, gcsfs", proxy, bucket, *by_gcsfs, directly, put_method="POST"),
        ]


@contextmanager
def serve_all(folder: Path) -> Generator[list[Store]]:
    """Start the servers that this machine has, and yield their clients."""
    with ExitStack() as servers:
        found: list[Store] = []
        for server, stores in ((ceph, s3_stores), (azurite, azure_stores), (gcs, gcs_stores)):
            if (reason := server.missing()) is not None:
                print(f"left out: {reason}")
                continue
            own = folder / server.__name__
            own.mkdir()
            serve: Callable[[Path], Any] = server.serve  # Any, because each server has stores of its own
            open_stores: Callable[[Any], Any] = stores
            found += servers.enter_context(open_stores(servers.enter_context(serve(own))))
        yield found
