"""The views that `keys`, `values` and `items` return: streams over the store, not snapshots."""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterator, KeysView, ValuesView
from typing import Any, Generic, TypeVar

__all__ = ["Items", "Keys", "Values"]

K = TypeVar("K")
R = TypeVar("R")
T = TypeVar("T")


class _View(Generic[T]):
    """A view whose every iteration lists anew. `len` lists but reads no result, ``in`` asks *contains*."""

    def __init__(
        self,
        tracker: object,
        stream: Callable[[], Iterator[T]],
        count: Callable[[], int],
        contains: Callable[[Any], bool],
    ) -> None:
        self._tracker = tracker
        self._stream = stream
        self._count = count
        self._contains = contains

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._tracker!r}: iterate to list the results>"

    def __iter__(self) -> Iterator[T]:
        return self._stream()

    def __len__(self) -> int:
        return self._count()

    def __contains__(self, item: object) -> bool:
        return self._contains(item)


class Keys(_View[K], KeysView[K]):
    """The keys of a tracker, as a stream."""


class Values(_View[R], ValuesView[R]):
    """The results of a tracker, as a stream."""


class Items(_View[tuple[K, R]], ItemsView[K, R]):
    """The keys of a tracker with their results, as a stream."""
