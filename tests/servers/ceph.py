"""A Ceph cluster of one monitor, one storage daemon in memory, and the S3 gateway: the authority for S3.

Run as a program it serves until interrupted: ``python -m tests.servers.ceph``.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
import uuid
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from tests.servers.process import HOST, ServerError, free_port, program, running

__all__ = ["S3", "missing", "serve"]

_PROGRAMS: Final = ("ceph", "ceph-mon", "ceph-osd", "radosgw", "radosgw-admin", "monmaptool")

# One copy of everything in memory, no logins between daemons, and nothing that waits for a second machine.
_CONFIGURATION: Final = """\
[global]
fsid = {fsid}
mon host = v2:{host}:{monitor}
public addr = {host}
cluster addr = {host}
ms bind msgr1 = false
ms mon client mode = crc
auth cluster required = none
auth service required = none
auth client required = none
keyring = /dev/null
run dir = {folder}/run
admin socket = {folder}/run/$name.$pid.asok
crash dir = {folder}/run
pid file =
log file = {folder}/log/$name.log
mon data = {folder}/mon
mon allow pool size one = true
mon data avail crit = 1
paxos propose interval = 0.02
paxos min wait = 0.01
osd data = {folder}/osd
osd objectstore = memstore
memstore device bytes = 1073741824
osd crush chooseleaf type = 0
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd max object name len = 2048
osd class load list = *
osd class default list = *
rgw rados pool pg num min = 1
rgw override bucket index max shards = 1
rgw data log num shards = 1
rgw md log max shards = 1
rgw usage max shards = 1
rgw gc max objs = 1
rgw lc max objs = 1
rgw thread pool size = 64
rgw enable apis = s3
rgw dns name = localhost
rgw frontends = beast endpoint={host}:{port} tcp_nodelay=1
"""


class S3(NamedTuple):
    """The address and the login of an S3 service."""

    endpoint: str
    access_key: str
    secret_key: str
    port: int

    def make_bucket(self, name: str, *, versioned: bool = False) -> None:
        """Make the bucket *name*."""
        from s3fs.core import S3FileSystem

        fs = S3FileSystem(**self.s3fs_options)
        fs.mkdir(name)
        if versioned:
            fs.call_s3("put_bucket_versioning", Bucket=name, VersioningConfiguration={"Status": "Enabled"})

    def versions(self, bucket: str, name: str) -> int:
        """Return the number of versions of the object *name*."""
        from s3fs.core import S3FileSystem

        return len(S3FileSystem(**self.s3fs_options, version_aware=True).object_version_info(f"{bucket}/{name}"))

    @property
    def environment(self) -> dict[str, str]:
        """The environment that leads every client to the service."""
        keys = {"AWS_ACCESS_KEY_ID": self.access_key, "AWS_SECRET_ACCESS_KEY": self.secret_key}
        return {"AWS_ENDPOINT_URL": self.endpoint, "AWS_REGION": "us-east-1", **keys}

    @property
    def s3fs_options(self) -> dict[str, Any]:
        """The storage options for s3fs."""
        return {"key": self.access_key, "secret": self.secret_key, "endpoint_url": self.endpoint}

    @property
    def obstore_options(self) -> dict[str, Any]:
        """The storage options for obstore."""
        keys = {"access_key_id": self.access_key, "secret_access_key": self.secret_key}
        return {"config": {"endpoint": self.endpoint, "region": "us-east-1", **keys}}


def missing() -> str | None:
    """Return what the machine needs and lacks for Ceph, or `None`."""
    absent = [name for name in _PROGRAMS if program(name) is None]
    return f"no {', '.join(absent)} (Debian: radosgw ceph-mon ceph-osd)" if absent else None


@contextmanager
def serve(folder: Path) -> Generator[S3]:
    """Run the cluster with its files in *folder* until the block is left."""
    service = S3("", "typedtrack-key", "typedtrack-secret", free_port())
    service = service._replace(endpoint=f"http://{HOST}:{service.port}")
    for name in ("run", "log", "mon", "osd"):
        (folder / name).mkdir(parents=True)
    monitor, cluster, disk = free_port(), str(uuid.uuid4()), str(uuid.uuid4())
    configuration = folder / "ceph.conf"
    configuration.write_text(
        _CONFIGURATION.format(folder=folder, host=HOST, port=service.port, monitor=monitor, fsid=cluster)
    )

    def command(name: str, *arguments: str) -> list[str]:
        return [program(name) or name, "--conf", str(configuration), *arguments]

    with ExitStack() as daemons:
        monmap = str(folder / "monmap")
        _run(["monmaptool", "--create", "--fsid", cluster, "--addv", "a", f"[v2:{HOST}:{monitor}]", monmap])
        _run(command("ceph-mon", "--mkfs", "-i", "a", "--monmap", monmap))
        daemons.enter_context(running(command("ceph-mon", "-f", "-i", "a"), folder / "log" / "mon", port=monitor))
        _run(command("ceph", "--connect-timeout", "30", "osd", "new", disk, "0"))
        _run(command("ceph-osd", "--mkfs", "-i", "0", "--osd-uuid", disk))
        daemons.enter_context(running(command("ceph-osd", "-f", "-i", "0"), folder / "log" / "osd"))
        _wait_for_disk(command("ceph", "--connect-timeout", "30", "osd", "stat"))
        user = ["user", "create", "--uid=tests", "--display-name=tests"]
        keys = [f"--access-key={service.access_key}", f"--secret-key={service.secret_key}"]
        _run(command("radosgw-admin", "-n", "client.rgw", *user, *keys))
        gateway = command("radosgw", "-f", "-n", "client.rgw")
        daemons.enter_context(running(gateway, folder / "log" / "gateway", port=service.port))
        yield service


def _run(command: list[str]) -> str:
    done = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        raise ServerError(f"{' '.join(command)}:\n{done.stdout[-1000:]}{done.stderr[-2000:]}")
    return done.stdout


def _wait_for_disk(command: list[str]) -> None:
    deadline = time.monotonic() + 300
    while " 1 up" not in _run(command):
        if time.monotonic() > deadline:
            raise ServerError("the storage daemon of Ceph does not come up")
        time.sleep(0.1)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="typedtrack-ceph-") as name, serve(Path(name)) as s3:
        print(*(f"{name}={value}" for name, value in s3.environment.items()), flush=True)
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            pass
