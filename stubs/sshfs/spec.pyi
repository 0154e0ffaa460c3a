from contextlib import AbstractAsyncContextManager

from asyncssh import SSHClientConnection
from asyncssh.sftp import SFTPClient
from fsspec.asyn import AsyncFileSystem

class Pool:
    def get(self) -> AbstractAsyncContextManager[SFTPClient]: ...

class SSHFileSystem(AsyncFileSystem):
    _client: SSHClientConnection
    _pool: Pool
    def __init__(self, *args: object, **kwargs: object) -> None: ...
