"""Every call of a tracker, once, over four byte primitives and four conversions.

A backend supplies the primitives (`ResultTracker` says how); the untyped and the typed face supply the conversions
between keys and text, results and bytes. What lies between is here: bulk calls, waiting, listing, and what an error
says of its key.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, ItemsView, Iterable, Iterator, KeysView, Mapping
from collections.abc import Set as AbstractSet
from typing import Final, Generic, Protocol, TypeAlias, TypeVar, cast, overload

from typedtrack._codec import same_result
from typedtrack._keys import is_key, prefix_text
from typedtrack._values import MAX_RESULT_BYTES
from typedtrack.errors import (
    BulkError,
    CorruptResultError,
    InvalidKeyError,
    ResultExistsError,
    ResultNotFoundError,
    ResultTimeoutError,
    TypedtrackError,
    shown,
)

__all__ = ["READ_LIMIT", "Calls", "Progress", "Read"]

K = TypeVar("K")  # what the caller names places with
K_co = TypeVar("K_co", covariant=True)
R = TypeVar("R")  # a result that is there
R_co = TypeVar("R_co", covariant=True)
A = TypeVar("A")  # what `get` answers where none is
T = TypeVar("T")
U = TypeVar("U")

Read: TypeAlias = bytes | Exception | None
READ_LIMIT: Final = MAX_RESULT_BYTES + 1  # one byte more than a result may have tells that it is too large

_CREATE_ATTEMPTS: Final = 100  # at a key that holds something for the create and nothing for the look after it
_FIRST_PAUSE: Final = 0.005  # seconds
_LONGEST_PAUSE: Final = 2.0  # seconds
_PAUSE_GROWTH: Final = 1.5
_PAUSE_PER_WORK: Final = 4  # a coordinator that waits spends at most a fifth of its time on looking


class HasItems(Protocol[K_co, R_co]):
    """A mapping, as a type that a ``dict[str, …]`` is where keys may also be `int`."""

    def items(self) -> AbstractSet[tuple[K_co, R_co]]:
        """Return the keys with their results."""
        ...


class Progress(Protocol):
    """What `wait_all` tells of its progress: ``update`` as tqdm's bars have it."""

    def update(self, n: int, /) -> object:
        """Note that *n* more results have arrived."""


class Calls(ABC, Generic[K, R, A]):
    """The calls that untyped and typed trackers share; a base class, not for users."""

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

        from concurrent.futures import Future, ThreadPoolExecutor  # here: a single put or get needs no threads

        under_way: deque[tuple[T, Future[U | Exception]]] = deque()
        pool = ThreadPoolExecutor(self.max_concurrency, "typedtrack")
        patient = True
        try:
            for argument in arguments:
                under_way.append((argument, pool.submit(outcome, argument)))
                if len(under_way) > 2 * self.max_concurrency:
                    done, future = under_way.popleft()
                    yield done, future.result()
            while under_way:
                done, future = under_way.popleft()
                yield done, future.result()
        except (KeyboardInterrupt, GeneratorExit):  # a caller that wants no more, nor waits for what a slow store owes
            patient = False
            raise
        finally:  # start nothing further
            pool.shutdown(wait=patient, cancel_futures=True)

    # -- the four conversions -----------------------------------------------------------------------------------------

    @abstractmethod
    def _to_text(self, key: K) -> str:
        """Return *key* as the text that names its place."""

    @abstractmethod
    def _to_key(self, text: str) -> K | None:
        """Return the key that *text* names, or `None` if it is none of this face's keys."""

    @abstractmethod
    def _to_bytes(self, result: R, text: str) -> bytes:
        """Return *result*, every rule checked, as it is stored."""

    @abstractmethod
    def _to_result(self, data: bytes, text: str) -> R:
        """Return the result that *data* hold, every rule checked."""

    @abstractmethod
    def _absent(self) -> A:
        """Return what `get` answers where nothing is stored."""

    # -- one key ------------------------------------------------------------------------------------------------------

    def _location(self, text: str) -> str:
        """Return where *text* is stored, as an error names it."""
        return f"{self!r}[{text!r}]"

    def _noted(self, error: Exception, operation: str, text: str) -> Exception:
        if not isinstance(error, TypedtrackError):
            error.add_note(f"typedtrack: {operation} {self._location(text)}")
        return error

    def _load(self, text: str) -> bytes | None:
        try:
            return self._read(text, READ_LIMIT)
        except Exception as error:
            self._noted(error, "get", text)
            raise

    def _store(self, text: str, data: bytes) -> None:
        try:
            self._write(text, data)
        except Exception as error:
            self._noted(error, "put", text)
            raise

    def _create(self, text: str, data: bytes) -> None:
        attempts_left = _CREATE_ATTEMPTS
        while True:
            attempts_left -= 1
            try:
                return self._write(text, data, exclusive=True)
            except Exception as error:
                if not (isinstance(error, FileExistsError) and attempts_left):
                    self._noted(error, "create", text)
                    raise
            stored = self._load(text)
            if stored is not None:  # else it was deleted in between
                break
        if not same_result(stored, data):
            raise ResultExistsError(text, repr(self))

    def get_bytes(self, key: K, /) -> bytes:
        """Return the stored bytes under *key*, unread: the way out when a result is corrupt.

        Raises:
            ResultNotFoundError: nothing is stored there.
            CorruptResultError: there is more than the limit of 1 MiB.
        """
        text = self._to_text(key)
        data = self._load(text)
        if data is None:
            raise ResultNotFoundError(text, repr(self))
        if len(data) > MAX_RESULT_BYTES:
            reason = f"is larger than the limit of {MAX_RESULT_BYTES:,} bytes"
            raise CorruptResultError(self._location(text), None, reason)
        return data

    def __delitem__(self, key: K) -> None:
        """Delete what *key* holds.

        Raises:
            ResultNotFoundError: it holds nothing.
        """
        text = self._to_text(key)
        try:
            self._delete(text)
        except FileNotFoundError:
            self._load(text)  # which raises if it is not the result but the base that the store cannot find
            raise ResultNotFoundError(text, repr(self)) from None
        except Exception as error:
            self._noted(error, "delete", text)
            raise

    def wait(self, key: K, timeout: float | None = None) -> R:
        """Return the result under *key* as soon as it is there; polls by reading, ever less often (2 s at most).

        *timeout* is in seconds; `None` waits for ever, 0 reads once.

        Raises:
            ResultTimeoutError: it did not come in time.
        """
        text = self._to_text(key)
        pauses = _Pauses(timeout)
        while True:
            last = pauses.time_is_up()
            if (data := self._load(text)) is not None:
                return self._to_result(data, text)
            if last:
                raise ResultTimeoutError((text,), pauses.timeout)
            pauses.sleep()

    # -- many keys ----------------------------------------------------------------------------------------------------

    def _places(self, keys: Iterable[K], errors: dict[object, Exception]) -> dict[str, list[K]]:
        """Return the places that *keys* name, each once, with the keys that name it; note what is no key."""
        places: dict[str, list[K]] = {}
        for key in keys:
            try:
                places.setdefault(self._to_text(key), []).append(key)
            except InvalidKeyError as error:
                _note_failure(errors, key, error)
        return places

    def _result(self, text: str, read: bytes | Exception) -> R | Exception:
        if isinstance(read, Exception):
            return self._noted(read, "get", text)
        try:
            return self._to_result(read, text)
        except TypedtrackError as error:
            return error

    def get_many(self, keys: Iterable[K], /) -> dict[K, R | A]:
        """Return what `get` answers for each of *keys*, read concurrently.

        Raises:
            BulkError: some keys failed; it has their errors, and the results of all others.
        """
        errors: dict[object, Exception] = {}
        results: dict[K, R | A] = {}
        places = self._places(keys, errors)
        for text, read in self._read_many(places):
            for key in places[text]:
                result = self._absent() if read is None else self._result(text, read)
                if isinstance(result, Exception):
                    errors[key] = result
                else:
                    results[key] = result
        if errors:
            raise BulkError(errors, results)
        return results

    @overload
    def put_many(self, results: HasItems[K, R], /) -> None: ...
    @overload
    def put_many(self, results: Iterable[tuple[K, R]], /) -> None: ...
    def put_many(self, results: HasItems[K, R] | Iterable[tuple[K, R]], /) -> None:
        """Put each result under its key, concurrently; an iterable of pairs is taken as a stream.

        Raises:
            BulkError: some keys failed; every other result is stored.
        """
        errors: dict[object, Exception] = {}
        keys: dict[str, K] = {}

        def writes() -> Iterator[tuple[str, bytes]]:
            # The cast: to a type checker, an iterable of pairs might itself be a mapping, of which pairs are the keys.
            pairs = cast("Iterable[tuple[K, R]]", results.items() if isinstance(results, Mapping) else results)
            for key, result in pairs:
                try:
                    text = self._to_text(key)
                    if text in keys:
                        raise InvalidKeyError(shown(text), "is given twice; only one of the two results could stay")
                    keys[text] = key
                    data = self._to_bytes(result, text)
                except TypedtrackError as error:
                    _note_failure(errors, key, error)
                else:
                    yield text, data

        for text, outcome in self._write_many(writes()):
            if outcome is not None:
                errors[keys[text]] = self._noted(outcome, "put", text)
        if errors:
            raise BulkError(errors)

    def wait_all(
        self, keys: Iterable[K], timeout: float | None = None, progress: Progress | None = None
    ) -> Iterator[tuple[K, R]]:
        """Yield each of *keys* with its result, as the results arrive.

        Looks at all that are still absent, then pauses: for four times as long as it looked or more, 2 s beyond that
        at most. *timeout* is in seconds, for all keys together. *progress* has ``update(1)`` called for each key done.

        Raises:
            ResultTimeoutError: some results did not come in time; it names their keys.
            BulkError: some keys failed; raised at the end, when every other key has been yielded.
        """
        errors: dict[object, Exception] = {}
        places = self._places(keys, errors)
        pauses = _Pauses(timeout)
        while True:
            last = pauses.time_is_up()
            worked = -time.monotonic()
            for text, read in self._read_many(list(places)):
                if read is None:
                    continue
                pauses.restart()
                for key in places.pop(text):
                    result = self._result(text, read)
                    if progress is not None:
                        progress.update(1)
                    if isinstance(result, Exception):
                        errors[key] = result
                    else:
                        worked += time.monotonic()  # what the caller does with it is not part of the look
                        yield key, result
                        worked -= time.monotonic()
            worked += time.monotonic()
            if not places or last:
                break
            pauses.sleep(worked)
        if places:
            late = ResultTimeoutError(tuple(places), pauses.timeout)
            if not errors:
                raise late
            errors.update((key, late) for keys_there in places.values() for key in keys_there)
        if errors:
            raise BulkError(errors)

    # -- listing ------------------------------------------------------------------------------------------------------

    def _texts(self, prefix: str, note: Callable[[K], object]) -> Iterator[str]:
        """Yield the keys at and below *prefix* as text; *note* is told each, as this face has it, before."""
        wanted = prefix_text(prefix)
        folder = wanted.removesuffix("/")
        below = f"{folder}/" if folder else ""
        try:
            for text in self._list(folder):
                if (
                    (text.startswith(below) or text == wanted)
                    and is_key(text)
                    and (key := self._to_key(text)) is not None
                ):
                    note(key)
                    yield text
        except Exception as error:
            self._noted(error, "list", prefix)
            raise

    def _is_listed(self, key: object, wanted: str) -> bool:
        text = self._to_text(cast("K", key))  # which refuses what is no key
        return text == wanted or text.startswith(wanted and f"{wanted.removesuffix('/')}/")

    def _listed(self, prefix: str) -> Iterator[K]:
        noted: deque[K] = deque()
        return (noted.popleft() for _ in self._texts(prefix, noted.append))

    def _items(self, prefix: str) -> Iterator[tuple[K, R]]:
        errors: dict[object, Exception] = {}
        noted: deque[K] = deque()
        for text, read in self._read_many(self._texts(prefix, noted.append)):
            key = noted.popleft()
            if read is None:  # deleted since it was listed
                continue
            result = self._result(text, read)
            if isinstance(result, Exception):
                errors[key] = result
            else:
                yield key, result
        if errors:
            raise BulkError(errors)

    def keys(self, prefix: str = "") -> KeysView[K]:
        """Return the keys stored now, at and below *prefix* (whole segments: ``"a"`` is ``a`` and ``a/…``, not ``ab``).

        The view streams: each iteration lists anew, in the store's order. A *prefix* that ends in ``/`` leaves the key
        itself out.
        """
        wanted = prefix_text(prefix)
        return _Keys(lambda: self._listed(prefix), lambda key: self._is_listed(key, wanted) and key in self)

    def items(self, prefix: str = "") -> ItemsView[K, R]:
        """Return ``(key, result)`` of what is stored now, at and below *prefix*, read concurrently, as a stream.

        Raises:
            BulkError: (from the iteration, at its end) some keys failed; every other was yielded.
        """
        return _Items(lambda: self._items(prefix), self.keys(prefix))

    def __iter__(self) -> Iterator[K]:
        """Iterate over the keys stored now."""
        return self._listed("")

    def __len__(self) -> int:
        """Count the keys stored now, by listing them."""
        return sum(1 for _ in self._listed(""))

    def __contains__(self, key: object) -> bool:
        """Return whether *key* holds something now, by reading."""
        text = self._to_text(cast("K", key))  # which refuses what is no key
        try:
            return self._read(text, 1) is not None
        except Exception as error:
            self._noted(error, "look for", text)
            raise


class _Keys(KeysView[K]):
    """Keys as a stream: iterating lists anew, and so does `len`; ``in`` reads."""

    def __init__(self, stream: Callable[[], Iterator[K]], contains: Callable[[object], bool]) -> None:
        self._stream = stream
        self._contains = contains

    def __iter__(self) -> Iterator[K]:
        return self._stream()

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, key: object) -> bool:
        return self._contains(key)


class _Items(ItemsView[K, R]):
    """Keys and results as a stream: iterating lists and reads anew, and so does ``in``; `len` only lists."""

    def __init__(self, stream: Callable[[], Iterator[tuple[K, R]]], keys: KeysView[K]) -> None:
        self._stream = stream
        self._keys = keys

    def __iter__(self) -> Iterator[tuple[K, R]]:
        return self._stream()

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, item: object) -> bool:
        return any(item == stored for stored in self)


class _Pauses:
    """The pauses between looks: ever longer, and none past the time-out."""

    def __init__(self, timeout: float | None) -> None:
        self.timeout = float("inf") if timeout is None else timeout
        self._deadline = time.monotonic() + self.timeout
        self._pause = _FIRST_PAUSE

    def restart(self) -> None:
        self._pause = _FIRST_PAUSE

    def time_is_up(self) -> bool:
        """Return whether the look that begins now is the last one."""
        return time.monotonic() >= self._deadline

    def sleep(self, worked: float = 0.0) -> None:
        """Pause once, the longer the more seconds a look takes."""
        left = max(self._deadline - time.monotonic(), 0.0)
        time.sleep(min(max(self._pause, worked * _PAUSE_PER_WORK), left))
        self._pause = min(self._pause * _PAUSE_GROWTH, _LONGEST_PAUSE)


def _note_failure(errors: dict[object, Exception], key: object, error: Exception) -> None:
    try:
        errors[key] = error
    except TypeError:  # it cannot even be hashed
        errors[shown(key)] = error
