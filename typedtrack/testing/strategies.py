"""Hypothesis strategies for what the rules of the contract allow, and for what they refuse."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from typedtrack import Key, Result, Value

__all__ = ["field_names", "invalid_field_names", "invalid_keys", "invalid_values", "keys", "results", "texts", "values"]

_MAX_STR_BYTES = 1024
_MAX_NAME_BYTES = 256
_MAX_KEY_BYTES = 1024
_MAX_SEGMENT_BYTES = 255
_CONTROL_CHARACTERS = [chr(c) for c in (*range(0x20), *range(0x7F, 0xA0))]
_TELLING_FLOATS = [0.0, -0.0, 5e-324, -2.2250738585072014e-308, 1e16, 1.0, 1.7976931348623157e308, 0.1 + 0.2]
_TELLING_INTS = [0, 1, -1, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1, -(2**63)]
_TELLING_CHARACTERS = ["x", "é", "中", "😀", "\u2028", "\ufeff", "\uffff"]  # of 1, 2, 3, 4 and awkward bytes


def _size(text: str) -> int:
    return len(text.encode())


def _just(size: int, characters: list[str]) -> SearchStrategy[str]:
    """Return texts of exactly *size* bytes, nearly all of one of *characters*."""

    def filled(character: str) -> str:
        return character * (size // _size(character)) + "x" * (size % _size(character))

    return st.sampled_from(characters).map(filled)


def texts(limit: int, without: str = "") -> SearchStrategy[str]:
    """Return texts of valid Unicode, of at most *limit* bytes, that have none of the characters *without*."""
    alphabet = st.characters(exclude_categories=["Cs"], exclude_characters=without)
    return st.text(alphabet).filter(lambda text: _size(text) <= limit)


def values() -> SearchStrategy[Value]:
    """Return values: each `int`, `float` and `str` that the rules allow, the telling ones often."""
    ints = st.sampled_from(_TELLING_INTS) | st.integers(-(2**63), 2**64 - 1)
    floats = st.sampled_from(_TELLING_FLOATS) | st.floats()
    strs = texts(_MAX_STR_BYTES) | _just(_MAX_STR_BYTES, _TELLING_CHARACTERS)
    return st.one_of(ints, floats, strs)


def field_names() -> SearchStrategy[str]:
    """Return field names: also ``key`` and ``self``, with slashes, and of 256 bytes."""
    without = "".join(_CONTROL_CHARACTERS) + '"\\'
    names = texts(_MAX_NAME_BYTES, without).filter(bool)
    return names | st.sampled_from(["key", "self", "results", "l2norm/mean", " "]) | _just(256, ["x", "é", "😀"])


def results(max_fields: int = 8) -> SearchStrategy[Result]:
    """Return results of one to *max_fields* fields."""
    return st.dictionaries(field_names(), values(), min_size=1, max_size=max_fields)


def keys() -> SearchStrategy[Key]:
    """Return keys: `int` and `str`, plain, nested, with every character allowed, and as long as may be."""
    without = "".join(_CONTROL_CHARACTERS) + "/\\"
    plain = st.sampled_from(["app1_out", "a", "b", "ab", "trial 7", "a*[b]?", "x=1,y:2", "~", "@#%+{}", "naïve", "-"])
    segments = texts(_MAX_SEGMENT_BYTES, without).filter(lambda text: text != "" and not text.startswith("."))
    longest = _just(_MAX_SEGMENT_BYTES, ["x", "é", "😀"])
    paths = st.lists(st.one_of(plain, segments, longest), min_size=1, max_size=5).map("/".join)
    return st.one_of(plain, paths.filter(lambda text: _size(text) <= _MAX_KEY_BYTES), st.integers())


class _Odd:
    """Something that is no value."""


def invalid_values() -> SearchStrategy[object]:
    """Return what is no value and cannot be made one without loss."""
    too_long = st.sampled_from(_TELLING_CHARACTERS).map(lambda c: c * (_MAX_STR_BYTES // _size(c)) + "xxxx")
    return st.one_of(
        st.booleans(),
        st.none(),
        st.binary(),
        st.decimals(),
        st.fractions(),
        st.complex_numbers(),
        st.integers(min_value=2**64),
        st.integers(max_value=-(2**63) - 1),
        too_long,
        st.just("a\ud800"),
        st.lists(st.integers()),
        st.dictionaries(st.text(), st.integers()),
        st.builds(_Odd),
    )


def invalid_field_names() -> SearchStrategy[object]:
    """Return what is no field name."""
    forbidden = st.sampled_from([*_CONTROL_CHARACTERS, '"', "\\", "\udfff"])
    broken = st.tuples(st.text(max_size=5), forbidden, st.text(max_size=5)).map("".join)
    return st.one_of(st.just(""), broken, st.just("é" * 129), st.integers(), st.none(), st.binary(), st.booleans())


def invalid_keys() -> SearchStrategy[object]:
    """Return what is no key: attempts to leave the base among them."""
    forbidden = st.sampled_from([*_CONTROL_CHARACTERS, "\\", "\udfff", "//", "/.", "/../", "/./"])
    broken = st.tuples(st.text("ab", max_size=3), forbidden, st.text("ab", max_size=3)).map("".join)
    telling = st.sampled_from(["", ".", "..", "../x", "/", "/a", "a/", "a//b", ".hidden", "a/.b", "x" * 256, "é" * 128])
    too_long = st.just("/".join(["x" * 100] * 11))
    return st.one_of(telling, broken, too_long, st.booleans(), st.none(), st.floats(), st.binary(), st.tuples())
