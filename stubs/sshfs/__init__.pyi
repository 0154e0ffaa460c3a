# The calls of sshfs that typedtrack makes; sshfs ships no types.
