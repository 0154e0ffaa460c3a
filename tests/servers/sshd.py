"""OpenSSH's server, with sftp only and for one key."""

from __future__ import annotations

import getpass
import os
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from tests.servers.process import HOST, free_port, program, running

__all__ = ["Sftp", "missing", "serve"]

_CONFIGURATION: Final = """\
ListenAddress {host}:{port}
HostKey "{folder}/host"
AuthorizedKeysFile "{folder}/client.pub"
PidFile none
StrictModes no
UsePAM no
UseDNS no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
AllowTcpForwarding no
X11Forwarding no
MaxStartups 100
Subsystem sftp internal-sftp
ForceCommand internal-sftp
"""


class Sftp(NamedTuple):
    """The address and the login of an sftp service; a client may write in *folder*."""

    host: str
    port: int
    user: str
    client_key: Path
    folder: Path

    @property
    def address(self) -> str:
        """The part of a URL after its protocol: user, host, port and folder."""
        return f"{self.user}@{self.host}:{self.port}{self.folder}"


def missing() -> str | None:
    """Return what the machine needs and lacks for sshd, or `None`."""
    absent = [name for name in ("sshd", "ssh-keygen") if program(name) is None]
    return f"no {', '.join(absent)} (Debian: openssh-server openssh-client)" if absent else None


@contextmanager
def serve(folder: Path) -> Generator[Sftp]:
    """Run sshd with its files in *folder* until the block is left."""
    port, data = free_port(), folder / "data"
    data.mkdir()
    for name in ("host", "client"):
        make_key = [program("ssh-keygen") or "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(make_key, check=True, stdin=subprocess.DEVNULL)
    configuration = folder / "sshd_config"
    configuration.write_text(_CONFIGURATION.format(folder=folder, host=HOST, port=port))
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # sshd needs it for privilege separation
    command = [program("sshd") or "sshd", "-D", "-e", "-f", str(configuration)]
    with running(command, folder / "sshd.log", port=port):
        yield Sftp(HOST, port, getpass.getuser(), folder / "client", data)
