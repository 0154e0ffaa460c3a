"""The error for an answer that did not come from the store."""

from __future__ import annotations

__all__ = ["foreign_answer"]


def foreign_answer(store: str, call: str, found: str) -> ConnectionError:
    """Return the error for an answer to *call* that is not one of *store*'s, as *found* tells.

    >>> print(foreign_answer("S3", "a put", "it has no ETag"))
    the answer to a put is not one of S3's: it has no ETag; a proxy or another server may have sent it
    """
    return ConnectionError(
        f"the answer to {call} is not one of {store}'s: {found}; a proxy or another server may have sent it"
    )
