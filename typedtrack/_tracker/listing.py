"""`Listing`: the calls that list the results stored now."""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, KeysView, ValuesView
from typing import TYPE_CHECKING, TypeVar, cast

from typedtrack._results.keys import is_below, listed_key, prefix_text
from typedtrack._tracker.backend import annotate, load
from typedtrack._tracker.below import contents_below, in_lists, keys_below, reads
from typedtrack._tracker.face import Face, failure_in, result_in
from typedtrack._tracker.views import Items, Keys, Values
from typedtrack.errors import BulkError, ResultFailedError

if TYPE_CHECKING:
    from typedtrack._records.failure import Failure

__all__ = ["Listing"]

K = TypeVar("K")
R = TypeVar("R")
A = TypeVar("A")


class Listing(Face[K, R, A]):
    """Keys, results and failures as streams. Not for users."""

    def keys(self, prefix: str = "") -> KeysView[K]:
        """Return the keys stored now, at and below *prefix* (whole segments: ``"a"`` is ``a`` and ``a/…``, not ``ab``).

        The view streams: each iteration lists anew, in the store's order. A *prefix* that ends in ``/`` leaves the key
        itself out. It is not a pattern: ``*``, ``?`` and ``[`` stand for themselves, and a `UserWarning` says so where
        such a prefix lists nothing. `list` and `sorted` list twice, because they ask for the length first; a loop does
        not.

        Raises:
            InvalidKeyError: *prefix* is neither empty, nor a key, nor a key and a ``/``.

        >>> from typedtrack import open_tracker
        >>> tracker = open_tracker("memory://docs/keys")
        >>> tracker.put_many({"a": {"n": 1}, "a/b": {"n": 2}, "ab": {"n": 3}})
        >>> sorted(tracker.keys("a")), sorted(tracker.keys("a/"))
        (['a', 'a/b'], ['a/b'])
        """
        wanted = prefix_text(prefix)
        return Keys(
            self,
            lambda: (key for key, _ in keys_below(self, wanted)),
            lambda: _count(self, wanted),
            lambda key: is_below(self._to_text(key), wanted) and key in self,
        )

    def values(self, prefix: str = "") -> ValuesView[R]:
        """Return the results stored now, at and below *prefix*, as a stream; as `items` without the keys.

        Raises:
            InvalidKeyError: as `keys`.
            BulkError: as `items`.

        >>> from typedtrack import open_tracker
        >>> tracker = open_tracker("memory://docs/values")
        >>> tracker.put_many({"trial_1": {"loss": 0.5}, "trial_2": {"loss": 0.25}})
        >>> min(result["loss"] for result in tracker.values())
        0.25
        """
        wanted = prefix_text(prefix)
        return Values(
            self,
            lambda: (result for _, result in _items(self, wanted)),
            lambda: _count(self, wanted),
            lambda result: any(result == stored for _, stored in _items(self, wanted)),
        )

    def items(self, prefix: str = "") -> ItemsView[K, R]:
        """Return a stream of ``(key, result)``: the results stored now, at and below *prefix*, read concurrently.

        Failures are left out; `failures` has them. `len` of the view lists without reading, and so counts them.

        Raises:
            InvalidKeyError: as `keys`.
            BulkError: (from the iteration, at its end) some keys failed; every other was yielded.

        >>> from typedtrack import open_tracker
        >>> tracker = open_tracker("memory://docs/items")
        >>> tracker.put_many({"trial_1": {"loss": 0.5}, "trial_2": {"loss": 0.25}})
        >>> min(tracker.items(), key=lambda item: item[1]["loss"])
        ('trial_2', {'loss': 0.25})
        """
        wanted = prefix_text(prefix)

        def contains(item: object) -> bool:
            if not (isinstance(item, tuple) and len(cast("tuple[object, ...]", item)) == 2):
                return False
            key, result = cast("tuple[K, object]", item)
            text = self._to_text(key)
            return is_below(text, wanted) and _holds(self, text, result)

        return Items(self, lambda: _items(self, wanted), lambda: _count(self, wanted), contains)

    def failures(self, prefix: str = "") -> Iterator[tuple[K, Failure]]:
        """Yield ``(key, failure)`` of each failure stored now, at and below *prefix*, read concurrently.

        Raises:
            InvalidKeyError: as `keys`.
            BulkError: (at the end) some keys could not be read; every other failure was yielded.

        >>> from typedtrack import open_tracker
        >>> tracker = open_tracker("memory://docs/failures")
        >>> tracker.put("trial_1", loss=0.5)
        >>> tracker.fail("trial_2", "out of memory")
        True
        >>> [(key, failure.message) for key, failure in tracker.failures()]
        [('trial_2', 'out of memory')]
        """
        return _failures(self, prefix_text(prefix))

    def __iter__(self) -> Iterator[K]:
        """Iterate over the keys stored now."""
        return (key for key, _ in keys_below(self, ""))

    def __len__(self) -> int:
        """Count the keys stored now, by listing them."""
        return _count(self, "")

    def __contains__(self, key: object) -> bool:
        """Return whether anything is stored under *key* now, by reading.

        Raises:
            InvalidKeyError: *key* breaks the rules.
        """
        text = self._to_text(cast("K", key))
        try:
            return self._primitives._read(text, 1) is not None
        except Exception as error:
            annotate(self._primitives, error, "look for", text)
            raise


def _count(face: Face[K, R, A], prefix: str) -> int:
    return sum(1 for _ in keys_below(face, prefix))


def _items(face: Face[K, R, A], prefix: str) -> Iterator[tuple[K, R]]:
    errors: dict[object, Exception] = {}
    lists = contents_below(face, prefix, face._to_results)
    if lists is None:
        yield from _decoded(face, reads(face, prefix), errors)
    else:
        are_keys = not prefix and face._to_key is listed_key  # each key is its text, which keeps the rules
        for pairs in lists:
            if are_keys and pairs and not isinstance(pairs[0][1], bytes):  # lines of an archive, decoded at once
                yield from cast("Iterable[tuple[K, R]]", pairs)
            else:
                yield from _decoded(face, in_lists(face, prefix, [pairs]), errors)
    if errors:
        raise BulkError(errors)


def _decoded(
    face: Face[K, R, A], found: Iterator[tuple[K, str, bytes | Exception | R]], errors: dict[object, Exception]
) -> Iterator[tuple[K, R]]:
    """Yield the keys that a listing has *found*, with their results; put the errors of the others into *errors*."""
    to_result = face._to_result
    for key, text, read in found:
        try:
            if isinstance(read, bytes):
                result = to_result(read, text)
            else:
                result = result_in(face, text, read) if isinstance(read, Exception) else read  # decoded by an archive
        except ResultFailedError:
            continue
        except Exception as error:
            errors[key] = error
        else:
            yield key, result


def _failures(face: Face[K, R, A], prefix: str) -> Iterator[tuple[K, Failure]]:
    errors: dict[object, Exception] = {}
    for key, text, read in reads(face, prefix):
        try:
            failure = failure_in(face._primitives, text, read)
        except Exception as error:
            errors[key] = error
        else:
            if failure is not None:
                yield key, failure
    if errors:
        raise BulkError(errors)


def _holds(face: Face[K, R, A], text: str, result: object) -> bool:
    data = load(face._primitives, text)
    try:
        return data is not None and bool(face._to_result(data, text) == result)
    except ResultFailedError:
        return False
