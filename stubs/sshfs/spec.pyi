from contextlib import AbstractAsyncContextManager

from asyncssh.sftp import SFTPClient
from fsspec.asyn import AsyncFileSystem

class Pool:
    def get(self) -> AbstractAsyncContextManager[SFTPClient]: ...

class SSHFileSystem(AsyncFileSystem):
    _pool: Pool
