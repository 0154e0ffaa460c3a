CMD_OPEN: int
CMD_CLOSE: int
CMD_WRITE: int
CMD_READ: int
CMD_OPENDIR: int
CMD_READDIR: int
CMD_EXTENDED: int
SFTP_FLAG_WRITE: int
SFTP_FLAG_CREATE: int
SFTP_FLAG_EXCL: int
SFTP_FLAG_READ: int

class int64(int): ...  # noqa: N801  # the name is paramiko's
class SFTPError(Exception): ...
