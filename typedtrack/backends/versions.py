"""Versions of results on stores where different contents may have the same mark: a version is a mark with its time.

On S3 the mark is the ETag, a digest, so an old content that is put again has its old ETag. On an sftp server the mark
is the size. The time tells such contents apart, once no later content can get the same time. git's index works so, too.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TypeAlias

__all__ = ["Listed", "versions_in"]

Listed: TypeAlias = tuple[str, str | None, float | None]
"""A key, the mark of its content, and the time of its last put in seconds by the store's clock; `None` if unknown."""

_TICK: Final = 2.0  # seconds: the stores count whole ones, rounded down
_SKEW: Final = 900.0  # seconds by which the clocks of a store and of this machine may differ; S3 refuses more


def versions_in(pages: Iterable[Sequence[Listed]]) -> Iterator[tuple[str, str | None]]:
    """Yield the keys in *pages* of a listing with their versions: `None` if unknown, or too young to be unique.

    A page is as late as the latest time on it or on an earlier page, and as this machine's clock less the difference
    that two clocks may have. A time beyond that difference was set by hand, and tells nothing.

    >>> dict(versions_in([[("old", "9f2c", 1000.0), ("young", "9f2c", 1500.0)]]))
    {'old': '9f2c-1000.0', 'young': '9f2c-1500.0'}
    """
    now = time.time()
    latest = now - _SKEW
    for page in pages:
        for _, _, modified in page:
            if modified is not None and latest < modified <= now + _SKEW:
                latest = modified
        for key, mark, modified in page:
            is_unique = mark is not None and modified is not None and modified <= latest - _TICK
            yield key, f"{mark}-{modified}" if is_unique else None
