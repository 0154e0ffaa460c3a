"""What a program shows on a terminal."""

from __future__ import annotations

import os
from contextlib import suppress

__all__ = ["read_all"]


def read_all(terminal: int) -> bytes:
    """Return all that is shown on *terminal* until its other end is closed, and then close it."""
    shown = b""
    with suppress(OSError):  # Linux raises it when the other end is closed
        while chunk := os.read(terminal, 65536):
            shown += chunk
    os.close(terminal)
    return shown
