"""Hypothesis strategies for values, field names, results and keys. They often draw values at a limit.

Each strategy is built once, when this module is imported. Hypothesis validates a strategy at its first draw, so a
strategy that is built inside a draw is validated at every draw, which takes far longer than the draw itself.
"""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from typedtrack._results.keys import MAX_KEY_BYTES, MAX_SEGMENT_BYTES, Key
from typedtrack._results.values import FAILURE_TYPE, MAX_INT, MAX_NAME_BYTES, MAX_STR_BYTES, MIN_INT, Result, Value

__all__ = [
    "CONTROL_CHARACTERS",
    "EDGE_CHARACTERS",
    "VALID_CHARACTERS",
    "field_names",
    "filled",
    "floats",
    "ints",
    "keys",
    "results",
    "strs",
    "values",
]

EDGE_CHARACTERS: Final = ("x", "é", "中", "😀", "\u2028", "\ufeff", "\uffff")
"""Characters of one, two, three and four bytes, a line separator, a byte order mark and a noncharacter."""

CONTROL_CHARACTERS: Final = "".join(map(chr, (*range(0x20), *range(0x7F, 0xA0))))

# Not `codec="utf-8"`, Hypothesis's default: at the first draw it encodes and decodes all 1.1 million characters.
VALID_CHARACTERS: Final = st.characters(exclude_categories=["Cs"])
"""Every character but the surrogates, which UTF-8 cannot encode."""

_EDGE_FLOATS: Final = (0.0, -0.0, 5e-324, -2.2250738585072014e-308, 1e16, 1.0, 1.7976931348623157e308, 0.1 + 0.2)
_EDGE_INTS: Final = (0, 1, -1, 2**53 + 1, 2**63 - 1, 2**63, MAX_INT, MIN_INT)


def _size(text: str) -> int:
    return len(text.encode())


def filled(character: str, size: int) -> str:
    """Return a text of exactly *size* bytes of UTF-8, nearly all of it *character*."""
    return character * (size // _size(character)) + "x" * (size % _size(character))


def _texts(limit: int, without: str = "") -> SearchStrategy[str]:
    """Return a strategy for texts of at most *limit* bytes that hold none of the characters in *without*."""
    alphabet = st.characters(exclude_categories=["Cs"], exclude_characters=without) if without else VALID_CHARACTERS
    return st.text(alphabet).filter(lambda text: _size(text) <= limit)


def _filled_with(characters: str, size: int) -> list[str]:
    return [filled(character, size) for character in characters]


_ints: Final = st.sampled_from(_EDGE_INTS) | st.integers(MIN_INT, MAX_INT)
_floats: Final = st.sampled_from(_EDGE_FLOATS) | st.floats()
_strs: Final = _texts(MAX_STR_BYTES) | st.sampled_from(_filled_with("".join(EDGE_CHARACTERS), MAX_STR_BYTES))
_values: Final[SearchStrategy[Value]] = st.one_of(_ints, _floats, _strs)

_field_names: Final = _texts(MAX_NAME_BYTES, CONTROL_CHARACTERS + '"\\').filter(
    lambda name: name not in ("", FAILURE_TYPE)  # the second is among the constants that Hypothesis finds in this code
) | st.sampled_from(["key", "self", "results", "l2norm/mean", " ", "$ref", *_filled_with("xé😀", MAX_NAME_BYTES)])

_plain_keys: Final = st.sampled_from(
    ["app1_out", "a", "b", "ab", "trial 7", "a*[b]?", "x=1,y:2", "~", "@#%+{}", "naïve", "-"]
)
_segments: Final = st.one_of(
    _plain_keys,
    _texts(MAX_SEGMENT_BYTES, CONTROL_CHARACTERS + "/\\").filter(lambda text: text[:1] not in ("", ".")),
    st.sampled_from(_filled_with("xé😀", MAX_SEGMENT_BYTES)),
)
_paths: Final = (
    st.lists(_segments, min_size=1, max_size=5).map("/".join).filter(lambda text: _size(text) <= MAX_KEY_BYTES)
)
_keys: Final[SearchStrategy[Key]] = st.one_of(_plain_keys, _paths, st.integers())


def ints() -> SearchStrategy[int]:
    """Return a strategy for the `int` values, from -2**63 to 2**64-1."""
    return _ints


def floats() -> SearchStrategy[float]:
    """Return a strategy for all `float` values, NaN and the infinities included."""
    return _floats


def strs() -> SearchStrategy[str]:
    """Return a strategy for the `str` values, of at most 1,024 bytes of UTF-8."""
    return _strs


def values() -> SearchStrategy[Value]:
    """Return a strategy for all values: every `int`, `float` and `str` that the rules allow.

    >>> from hypothesis import find
    >>> find(values(), lambda value: not isinstance(value, int))
    0.0
    """
    return _values


def field_names() -> SearchStrategy[str]:
    """Return a strategy for field names, of 1 to 256 bytes of UTF-8; ``key``, ``self`` and slashes among them.

    ``failure/type`` is not: it would make a result a failure.
    """
    return _field_names


def results(max_fields: int = 8) -> SearchStrategy[Result]:
    """Return a strategy for results that have from one to *max_fields* fields.

    >>> from hypothesis import find
    >>> find(results(), lambda result: "l2norm/mean" in result)
    {'l2norm/mean': 0}
    """
    return st.dictionaries(_field_names, _values, min_size=1, max_size=max_fields)


def keys() -> SearchStrategy[Key]:
    """Return a strategy for keys: `int` and `str`, nested, with any allowed character, of up to 1,024 bytes.

    >>> from hypothesis import find
    >>> find(keys(), lambda key: isinstance(key, int))
    0
    """
    return _keys
