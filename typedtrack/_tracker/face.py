"""`Face`: the conversions in which the untyped and the typed tracker differ, and the decoding of stored bytes.

A user's backend is a subclass of `ResultTracker`, and has private attributes of its own. So a face has few private
names: all that both faces share is in functions here and in the modules beside this one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Generic, TypeVar

from typedtrack._results.codec import decode_fast, decode_slow
from typedtrack._results.values import FAILURE_TYPE, Result
from typedtrack._tracker.backend import Backend, annotate
from typedtrack.errors import ResultFailedError

if TYPE_CHECKING:
    from typedtrack._records.failure import Failure

__all__ = ["Face", "decode_after_fast", "failure_in", "result_in"]

K = TypeVar("K")  # the caller's keys
R = TypeVar("R")  # a stored result, as the caller gets it
A = TypeVar("A")  # the answer of `get` where nothing is stored


class Face(ABC, Generic[K, R, A]):
    """Six conversions between the caller's keys and results and the backend's text and bytes. Not for users."""

    _key_prefix: str = ""
    """The whole segments with which every key of this face begins: a listing need not look elsewhere."""

    @property
    @abstractmethod
    def _primitives(self) -> Backend:
        """The backend that stores the results."""

    @abstractmethod
    def _to_text(self, key: K) -> str:
        """Return the text of *key*.

        Raises:
            InvalidKeyError: *key* breaks the rules.
        """

    @abstractmethod
    def _to_key(self, text: str) -> K | None:
        """Return the key with this *text*, which a listing found; `None` if this face has no such key."""

    @abstractmethod
    def _to_bytes(self, result: R, text: str) -> bytes:
        """Return the bytes that store *result*, after checking every rule."""

    @abstractmethod
    def _to_result(self, data: bytes, text: str) -> R:
        """Return the result that *data* holds, after checking every rule.

        Raises:
            ResultFailedError: it is a failure.
        """

    @abstractmethod
    def _to_results(self, lines: bytes) -> list[tuple[str, R]] | None:
        """Return the keys and results on *lines* of an archive, `None` if each line must be decoded by itself."""

    @abstractmethod
    def _to_absent(self, text: str) -> A:
        """Return the answer of `get` for the key *text*, where nothing is stored."""


def decode_after_fast(backend: Backend, data: bytes, text: str) -> Result:
    """Return the result that *data* holds, after `decode_fast` has returned `None` for it, as it does for a failure.

    Raises:
        CorruptResultError: *data* is not a result.
        ResultFailedError: it is a failure.
    """
    result = decode_slow(data, backend._location(text))
    if FAILURE_TYPE in result:
        raise ResultFailedError(text, _failure_of(result))
    return result


def result_in(face: Face[K, R, A], text: str, read: bytes | Exception) -> R:
    """Return the result that a bulk call has read, or raise its error."""
    if isinstance(read, Exception):
        annotate(face._primitives, read, "get", text)
        raise read
    return face._to_result(read, text)


def failure_in(backend: Backend, text: str, read: bytes | Exception) -> Failure | None:
    """Return the failure that a bulk call has read, `None` if it is another result, or raise its error."""
    if isinstance(read, Exception):
        annotate(backend, read, "get", text)
        raise read
    if decode_fast(read) is not None:
        return None
    result = decode_slow(read, backend._location(text))
    return _failure_of(result) if FAILURE_TYPE in result else None


def _failure_of(result: Result) -> Failure:
    from typedtrack._records.failure import failure_of  # here, because untyped use loads no attrs

    return failure_of(result)
