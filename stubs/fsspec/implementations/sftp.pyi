from fsspec.spec import AbstractFileSystem
from paramiko import SFTPClient, SSHClient

class SFTPFileSystem(AbstractFileSystem):
    host: str
    client: SSHClient
    ftp: SFTPClient
    ssh_kwargs: dict[str, object]
    def _connect(self) -> None: ...
