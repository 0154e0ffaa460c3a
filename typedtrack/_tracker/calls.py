"""Every call of a tracker, once, over four byte primitives and five conversions.

A backend supplies the primitives (`backend.py` has them); the untyped and the typed face supply the conversions
between keys and text, results and bytes. What lies between is here: bulk calls, waiting, listing, and what an error
says of its key. It is longer than other rooms because a call is one method here, and each is told apart by its errors.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from collections import deque
from collections.abc import Callable, ItemsView, Iterable, Iterator, KeysView
from collections.abc import Set as AbstractSet
from typing import Any, Final, Generic, Protocol, TypeVar, cast, overload

from typedtrack._results.codec import same_result
from typedtrack._results.keys import prefix_text
from typedtrack._results.values import MAX_RESULT_BYTES
from typedtrack._tracker.backend import READ_LIMIT, Primitives
from typedtrack._tracker.polling import Pauses
from typedtrack._tracker.views import Items, Keys
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

__all__ = ["Calls", "Progress"]

K = TypeVar("K")  # what the caller names places with
K_co = TypeVar("K_co", covariant=True)
R = TypeVar("R")  # a result that is there
R_co = TypeVar("R_co", covariant=True)
A = TypeVar("A")  # what `get` answers where none is

_CREATE_ATTEMPTS: Final = 100  # at a key that holds something for the create and nothing for the look after it


class HasItems(Protocol[K_co, R_co]):
    """A mapping, as a type that a ``dict[str, …]`` is where keys may also be `int`."""

    def items(self) -> AbstractSet[tuple[K_co, R_co]]:
        """Return the keys with their results."""
        ...


class Progress(Protocol):
    """What `wait_all` tells of its progress: ``update`` as tqdm's bars have it."""

    def update(self, n: int, /) -> object:
        """Note that *n* more results have arrived."""


class Calls(Primitives, Generic[K, R, A]):
    """The calls that untyped and typed trackers share; a base class, not for users."""

    # -- the five conversions -----------------------------------------------------------------------------------------

    @abstractmethod
    def _to_text(self, key: K) -> str:
        """Return *key* as the text that names its place."""

    @abstractmethod
    def _to_key(self, text: str) -> K | None:
        """Return the key that *text*, found in a listing, names, or `None` if it is none of this face's keys."""

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
        r"""Return the stored bytes under *key*, unread: the way out when a result is corrupt.

        Raises:
            ResultNotFoundError: nothing is stored there.
            CorruptResultError: there is more than the limit of 1 MiB.

        >>> from typedtrack import open_tracker
        >>> tracker = open_tracker("memory://docs/get_bytes")
        >>> tracker.put("app1_out", steps=3)
        >>> tracker.get_bytes("app1_out").decode()
        '{\n  "steps": 3\n}\n'
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

        >>> from typedtrack import open_tracker
        >>> tracker = open_tracker("memory://docs/wait")
        >>> tracker.wait("app1_out", timeout=0.01)
        Traceback (most recent call last):
            ...
        typedtrack.errors.ResultTimeoutError: no result after 0.01 s under 1 key(s): 'app1_out'; ...
        """
        text = self._to_text(key)
        pauses = Pauses(timeout)
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
        if isinstance(keys, str):
            raise TypeError(f"keys are several, not the str {keys!r}; write [{keys!r}]")
        places: dict[str, list[K]] = {}
        for key in keys:
            try:
                places.setdefault(self._to_text(key), []).append(_hashable(key))
            except InvalidKeyError as error:
                _note_failure(errors, key, error)
        return places

    def _result(self, text: str, read: bytes | Exception) -> R:
        if isinstance(read, Exception):
            raise self._noted(read, "get", text)
        return self._to_result(read, text)

    def get_many(self, keys: Iterable[K], /) -> dict[K, R | A]:
        """Return what `get` answers for each of *keys*, read concurrently.

        Raises:
            BulkError: some keys failed; it has their errors, and the results of all others.

        >>> from typedtrack import open_tracker
        >>> tracker = open_tracker("memory://docs/get_many")
        >>> tracker.put("trial_1", loss=0.5)
        >>> tracker.get_many(["trial_1", "trial_2"])
        {'trial_1': {'loss': 0.5}, 'trial_2': {}}
        """
        errors: dict[object, Exception] = {}
        results: dict[K, R | A] = {}
        places = self._places(keys, errors)
        for text, read in self._read_many(places):
            for key in places[text]:
                try:
                    results[key] = self._absent() if read is None else self._result(text, read)
                except Exception as error:
                    errors[key] = error
        if errors:
            raise BulkError(errors, results)
        return results

    @overload
    def put_many(self, results: HasItems[K, R], /) -> None: ...
    @overload
    def put_many(self, results: Iterable[tuple[K, R]], /) -> None: ...
    def put_many(self, results: HasItems[K, R] | Iterable[tuple[K, R]], /) -> None:
        """Put each result under its key, concurrently; an iterable of pairs is taken as a stream.

        Where the iterable raises, so does this, and of the pairs before some need not be stored.

        Raises:
            BulkError: some keys failed; every other result is stored.
        """
        errors: dict[object, Exception] = {}
        keys: dict[str, K] = {}

        def writes() -> Iterator[tuple[str, bytes]]:
            given = cast("Any", results)  # hasattr narrows a union to what pyright cannot name
            pairs: Iterable[tuple[K, R]] = given.items() if hasattr(given, "items") else given
            for pair in pairs:
                given_key: object = pair
                try:
                    key, result = _pair(pair)
                    given_key = key
                    text = self._to_text(key)
                    if text in keys:
                        raise InvalidKeyError(shown(text), "is given twice; only one of the two results could stay")
                    data = self._to_bytes(result, text)
                    keys[text] = key
                except Exception as error:  # of ours, or whatever a mapping of the caller's may raise
                    _note_failure(errors, given_key, self._noted(error, "put", shown(given_key)))
                else:
                    yield text, data

        for text, outcome in self._write_many(writes()):
            if outcome is not None:
                _note_failure(errors, keys[text], self._noted(outcome, "put", text))
        if errors:
            raise BulkError(errors)

    def wait_all(
        self, keys: Iterable[K], timeout: float | None = None, progress: Progress | None = None
    ) -> Iterator[tuple[K, R]]:
        """Yield each of *keys* with its result, as the results arrive.

        Looks at all that are still absent, then pauses: for four times as long as it looked or more, 2 s beyond that
        at most. *timeout* is in seconds, for all keys together. *progress* has ``update(1)`` called for each key done.

        Raises:
            ResultTimeoutError: some results did not come in time, and no key failed; it names their keys.
            BulkError: some keys failed; raised at the end, when every other key has been yielded or is too late. The
                error of a key whose result did not come in time is then that `ResultTimeoutError`.

        >>> from typedtrack import open_tracker
        >>> tracker = open_tracker("memory://docs/wait_all")
        >>> tracker.put("trial_1", loss=0.5)
        >>> for key, result in tracker.wait_all(["trial_1"], timeout=10):
        ...     print(key, result["loss"])
        trial_1 0.5
        """
        errors: dict[object, Exception] = {}
        places = self._places(keys, errors)
        pauses = Pauses(timeout)
        while True:
            last = pauses.time_is_up()
            worked = -time.monotonic()
            for text, read in self._read_many(list(places)):
                if read is None:
                    continue
                pauses.restart()
                for key in places.pop(text):
                    if progress is not None:
                        progress.update(1)
                    try:
                        result = self._result(text, read)
                    except Exception as error:
                        errors[key] = error
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
        to_key = self._to_key
        try:
            for text in self._list(folder):
                key = to_key(text)
                if key is not None and (text.startswith(below) or text == wanted):
                    note(key)
                    yield text
        except Exception as error:
            self._noted(error, "list", prefix)
            raise

    def _is_listed(self, key: object, wanted: str) -> bool:
        text = self._to_text(cast("K", key))  # which refuses what is no key
        return text == wanted or text.startswith(wanted and f"{wanted.removesuffix('/')}/")

    def _holds(self, key: object, result: object) -> bool:
        text = self._to_text(cast("K", key))  # as above
        data = self._load(text)
        return data is not None and self._to_result(data, text) == result

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
            try:
                result = self._result(text, read)
            except Exception as error:
                errors[key] = error
            else:
                yield key, result
        if errors:
            raise BulkError(errors)

    def keys(self, prefix: str = "") -> KeysView[K]:
        """Return the keys stored now, at and below *prefix* (whole segments: ``"a"`` is ``a`` and ``a/…``, not ``ab``).

        The view streams: each iteration lists anew, in the store's order. A *prefix* that ends in ``/`` leaves the key
        itself out. `list` and `sorted` list twice, as they ask for the length first; a loop does not.

        >>> from typedtrack import open_tracker
        >>> tracker = open_tracker("memory://docs/keys")
        >>> tracker.put_many({"a": {"n": 1}, "a/b": {"n": 2}, "ab": {"n": 3}})
        >>> sorted(tracker.keys("a")), sorted(tracker.keys("a/"))
        (['a', 'a/b'], ['a/b'])
        """
        wanted = prefix_text(prefix)
        return Keys(lambda: self._listed(prefix), lambda key: self._is_listed(key, wanted) and key in self)

    def items(self, prefix: str = "") -> ItemsView[K, R]:
        """Return ``(key, result)`` of what is stored now, at and below *prefix*, read concurrently, as a stream.

        Raises:
            BulkError: (from the iteration, at its end) some keys failed; every other was yielded.

        >>> from typedtrack import open_tracker
        >>> tracker = open_tracker("memory://docs/items")
        >>> tracker.put_many({"trial_1": {"loss": 0.5}, "trial_2": {"loss": 0.25}})
        >>> min(tracker.items(), key=lambda item: item[1]["loss"])
        ('trial_2', {'loss': 0.25})
        """
        wanted = prefix_text(prefix)
        return Items(
            lambda: self._items(prefix),
            self.keys(prefix),
            lambda key, result: self._is_listed(key, wanted) and self._holds(key, result),
        )

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


def _pair(pair: tuple[K, R]) -> tuple[K, R]:
    try:
        key, result = pair
    except (TypeError, ValueError):
        raise InvalidKeyError(shown(pair), "is no pair of a key and a result") from None
    return key, result


def _hashable(key: K) -> K:
    try:
        hash(key)
    except TypeError:
        raise InvalidKeyError(
            shown(key), "cannot be hashed, as keys of several results are; give an int or a str"
        ) from None
    return key


def _note_failure(errors: dict[object, Exception], key: object, error: Exception) -> None:
    try:
        errors[key] = error
    except TypeError:  # it cannot even be hashed
        errors[shown(key)] = error
