"""The command line: each command in this process, and the program in its own."""
