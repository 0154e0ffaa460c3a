"""What both clients of S3 share: whether a store keeps the condition of a create.

A create is a PUT that the store shall refuse where something is. Ceph's gateway ignores that in a versioned bucket, and
answers as one that kept it. So the first create of a tracker in a versioned bucket, which the answer tells, is made
again: a store that keeps the condition refuses the second.
"""

from __future__ import annotations

from typing import Final

from typedtrack.errors import UnsupportedOperationError

__all__ = ["REPEATS", "overwrites"]

REPEATS: Final = 2  # since the result may be deleted between a create and the one after it


def overwrites(tracker: str) -> UnsupportedOperationError:
    """Return the error of a create on *tracker*, whose store has taken every repetition."""
    remedy = (
        "this store overwrites results in versioned buckets, as Ceph does; the result is stored, and what its key held "
        "before is the object's former version: restore that if there is one, and use a bucket without versions, or put"
    )
    return UnsupportedOperationError("create", tracker, remedy)
