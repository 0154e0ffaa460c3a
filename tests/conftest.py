"""The settings of Hypothesis, the real servers, and the order of tests that all tests share.

A server starts at its first use, once in a session. A test is skipped where its server is not installed, except with
``CI=true``, where it fails. Tests of sftp then run against asyncssh's server. With pytest-xdist, one worker runs all
tests of one server. The scheduler below recognises these tests by their names, since it knows nothing else about them.
"""

from __future__ import annotations

import os
import re
import signal
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

# No test depends on the speed of the machine: no deadline for an example, and no limit of time for drawing it.
settings.register_profile("typedtrack", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("typedtrack")

# A program under test starts with no signal ignored, though nohup, or a shell's background, ignores some here.
for _signal in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
    if signal.getsignal(_signal) == signal.SIG_IGN:
        signal.signal(_signal, lambda _number, _frame: None)  # ignores it, too, but is not passed on to programs

_SERVER = re.compile(r"s3|azure|gcs|sftp|ssh|moto")
_NONE_MAY_BE_MISSING = os.environ.get("CI") == "true"


@pytest.hookimpl(optionalhook=True)  # without pytest-xdist there is one worker
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Give all tests of one server, or of the browser, to one worker, and any other test to any worker."""
    from xdist.scheduler import LoadScopeScheduling

    class ByServer(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            if nodeid.startswith(("tests/report/", "tests/site/")):
                return "browser"
            if not nodeid.startswith(("tests/conformance/", "tests/integrations/", "tests/stores/")):
                return nodeid
            name = nodeid if "/stores/" in nodeid else nodeid.partition("::")[0]
            server = _SERVER.search(name)
            return nodeid if server is None else server[0].replace("sftp", "ssh")

    return ByServer(config, log)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Use one worker more than there are processors, since tests of servers spend much time waiting."""
    return (os.cpu_count() or 1) + 1


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say that asyncssh's server took the place of OpenSSH's, where it did."""
    if (missing := servers.sshd.missing()) is not None:
        terminalreporter.write_line(f"sftp: {missing}; asyncssh's server took its place; `make servers` installs it")


def _running(server: ModuleType, factory: pytest.TempPathFactory) -> Iterator[Any]:
    if (missing := server.missing()) is not None:
        absent = pytest.fail if _NONE_MAY_BE_MISSING else pytest.skip
        absent(f"{missing}; `make servers` installs it")
    if "PYTEST_XDIST_WORKER" in os.environ:  # the folder above is the one that all workers share
        (factory.getbasetemp().parent / server.__name__).touch(exist_ok=False)  # fails if a second worker starts it
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
