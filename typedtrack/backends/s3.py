"""The check that a store of S3's kind honours the condition of a create, for both clients.

A create is a PUT that the store must refuse where the key holds something. Ceph's gateway ignores that condition in a
versioned bucket, and answers as if it had kept it. So a tracker checks after its first create in a versioned bucket,
which it knows by the answer: it creates a hidden object that is not a result, twice if need be. A store that honours
the condition refuses one of the two.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from typedtrack.errors import UnsupportedOperationError

__all__ = ["PROBE", "check_creates"]

PROBE: Final = ".typedtrack-create"
"""The name of the hidden object below the base; no key has it."""


def check_creates(create: Callable[[str, bytes], object], place: str) -> None:
    """Check by *create*, which takes a key and its bytes, that the store at *place* refuses to create a key twice.

    Raises:
        UnsupportedOperationError: the store creates it twice.
    """
    for _ in range(2):
        try:
            create(PROBE, b"")
        except FileExistsError:
            return
    remedy = (
        "this store overwrites results in versioned buckets, as Ceph does; the result is stored now, and a result that "
        "the key held before is the object's former version; use a bucket without versions, or put"
    )
    raise UnsupportedOperationError("create", place, remedy)
