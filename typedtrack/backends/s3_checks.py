"""Checks for both clients of S3: that a put was stored, and that the store honours the condition of a create.

Any server may answer with an ETag. Only a store that has the result knows its digest, and the digest is S3's ETag
unless the bucket encrypts by KMS or is of another kind. So an ETag that is not the digest is confirmed once by a read.
Afterwards an ETag must only look like one.

A create is a PUT that the store must refuse if the key holds something. Ceph's gateway ignores that condition in a
versioned bucket, and answers as if it had kept it. The answer shows whether the bucket is versioned. So after its
first create in a versioned bucket, a tracker creates a hidden object that is not a result, twice if need be. A store
that honours the condition refuses one of the two.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Final

from typedtrack.backends.answers import foreign_answer
from typedtrack.errors import UnsupportedOperationError

__all__ = ["PROBE", "acknowledges", "check_creates", "unconfirmed_put"]

_is_like_a_digest = re.compile("[0-9a-f]{32}").fullmatch

PROBE: Final = ".typedtrack-create"
"""The name of the hidden object below the base; no key has it."""


def acknowledges(etag: str | None, data: bytes, *, has_digests: bool) -> bool:
    """Return whether *etag*, of the answer to a put of *data*, shows that S3 has stored it.

    *has_digests* tells that the bucket's ETags are digests, as far as is known.

    >>> acknowledges('"900150983cd24fb0d6963f7d28e17f72"', b"abc", has_digests=True)
    True
    """
    if etag is None:
        return False
    text = etag.strip('"').lower()
    if text == hashlib.md5(data, usedforsecurity=False).hexdigest():
        return True
    return not has_digests and _is_like_a_digest(text) is not None


def unconfirmed_put(etag: str | None) -> ConnectionError:
    """Return the error for a put whose answer has *etag*, and whose result a read does not find."""
    found = "it has no ETag" if etag is None else f"its ETag {etag} is not that of the result"
    return foreign_answer("S3", "a put", f"{found}, and a read does not find the result")


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
