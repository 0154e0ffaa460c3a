"""`Waiting`: the calls that wait for results."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import TYPE_CHECKING, TypeAlias, TypeVar, cast

from typedtrack._tracker.backend import READ_LIMIT, Backend, Read, forks
from typedtrack._tracker.bulk import places_of
from typedtrack._tracker.face import Face, result_in
from typedtrack._tracker.polling import Polling
from typedtrack.errors import BulkError, ResultFailedError, ResultTimeoutError, shown

if TYPE_CHECKING:
    from typedtrack._progress import Progress

__all__ = ["Waiting"]

K = TypeVar("K")
R = TypeVar("R")
A = TypeVar("A")

Alive: TypeAlias = Callable[[K], bool]


class Waiting(Face[K, R, A]):
    """Wait for one result, or for many. Not for users."""

    def wait(self, key: K, timeout: float | None = None, alive: Alive[K] | None = None) -> R:
        """Return the result under *key* as soon as it is there; polls by reading, ever less often.

        *timeout* is in seconds; `None` waits for ever, 0 reads once. The call ends within a second after it, even if
        the store does not answer. *alive*, called with the key between two reads, tells whether the application still
        runs. If it does not, one more read decides: without a result, the key has failed. The pauses between two reads
        grow up to 2 s, or 0.9 s with *alive*, so that the call ends within a second of the application.

        Raises:
            TypeError: *alive* is not a function of a key, or does not return a `bool`.
            ResultTimeoutError: the result did not come in time.
            ResultFailedError: the application stored a failure, or is gone (type ``Ended``) without a result.

        >>> from typedtrack import open_tracker
        >>> tracker = open_tracker("memory://docs/wait")
        >>> tracker.wait("app1_out", timeout=0.01)
        Traceback (most recent call last):
            ...
        typedtrack.errors.ResultTimeoutError: no result after 0.01 s under 1 key(s): 'app1_out'; ...
        """
        _check_alive(alive)
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
            TypeError: *alive* is not a function of a key, or does not return a `bool`; *progress* is not a bar.
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
        _check_alive(alive)
        if progress is not None:
            from typedtrack._progress import check_progress  # here, because most waits have no bar

            check_progress(progress)
        errors: dict[object, Exception] = {}
        places = places_of(self, keys, errors)
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
        gone = [text for text, keys in places.items() if not _is_alive(alive, keys[0])]
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


def _check_alive(alive: object) -> None:
    if alive is None:
        return
    from inspect import signature  # here, because most waits ask nothing

    try:
        signature(alive).bind(None)  # type: ignore[arg-type]  # it raises TypeError for an object that is not callable
    except ValueError:  # a builtin function may have no signature
        return
    except TypeError as error:
        reason = f"alive is a function that takes a key and returns a bool, not {shown(alive)}"
        raise TypeError(f"{reason}: {error}") from None


def _is_alive(alive: Alive[K], key: K) -> bool:
    answer = alive(key)
    if not isinstance(cast("object", answer), bool):
        raise TypeError(
            f"alive must return a bool, whether the application runs; for {key!r} it returned {shown(answer)}"
        )
    return answer


def _read_each(backend: Backend, texts: Collection[str]) -> Iterator[tuple[str, Read]]:
    """Yield each of *texts* with its bytes. This is a generator, so that opening the store is part of a look, too."""
    if len(texts) > 1:
        yield from backend._read_many(texts)
    else:  # one read needs no thread
        for text in texts:
            yield text, _read_one(backend, text)


def _read_one(backend: Backend, text: str) -> Read:
    try:
        return backend._read(text, READ_LIMIT)
    except Exception as error:
        return error


def _ended(text: str) -> ResultFailedError:
    from typedtrack._records.failure import Failure  # here, because untyped use loads no attrs

    failure = Failure(type="Ended", message="the application is gone and has stored nothing")
    return ResultFailedError(text, failure, is_stored=False)
