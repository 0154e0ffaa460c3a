"""Multiples count in decimals, as they are written: on construction, get, in documents and in compatibility."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Annotated, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from msgspec import Meta

from typedtrack import FieldSchema, InvalidResultError, RecordSchema, SchemaMismatchError, record
from typedtrack._records.codec import RecordCodec, record_codec
from typedtrack._records.record_type import record_type
from typedtrack._schema.multiples import is_multiple, least_multiple
from typedtrack.schemas import check

_positive = st.floats(min_value=0, exclude_min=True, allow_infinity=False)
_steps = st.sampled_from([0.1, 0.01, 0.25, 3.0, 1 / 3, 1e-7, 1e308, 5e-324]) | _positive
_finite = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-10_000, 10_000).map(lambda n: n / 100)


def as_written(number: float) -> Fraction:
    """Return the number that the shortest decimal of a float is."""
    return Fraction(repr(number))


@given(_finite | st.integers(-(2**63), 2**64 - 1), _steps | st.integers(1, 2**63 - 1))
def test_a_multiple_is_one_of_the_decimals(value: float, step: float) -> None:
    """A value is a multiple if the quotient of the two decimals is an integer."""
    assert is_multiple(value, step) is ((as_written(value) / as_written(step)).denominator == 1)


@given(_finite, _steps)
@example(-1e-310, 5e-324)
@example(1.7e308, 1.6e308)
@example(0.0, 0.1)
def test_the_least_multiple_is_the_least(lowest: float, step: float) -> None:
    """No smaller float from *lowest* on is a multiple, as about 200 candidates show."""
    least = least_multiple(lowest, step)
    first = math.floor(as_written(lowest) / as_written(step))
    for count in range(first - 2, first + 200):
        try:
            value = float(as_written(step) * count)
        except OverflowError:
            continue
        assert not lowest <= value < (math.inf if least is None else least) or not is_multiple(value, step)
    assert least is None or (least >= lowest and is_multiple(least, step))


CASES: list[tuple[float, float, bool]] = [
    (10, 2, True),
    (7, 2, False),
    (0, 1.5, True),
    (4.5, 1.5, True),
    (35, 1.5, False),
    (0.0075, 0.0001, True),
    (0.00751, 0.0001, False),
    (1e308, 0.123456789, False),
    (12391239123, 1e-8, True),
]
"""The cases of the JSON Schema test suite, `multipleOf.json` and `float-overflow.json`."""


@pytest.mark.parametrize(("value", "step", "valid"), CASES)
def test_the_cases_of_the_test_suite(value: float, step: float, valid: bool) -> None:
    """Both agree with JSON Schema's own tests: this library, and the package jsonschema."""
    validator: Any = Draft202012Validator({"multipleOf": step})
    column = FieldSchema(attribute="x", name="x", kind="float", multiple_of=float(step))

    assert is_multiple(value, step) is valid
    assert (column.problem(value) is None) is valid
    assert validator.is_valid(value) is valid


@record
class Price:
    """An amount in cents, and one in tenths that can be missing."""

    amount: Annotated[float, Meta(multiple_of=0.01)]
    tenths: Annotated[float | None, Meta(multiple_of=0.1)] = None


@pytest.mark.parametrize("amount", [0.3, 19.99, 0.29, 1.1, -0.07, 1e22, 3])
def test_a_record_takes_multiples_in_decimals(amount: float) -> None:
    """It is so on construction and on get, on the fast path and on the slow one."""
    codec: RecordCodec[Any] = record_codec(record_type(Price))
    price = Price(amount=amount)

    assert codec.decode(codec.encode(price), "file") == price
    assert codec.decode(codec.encode(price)[:-2] + b', "unknown": 1}', "file") == price
    assert amount == 1e22 or codec.decode_fast(codec.encode(price)) == price


@pytest.mark.parametrize("amount", [0.1 + 0.2, 0.001, 0.009999999999999999, 1e-300, math.inf, math.nan])
def test_a_record_refuses_numbers_that_are_not_multiples_in_decimals(amount: float) -> None:
    """It is so on construction and on get. 0.1 + 0.2 is a multiple of 0.1 in binary, but is written otherwise."""
    with pytest.raises(InvalidResultError, match=r"must be a multiple of 0\.1"):
        Price(amount=1.0, tenths=amount)
    with pytest.raises(SchemaMismatchError, match=r"must be a multiple of 0\.01"):
        record_codec(record_type(Price)).decode(
            f'{{"amount": {amount!r}}}'.replace("inf", "Infinity").replace("nan", "NaN").encode(), "file"
        )


@pytest.mark.parametrize(
    ("constraints", "empty"),
    [
        ({"gt": 0.2, "lt": 0.4, "multiple_of": 0.1}, False),
        ({"gt": 0.2, "lt": 0.3, "multiple_of": 0.1}, True),
        ({"le": -1.7e308, "multiple_of": 1.6e308}, True),
        ({"ge": -1e-3, "multiple_of": 1e300}, False),
    ],
)
def test_a_field_without_a_multiple_in_its_bounds_is_refused(constraints: dict[str, Any], empty: bool) -> None:
    """Only multiples that some float equals count."""
    column = FieldSchema(attribute="x", name="x", kind="float", **constraints)

    assert list(column.definition_problems()) == (["has constraints that no value can keep"] if empty else [])


@given(st.sampled_from([0.01, 0.1, 0.25, 0.3, 0.5, 1.0, 2.5]), st.sampled_from([0.01, 0.1, 0.25, 0.3, 0.5, 1.0, 2.5]))
def test_compatibility_counts_in_decimals(reads: float, writes: float) -> None:
    """A reader takes all that a writer may store if the writer's step is a multiple of the reader's."""
    reader, writer = (
        RecordSchema(name="R", fields=(FieldSchema(attribute="x", name="x", kind="float", multiple_of=step),))
        for step in (reads, writes)
    )

    found = check(reader, writer)
    assert (found == []) is is_multiple(writes, reads)
    assert [each.rule for each in found] in ([], ["multiple"])
