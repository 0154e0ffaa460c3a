"""Texts that match a regular expression and have one of the lengths allowed, for Hypothesis.

`hypothesis.strategies.from_regex` knows nothing of lengths, and a filter would find almost no text of 40 characters for
``^[0-9a-f]+$``. So each part of the parsed pattern tells which lengths its matches can have, and a draw divides the
length of the whole text among the parts. A set of lengths is an `int` whose bit *n* is set if the length *n* is in it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import Any, Final, Protocol

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from typedtrack._results.values import MAX_STR_BYTES
from typedtrack._schema.patterns import without_warnings

__all__ = ["matching_texts"]

_MAX_LENGTH: Final = MAX_STR_BYTES
_ALL_LENGTHS: Final = (1 << _MAX_LENGTH + 1) - 1
_EMPTY: Final = 1
_ONE: Final = 2

_parser: Final[Any] = import_module("re._parser")  # private, but Hypothesis uses it, too, and re has no public one
_FLAGS: Final = re.IGNORECASE | re.ASCII | re.DOTALL  # those that change which characters a class has
_CATEGORIES: Final = {
    "CATEGORY_DIGIT": r"\d",
    "CATEGORY_NOT_DIGIT": r"\D",
    "CATEGORY_SPACE": r"\s",
    "CATEGORY_NOT_SPACE": r"\S",
    "CATEGORY_WORD": r"\w",
    "CATEGORY_NOT_WORD": r"\W",
}
_LAST: Final = {1: 0x7F, 2: 0x7FF, 3: 0xFFFF, 4: 0x10FFFF}
"""The last character that UTF-8 encodes in so many bytes."""


class _UnsupportedPatternError(Exception):
    """The pattern has a part whose lengths depend on other parts, such as a back-reference."""


class _Part(Protocol):
    """A part of a pattern."""

    lengths: int

    def draw(self, draw: DrawFn, length: int, most_bytes: int) -> str:
        """Draw a match of *length* characters, of *most_bytes* bytes each if the pattern has such characters."""
        ...


class _Character:
    """One character of a class, such as ``[a-z]``."""

    lengths = _ONE

    def __init__(self, source: str, flags: int) -> None:
        self._class = re.compile(source, flags & _FLAGS)

    def draw(self, draw: DrawFn, length: int, most_bytes: int) -> str:
        """Draw *length* characters."""
        return draw(st.text(_alphabet(self._class, most_bytes), min_size=length, max_size=length))


@cache
def _alphabet(character: re.Pattern[str], most_bytes: int) -> SearchStrategy[str]:
    """Return the characters of a class, of *most_bytes* bytes at most, or of more if it has no such characters."""
    found = "".join(character.findall(_all_characters(most_bytes)))
    if not found and most_bytes < max(_LAST):
        return _alphabet(character, most_bytes + 1)
    return st.characters(categories=(), include_characters=found) if found else st.nothing()


@cache
def _all_characters(most_bytes: int) -> str:
    return "".join(chr(code) for code in range(_LAST[most_bytes] + 1) if not 0xD800 <= code < 0xE000)


class _Sequence:
    """Parts one after the other."""

    def __init__(self, parts: Sequence[_Part]) -> None:
        self._parts = parts
        self._rests = [_EMPTY]  # the lengths of the last 0, 1, 2, … parts together
        for part in reversed(parts):
            self._rests.append(_sums(part.lengths, self._rests[-1]))
        self.lengths = self._rests[-1]

    def draw(self, draw: DrawFn, length: int, most_bytes: int) -> str:
        texts: list[str] = []
        for part, rest in zip(self._parts, reversed(self._rests[:-1]), strict=True):
            own = _draw_length(draw, [n for n in _members(part.lengths) if n <= length and rest >> length - n & 1])
            texts.append(part.draw(draw, own, most_bytes))
            length -= own
        return "".join(texts)


class _Choice:
    """One of several parts."""

    def __init__(self, parts: Sequence[_Part]) -> None:
        self._parts = parts
        self.lengths = 0
        for part in parts:
            self.lengths |= part.lengths

    def draw(self, draw: DrawFn, length: int, most_bytes: int) -> str:
        part = draw(st.sampled_from([part for part in self._parts if part.lengths >> length & 1]))
        return part.draw(draw, length, most_bytes)


class _Repeat:
    """A part repeated from *least* to *most* times."""

    def __init__(self, part: _Part, least: int, most: int) -> None:
        self._part, self._least = part, least
        self._counts = [_EMPTY]  # the lengths of 0, 1, 2, … repetitions
        while len(self._counts) <= min(most, _MAX_LENGTH) and (more := _sums(part.lengths, self._counts[-1])):
            self._counts.append(more)
        self.lengths = 0
        for lengths in self._counts[least:]:
            self.lengths |= lengths

    def draw(self, draw: DrawFn, length: int, most_bytes: int) -> str:
        if isinstance(self._part, _Character):
            return self._part.draw(draw, length, most_bytes)
        counts = [n for n in range(self._least, len(self._counts)) if self._counts[n] >> length & 1]
        return _Sequence([self._part] * _draw_length(draw, counts)).draw(draw, length, most_bytes)


def _sums(one: int, other: int) -> int:
    """Return the lengths that are the sum of a length in each set."""
    sums = 0
    for length in _members(one):
        sums |= other << length
    return sums & _ALL_LENGTHS


def _members(lengths: int) -> list[int]:
    return [length for length in range(lengths.bit_length()) if lengths >> length & 1]


def _draw_length(draw: DrawFn, lengths: list[int]) -> int:
    return lengths[0] if len(lengths) == 1 else draw(st.sampled_from(lengths))


def _class_text(kind: str, argument: Any) -> str:
    """Return the text of one item of a character class, as it stands between the brackets."""
    match kind:
        case "LITERAL":
            return re.escape(chr(argument))
        case "RANGE":
            return f"{re.escape(chr(argument[0]))}-{re.escape(chr(argument[1]))}"
        case "CATEGORY":
            return _CATEGORIES[str(argument)]
        case _:
            return "^"  # NEGATE


def _part(code: object, argument: Any, flags: int) -> _Part:
    """Return the part of the pattern that the parser describes by *code* and *argument*."""
    match kind := str(code):
        case "LITERAL":
            return _Character(re.escape(chr(argument)), flags)
        case "NOT_LITERAL":
            return _Character(f"[^{re.escape(chr(argument))}]", flags)
        case "IN":
            return _Character(f"[{''.join(_class_text(str(code), item) for code, item in argument)}]", flags)
        case "ANY":
            return _Character(".", flags)
        case "BRANCH":
            return _Choice([_sequence(option, flags) for option in argument[1]])
        case "SUBPATTERN":
            _, added, removed, items = argument
            return _sequence(items, (flags | added) & ~removed)
        case "ATOMIC_GROUP":
            return _sequence(argument, flags)
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            least, most, items = argument
            return _Repeat(_sequence(items, flags), int(least), int(most))
        case "AT" | "ASSERT" | "ASSERT_NOT":
            return _Sequence([])  # the caller filters the texts that these refuse
        case _:
            raise _UnsupportedPatternError(kind)


def _sequence(items: Any, flags: int) -> _Part:
    parts = [_part(code, argument, flags) for code, argument in items]
    return parts[0] if len(parts) == 1 else _Sequence(parts)


def _anchored(items: Sequence[Any], place: int, *anchors: str) -> bool:
    return bool(items) and str(items[place][0]) == "AT" and str(items[place][1]) in anchors


def _searched(items: Sequence[Any], flags: int) -> _Part:
    """Return the part for a text in which a search finds *items*, perhaps between other characters."""
    if len(items) == 1 and str(items[0][0]) == "BRANCH":
        return _Choice([_searched(option, flags) for option in items[0][1][1]])
    anything = _Repeat(_Character(".", re.DOTALL), 0, _MAX_LENGTH)
    before = [] if _anchored(items, 0, "AT_BEGINNING", "AT_BEGINNING_STRING") else [anything]
    after = [] if _anchored(items, -1, "AT_END", "AT_END_STRING") else [anything]
    return _Sequence([*before, _sequence(items, flags), *after])


def matching_texts(pattern: str, least: int, most: int) -> SearchStrategy[str] | None:
    """Return a strategy for texts of *least* to *most* characters in which *pattern* is found.

    Some of them do not match, where the pattern has assertions. The strategy is empty if no match has such a length. It
    is `None` if the pattern has a part whose lengths depend on other parts, such as a back-reference.
    """
    with without_warnings():
        parsed = _parser.parse(pattern)
    try:
        part = _searched(parsed, parsed.state.flags)
    except _UnsupportedPatternError:
        return None
    lengths = [length for length in _members(part.lengths) if least <= length <= most]
    if not lengths:
        return st.nothing()

    @st.composite
    def draw_text(draw: DrawFn) -> str:
        length = draw(st.sampled_from(lengths))
        # Enough bytes for one another, but not the million characters of four bytes, which take long to list.
        return part.draw(draw, length, min(3, MAX_STR_BYTES // max(length, 1)))

    return draw_text()
