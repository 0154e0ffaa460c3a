"""`Bulk`: the calls for many keys, and those that wait."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar, cast, overload

from typedtrack._tracker.backend import READ_LIMIT, Backend, Read, annotate, forks
from typedtrack._tracker.face import Face, result_in
from typedtrack._tracker.polling import Polling
from typedtrack.errors import BulkError, InvalidKeyError, ResultFailedError, ResultTimeoutError, shown

if TYPE_CHECKING:
    from typedtrack._progress import Progress

__all__ = ["Alive", "Bulk", "HasItems"]

K = TypeVar("K")
K_co = TypeVar("K_co", covariant=True)
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
A = TypeVar("A")

Alive: TypeAlias = Callable[[K], bool]


class HasItems(Protocol[K_co, R_co]):
    """A mapping, in a form that ``dict[str, …]`` matches where keys may also be `int`."""

    def items(self) -> AbstractSet[tuple[K_co, R_co]]:
        """Return the keys with their results."""
        ...


class Bulk(Face[K, R, A]):
    """Many keys in one call, each with its own outcome. Not for users."""

    def get_many(self, keys: Iterable[K], /) -> dict[K, R | A]:
        """Return what `get` returns for each of *keys*, read concurrently.

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
        places = _places(self, keys, errors)
        for text, read in self._primitives._read_many(places):
            for key in places[text]:
                try:
                    results[key] = self._to_absent(text) if read is None else result_in(self, text, read)
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
        """Put each result under its key, concurrently; an iterable of pairs is read as a stream.

        If a key comes twice, the later result stays. If the iterable raises an error, so does this call, and some
        pairs before it may not be stored.

        Raises:
            BulkError: some keys failed; every other result is stored.
        """
        given = cast("Any", results)  # hasattr narrows a union to a type that pyright cannot name
        pairs: Iterator[tuple[K, R]] = iter(given.items() if hasattr(given, "items") else given)
        errors: dict[object, Exception] = {}
        under_way: dict[str, K] = {}
        put_off: list[tuple[str, K, bytes]] = []  # one at most: a key whose earlier result is still under way

        def writes() -> Iterator[tuple[str, bytes]]:
            for text, key, data in put_off:
                put_off.clear()
                under_way[text] = key
                yield text, data
            for pair in pairs:
                given_key: object = pair
                try:
                    key, result = _pair(pair)
                    given_key = key
                    text = self._to_text(key)
                    data = self._to_bytes(result, text)
                except Exception as error:  # of ours, or of the caller's mapping
                    annotate(self._primitives, error, "put", shown(given_key))
                    _record(errors, given_key, error)
                else:
                    if text in under_way:
                        put_off.append((text, key, data))
                        return
                    under_way[text] = key
                    yield text, data

        while True:
            for text, outcome in self._primitives._write_many(writes()):
                key = under_way.pop(text)
                if outcome is not None:
                    annotate(self._primitives, outcome, "put", text)
                    _record(errors, key, outcome)
            if not put_off:
                break
        if errors:
            raise BulkError(errors)

    def wait(self, key: K, timeout: float | None = None, alive: Alive[K] | None = None) -> R:
        """Return the result under *key* as soon as it is there; polls by reading, ever less often.

        *timeout* is in seconds; `None` waits for ever, 0 reads once. The call ends within a second after it, even if
        the store does not answer. *alive*, called with the key between two reads, tells whether the application still
        runs. If it does not, one more read decides: without a result, the key has failed. The pauses between two reads
        grow up to 2 s, or 0.9 s with *alive*, so that the call ends within a second of the application.

        Raises:
            ResultTimeoutError: the result did not come in time.
            ResultFailedError: the application stored a failure, or is gone (type ``Ended``) without a result.

        >>> from typedtrack import open_tracker
        >>> tracker = open_tracker("memory://docs/wait")
        >>> tracker.wait("app1_out", timeout=0.01)
        Traceback (most recent call last):
            ...
        typedtrack.errors.ResultTimeoutError: no result after 0.01 s under 1 key(s): 'app1_out'; ...
        """
        polling = Polling(timeout, for_alive=alive is not None)
        text, _, found = next(_arrivals(self._primitives, {self._to_text(key): [key]}, polling, alive))
        return result_in(self, text, found)

    def wait_all(
        self,
        keys: Iterable[K],
        timeout: float | None = None,
        progress: Progress | None = None,
        alive: Alive[K] | None = None,
    ) -> Iterator[tuple[K, R]]:
        """Yield each of *keys* with its result, as the results arrive.

        Each round reads all keys that are still absent, then pauses: at least four times as long as the reads took, or
        up to 2 s (0.9 s with *alive*) if that is longer. *timeout* is in seconds, for all keys together; the store's
        share of the call ends within a second after it. *progress* has ``update(1)`` called for each key that is done.
        *alive* tells of a key whether its application still runs, as for `wait`.

        Raises:
            ResultTimeoutError: some results did not come in time, and no key failed; it names their keys.
            BulkError: some keys failed; raised at the end, when every other key has been yielded or is too late. The
                error of a key whose result did not come in time is then that `ResultTimeoutError`, that of a failure
                or of an application that is gone a `ResultFailedError`.

        >>> from typedtrack import open_tracker
        >>> tracker = open_tracker("memory://docs/wait_all")
        >>> tracker.put("trial_1", loss=0.5)
        >>> for key, result in tracker.wait_all(["trial_1"], timeout=10):
        ...     print(key, result["loss"])
        trial_1 0.5
        """
        errors: dict[object, Exception] = {}
        places = _places(self, keys, errors)
        polling = Polling(timeout, for_alive=alive is not None)
        return _wait_all(self, places, errors, polling, progress, alive)


def _wait_all(
    face: Face[K, R, A],
    places: dict[str, list[K]],
    errors: dict[object, Exception],
    polling: Polling,
    progress: Progress | None,
    alive: Alive[K] | None,
) -> Iterator[tuple[K, R]]:
    to_result = face._to_result
    try:
        for text, keys, found in _arrivals(face._primitives, places, polling, alive):
            for key in keys:
                if progress is not None:
                    progress.update(1)
                try:
                    result = to_result(found, text) if isinstance(found, bytes) else result_in(face, text, found)
                except Exception as error:
                    errors[key] = error
                else:
                    yield key, result
    except ResultTimeoutError as late:
        if not errors:
            raise
        errors.update((key, late) for key in late.keys)
    if errors:
        raise BulkError(errors)


def _arrivals(
    backend: Backend, places: dict[str, list[K]], polling: Polling, alive: Alive[K] | None
) -> Iterator[tuple[str, list[K], bytes | Exception]]:
    """Yield each of *places* with its keys and its bytes, or the error of reading it, as soon as it has either.

    Raises:
        ResultTimeoutError: (at the end) the others have nothing, and the time is up.
    """
    process, before = os.getpid(), len(forks)

    def looks() -> Iterator[tuple[Collection[str], bool]]:
        yield list(places), False
        if alive is None or polling.unanswered:
            return
        gone = [text for text, keys in places.items() if not alive(keys[0])]
        if gone:
            yield gone, True

    while places:
        is_last = polling.is_due()
        absent = len(places)
        for texts, are_gone in looks():  # the second look finds a result that came just before
            for batch in polling.look(_read_each(backend, texts)):
                for text, read in batch:
                    if len(forks) != before:  # a forked child could not read on
                        backend._check_process(process)
                    if read is not None:
                        yield text, places.pop(text), read
                    elif are_gone:
                        yield text, places.pop(text), _ended(text)
        if not places:
            return
        if is_last or polling.unanswered:
            raise polling.timed_out(key for keys in places.values() for key in keys)
        if len(places) < absent:
            polling.restart()
        polling.pause()


def _read_each(backend: Backend, texts: Collection[str]) -> Iterable[tuple[str, Read]]:
    if len(texts) > 1:
        return backend._read_many(texts)
    return ((text, _read_one(backend, text)) for text in texts)  # which needs no threads


def _read_one(backend: Backend, text: str) -> Read:
    try:
        return backend._read(text, READ_LIMIT)
    except Exception as error:
        return error


def _places(face: Face[K, R, A], keys: Iterable[K], errors: dict[object, Exception]) -> dict[str, list[K]]:
    """Return the texts of *keys*, each with the keys that have it, and record in *errors* objects that are not keys.

    Equal keys share an answer in a dict. So if the texts of equal keys differ, the later keys are refused.
    """
    if isinstance(keys, str):
        raise TypeError(f"keys are several, not the str {keys!r}; write [{keys!r}]")
    places: dict[str, list[K]] = {}
    texts: dict[K, str] | None = None  # needless while each key is its text
    to_text = face._to_text
    for key in keys:
        try:
            text = to_text(key)
            if texts is None and type(key) is not str:
                texts = {key: text for text, same in places.items() for key in same}
            first = text if texts is None else texts.setdefault(key, text)
        except TypeError:  # of its hash
            reason = "cannot be hashed, as keys of several results are; give an int or a str"
            errors[shown(key)] = InvalidKeyError(shown(key), reason)
        except InvalidKeyError as error:
            _record(errors, key, error)
        else:
            if first == text:
                places.setdefault(text, []).append(key)
            else:
                reason = f"equals another key of this call, whose text is {shown(first)}; ask for one at a time"
                errors[shown(key)] = InvalidKeyError(shown(text), reason)
    return places


def _pair(pair: tuple[K, R]) -> tuple[K, R]:
    try:
        key, result = pair
    except (TypeError, ValueError):
        raise InvalidKeyError(shown(pair), "is not a pair of a key and a result") from None
    return key, result


def _ended(text: str) -> ResultFailedError:
    from typedtrack._records.failure import Failure  # here, because untyped use loads no attrs

    return ResultFailedError(text, Failure(type="Ended", message="the application is gone and has stored nothing"))


def _record(errors: dict[object, Exception], key: object, error: Exception) -> None:
    """Record *error* under *key*, but under its `repr` if it is not a key: a dict takes `True` for the key 1."""
    if isinstance(error, InvalidKeyError) and type(key) is not str:
        key = shown(key)
    try:
        errors[key] = error
    except TypeError:  # it cannot be hashed
        errors[shown(key)] = error
