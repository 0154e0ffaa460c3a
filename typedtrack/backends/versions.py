"""Versions of results on stores where different contents may have the same mark: a version is a mark with its time.

On S3 the mark is the ETag, a digest, so an old content that is put again has its old ETag. On an sftp server the mark
is the size. The time tells such contents apart, once no later content can get the same time. git's index works so, too.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from typedtrack._tracker.backend import Listed

__all__ = ["with_versions"]

_TICK: Final = 2.0  # seconds: the stores count whole ones, rounded down
_SKEW: Final = 900.0  # seconds by which the clocks of a store and of this machine may differ; S3 refuses more


def with_versions(pages: Iterable[Sequence[Listed]]) -> Iterator[Listed]:
    """Yield the keys in *pages*, with versions in place of marks: `None` if unknown, or too young to be unique.

    A page is as late as the latest time on it or on an earlier page, and as this machine's clock less the difference
    that two clocks may have. A time beyond that difference was set by hand, and tells nothing.

    >>> list(with_versions([[("old", "9f2c", 1000.0), ("unknown", "9f2c", None)]]))
    [('old', '9f2c-1000.0', 1000.0), ('unknown', None, None)]
    """
    now = time.time()
    latest = now - _SKEW
    for page in pages:
        for _, _, modified in page:
            if modified is not None and latest < modified <= now + _SKEW:
                latest = modified
        for key, mark, modified in page:
            is_unique = mark is not None and modified is not None and modified <= latest - _TICK
            yield key, f"{mark}-{modified}" if is_unique else None, modified
