"""The command line: each command reads its arguments, calls one public function, prints, and returns a code."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.util import find_spec

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line on *arguments* (by default the process's own), and exit with its code.

    0: done; 1: the answer is no; 2: misuse, or refused input; 3: the store failed.
    """
    if missing := [name for name in ("click", "rich") if find_spec(name) is None]:
        print(
            f"typedtrack: the command line needs {' and '.join(missing)}: pip install 'typedtrack[cli]'",
            file=sys.stderr,
        )
        sys.exit(2)

    from typedtrack.cli.app import run

    sys.exit(run(arguments))
