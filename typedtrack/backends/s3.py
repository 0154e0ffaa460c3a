"""What both clients of S3 share: whether a store keeps the condition of a create.

A create is a PUT that the store shall refuse where something is. Ceph's gateway ignores that in a versioned bucket, and
answers as one that kept it. So after its first create in a versioned bucket, which the answer tells, a tracker creates
a hidden object that is no result: twice, unless it is there already. A store that keeps the condition refuses that.
"""

from __future__ import annotations

from typing import Final

from typedtrack.errors import UnsupportedOperationError

__all__ = ["PROBE", "overwrites"]

PROBE: Final = ".typedtrack-create"
"""The name of that object, below the base: none that a key has."""


def overwrites(tracker: str) -> UnsupportedOperationError:
    """Return the error of a create on *tracker*, whose store refuses none."""
    remedy = (
        "this store overwrites results in versioned buckets, as Ceph does; the result is stored, and what its key held "
        "before is the object's former version: restore that if there is one, and use a bucket without versions, or put"
    )
    return UnsupportedOperationError("create", tracker, remedy)
