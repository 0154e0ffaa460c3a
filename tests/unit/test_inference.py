"""A schema for what is stored: kinds, absence, outliers, and what no record can have."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from typedtrack import BulkError, CorruptResultError, Result, SchemaError, Value, schema_of
from typedtrack._codec import encode
from typedtrack._record_codec import record_codec
from typedtrack._record_types import record_type
from typedtrack.codegen import generate
from typedtrack.schemas import Outlier, document_text, infer, load_schemas
from typedtrack.testing.strategies import field_names, results, values


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


NAMES = {
    "loss": "loss",
    "loss_1": "loss_1",
    "loss-1": "loss_1_3",
    "loss/1": "loss_1_4",
    "loss 1_2": "loss_1_2",
    "2d/loss": "field_2d_loss",
    "class": "field_class_2",
    "self": "field_self",
    "int": "field_int",
    "Run": "field_Run",
    "_hidden": "field__hidden",
    "field_class": "field_class",
    "größe": "gr__e",
    "中文": "field___",
    "日本": "field____2",
}


def test_every_field_is_given_an_attribute() -> None:
    """What its name makes, if code can have it and no other has; else one by the rule, whatever the order."""
    for names in (list(NAMES), list(reversed(NAMES))):
        inference = infer([("a", dict.fromkeys(names, 1))], "Run")
        assert inference is not None
        assert {column.name: column.attribute for column in inference.schema.columns} == NAMES


def test_what_no_record_can_be_is_refused() -> None:
    """A name that is none is refused before anything is read; so are results that share no field."""
    with pytest.raises(SchemaError, match="'no name' is no Python identifier"):
        infer(_failing(PermissionError("no")), "no name")
    with pytest.raises(SchemaError, match="needs a field that cannot be None") as refused:
        infer([("a", {"a": 1}), ("b", {"b": 4})], "Run")
    assert refused.value.source == "inferred from 2 results"


_NAMES = st.sampled_from([*NAMES, "a/b", "a_b", "a_b_2", "a b"]) | field_names()


@given(st.lists(results() | st.dictionaries(_NAMES, values(), min_size=1, max_size=5), min_size=1, max_size=3))
def test_every_result_that_fits_is_read_by_what_is_proposed(stored: list[Result]) -> None:
    """Infer → generate → import: what is no outlier is read whole; infer → document → `load_schemas` is the same."""
    shared: Result = {"always": 1}
    inference = infer(((str(key), {**shared, **result}) for key, result in enumerate(stored)), "Run")
    assert inference is not None
    with TemporaryDirectory() as folder:
        Path(folder, "run.schema.json").write_text(document_text(inference.schema), "utf-8")
        loaded = load_schemas(folder)["Run"]
    assert schema_of(loaded) == inference.schema
    module = ModuleType("generated")
    exec(generate([inference.schema]), vars(module))
    assert schema_of(module.Run) == inference.schema
    odd = {key for outlier in inference.outliers for key in outlier.keys}
    for key, result in enumerate(stored):
        if str(key) not in odd:
            read = record_codec(record_type(module.Run)).decode(encode({**shared, **result}), "file")
            found = {c.name: getattr(read, c.attribute) for c in inference.schema.columns}
            assert {name: value for name, value in found.items() if value is not None}.keys() == {*shared, *result}
