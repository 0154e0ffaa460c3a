"""What all tests share: Hypothesis's settings, and real servers.

There is one of each server for a session, started at its first use; what the machine lacks is named and skipped, but
for sshd, whose place asyncssh's server takes. Under ``CI=true`` a missing server is a failure. The tests that use one
server run on one of pytest-xdist's workers, so that no second one is started: the scheduler below sees to it by their
names, since of a test it knows nothing else.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

from tests import servers
from tests.servers.azurite import Azure
from tests.servers.ceph import S3
from tests.servers.gcs import Gcs
from tests.servers.sshd import Sftp

if TYPE_CHECKING:
    from xdist.remote import Producer
    from xdist.scheduler import LoadScopeScheduling

# No deadline, and no limit to how long drawing takes: the machine's load and Hypothesis's own first draw of text, which
# builds tables of Unicode, are no faults of what is tested.
settings.register_profile("typedtrack", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("typedtrack")

_S3 = re.compile(r"s3|moto")
_OTHERS = re.compile(r"azure|gcs|sftp|ssh")
_NONE_MAY_BE_MISSING = os.environ.get("CI") == "true"


@pytest.hookimpl(optionalhook=True)  # without pytest-xdist there is one worker
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Give the tests whose names speak of S3 to one worker, those of all other servers to one, the rest to any."""
    from xdist.scheduler import LoadScopeScheduling

    class ByServer(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            if not nodeid.startswith(("tests/conformance/", "tests/stores/")):
                return nodeid
            name = nodeid.partition("::")[0] if "/conformance/" in nodeid else nodeid
            return "s3" if _S3.search(name) else "others" if _OTHERS.search(name) else nodeid

    return ByServer(config, log)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say that tests which name OpenSSH's server ran against another."""
    if (missing := servers.sshd.missing()) is not None:
        terminalreporter.write_line(f"sftp: {missing}; asyncssh's server took its place; `make servers` installs it")


def _running(server: ModuleType, factory: pytest.TempPathFactory) -> Iterator[Any]:
    if (missing := server.missing()) is not None:
        absent = pytest.fail if _NONE_MAY_BE_MISSING else pytest.skip
        absent(f"{missing}; `make servers` installs it")
    if "PYTEST_XDIST_WORKER" in os.environ:  # the folder above is the one that all workers share
        (factory.getbasetemp().parent / server.__name__).touch(exist_ok=False)  # no second worker may start it
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
    """Return an sftp server, running: OpenSSH's, or asyncssh's where the machine lacks it and may."""
    stands_in = servers.sshd.missing() is not None and not _NONE_MAY_BE_MISSING
    yield from _running(servers.asyncssh if stands_in else servers.sshd, tmp_path_factory)


@pytest.fixture(scope="session")
def fake_gcs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gcs]:
    """Return fake-gcs-server, running."""
    yield from _running(servers.gcs, tmp_path_factory)
