from fsspec.spec import AbstractFileSystem
from paramiko import SFTPClient

class SFTPFileSystem(AbstractFileSystem):
    host: str
    ftp: SFTPClient
