"""What `keys` and `items` return: views that stream."""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterator, KeysView
from typing import TypeVar

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
    """Keys and results as a stream: iterating lists and reads anew, and so does ``in``; `len` only lists."""

    def __init__(self, stream: Callable[[], Iterator[tuple[K, R]]], keys: KeysView[K]) -> None:
        self._stream = stream
        self._keys = keys

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of a tracker: iterate to list and read what is stored>"

    def __iter__(self) -> Iterator[tuple[K, R]]:
        return self._stream()

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, item: object) -> bool:
        return any(item == stored for stored in self)
