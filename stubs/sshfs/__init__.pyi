# What typedtrack calls of sshfs, which ships no types.
