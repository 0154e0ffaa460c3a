"""The cases are for type checkers to read: most of their lines would fail if they ran."""

collect_ignore_glob = ["cases/*"]
