"""What `keys` and `items` return: views that stream."""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterator, KeysView
from typing import TypeVar, cast

__all__ = ["Items", "Keys"]

K = TypeVar("K")
R = TypeVar("R")


class Keys(KeysView[K]):
    """Keys as a stream: iterating lists anew, and so does `len`; ``in`` reads."""

    def __init__(self, stream: Callable[[], Iterator[K]], contains: Callable[[object], bool]) -> None:
        self._stream = stream
        self._contains = contains

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of a tracker: iterate to list what is stored>"

    def __iter__(self) -> Iterator[K]:
        return self._stream()

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, key: object) -> bool:
        return self._contains(key)


class Items(ItemsView[K, R]):
    """Keys and results as a stream: iterating lists and reads anew; `len` only lists, ``in`` only reads."""

    def __init__(
        self, stream: Callable[[], Iterator[tuple[K, R]]], keys: KeysView[K], holds: Callable[[object, object], bool]
    ) -> None:
        self._stream = stream
        self._keys = keys
        self._holds = holds

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of a tracker: iterate to list and read what is stored>"

    def __iter__(self) -> Iterator[tuple[K, R]]:
        return self._stream()

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, item: object) -> bool:
        pair = cast("tuple[object, ...]", item) if isinstance(item, tuple) else ()  # pyright knows no element of it
        return len(pair) == 2 and self._holds(*pair)
