"""Errors past arro3, which would make of each an `Exception` without a type, or a panic of Rust."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import IO, TypeVar, cast

__all__ = ["Guard"]

T = TypeVar("T")


class Guard:
    """Keeps the first error of the file and the batches that arro3 is given, and raises it when the block ends.

    After an error of theirs arro3 gets no further batch, and the file takes what is written and drops it.
    """

    def __init__(self) -> None:
        self.error: BaseException | None = None

    def __enter__(self) -> Guard:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.error is not None:
            raise self.error from None

    def file(self, file: IO[bytes]) -> IO[bytes]:
        """Return *file* for arro3."""
        return cast("IO[bytes]", _GuardedFile(file, self))  # it has the methods that arro3 calls

    def batches(self, batches: Iterable[T]) -> Iterator[T]:
        """Yield *batches* until there is an error."""
        left = iter(batches)
        while self.error is None:
            try:
                batch = next(left)
            except StopIteration:
                return
            except BaseException as error:  # Ctrl-C too
                self.error = error
                return
            yield batch


class _GuardedFile:
    """A file whose errors a `Guard` keeps."""

    def __init__(self, file: IO[bytes], guard: Guard) -> None:
        self._file = file
        self._guard = guard

    def read(self, size: int = -1) -> bytes:
        """Read from the file; raise its error, because there is nothing to return."""
        try:
            return self._file.read(size)
        except BaseException as error:
            self._guard.error = error
            raise

    def seek(self, place: int, whence: int = 0) -> int:
        """Go to a place in the file, as `read`."""
        try:
            return self._file.seek(place, whence)
        except BaseException as error:
            self._guard.error = error
            raise

    def write(self, data: bytes) -> int:
        """Write to the file unless there was an error."""
        if self._guard.error is None:
            try:
                return self._file.write(data)
            except BaseException as error:
                self._guard.error = error
        return len(data)

    def flush(self) -> None:
        """Do nothing, because closing the file writes the rest."""
