"""What all tests share: Hypothesis's settings, and real servers.

There is one of each server for a session, started at its first use; what the machine lacks is named and skipped.
Under ``CI=true`` a missing server is a failure. The tests that use one server run on one of pytest-xdist's workers
(``--dist loadgroup``), so that no second one is started.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests import servers
from tests.servers.azurite import Azure
from tests.servers.ceph import S3
from tests.servers.gcs import Gcs
from tests.servers.sshd import Sftp

# No deadline, and no limit to how long drawing takes: the machine's load and Hypothesis's own first draw of text, which
# builds tables of Unicode, are no faults of what is tested.
settings.register_profile("typedtrack", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("typedtrack")

_WORKERS = {"ceph": "s3", "moto": "s3", "azurite": "others", "sftp": "others", "fake_gcs": "others"}


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of one server together."""
    for item in items:
        for fixture in getattr(item, "fixturenames", ()):
            if fixture in _WORKERS:
                item.add_marker(pytest.mark.xdist_group(_WORKERS[fixture]))
                break


def _running(server: ModuleType, factory: pytest.TempPathFactory) -> Iterator[Any]:
    if (missing := server.missing()) is not None:
        absent = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        absent(f"{missing}; `make servers` installs it")
    with server.serve(factory.mktemp("server")) as service:
        yield service


@pytest.fixture(scope="session")
def ceph(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    """Return Ceph's S3, running."""
    yield from _running(servers.ceph, tmp_path_factory)


@pytest.fixture(scope="session")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    """Return Moto's S3, running."""
    yield from _running(servers.moto, tmp_path_factory)


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azure]:
    """Return Azurite, running."""
    yield from _running(servers.azurite, tmp_path_factory)


@pytest.fixture(scope="session")
def sftp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sftp]:
    """Return OpenSSH's sftp, running."""
    yield from _running(servers.sshd, tmp_path_factory)


@pytest.fixture(scope="session")
def fake_gcs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gcs]:
    """Return fake-gcs-server, running."""
    yield from _running(servers.gcs, tmp_path_factory)
