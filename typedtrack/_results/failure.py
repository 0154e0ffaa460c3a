"""A failure as it is stored: a result with fields of its own."""

from __future__ import annotations

import os
from typing import Final, cast

from typedtrack._results.values import FAILURE_TYPE, MAX_STR_BYTES, Result
from typedtrack.errors import FailureLike, shown

__all__ = [
    "FAILURE_EXIT_CODE",
    "FAILURE_HOST",
    "FAILURE_MESSAGE",
    "FAILURE_NAMES",
    "FAILURE_TYPE",
    "cut",
    "failure_result",
    "is_success",
]

FAILURE_MESSAGE: Final = "failure/message"
FAILURE_EXIT_CODE: Final = "failure/exit_code"
FAILURE_HOST: Final = "failure/host"
FAILURE_NAMES: Final = frozenset({FAILURE_TYPE, FAILURE_MESSAGE, FAILURE_EXIT_CODE, FAILURE_HOST})

_MESSAGE_ALONE: Final = "Failure"  # the type of a failure that the caller describes by a message alone


def failure_result(error: BaseException | str | FailureLike) -> Result:
    """Return the result that stores *error*: an exception, a message or a `typedtrack.Failure`.

    >>> result = failure_result(SystemExit(3))
    >>> result["failure/type"], result["failure/message"], result["failure/exit_code"]
    ('SystemExit', '3', 3)
    """
    if isinstance(error, BaseException):
        exit_code = _exit_code(error) if isinstance(error, SystemExit) else None
        return _result(type(error).__name__, _text(error), exit_code, _host())
    if isinstance(error, str):
        return _result(_MESSAGE_ALONE, error, None, _host())
    if isinstance(cast("object", error), FailureLike):
        return _result(error.type, error.message, error.exit_code, error.host)
    raise TypeError(f"a failure is an exception, a message or a typedtrack.Failure, got {shown(error)}")


def _result(kind: str, message: str, exit_code: int | None, host: str | None) -> Result:
    result: Result = {FAILURE_TYPE: cut(kind), FAILURE_MESSAGE: cut(message)}
    if exit_code is not None:
        result[FAILURE_EXIT_CODE] = exit_code
    if host is not None:
        result[FAILURE_HOST] = cut(host)
    return result


def _host() -> str:
    return os.uname().nodename


def _exit_code(error: SystemExit) -> int:
    """Return the exit code of a process that ends with *error*: 1 where its code is a message."""
    return error.code & 0xFF if isinstance(error.code, int) else 1


def is_success(error: BaseException) -> bool:
    """Return whether *error* ends a process, or a generator, that has not failed."""
    return isinstance(error, GeneratorExit) or (isinstance(error, SystemExit) and error.code in (None, 0))


def cut(text: str) -> str:
    """Return *text* as a value that keeps the rules: valid Unicode, and not longer than a `str` may be."""
    return text.encode(errors="replace")[:MAX_STR_BYTES].decode(errors="ignore")


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # a broken __str__ must not hide the failure
        return ""
