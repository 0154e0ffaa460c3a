"""The primitives of a tracker that implements `put` and `get` alone, such as one written for torchx.runtime.tracking.

They call its `put` and `get`, so bulk calls, ``in``, waiting and records work. `create`, ``del`` and listing raise
`UnsupportedOperationError`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NoReturn

from typedtrack._results.codec import decode, encode
from typedtrack.errors import CorruptResultError, InvalidResultError, UnsupportedOperationError

__all__ = ["PRIMITIVES"]


def _read(tracker: Any, key: str, limit: int) -> bytes | None:
    result = tracker.get(key)
    if not result:
        return None
    try:
        return encode(dict(result), key)[:limit]
    except InvalidResultError as error:
        first = error.problems[0]
        reason = f"{first.reason}, got {first.value}"
        raise CorruptResultError(tracker._location(key), first.field, reason, "get() returns it unchecked") from None


def _write(tracker: Any, key: str, data: bytes, *, exclusive: bool = False) -> None:
    if exclusive:
        _refuse(tracker, "create", "_write")
    tracker.put(key, **decode(data, tracker._location(key)))


def _delete(tracker: Any, key: str) -> NoReturn:
    _refuse(tracker, "del", "_delete")


def _list(tracker: Any, prefix: str) -> Iterator[str]:
    _refuse(tracker, "listing keys", "_list")


def _refuse(tracker: Any, operation: str, primitive: str) -> NoReturn:
    remedy = f"it implements put and get alone; implement {primitive} of `ResultTracker` in its class"
    raise UnsupportedOperationError(operation, repr(tracker), remedy)


PRIMITIVES: Final = {function.__name__: function for function in (_read, _write, _delete, _list)}
"""The primitives by name, to be set as methods of such a class."""
