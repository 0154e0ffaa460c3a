"""`Calls`: every call that the untyped and the typed tracker share, over the four primitives of a backend."""

from __future__ import annotations

from typing import TypeVar

from typedtrack._results.codec import too_large
from typedtrack._results.values import MAX_RESULT_BYTES
from typedtrack._tracker.backend import annotate, load
from typedtrack._tracker.bulk import Bulk
from typedtrack._tracker.failing import Failing
from typedtrack._tracker.listing import Listing
from typedtrack._tracker.waiting import Waiting
from typedtrack.errors import ResultNotFoundError

__all__ = ["Calls"]

K = TypeVar("K")
R = TypeVar("R")
A = TypeVar("A")


class Calls(Listing[K, R, A], Bulk[K, R, A], Waiting[K, R, A], Failing[K, R, A]):
    """The calls of the classes above, and those for one key that do not need its result. Not for users."""

    def get_bytes(self, key: K, /) -> bytes:
        r"""Return the stored bytes under *key* without decoding them: the way out when a result is corrupt.

        Raises:
            ResultNotFoundError: nothing is stored there.
            CorruptResultError: the stored bytes are larger than the limit for a result.

        >>> from typedtrack import open_tracker
        >>> tracker = open_tracker("memory://docs/get_bytes")
        >>> tracker.put("app1_out", steps=3)
        >>> tracker.get_bytes("app1_out").decode()
        '{\n  "steps": 3\n}\n'
        """
        text = self._to_text(key)
        data = load(self._primitives, text)
        if data is None:
            raise ResultNotFoundError(text, repr(self._primitives))
        if len(data) > MAX_RESULT_BYTES:
            raise too_large(self._primitives._location(text))
        return data

    def __delitem__(self, key: K) -> None:
        """Delete what is stored under *key*: a result, a failure or anything else.

        Raises:
            ResultNotFoundError: nothing is stored there.
        """
        text = self._to_text(key)
        try:
            self._primitives._delete(text)
        except FileNotFoundError:
            load(self._primitives, text)  # raises if the store cannot find the base itself
            raise ResultNotFoundError(text, repr(self._primitives), "there is nothing to delete") from None
        except Exception as error:
            annotate(self._primitives, error, "delete", text)
            raise
