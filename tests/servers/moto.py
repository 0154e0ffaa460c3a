"""Moto's S3 in this process, for S3's error answers; its conditional put is not atomic."""

from __future__ import annotations

import importlib.util
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from tests.servers.ceph import S3
from tests.servers.process import HOST

__all__ = ["missing", "serve"]


def missing() -> str | None:
    """Return what the machine needs and lacks for moto, or `None`."""
    absent = [name for name in ("moto", "flask", "flask_cors") if importlib.util.find_spec(name) is None]
    return f"no {', '.join(absent)} (pip: moto[s3] flask flask-cors)" if absent else None


@contextmanager
def serve(folder: Path) -> Generator[S3]:
    """Run moto in a thread until the block is left; it keeps nothing in *folder*."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address=HOST, port=0, verbose=False)
    server.start()
    try:
        _, port = server.get_host_and_port()
        yield S3(f"http://{HOST}:{port}", "typedtrack-key", "typedtrack-secret", port)
    finally:
        server.stop()
