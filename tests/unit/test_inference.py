"""Inference: kinds, absent fields, outliers, attributes, and results that no record can describe."""

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
from typedtrack._records.codec import record_codec
from typedtrack._records.record_type import record_type
from typedtrack._results.codec import encode
from typedtrack.codegen import generate
from typedtrack.schemas import Outlier, document_text, infer, load_schemas
from typedtrack.schemas import inference as inference_module
from typedtrack.testing.strategies import field_names, results, values

_some_results = st.dictionaries(st.sampled_from(["a", "b", "loss", "l2norm/mean", "note"]), values(), min_size=1)


@given(st.lists(_some_results, min_size=1))
def test_results_fit_the_proposal_but_for_the_outliers(results: list[Result]) -> None:
    """The proposed field accepts each stored value, or the value is an outlier. The same holds for absent fields."""
    inference = infer(enumerate(results), "Run")
    assert inference is not None
    assert inference.results == len(results)
    assert not [*inference.schema.definition_problems()]
    columns = {column.name: column for column in inference.schema.columns}
    refused: Counter[str | None] = Counter()
    for result in results:
        for name, column in columns.items():
            if column.required if name not in result else column.problem(result[name]) is not None:
                refused[name] += 1
    listed: Counter[str | None] = Counter()
    for outlier in inference.outliers:
        listed[outlier.field] += outlier.results
    assert refused <= listed
    assert columns.keys() == {name for result in results for name in result}


@given(st.lists(_some_results, min_size=1))
def test_the_most_frequent_field_is_required_with_those_beside_it(results: list[Result]) -> None:
    """The most frequent field, the first by name of several, is required, with the fields in all its results."""
    inference = infer(enumerate(results), "Run")
    assert inference is not None
    where = {column.name: [column.name in result for result in results] for column in inference.schema.columns}
    first = min(where, key=lambda name: (-sum(where[name]), name))
    required = {name for name in where if all(name in result for result in results if first in result)}
    assert {column.name for column in inference.schema.columns if column.required} == required
    absent = {(outlier.field, outlier.results) for outlier in inference.outliers if outlier.reason == "is absent"}
    others = len(results) - sum(where[first])
    assert absent == {(name, others) for name in required if others}


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
def test_the_majority_decides_the_kind(seen: list[Value], kind: str) -> None:
    """An int field becomes a float field if needed. Between number and str the majority decides; a tie is a number."""
    inference = infer(((number, {"x": value}) for number, value in enumerate(seen)), "Run")
    assert inference is not None
    (column,) = inference.schema.columns
    assert (column.kind, column.optional, column.required) == (kind, False, True)


def test_outliers_name_the_first_keys() -> None:
    """An outlier names at most three keys, and the number of all."""
    inference = infer([(key, {"x": key if key < "e" else 2}) for key in "abcdefghij"], "Run")
    assert inference is not None
    (outlier,) = inference.outliers
    assert outlier == Outlier("x", "is str, not int", 4, ("a", "b", "c"))
    assert str(outlier) == "field 'x': is str, not int: 4 of the results (a, b, c, …)"


def test_an_int_that_no_float_equals_is_an_outlier() -> None:
    """A float field accepts an int unless the float would be another number."""
    inference = infer([("a", {"x": 2**53 + 1}), ("b", {"x": 2**60}), ("c", {"x": 0.5})], "Run")
    assert inference is not None
    assert inference.outliers == (Outlier("x", "is an int that no float equals", 1, ("a",)),)


def test_without_a_field_in_every_result_the_most_frequent_is_required() -> None:
    """Results without it are outliers; at most three of their keys are named."""
    results: list[tuple[str, Result]] = [
        (key, {"error": "oom"} if key in "afhi" else {"loss": 0.5, "steps": 1}) for key in "abcdefghi"
    ]
    inference = infer(results, "Run")
    assert inference is not None
    columns = {column.name: column.required for column in inference.schema.columns}
    assert columns == {"error": False, "loss": True, "steps": True}
    assert inference.outliers == tuple(Outlier(name, "is absent", 4, ("a", "f", "h")) for name in ("loss", "steps"))


def test_results_without_a_common_field() -> None:
    """If several fields are the most frequent, the first by name is required."""
    inference = infer([("a", {"y": 1}), ("b", {"x": 4, "z": 2})], "Run")
    assert inference is not None
    assert {column.name: column.required for column in inference.schema.columns} == {"y": False, "x": True, "z": True}
    assert inference.outliers == (Outlier("x", "is absent", 1, ("a",)), Outlier("z", "is absent", 1, ("a",)))


@pytest.mark.parametrize(("longest", "bound"), [(0, 16), (16, 16), (17, 32), (300, 512)])
def test_strings_get_a_length_if_results_could_be_too_large(longest: int, bound: int) -> None:
    """The length is the longest value, rounded up to a power of two. Numbers and small records get none."""
    stored: list[Result] = [
        {"n": 1, **{f"s{i}": "é" * (longest - 1) for i in range(200)}},
        {"n": 2, "s0": "e" * longest},
    ]
    inference = infer(enumerate(stored), "Run")
    assert inference is not None
    assert [c.max_length for c in inference.schema.columns[:2]] == [None, bound]
    assert not inference.outliers
    small = infer([("a", {"n": 1, **{f"s{i}": "a" for i in range(100)}})], "Run")
    assert small is not None
    assert not any(column.constrained for column in small.schema.columns)


def test_too_many_fields_are_refused() -> None:
    """A record cannot be so large; the error says what to do."""
    with pytest.raises(SchemaError) as refused:
        infer([("a", {f"s{i}": "a" * 1000 for i in range(200)})], "Run")
    assert refused.value.source == "inferred from 1 results"
    (problem,) = refused.value.problems
    reason = (
        "can be up to 1,231,490 bytes encoded, over the limit of 1,048,576 bytes, even with strings no longer than "
        "those stored; infer from results of one kind, or store fewer fields in each"
    )
    assert problem == ("", reason)


def test_inference_takes_linear_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fields that many results lack are not looked at for each of them."""
    calls: list[str] = []
    add_example = inference_module._add_example

    def count(keys: list[str], key: str) -> None:
        calls.append(key)
        add_example(keys, key)

    monkeypatch.setattr(inference_module, "_add_example", count)
    stored: list[tuple[int, Result]] = [(n, {"loss": 1, f"x{n}": 1}) for n in range(300)]
    inference = infer(stored, "Run")
    assert inference is not None
    assert len(inference.schema.columns) == 301
    assert len(calls) < 10 * 300


def _failing(error: Exception) -> Iterator[tuple[str, Result]]:
    yield "a", {"x": 1}
    raise BulkError({"b": error})


def test_corrupt_results_are_outliers_and_other_failures_are_raised() -> None:
    """A corrupt result does not stop the inference; a failure of the store does."""
    inference = infer(_failing(CorruptResultError("f", None, "is broken")), "Run")
    assert inference is not None
    assert inference.outliers == (Outlier(None, "is not a result", 1, ("b",)),)
    assert str(inference.outliers[0]) == "is not a result: 1 stored (b)"
    with pytest.raises(BulkError):  # nothing else is stored
        infer(itertools.islice(_failing(CorruptResultError("f", None, "is broken")), 1, None), "Run")
    with pytest.raises(BulkError):
        infer(_failing(PermissionError("no")), "Run")


def test_without_results_nothing_is_proposed() -> None:
    """The same holds for results without a field."""
    assert infer([], "Run") is None
    assert infer([("a", {})], "Run") is None


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


def test_every_field_gets_an_attribute() -> None:
    """The attribute comes from the name by a fixed rule; the order of the fields does not matter."""
    for names in (list(NAMES), list(reversed(NAMES))):
        inference = infer([("a", dict.fromkeys(names, 1))], "Run")
        assert inference is not None
        assert {column.name: column.attribute for column in inference.schema.columns} == NAMES


def test_names_that_a_record_cannot_have_are_refused() -> None:
    """The record's name is checked before anything is read; field names are checked too."""
    with pytest.raises(SchemaError, match="'no name' is not a Python identifier"):
        infer(_failing(PermissionError("no")), "no name")
    with pytest.raises(SchemaError, match="a field name has no control character"):
        infer([("a", {"\n": 1})], "Run")


_NAMES = st.sampled_from([*NAMES, "a/b", "a_b", "a_b_2", "a b"]) | field_names()


@given(st.lists(results() | st.dictionaries(_NAMES, values(), min_size=1, max_size=5), min_size=1, max_size=3))
def test_the_proposed_record_reads_every_result_that_fits(stored: list[Result]) -> None:
    """Infer → generate → import reads every field of a result that fits; infer → document → `load_schemas` agrees."""
    inference = infer(((str(key), result) for key, result in enumerate(stored)), "Run")
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
            read = record_codec(record_type(module.Run)).decode(encode(result), "file")
            found = {c.name: getattr(read, c.attribute) for c in inference.schema.columns}
            assert {name: value for name, value in found.items() if value is not None}.keys() == {*result}
