"""A schema for what is stored: kinds, absence, outliers, and what no record can have."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from typedtrack import BulkError, CorruptResultError, Result, SchemaError, Value
from typedtrack.schemas import Outlier, infer
from typedtrack.testing.strategies import values


@st.composite
def _results(draw: st.DrawFn) -> Result:
    """Return a result with a field that every one has, and others that some have."""
    others = st.sampled_from(["loss", "l2norm/mean", "note"])
    return {"always": draw(st.integers(0, 9)), **draw(st.dictionaries(others, values()))}


@given(st.lists(_results(), min_size=1))
def test_results_fit_the_proposal_but_for_the_outliers(results: list[Result]) -> None:
    """Every value of every result is one that its field takes, or its kind is among the field's outliers."""
    inference = infer(enumerate(results), "Run")
    assert inference is not None
    assert inference.results == len(results)
    columns = {column.name: column for column in inference.schema.columns}
    refused: Counter[str | None] = Counter()
    for result in results:
        for name, value in result.items():
            if columns[name].problem(value) is not None:
                refused[name] += 1
        assert all(name in result for name, column in columns.items() if column.required)
    listed: Counter[str | None] = Counter()
    for outlier in inference.outliers:
        listed[outlier.field] += outlier.results
    assert refused <= listed
    assert columns.keys() == {name for result in results for name in result}


@pytest.mark.parametrize(
    ("seen", "kind"),
    [
        ([1, 2], "int"),
        ([2**64 - 1, -(2**63)], "int"),
        ([1, 0.5], "float"),
        ([float("nan")], "float"),
        (["a", "b"], "str"),
        ([1, "a"], "int"),
        ([1, "a", "b"], "str"),
        ([1, 0.5, "a"], "float"),
    ],
)
def test_a_kind_is_what_most_values_are(seen: list[Value], kind: str) -> None:
    """Ints widen to float; between numbers and texts the majority decides, and numbers where it is even."""
    inference = infer(((number, {"x": value}) for number, value in enumerate(seen)), "Run")
    assert inference is not None
    (column,) = inference.schema.columns
    assert (column.kind, column.optional, column.required) == (kind, False, True)


def test_outliers_name_the_first_keys() -> None:
    """Three keys at most, and how many there are."""
    inference = infer([(key, {"x": key if key < "e" else 2}) for key in "abcdefghij"], "Run")
    assert inference is not None
    (outlier,) = inference.outliers
    assert outlier == Outlier("x", "is str, not int", 4, ("a", "b", "c"))
    assert str(outlier) == "field 'x': is str, not int: 4 of the results (a, b, c, …)"


def test_ints_that_no_float_equals_are_outliers() -> None:
    """An int is no outlier of a float field, unless the float would be another number."""
    inference = infer([("a", {"x": 2**53 + 1}), ("b", {"x": 2**60}), ("c", {"x": 0.5})], "Run")
    assert inference is not None
    assert inference.outliers == (Outlier("x", "is an int that no float equals", 1, ("a",)),)


def test_a_field_that_most_have_is_required_where_none_is_in_all() -> None:
    """One result of another sort is an outlier, and refuses no base; three keys at most are named."""
    results: list[tuple[str, Result]] = [
        (key, {"error": "oom"} if key in "afhi" else {"loss": 0.5, "steps": 1}) for key in "abcdefghi"
    ]
    inference = infer(results, "Run")
    assert inference is not None
    columns = {column.name: column.required for column in inference.schema.columns}
    assert columns == {"error": False, "loss": True, "steps": True}
    assert inference.outliers == tuple(Outlier(name, "is absent", 4, ("a", "f", "h")) for name in ("loss", "steps"))


def _failing(error: Exception) -> Iterator[tuple[str, Result]]:
    yield "a", {"x": 1}
    raise BulkError({"b": error})


def test_corrupt_results_are_outliers_and_other_failures_are_raised() -> None:
    """What is stored and no result does not stop the inference; a store that fails does."""
    inference = infer(_failing(CorruptResultError("f", None, "is broken")), "Run")
    assert inference is not None
    assert inference.outliers == (Outlier(None, "is stored, and is no result", 1, ("b",)),)
    with pytest.raises(BulkError):  # nothing else is stored
        infer(itertools.islice(_failing(CorruptResultError("f", None, "is broken")), 1, None), "Run")
    with pytest.raises(BulkError):
        infer(_failing(PermissionError("no")), "Run")


def test_nothing_suggests_nothing() -> None:
    """Of no result there is no proposal."""
    assert infer([], "Run") is None


def test_fields_that_no_record_can_have_are_refused_all_at_once() -> None:
    """Names that make no attribute, or the same one, a bad name of the record, and no field that is always there."""
    with pytest.raises(SchemaError) as refused:
        infer([("a", {"a/b": 1, "a_b": 2, "2nd": 3}), ("b", {"class": 4})], "no name")
    assert refused.value.source == "inferred from 2 results"
    assert dict(refused.value.problems) == {
        "/title": "'no name' is no Python identifier",
        "/properties/a_b": "has the attribute 'a_b', and so has 'a/b'",
        "/properties/2nd": "'2nd' is no Python identifier",
        "/properties/class": "'class' is a keyword of Python",
        "": "needs a field that cannot be None: a result has at least one",
    }
