"""Results on an sftp server: what a tracker does there, over a channel, by sshfs."""
