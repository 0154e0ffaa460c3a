"""Results on an sftp server, through sshfs."""
