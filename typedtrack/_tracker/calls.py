"""`Calls`: every call that the untyped and the typed tracker share, over the four primitives of a backend."""

from __future__ import annotations

import os
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from typing import TypeVar

from typedtrack._bases import KEY_VARIABLE, RETRIES_VARIABLE
from typedtrack._results.codec import encode
from typedtrack._results.failure import failure_result, is_success
from typedtrack._results.values import MAX_RESULT_BYTES
from typedtrack._tracker.backend import annotate, create, load
from typedtrack._tracker.bulk import Bulk
from typedtrack._tracker.listing import Listing
from typedtrack.errors import (
    CorruptResultError,
    FailureLike,
    ResultExistsError,
    ResultNotFoundError,
    UnsupportedOperationError,
    shown,
)

__all__ = ["Calls"]

K = TypeVar("K")
R = TypeVar("R")
A = TypeVar("A")


class Calls(Listing[K, R, A], Bulk[K, R, A]):
    """The calls for many keys, for listing and for waiting, and those for one key that do not need its result.

    Not for users.
    """

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
            reason = f"is larger than the limit of {MAX_RESULT_BYTES:,} bytes"
            raise CorruptResultError(self._primitives._location(text), None, reason)
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
            load(self._primitives, text)  # which raises if it is not the result but the base that the store cannot find
            raise ResultNotFoundError(text, repr(self._primitives), "there is nothing to delete") from None
        except Exception as error:
            annotate(self._primitives, error, "delete", text)
            raise

    def fail(self, key: K, error: BaseException | str | FailureLike, /) -> bool:
        """Store *error*, an exception, a message or a `Failure`, as the failure of *key*, if nothing is stored there.

        Return whether the failure is stored. A failure never replaces a result nor an earlier failure. On a store
        without an atomic create nothing is stored, and a `RuntimeWarning` says so. Nothing is stored either while
        ``typedtrack run --retries`` will start the application again.

        Raises:
            InvalidKeyError: *key* breaks the rules.
            TypeError: *error* is none of the three.

        >>> from typedtrack import open_tracker
        >>> tracker = open_tracker("memory://docs/fail")
        >>> tracker.fail("trial_7", "the node was preempted")
        True
        >>> tracker["trial_7"]
        Traceback (most recent call last):
            ...
        typedtrack.errors.ResultFailedError: key 'trial_7': the application failed with ...
        """
        text = self._to_text(key)
        result = failure_result(error)
        if os.environ.get(KEY_VARIABLE) == text and os.environ.get(RETRIES_VARIABLE, "0") != "0":
            return False
        try:
            create(self._primitives, text, encode(result, text))
        except ResultExistsError:
            return False
        except UnsupportedOperationError as reason:
            warnings.warn(f"the failure of key {shown(text)} was not stored: {reason}", RuntimeWarning, stacklevel=2)
            return False
        return True

    @contextmanager
    def attempt(self, key: K, /) -> Generator[None]:
        """Store the error of the block as the failure of *key*, as `fail` does, then raise it again.

        `KeyboardInterrupt` counts, and so does `SystemExit` with a code other than 0. If the failure cannot be stored,
        a note on the block's own error says why.

        Raises:
            InvalidKeyError: *key* breaks the rules; raised before the block runs.

        >>> from typedtrack import open_tracker
        >>> tracker = open_tracker("memory://docs/attempt")
        >>> with tracker.attempt("trial_7"):
        ...     tracker.put("trial_7", loss=1 / 0)
        Traceback (most recent call last):
            ...
        ZeroDivisionError: division by zero
        >>> [failure.type for _, failure in tracker.failures()]
        ['ZeroDivisionError']
        """
        text = self._to_text(key)
        try:
            yield
        except BaseException as error:
            if not is_success(error):
                try:
                    self.fail(key, error)
                except Exception as reason:
                    error.add_note(f"typedtrack: this failure was not stored under key {shown(text)}: {reason}")
            raise
