"""`Failing`: the calls that store the failure of an application."""

from __future__ import annotations

import os
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from typing import TypeVar

from typedtrack._bases import KEY_VARIABLE, RETRIES_VARIABLE
from typedtrack._results.codec import encode
from typedtrack._results.failure import failure_result, is_success
from typedtrack._tracker.backend import create
from typedtrack._tracker.face import Face
from typedtrack.errors import FailureLike, ResultExistsError, UnsupportedOperationError, shown

__all__ = ["Failing"]

K = TypeVar("K")
R = TypeVar("R")
A = TypeVar("A")


class Failing(Face[K, R, A]):
    """Store a failure, directly or from a block that raises. Not for users."""

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
