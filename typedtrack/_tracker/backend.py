"""What a backend implements: four primitives on a key that keeps the rules and on bytes."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

from typedtrack._results.values import MAX_RESULT_BYTES
from typedtrack.errors import UnsupportedOperationError

if TYPE_CHECKING:
    from typedtrack._tracker.threads import Call

__all__ = ["READ_LIMIT", "Primitives", "Read"]

T = TypeVar("T")
U = TypeVar("U")

Read: TypeAlias = bytes | Exception | None
READ_LIMIT: Final = MAX_RESULT_BYTES + 1  # one byte more than a result may have tells that it is too large


class Primitives(ABC):
    """The primitives, and what bulk calls make of them; a base class, not for users."""

    max_concurrency: int = 64
    """How many reads or writes a bulk call has under way at once."""

    # -- the four primitives, on keys that keep the rules -------------------------------------------------------------

    @abstractmethod
    def _read(self, key: str, limit: int) -> bytes | None:
        """Return the first *limit* bytes at most of what *key* holds; `None` only if the store says: nothing."""

    @abstractmethod
    def _write(self, key: str, data: bytes, *, exclusive: bool = False) -> None:
        """Make *key* hold *data*, whole or not at all.

        Raises:
            FileExistsError: *exclusive*, and the key holds something; decided by the store, atomically.
            UnsupportedOperationError: *exclusive*, and the store has no such atomic operation.
        """

    @abstractmethod
    def _delete(self, key: str) -> None:
        """Make *key* hold nothing.

        Raises:
            FileNotFoundError: it holds nothing.
        """

    @abstractmethod
    def _list(self, prefix: str) -> Iterator[str]:
        """Yield the keys stored now: *prefix* and all below ``prefix/`` (all, if it is empty); what else is dropped."""

    # -- the same for many keys: a backend whose client has a batch API overrides these two ---------------------------

    def _read_many(self, keys: Iterable[str]) -> Iterator[tuple[str, Read]]:
        """Yield each of *keys*, in their order, with what it holds or the error of reading it."""
        return self._concurrently(lambda key: self._read(key, READ_LIMIT), keys)

    def _write_many(self, writes: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, Exception | None]]:
        """Make each key hold its bytes; yield it, in order, with the error of doing so or `None`."""
        for (key, _), outcome in self._concurrently(lambda write: self._write(*write), writes):
            yield key, outcome

    def _concurrently(self, call: Callable[[T], U], arguments: Iterable[T]) -> Iterator[tuple[T, U | Exception]]:
        def outcome(argument: T) -> U | Exception:
            try:
                return call(argument)
            except Exception as error:
                return error

        if self.max_concurrency == 1:
            for argument in arguments:
                yield argument, outcome(argument)
            return

        from typedtrack._tracker.workers import Workers  # here: a single put or get needs no such threads

        under_way: deque[tuple[T, Call[U | Exception]]] = deque()
        workers, process = Workers(self.max_concurrency), os.getpid()
        patient = False  # where a signal interrupts, or the caller wants no more: a slow store may owe much

        def given() -> Iterator[T]:
            nonlocal patient
            try:
                yield from arguments
            except Exception:
                patient = True
                raise

        try:
            for argument in given():
                self._check_process(process)
                under_way.append((argument, workers.begin(partial(outcome, argument))))
                if len(under_way) > 2 * self.max_concurrency:
                    done, call_made = under_way.popleft()
                    yield done, call_made.result()
            while under_way:
                self._check_process(process)
                done, call_made = under_way.popleft()
                yield done, call_made.result()
            patient = True
        finally:  # start nothing further
            workers.end(wait=patient)

    def _check_process(self, process: int) -> None:
        """Check that this is still *process*, which has the threads that a child forked from it has not.

        Raises:
            UnsupportedOperationError: it is such a child.
        """
        if os.getpid() != process:
            remedy = "the child would wait for ever; begin it anew there"
            raise UnsupportedOperationError("to go on after a fork with what was begun before it", repr(self), remedy)
