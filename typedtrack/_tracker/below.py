"""Streams of the keys at and below a prefix, with their versions, their times or their stored bytes."""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, Final, TypeVar

from typedtrack._results.keys import is_below, listed_key
from typedtrack._tracker.backend import annotating
from typedtrack._tracker.face import Face
from typedtrack.errors import UnsupportedOperationError, shown

__all__ = ["changes_below", "contents_below", "decoded_reads", "in_lists", "keys_below", "reads", "times_below"]

K = TypeVar("K")
R = TypeVar("R")
A = TypeVar("A")
T = TypeVar("T")

_PATTERN: Final = frozenset("*?[")


def keys_below(face: Face[K, R, A], prefix: str) -> Iterator[tuple[K, str]]:
    """Yield the keys at and below *prefix*, each with its text."""
    below, to_key, found = _below(prefix), face._to_key, False
    with annotating(face._primitives, "list", prefix):
        for text in face._primitives._list(_listed_folder(face, prefix)):
            key = to_key(text)
            if key is not None and (not prefix or text.startswith(below) or text == prefix):
                found = True
                yield key, text
    if not found and not _PATTERN.isdisjoint(prefix):
        meaning = "a prefix is whole segments of keys, in which *, ? and [ stand for themselves"
        remedy = "to match a pattern, list a shorter prefix and filter the keys, for example by fnmatch"
        warnings.warn(f"no key is at or below {shown(prefix)}: {meaning}; {remedy}", UserWarning, stacklevel=2)


def changes_below(face: Face[K, R, A], prefix: str, known: dict[str, str | None]) -> Iterator[tuple[str, str | None]]:
    """Yield the texts of the keys at and below *prefix*, each with its version.

    A key that *known* has with the same version is removed there instead. The keys of *known* are at or below *prefix*.
    """
    below, to_key = _below(prefix), face._to_key
    with annotating(face._primitives, "list", prefix):
        for text, version, _ in face._primitives._list_details(_listed_folder(face, prefix)):
            if version is not None and known.get(text) == version:
                del known[text]
            elif (text.startswith(below) or text == prefix) and to_key(text) is not None:
                yield text, version


def times_below(face: Face[K, R, A], prefix: str) -> Iterator[tuple[str, float]]:
    """Yield the texts of the keys at and below *prefix*, each with the time of its last put, by the store's clock.

    Raises:
        UnsupportedOperationError: the store's listing has no times.
    """
    with annotating(face._primitives, "list", prefix):
        for text, _, time in face._primitives._list_details(_listed_folder(face, prefix)):
            if is_below(text, prefix) and face._to_key(text) is not None:
                yield text, _time_in_folder(face, text) if time is None else time


def _time_in_folder(face: Face[K, R, A], text: str) -> float:
    """Return the time of a key by listing the folder above; stores list the key itself without its time."""
    for found, _, time in face._primitives._list_details(text.rpartition("/")[0]):
        if found == text and time is not None:
            return time
    remedy = "its listing has no times; name the keys that are to be deleted"
    raise UnsupportedOperationError("deleting by age", repr(face), remedy)


def reads(
    face: Face[K, R, A], prefix: str, only: Iterable[tuple[K, str]] | None = None
) -> Iterator[tuple[K, str, bytes | Exception]]:
    """Yield the keys at and below *prefix*, each with its text and its stored bytes or the error of reading it.

    If *only* is given, yield its keys, which it has with their texts, and list nothing.
    """
    if only is None and (lists := contents_below(face, prefix)) is not None:
        yield from in_lists(face, prefix, lists)
        return
    backend = face._primitives
    asked: deque[tuple[K, str]] = deque()

    def texts() -> Iterator[str]:
        for pair in keys_below(face, prefix) if only is None else only:
            asked.append(pair)
            yield pair[1]

    for text, read in backend._read_many(texts()):
        key, expected = asked.popleft()
        if text != expected:
            raise RuntimeError(f"_read_many of {backend!r} yielded {text!r} where {expected!r} was to come")
        if isinstance(read, (bytes, Exception)):
            yield key, text, read
        elif read is not None:  # else it was deleted since it was listed
            raise TypeError(f"{backend!r} read a {type(read).__name__} under key {text!r}, not bytes")
    if asked:
        raise RuntimeError(f"_read_many of {backend!r} yielded nothing where {asked[0][1]!r} was to come")


def decoded_reads(
    face: Face[K, R, A], prefix: str, decode_lines: Callable[[bytes], list[tuple[str, T]] | None]
) -> Iterator[tuple[K, str, bytes | Exception | T]]:
    """Yield the same as `reads`, but most results of an archive as *decode_lines* has decoded them, many at once."""
    lists = contents_below(face, prefix, decode_lines)
    return reads(face, prefix) if lists is None else in_lists(face, prefix, lists)


def contents_below(
    face: Face[K, R, A], prefix: str, decode_lines: Callable[[bytes], list[tuple[str, T]] | None] | None = None
) -> Iterator[Sequence[tuple[str, bytes | T]]] | None:
    """Return the lists of `Backend._list_contents`, or `None` if the store's listings have no contents."""
    lists = face._primitives._list_contents(_listed_folder(face, prefix), decode_lines)
    return None if lists is None else _annotated(face, prefix, lists)


def _annotated(face: Face[K, R, A], prefix: str, lists: Iterator[T]) -> Iterator[T]:
    with annotating(face._primitives, "list", prefix):
        yield from lists


def in_lists(face: Face[K, R, A], prefix: str, lists: Iterable[Sequence[tuple[str, T]]]) -> Iterator[tuple[K, str, T]]:
    """Yield the same as `reads` from *lists*, which `contents_below` has returned."""
    below, to_key = _below(prefix), face._to_key
    pairs: Iterator[tuple[Any, T]] = chain.from_iterable(lists)  # not str, since a text may be a key
    if to_key is listed_key and not prefix:  # each key is its text, which keeps the rules
        yield from ((text, text, data) for text, data in pairs)
        return
    for text, data in pairs:
        if (not prefix or text.startswith(below) or text == prefix) and (key := to_key(text)) is not None:
            yield key, text, data


def _listed_folder(face: Face[K, R, A], prefix: str) -> str:
    """Return the folder that a backend lists for *prefix*."""
    folder = prefix.removesuffix("/")
    return face._key_prefix if is_below(face._key_prefix, folder) else folder


def _below(prefix: str) -> str:
    """Return the beginning of the keys below *prefix*. Loops test it themselves: a call of `is_below` takes longer."""
    return f"{prefix.removesuffix('/')}/" if prefix else ""
