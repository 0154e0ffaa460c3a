"""Errors past arro3, which would make of each an `Exception` without a type, or a panic of Rust.

Python often runs a signal's handler as soon as a function begins. So a function that arro3 calls could raise before its
own ``try``, and the interrupt would be lost. Generators that wait inside their ``try``, and functions of C, do not.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from io import BytesIO
from types import TracebackType
from typing import IO, TypeVar, cast

__all__ = ["GuardedFile", "GuardedOutput"]

T = TypeVar("T")


class _Guard:
    """Keeps the first error behind arro3, and raises it as the block ends."""

    def __init__(self) -> None:
        self._error: BaseException | None = None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._error is not None:
            try:
                raise self._error from self._error.__cause__  # and not from the error that arro3 made of it
            finally:
                self._error = None  # breaks the cycle through its traceback, which holds this frame


class GuardedOutput(_Guard):
    """Hands batches to arro3, and writes to *file* what arro3 makes of them."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        self.memory = BytesIO()
        """The file for arro3. What it has written moves on to *file* when it asks for the next batch."""
        self._file = file

    def __enter__(self) -> GuardedOutput:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        super().__exit__(kind, error, at)
        if error is None:
            self._move_on()

    def batches(self, batches: Iterable[T]) -> Iterator[T]:
        """Return *batches* for arro3, up to the first error."""
        guarded = self._until_error(batches)
        next(guarded)
        return cast("Iterator[T]", guarded)  # only the first was `None`

    def _until_error(self, batches: Iterable[T]) -> Generator[T | None]:
        try:
            yield None  # the generator waits here when arro3 calls it for the first time
            for batch in batches:
                yield batch
                self._move_on()
        except GeneratorExit:  # arro3 itself has failed
            raise
        except BaseException as error:
            self._error = error

    def _move_on(self) -> None:
        self._file.write(self.memory.getvalue())
        self.memory.seek(0)
        self.memory.truncate()


class GuardedFile(_Guard):
    """Lets arro3 read from *file*."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        reads = self._reads(file)
        next(reads)
        self.read = reads.send
        self._file = file

    def __enter__(self) -> IO[bytes]:
        return cast("IO[bytes]", self)  # arro3 calls no other methods

    def seek(self, place: int, whence: int = 0) -> int:
        """Go to a place in the file.

        A generator takes one argument, not two. So an interrupt just as this function begins becomes an error of arro3.
        """
        try:
            return self._file.seek(place, whence)
        except BaseException as error:
            self._error = error
            raise

    def _reads(self, file: IO[bytes]) -> Generator[bytes, int]:
        data = b""
        try:
            while True:
                data = file.read((yield data))
        except GeneratorExit:
            raise
        except BaseException as error:
            self._error = error
            raise
