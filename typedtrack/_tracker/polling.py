"""How long to pause between looks for a result that is still to come."""

from __future__ import annotations

import time
from typing import Final

__all__ = ["Pauses"]

_FIRST_PAUSE: Final = 0.005  # seconds
_LONGEST_PAUSE: Final = 2.0  # seconds
_PAUSE_GROWTH: Final = 1.5
_PAUSE_PER_WORK: Final = 4  # a coordinator that waits spends at most a fifth of its time on looking


class Pauses:
    """The pauses between looks: ever longer, and none past the time-out."""

    def __init__(self, timeout: float | None) -> None:
        self.timeout = float("inf") if timeout is None else timeout
        self._deadline = time.monotonic() + self.timeout
        self._pause = _FIRST_PAUSE

    def restart(self) -> None:
        """Begin with short pauses again: something has arrived."""
        self._pause = _FIRST_PAUSE

    def time_is_up(self) -> bool:
        """Return whether the look that begins now is the last one."""
        return time.monotonic() >= self._deadline

    def sleep(self, worked: float = 0.0) -> None:
        """Pause once, the longer the more seconds a look takes."""
        left = max(self._deadline - time.monotonic(), 0.0)
        time.sleep(min(max(self._pause, worked * _PAUSE_PER_WORK), left))
        self._pause = min(self._pause * _PAUSE_GROWTH, _LONGEST_PAUSE)
