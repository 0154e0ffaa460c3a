"""ajv, the validator of most JavaScript programs, accepts and refuses what a record does."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import assume, event, example, given
from hypothesis import strategies as st

from tests.node import Ask, answers
from tests.properties.test_patterns import patterns, texts
from typedtrack import FieldSchema, RecordSchema
from typedtrack._schema.documents.ecma_patterns import reads_alike


@pytest.fixture(scope="module")
def ask() -> Iterator[Ask]:
    """Node.js with ajv, one process for all documents."""
    with answers(Path(__file__).with_name("validate.cjs"), "ajv") as asked:
        yield asked


def verdicts(ask: Ask, column: FieldSchema, values: Sequence[float | str], **options: int) -> list[bool]:
    """Return which *values* of *column* ajv finds valid with *options*."""
    document = RecordSchema(name="Run", fields=(column,)).to_json_schema()
    found: list[bool] = ask([document, [json.dumps({column.name: value}) for value in values], options])
    return found


@pytest.mark.filterwarnings("ignore:Possible:FutureWarning")  # which re raises for [[ and the like
@given(data=st.data(), pattern=patterns)
def test_every_pattern_compiles_in_ajv_and_finds_the_same(ask: Ask, data: st.DataObject, pattern: str) -> None:
    """A pattern that ECMA-262 reads differently is in a keyword that ajv does not know: it refuses nothing."""
    column = FieldSchema(attribute="x", name="x", kind="str", pattern=pattern)
    assume(not list(column.definition_problems()))
    alike = reads_alike(pattern)
    drawn = texts | st.from_regex(pattern).filter(str.isprintable) if alike else texts
    found = data.draw(st.lists(drawn, min_size=1, max_size=5))
    values = [*found, *(f"{text}\n" for text in found)]
    wanted = [not alike or column.problem(value) is None for value in values]

    event("pattern" if alike else "x-typedtrack-pattern")
    assert verdicts(ask, column, values) == wanted


_steps = st.sampled_from([0.1, 0.01, 0.001, 0.0001, 0.25, 0.05, 1.5, 2.5e-3, 3.0, 0.7, 1e-6]) | st.decimals(
    "0.001", 50, places=3
).map(float)


@given(_steps, st.lists(st.tuples(st.integers(-999_999, 999_999), st.integers(0, 999)), min_size=1, max_size=20))
@example(0.01, [(1999, 0), (30, 0), (1, 1), (1, 500)])
@example(0.1, [(3, 0), (7, 0), (11, 999)])
def test_a_multiple_is_one_to_ajv(ask: Ask, step: float, counts: list[tuple[int, int]]) -> None:
    """It divides in binary, and needs an option for that: multiples, and values a thousandth of a step beside one."""
    column = FieldSchema(attribute="x", name="x", kind="float", multiple_of=step)
    exact = Decimal(repr(step))
    values = [float(exact * whole + exact * part / 1000) for whole, part in counts]
    assume(all(len(Decimal(repr(value)).as_tuple().digits) <= 15 for value in values))  # a float has no more

    assert [column.problem(value) is None for value in values] == [part == 0 for _, part in counts]
    assert verdicts(ask, column, values, multipleOfPrecision=6) == [part == 0 for _, part in counts]


@given(st.integers(1, 2**53), st.lists(st.integers(0, 2**53), min_size=1, max_size=20))
def test_a_multiple_of_an_int_is_one_to_ajv(ask: Ask, step: int, drawn: list[int]) -> None:
    """Within the ints that a double holds, without an option."""
    column = FieldSchema(attribute="x", name="x", kind="int", multiple_of=step)
    values = [value for each in drawn for value in (each, -each, each - each % step, each % step - each)]

    assert verdicts(ask, column, values) == [column.problem(value) is None for value in values]
