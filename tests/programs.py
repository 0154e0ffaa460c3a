"""Programs that tests run."""

from __future__ import annotations

import os
from contextlib import suppress

__all__ = ["read_all", "unmeasured"]


def read_all(terminal: int) -> bytes:
    """Return all that is shown on *terminal* until its other end is closed, and then close it."""
    shown = b""
    with suppress(OSError):  # Linux raises it when the other end is closed
        while chunk := os.read(terminal, 65536):
            shown += chunk
    os.close(terminal)
    return shown


def unmeasured() -> dict[str, str]:
    """Return the environment for a program whose coverage is not measured, which would double its time."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_PROCESS_")}
