"""Hypothesis strategies for values, field names and keys that the rules refuse."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from typedtrack._results.values import MAX_INT, MAX_STR_BYTES, MIN_INT
from typedtrack.testing.strategies import CONTROL_CHARACTERS, EDGE_CHARACTERS, filled

__all__ = ["invalid_field_names", "invalid_keys", "invalid_values"]


class _Odd:
    """A type that typedtrack does not know."""


def invalid_values() -> SearchStrategy[object]:
    """Return a strategy for objects that cannot become a value without loss."""
    too_long = st.sampled_from(EDGE_CHARACTERS).map(lambda c: filled(c, MAX_STR_BYTES) + "x")
    return st.one_of(
        st.booleans(),
        st.none(),
        st.binary(),
        st.decimals(),
        st.fractions(),
        st.complex_numbers(),
        st.integers(min_value=MAX_INT + 1),
        st.integers(max_value=MIN_INT - 1),
        too_long,
        st.just("a\ud800"),
        st.lists(st.integers()),
        st.dictionaries(st.text(), st.integers()),
        st.builds(_Odd),
    )


def invalid_field_names() -> SearchStrategy[object]:
    """Return a strategy for objects that are not a field name."""
    forbidden = st.sampled_from([*CONTROL_CHARACTERS, '"', "\\", "\udfff"])
    broken = st.tuples(st.text(max_size=5), forbidden, st.text(max_size=5)).map("".join)
    return st.one_of(st.just(""), broken, st.just("é" * 129), st.integers(), st.none(), st.binary(), st.booleans())


def invalid_keys() -> SearchStrategy[object]:
    """Return a strategy for objects that are not a key; some would leave the base of the tracker."""
    forbidden = st.sampled_from([*CONTROL_CHARACTERS, "\\", "\udfff", "//", "/.", "/../", "/./"])
    broken = st.tuples(st.text("ab", max_size=3), forbidden, st.text("ab", max_size=3)).map("".join)
    edges = st.sampled_from(["", ".", "..", "../x", "/", "/a", "a/", "a//b", ".hidden", "a/.b", "x" * 256, "é" * 128])
    too_long = st.just("/".join(["x" * 100] * 11))
    return st.one_of(edges, broken, too_long, st.booleans(), st.none(), st.floats(), st.binary(), st.tuples())
