"""Progress bars for long calls: any object with ``update``, as tqdm's bars have it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, Protocol, TypeVar

from typedtrack.errors import shown

__all__ = ["Progress", "check_progress", "counted"]

T = TypeVar("T")

_STEP: Final = 100  # a bar takes longer to draw than a result takes to read


class Progress(Protocol):
    """A progress bar for a long call, with ``update`` as tqdm's bars have it."""

    def update(self, n: int, /) -> object:
        """Show that *n* more results are done."""


def check_progress(progress: object) -> None:
    """Check that *progress* is a bar, or `None`.

    Raises:
        TypeError: it is not.
    """
    if progress is not None and (isinstance(progress, type) or not callable(getattr(progress, "update", None))):
        raise TypeError(f"progress is a bar with an update method, for example tqdm(), not {shown(progress)}")


def counted(items: Iterable[T], progress: Progress) -> Iterator[T]:
    """Yield *items*, and count them on *progress*, by the hundred and at the end."""
    number = 0
    for number, item in enumerate(items, 1):
        yield item
        if number % _STEP == 0:
            progress.update(_STEP)
    if number % _STEP:
        progress.update(number % _STEP)
