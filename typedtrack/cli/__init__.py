"""The command line: each command reads its arguments, calls one public function, prints, and returns an exit code."""

from __future__ import annotations

import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line on *arguments* (default: those of this process), and exit with its code.

    0: done; 1: the answer is no; 2: misuse or refused input; 3: the store failed.
    """
    try:
        from typedtrack.cli.app import run
    except ModuleNotFoundError as error:
        if error.name != "click":
            raise
        print("typedtrack: the command line needs click: pip install 'typedtrack[cli]'", file=sys.stderr)
        sys.exit(2)

    sys.exit(run(arguments))
