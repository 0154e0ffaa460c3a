"""Start a server process, wait until it accepts connections, stop it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

__all__ = ["HOST", "ServerError", "accepts", "free_port", "program", "running"]

HOST = "127.0.0.1"
_SYSTEM_FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/sbin")


class ServerError(RuntimeError):
    """A server does not run; the message has its output."""


def program(name: str) -> str | None:
    """Return the path of the program *name*, which may be in a folder of system programs, or `None`."""
    return shutil.which(name) or shutil.which(name, path=os.pathsep.join(_SYSTEM_FOLDERS))


def free_port() -> int:
    """Return a free TCP port of the loopback address."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def accepts(port: int) -> bool:
    """Return whether *port* of the loopback address accepts connections."""
    try:
        with socket.create_connection((HOST, port), timeout=1):
            return True
    except OSError:
        return False


@contextmanager
def running(
    command: Sequence[str], log: Path, *, port: int | None = None, env: Mapping[str, str] | None = None
) -> Generator[subprocess.Popen[bytes]]:
    """Run *command* in a process group of its own until the block is left; wait for *port* to accept connections.

    On Linux it ends with this process, however that ends.

    Raises:
        ServerError: it ended, or did not accept within 300 seconds.
    """
    ends_with_us = [setpriv, "--pdeathsig", "KILL"] if (setpriv := program("setpriv")) else []
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*ends_with_us, *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=None if env is None else {**os.environ, **env},
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + 300
        while port is not None and not accepts(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise ServerError(
                    f"{command[0]} does not serve port {port}:\n{log.read_text(errors='replace')[-2000:]}"
                )
            time.sleep(0.05)
        yield process
    finally:
        _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            return
        os.killpg(process.pid, number)
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            continue
