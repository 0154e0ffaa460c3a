CMD_OPEN: int
CMD_CLOSE: int
CMD_WRITE: int
CMD_EXTENDED: int
SFTP_FLAG_WRITE: int
SFTP_FLAG_CREATE: int
SFTP_FLAG_EXCL: int

class int64(int): ...  # noqa: N801  # the name is paramiko's
