"""The patterns of users, compiled without a warning.

Python's `re` warns of some legal patterns, such as ``[[a]``, because a later Python may read them in another way.
msgspec gives this warning at the line where a user writes `msgspec.Meta`. Further warnings would name lines of this
library, and ``python -W error`` would raise them as exceptions when a result is read.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from functools import lru_cache
from threading import Lock
from typing import Final

__all__ = ["compile_pattern", "without_warnings"]

_CACHED: Final = 512  # as many as `re` itself keeps

_lock = Lock()


@contextmanager
def without_warnings() -> Generator[None]:
    """Ignore the warnings about patterns that are compiled inside the ``with``."""
    with _lock, warnings.catch_warnings():  # two threads at once could leave the filters of the other behind
        warnings.simplefilter("ignore", FutureWarning)
        yield


@lru_cache(_CACHED)
def compile_pattern(pattern: str) -> re.Pattern[str]:
    """Return *pattern*, compiled.

    Raises:
        re.error, OverflowError, RecursionError: `re` cannot compile it.
    """
    with without_warnings():
        return re.compile(pattern)
