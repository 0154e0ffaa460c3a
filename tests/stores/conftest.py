"""Each client of an HTTP store, behind a proxy that counts requests and makes some fail."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

import pytest

from tests.servers import proxy as proxies
from tests.servers.azurite import Azure
from tests.servers.ceph import S3
from tests.servers.gcs import Gcs
from tests.servers.proxy import Proxy
from typedtrack import FsspecResultTracker, ResultTracker, open_tracker

__all__ = ["CLIENTS", "Client"]

CLIENTS: Final = "s3_obstore", "s3_s3fs", "azure_obstore", "azure_adlfs", "gcs_obstore"


class Client(NamedTuple):
    """A tracker on an empty folder, the proxy before its store, and a function that makes more such trackers."""

    name: str
    proxy: Proxy
    place: str
    make: Callable[[str, Mapping[str, object]], ResultTracker]
    tracker: ResultTracker
    bucket: str
    wrong_login: Mapping[str, object]
    one_try: Mapping[str, object] = {}
    impatient: Mapping[str, object] = {}


@pytest.fixture
def bucket(ceph: S3) -> str:
    """Return an empty bucket."""
    name = f"b-{uuid.uuid4()}"
    ceph.make_bucket(name)
    return name


@pytest.fixture(scope="session")
def ceph_proxy(ceph: S3) -> Iterator[tuple[Proxy, S3, str]]:
    """Return a proxy before Ceph, Ceph's options through it, and a bucket there."""
    bucket = f"b-{uuid.uuid4()}"
    ceph.make_bucket(bucket)
    with proxies.serve(ceph.port) as proxy:
        yield proxy, ceph._replace(endpoint=proxy.endpoint), bucket


@pytest.fixture(scope="session")
def azurite_proxy(azurite: Azure) -> Iterator[tuple[Proxy, Azure, str]]:
    """Return a proxy before Azurite, Azurite's options through it, and a container there."""
    container = f"c-{uuid.uuid4()}"
    azurite.make_container(container)
    with proxies.serve(azurite.port) as proxy:
        yield proxy, azurite._replace(endpoint=f"{proxy.endpoint}/{azurite.account}"), container


@pytest.fixture(scope="session")
def gcs_proxy(fake_gcs: Gcs) -> Iterator[tuple[Proxy, Gcs, str]]:
    """Return a proxy before the XML API of fake-gcs-server, its options through the proxy, and a bucket there."""
    bucket = f"b-{uuid.uuid4()}"
    fake_gcs.make_bucket(bucket)
    with proxies.serve(fake_gcs.xml_port) as proxy:
        yield proxy, fake_gcs._replace(xml_endpoint=proxy.endpoint), bucket


def _client(name: str, proxy: Proxy, base: str, options: dict[str, Any], **changes: Mapping[str, object]) -> Client:
    door: Callable[..., ResultTracker] = open_tracker if "obstore" in name else FsspecResultTracker
    scheme, _, bucket = base.partition("://")

    def make(place: str, changed: Mapping[str, object]) -> ResultTracker:
        return door(f"{scheme}://{place}", storage_options={**options, **changed})

    proxy.reset()
    place = f"{bucket}/{uuid.uuid4()}"
    return Client(name, proxy, place, make, make(place, {}), bucket, **changes)


_OBSTORE_CHANGES: dict[str, Mapping[str, object]] = {
    "one_try": {"retry_config": {"max_retries": 0}},
    "impatient": {"retry_config": {"max_retries": 0}, "client_options": {"timeout": "300ms"}},
}


@pytest.fixture
def s3_obstore(ceph_proxy: tuple[Proxy, S3, str]) -> Client:
    """Return obstore on Ceph."""
    proxy, service, bucket = ceph_proxy
    wrong = service._replace(secret_key="wrong").obstore_options
    base = f"s3://{bucket}"
    return _client("s3_obstore", proxy, base, service.obstore_options, wrong_login=wrong, **_OBSTORE_CHANGES)


@pytest.fixture
def s3_s3fs(ceph_proxy: tuple[Proxy, S3, str]) -> Client:
    """Return s3fs on Ceph."""
    proxy, service, bucket = ceph_proxy
    wrong = service._replace(secret_key="wrong").s3fs_options
    one_try: dict[str, object] = {"config_kwargs": {"retries": {"max_attempts": 0}}}
    impatient: dict[str, object] = {"config_kwargs": {"read_timeout": 0.3, "retries": {"max_attempts": 0}}}
    base, options = f"s3://{bucket}", service.s3fs_options
    return _client("s3_s3fs", proxy, base, options, wrong_login=wrong, one_try=one_try, impatient=impatient)


@pytest.fixture
def azure_obstore(azurite_proxy: tuple[Proxy, Azure, str]) -> Client:
    """Return obstore on Azurite."""
    proxy, service, container = azurite_proxy
    wrong = service._replace(account_key="d3Jvbmc=").obstore_options
    base = f"az://{container}"
    return _client("azure_obstore", proxy, base, service.obstore_options, wrong_login=wrong, **_OBSTORE_CHANGES)


@pytest.fixture
def azure_adlfs(azurite_proxy: tuple[Proxy, Azure, str]) -> Client:
    """Return adlfs on Azurite."""
    proxy, service, container = azurite_proxy
    wrong = service._replace(account_key="d3Jvbmc=").adlfs_options
    one_try: dict[str, object] = {"retry_total": 0}
    impatient: dict[str, object] = {"retry_total": 0, "read_timeout": 0.3}
    base, options = f"az://{container}", service.adlfs_options
    return _client("azure_adlfs", proxy, base, options, wrong_login=wrong, one_try=one_try, impatient=impatient)


@pytest.fixture
def gcs_obstore(gcs_proxy: tuple[Proxy, Gcs, str]) -> Client:
    """Return obstore on fake-gcs-server."""
    proxy, service, bucket = gcs_proxy
    wrong = service._replace(token="wrong").obstore_options
    base, options = f"gs://{bucket}", service.obstore_options
    return _client("gcs_obstore", proxy, base, options, wrong_login=wrong, **_OBSTORE_CHANGES)


@pytest.fixture
def gcs_gcsfs(fake_gcs: Gcs) -> Iterator[Client]:
    """Return gcsfs on fake-gcs-server, which needs no login."""
    bucket = f"b-{uuid.uuid4()}"
    fake_gcs.make_bucket(bucket)
    with proxies.serve(int(fake_gcs.endpoint.rpartition(":")[2])) as proxy:
        options = fake_gcs._replace(endpoint=proxy.endpoint).gcsfs_options
        yield _client("gcs_gcsfs", proxy, f"gs://{bucket}", options, wrong_login={})


@pytest.fixture(params=CLIENTS)
def client(request: pytest.FixtureRequest) -> Client:
    """Return each client in turn; tests name gcsfs where they want it, because it puts by POST."""
    found: Client = request.getfixturevalue(request.param)
    return found
