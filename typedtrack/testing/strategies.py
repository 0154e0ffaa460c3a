"""Hypothesis strategies for what the rules allow: values, field names, results and keys, the telling ones often."""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from typedtrack._results.keys import MAX_KEY_BYTES, MAX_SEGMENT_BYTES, Key
from typedtrack._results.values import MAX_INT, MAX_NAME_BYTES, MAX_STR_BYTES, MIN_INT, Result, Value

__all__ = [
    "CONTROL_CHARACTERS",
    "TELLING_CHARACTERS",
    "field_names",
    "filled",
    "floats",
    "ints",
    "keys",
    "results",
    "strs",
    "texts",
    "values",
]

TELLING_CHARACTERS: Final = ("x", "é", "中", "😀", "\u2028", "\ufeff", "\uffff")  # of 1, 2, 3, 4 and awkward bytes

CONTROL_CHARACTERS: Final = "".join(map(chr, (*range(0x20), *range(0x7F, 0xA0))))
_TELLING_FLOATS: Final = (0.0, -0.0, 5e-324, -2.2250738585072014e-308, 1e16, 1.0, 1.7976931348623157e308, 0.1 + 0.2)
_TELLING_INTS: Final = (0, 1, -1, 2**53 + 1, 2**63 - 1, 2**63, MAX_INT, MIN_INT)


def _size(text: str) -> int:
    return len(text.encode())


def filled(character: str, size: int) -> str:
    """Return a text of exactly *size* bytes of UTF-8, nearly all of it *character*."""
    return character * (size // _size(character)) + "x" * (size % _size(character))


def texts(limit: int, without: str = "") -> SearchStrategy[str]:
    """Return texts of valid Unicode, of at most *limit* bytes, that have none of the characters *without*."""
    alphabet = st.characters(exclude_categories=["Cs"], exclude_characters=without)
    return st.text(alphabet).filter(lambda text: _size(text) <= limit)


def ints() -> SearchStrategy[int]:
    """Return every `int` that is a value."""
    return st.sampled_from(_TELLING_INTS) | st.integers(MIN_INT, MAX_INT)


def floats() -> SearchStrategy[float]:
    """Return every `float`."""
    return st.sampled_from(_TELLING_FLOATS) | st.floats()


def strs() -> SearchStrategy[str]:
    """Return every `str` that is a value, also those of just 1,024 bytes."""
    return texts(MAX_STR_BYTES) | st.sampled_from([filled(c, MAX_STR_BYTES) for c in TELLING_CHARACTERS])


def values() -> SearchStrategy[Value]:
    """Return a strategy for values: every `int`, `float` and `str` that the rules allow."""
    return st.one_of(ints(), floats(), strs())


def field_names() -> SearchStrategy[str]:
    """Return a strategy for field names: also ``key`` and ``self``, with slashes, and of 256 bytes."""
    names = texts(MAX_NAME_BYTES, CONTROL_CHARACTERS + '"\\').filter(bool)
    telling = ["key", "self", "results", "l2norm/mean", " ", "$ref", *(filled(c, MAX_NAME_BYTES) for c in "xé😀")]
    return names | st.sampled_from(telling)


def results(max_fields: int = 8) -> SearchStrategy[Result]:
    """Return a strategy for results of one to *max_fields* fields."""
    return st.dictionaries(field_names(), values(), min_size=1, max_size=max_fields)


def keys() -> SearchStrategy[Key]:
    """Return a strategy for keys: `int` and `str`, plain, nested, with every character allowed, as long as may be."""
    plain = st.sampled_from(["app1_out", "a", "b", "ab", "trial 7", "a*[b]?", "x=1,y:2", "~", "@#%+{}", "naïve", "-"])
    segments = texts(MAX_SEGMENT_BYTES, CONTROL_CHARACTERS + "/\\").filter(lambda text: text[:1] not in ("", "."))
    longest = st.sampled_from([filled(c, MAX_SEGMENT_BYTES) for c in "xé😀"])
    paths = st.lists(st.one_of(plain, segments, longest), min_size=1, max_size=5).map("/".join)
    return st.one_of(plain, paths.filter(lambda text: _size(text) <= MAX_KEY_BYTES), st.integers())
