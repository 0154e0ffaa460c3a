"""The sftp server of asyncssh, which pip installs, for a machine without sshd: one key, in a process of its own."""

from __future__ import annotations

import asyncio
import getpass
import importlib
import importlib.util
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.servers.process import HOST, free_port, running
from tests.servers.sshd import Sftp

__all__ = ["missing", "serve"]


def missing() -> str | None:
    """Return what the machine needs and lacks for asyncssh, or `None`."""
    return "no asyncssh (pip: sshfs)" if importlib.util.find_spec("asyncssh") is None else None


@contextmanager
def serve(folder: Path) -> Generator[Sftp]:
    """Run the server with its files in *folder* until the block is left."""
    asyncssh: Any = importlib.import_module("asyncssh")  # Any, because asyncssh has no complete types
    port, data = free_port(), folder / "data"
    data.mkdir()
    for name in ("host", "client"):
        key = asyncssh.generate_private_key("ssh-ed25519")
        key.write_private_key(folder / name)
        key.write_public_key(folder / f"{name}.pub")
    command = [sys.executable, "-m", "tests.servers.asyncssh", str(port), str(folder)]
    with running(command, folder / "asyncssh.log", port=port):
        yield Sftp(HOST, port, getpass.getuser(), folder / "client", data)


async def _listen(port: int, folder: Path) -> None:
    asyncssh: Any = importlib.import_module("asyncssh")
    keys = {"server_host_keys": [folder / "host"], "authorized_client_keys": str(folder / "client.pub")}
    async with asyncssh.listen(HOST, port, **keys, sftp_factory=True, allow_scp=False) as server:
        await server.wait_closed()


if __name__ == "__main__":
    asyncio.run(_listen(int(sys.argv[1]), Path(sys.argv[2])))
