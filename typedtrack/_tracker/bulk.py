"""`Bulk`: the calls that get and put the results of many keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from typing import Any, Protocol, TypeVar, cast, overload

from typedtrack._tracker.backend import add_note
from typedtrack._tracker.face import Face, result_in
from typedtrack.errors import BulkError, InvalidKeyError, shown

__all__ = ["Bulk", "HasItems", "places_of"]

K = TypeVar("K")
K_co = TypeVar("K_co", covariant=True)
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
A = TypeVar("A")


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
        places = places_of(self, keys, errors)
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
        """Put *results*, each under its key, concurrently; they are a mapping, or pairs that are read as a stream.

        If a key comes twice, the later result stays. If the stream raises an error, so does this call, and some
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
            while put_off:
                text, key, data = put_off.pop()
                under_way[text] = key
                yield text, data
            for pair in pairs:
                given_key: object = pair
                try:
                    key, result = _pair(pair)
                    given_key = key
                    text = self._to_text(key)
                    data = self._to_bytes(result, text)
                except Exception as error:  # one of ours, or of the caller's mapping
                    add_note(self._primitives, error, "put", shown(given_key))
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
                    add_note(self._primitives, outcome, "put", text)
                    _record(errors, key, outcome)
            if not put_off:
                break
        if errors:
            raise BulkError(errors)


def places_of(face: Face[K, R, A], keys: Iterable[K], errors: dict[object, Exception]) -> dict[str, list[K]]:
    """Return the texts of *keys*, each with the keys that have it, and record in *errors* objects that are not keys.

    Equal keys share an answer in a dict. So if the texts of equal keys differ, the later keys are refused.
    """
    if isinstance(keys, str):
        raise TypeError(f"keys are several, not the str {keys!r}; write [{keys!r}]")
    places: dict[str, list[K]] = {}
    texts: dict[K, str] | None = None  # not needed while each key is its text
    to_text = face._to_text
    for key in keys:
        try:
            text = to_text(key)
            if texts is None and type(key) is not str:
                texts = {key: text for text, same in places.items() for key in same}
            first = text if texts is None else texts.setdefault(key, text)
        except TypeError:  # from its hash
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


def _record(errors: dict[object, Exception], key: object, error: Exception) -> None:
    """Record *error* under *key*, but under its `repr` if it is not a key: a dict takes `True` for the key 1."""
    if isinstance(error, InvalidKeyError) and type(key) is not str:
        key = shown(key)
    try:
        errors[key] = error
    except TypeError:  # it cannot be hashed
        errors[shown(key)] = error
