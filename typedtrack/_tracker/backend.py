"""`Backend`: the four primitives that a store implements, on keys that keep the rules and on bytes.

The functions below it call a primitive, and add the key to the errors of the store.
"""

from __future__ import annotations

import os
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from typedtrack._results.codec import holds_failure, same_result
from typedtrack._results.values import MAX_RESULT_BYTES
from typedtrack.errors import ResultExistsError, TypedtrackError, UnsupportedOperationError

if TYPE_CHECKING:
    from typedtrack._tracker.threads import Call

__all__ = [
    "READ_LIMIT",
    "Backend",
    "Listed",
    "Read",
    "add_note",
    "annotate",
    "annotating",
    "check_store",
    "create",
    "forks",
    "load",
    "store",
]

T = TypeVar("T")
U = TypeVar("U")

_OTHER_FORMS: Final = {
    "_list": ("_list_details", "_list_contents"),
    "_read": ("_read_many", "_list_contents"),
    "_write": ("_write_many",),
}
"""The methods that do the same as each primitive, for many keys or with more. Those of `Backend` call the primitive."""

Read: TypeAlias = bytes | Exception | None
Listed: TypeAlias = tuple[str, str | None, float | None]
"""A key, with what `Backend._list_details` yields for it."""

READ_LIMIT: Final = MAX_RESULT_BYTES + 1  # one byte more than a result may have shows that it is too large

_CREATE_ATTEMPTS: Final = 100  # while the key keeps vanishing between a failed create and the read after it
_CREATE_SECONDS: Final = 10.0  # for all of these: each may take long on a slow store


forks: Final[list[None]] = []
"""One item for each fork between the process that loaded this module and this one. `os.getpid` would take longer."""

os.register_at_fork(after_in_child=partial(forks.append, None))


class Backend(ABC):
    """The primitives, and the bulk reads and writes made of them. Users subclass `ResultTracker`, not this class."""

    max_concurrency: int = 64
    """How many reads or writes a bulk call makes at once."""

    def __init_subclass__(cls, **options: Any) -> None:
        """Let a class that overrides a primitive make every call by it.

        The other forms of a listing would show keys that its `_list` hides. Bulk reads and writes would pass by its
        `_read` and `_write`, which may encrypt.
        """
        super().__init_subclass__(**options)
        classes = cls.__mro__
        for primitive, forms in _OTHER_FORMS.items():
            own = classes[: 1 + next(number for number, each in enumerate(classes) if primitive in vars(each))]
            for form in forms:
                if not any(form in vars(each) for each in own):
                    setattr(cls, form, vars(Backend)[form])

    def _location(self, text: str) -> str:
        """Return where the key *text* is stored, as error messages name it."""
        return f"{self!r}[{text!r}]"

    # -- the four primitives, on keys that keep the rules -------------------------------------------------------------

    @abstractmethod
    def _read(self, key: str, limit: int) -> bytes | None:
        """Return the stored bytes under *key*, the first *limit* at most; `None` only if the store confirms absence."""

    @abstractmethod
    def _write(self, key: str, data: bytes, *, exclusive: bool = False) -> None:
        """Store *data* under *key*, whole or not at all.

        An exclusive write may replace an empty file, which a loss of power leaves, where the store can do so
        atomically. Any other file refuses it.

        Raises:
            FileExistsError: *exclusive*, and something is stored under *key*; the store decides this atomically.
            UnsupportedOperationError: *exclusive*, and the store has no such atomic operation.
        """

    @abstractmethod
    def _delete(self, key: str) -> None:
        """Delete what is stored under *key*.

        Raises:
            FileNotFoundError: nothing is stored there.
        """

    @abstractmethod
    def _list(self, prefix: str) -> Iterator[str]:
        """Yield the keys stored now: *prefix* itself and all below ``prefix/``; all keys if *prefix* is empty.

        It may yield other keys, too. The caller drops them.
        """

    def _list_details(self, prefix: str) -> Iterator[Listed]:
        """Yield the keys as `_list` does, each with its version and the time of its last put.

        Equal versions mean that the bytes are equal, too. A time is in seconds since the epoch. Each is `None` where it
        is unknown. A store whose listings have versions or times overrides this.
        """
        return ((key, None, None) for key in self._list(prefix))

    def _list_contents(
        self, prefix: str, decode: Callable[[bytes], list[tuple[str, T]] | None] | None = None
    ) -> Iterator[Sequence[tuple[str, bytes | T]]] | None:
        """Yield the keys as `_list` does, several at a time, each with its stored bytes. Every key keeps the rules.

        By default it returns `None`: a listing has only keys. A store whose listing has the contents overrides this.
        An archive may pass some of its lines to *decode*, which returns their keys and results, or `None` if each line
        must be decoded by itself. The archive then yields these results in place of bytes.
        """
        return None

    def _check_writable(self, key: str) -> None:  # noqa: B027  # most stores know nothing before a write
        """Raise an error if it is known without a write that nothing can be stored under *key*.

        A store that takes no results, or can ask for permissions, overrides this.
        """

    def _remove_leftovers(self, older_than: float) -> int:
        """Remove the hidden files of killed writers that are older than *older_than* seconds; return their number.

        Only a store whose writes begin with a hidden file overrides this.
        """
        return 0

    # -- the same for many keys: a backend whose client has a batch API overrides these two ---------------------------

    def _read_many(self, keys: Iterable[str]) -> Iterator[tuple[str, Read]]:
        """Yield each of *keys*, in order, with its stored bytes, `None`, or the error of reading it."""
        return self._concurrently(lambda key: self._read(key, READ_LIMIT), keys)

    def _write_many(self, writes: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, Exception | None]]:
        """Store each pair of key and bytes; yield each key, in order, with the error of storing it or `None`."""
        for (key, _), outcome in self._concurrently(lambda write: self._write(*write), writes):
            yield key, outcome

    def _concurrently(
        self, call: Callable[[T], U], arguments: Iterable[T], threads: int | None = None
    ) -> Iterator[tuple[T, U | Exception]]:
        """Yield each of *arguments*, in order, with the answer or the error of *call* for it.

        At most *threads* threads make the calls, by default `max_concurrency`.
        """
        limit = threads or self.max_concurrency

        def outcome(argument: T) -> U | Exception:
            try:
                return call(argument)
            except Exception as error:
                return error

        if limit == 1:
            for argument in arguments:
                yield argument, outcome(argument)
            return

        from typedtrack._tracker.threads import Workers  # here, because calls for one key need no threads

        under_way: deque[tuple[T, Call[U | Exception]]] = deque()
        workers, process = Workers(limit), os.getpid()
        join = False  # not after an interrupt, nor where the caller drops the stream: a slow store may take long

        def checked_arguments() -> Iterator[T]:
            nonlocal join
            try:
                yield from arguments
            except Exception:
                join = True
                raise

        try:
            for argument in checked_arguments():
                self._check_process(process)
                under_way.append((argument, workers.begin(partial(outcome, argument))))
                if len(under_way) > 2 * limit:
                    done, call_made = under_way.popleft()
                    yield done, call_made.result()
            while under_way:
                self._check_process(process)
                done, call_made = under_way.popleft()
                yield done, call_made.result()
            join = True
        finally:
            workers.end(join=join)

    def _check_process(self, process: int) -> None:
        """Check that this is still *process*. A child forked from it lacks the threads that make the calls.

        Raises:
            UnsupportedOperationError: this is such a child.
        """
        if os.getpid() != process:
            remedy = "the child would wait for ever; start the iteration in the child"
            raise UnsupportedOperationError("an iteration that began before a fork", repr(self), remedy)


def add_note(backend: Backend, error: Exception, operation: str, text: str) -> None:
    """Add a note that names the key to an *error* of the store; errors of typedtrack name it themselves."""
    if not isinstance(error, TypedtrackError):
        error.add_note(f"typedtrack: {operation} {backend._location(text)}")


def annotate(backend: Backend, error: Exception, operation: str, text: str) -> None:
    """Add that note to an *error* which the caller then raises; raise another in place of a bare `KeyError`.

    To the callers of a mapping, a `KeyError` means that nothing is stored: ``view.pop(key, None)`` would return `None`.
    """
    add_note(backend, error, operation, text)
    if isinstance(error, KeyError) and not isinstance(error, TypedtrackError):
        found = f"{type(error).__name__}({error})"
        other = RuntimeError(f"the store's client or the record raised {found}, which says nothing about the key")
        add_note(backend, other, operation, text)
        raise other from error


@contextmanager
def annotating(backend: Backend, operation: str, text: str) -> Generator[None]:
    """Annotate an error of the block. Not for the calls of one key: this takes about as long as a local read."""
    try:
        yield
    except Exception as error:
        annotate(backend, error, operation, text)
        raise


def check_store(backend: Backend, text: str) -> None:
    """Check without a write that the store answers, and that no reason is known why a put under *text* would fail."""
    with annotating(backend, "look for", text):
        backend._check_writable(text)
        backend._read(text, 1)


def load(backend: Backend, text: str) -> bytes | None:
    """Return the stored bytes under *text*, or `None` where nothing is stored."""
    try:
        return backend._read(text, READ_LIMIT)
    except Exception as error:
        annotate(backend, error, "get", text)
        raise


def store(backend: Backend, text: str, data: bytes) -> None:
    """Store *data* under *text*."""
    try:
        backend._write(text, data)
    except Exception as error:
        annotate(backend, error, "put", text)
        raise


def create(backend: Backend, text: str, data: bytes) -> None:
    """Store *data* if nothing is stored under *text*, atomically; accept an equal result that is.

    Raises:
        ResultExistsError: other content is stored there.
    """
    deadline = time.monotonic() + _CREATE_SECONDS
    attempts = 0
    while True:
        try:
            return backend._write(text, data, exclusive=True)
        except Exception as error:
            annotate(backend, error, "create", text)
            if not isinstance(error, FileExistsError):
                raise
            exists = error
        stored = load(backend, text)
        if stored is not None:
            break
        attempts += 1  # it was deleted in between
        if attempts >= _CREATE_ATTEMPTS or time.monotonic() >= deadline:
            raise exists
    if not same_result(stored, data):
        raise ResultExistsError(text, repr(backend), holds_failure(stored))
