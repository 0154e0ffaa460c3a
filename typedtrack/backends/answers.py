"""Errors for answers that come too late, that are not the store's, or that its client cannot read."""

from __future__ import annotations

import errno
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Final

__all__ = ["BOUND", "Pages", "encoded_answer", "foreign_answer", "late_answer", "readable_answers"]

BOUND: Final = 120.0
"""The seconds within which each request ends, with its retries: a client's own time-out may begin anew at each byte."""


class Pages:
    """The pages of one listing of *store*. A page that comes twice is an error: such a listing may never end."""

    def __init__(self, store: str) -> None:
        self._store = store
        self._tokens: set[str] = set()
        self._first_names: set[str] = set()

    def check_token(self, token: str) -> str:
        """Return *token*, which leads to the next page.

        Raises:
            ConnectionError: an earlier page had it.
        """
        if token in self._tokens:
            raise foreign_answer(self._store, "a listing", "two pages have the same token for the next page")
        self._tokens.add(token)
        return token

    def check_names(self, names: Sequence[str]) -> None:
        """Check that a page has each of *names* once, and that no earlier page began with the same name.

        Raises:
            ConnectionError: a name comes twice.
        """
        if len(set(names)) < len(names) or not self._first_names.isdisjoint(names[:1]):
            raise foreign_answer(self._store, "a listing", "it has the same name twice")
        self._first_names.update(names[:1])


def foreign_answer(store: str, call: str, found: str) -> ConnectionError:
    """Return the error for an answer to *call* that is not one of *store*'s, as *found* tells.

    >>> print(foreign_answer("S3", "a put", "it has no ETag"))
    the answer to a put is not one of S3's: it has no ETag; a proxy or another server may have sent it
    """
    return ConnectionError(
        f"the answer to {call} is not one of {store}'s: {found}; a proxy or another server may have sent it"
    )


def encoded_answer(store: str, encoding: str) -> ConnectionError:
    """Return the error for an answer of *store* whose bytes are not the stored ones but an *encoding* of something."""
    return foreign_answer(store, "a get", f"its Content-Encoding is {encoding!r}, and results are stored without one")


def late_answer(seconds: float) -> TimeoutError:
    """Return the error for a request that takes longer than *seconds*.

    >>> print(late_answer(120.0).strerror)
    the request did not end within 120 s
    """
    return TimeoutError(errno.ETIMEDOUT, f"the request did not end within {seconds:g} s")


@contextmanager
def readable_answers() -> Generator[None]:
    """Replace a `KeyError` of a client, which cannot read an answer; the caller would take it for a missing key.

    >>> with readable_answers():
    ...     {}["ContentLength"]
    Traceback (most recent call last):
        ...
    ConnectionError: the client cannot read the store's answer, which lacks 'ContentLength'
    """
    try:
        yield
    except KeyError as error:
        raise ConnectionError(f"the client cannot read the store's answer, which lacks {error}") from error
