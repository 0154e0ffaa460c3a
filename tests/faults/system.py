"""System calls of the local backend that a test can watch, fail, or precede by what another process does."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final

__all__ = ["System"]

_CALLS: Final = ("open", "read", "write", "close", "fsync", "rename", "link", "unlink", "mkdir", "rmdir", "scandir")


class System:
    """The `os` module, with hooks around its system calls.

    Attributes:
        calls: the names of the calls so far.
        before: is called before each call, with the call's number and its first argument.
        after: is called after each call, also where that raised, with the call's number.
    """

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.before: Callable[[int, object], object] = lambda number, argument: None
        self.after: Callable[[int], object] = lambda number: None
        for name in _CALLS:
            setattr(self, name, self._watched(name, getattr(os, name)))

    def __getattr__(self, name: str) -> object:
        return getattr(os, name)

    def _watched(self, name: str, call: Callable[..., object]) -> Callable[..., object]:
        def watched(*args: object) -> object:
            number = len(self.calls)
            self.calls.append(name)
            self.before(number, args[0])
            try:
                return call(*args)
            finally:
                self.after(number)

        return watched

    def calls_of(self, action: Callable[[], object]) -> list[str]:
        """Return the names of the calls that *action* makes."""
        self.calls.clear()
        action()
        return self.calls.copy()
