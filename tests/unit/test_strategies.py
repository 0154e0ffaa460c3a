"""The strategies of `typedtrack.testing` draw only what the rules allow, and all of it."""

from __future__ import annotations

import enum
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from typing import Annotated, Any, Literal

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st
from msgspec import Meta

from typedtrack import FieldSchema, RecordDefinitionError, RecordSchema, Stat, record, schema_of
from typedtrack._results.keys import is_key
from typedtrack._results.values import name_problem, problems_of, value_problem
from typedtrack._schema.records import CONSTRAINTS, MISSING
from typedtrack.testing import field_names, keys, record_classes, record_schemas, records, results, values
from typedtrack.testing.record_strategies import column_values

generated = settings(max_examples=60)


class Size(enum.IntEnum):
    """A size."""

    SMALL = 1
    LARGE = 2


@record
class EvalResult:
    """A record with every kind of field."""

    accuracy: Annotated[float, Meta(ge=0, le=1)]
    step: Annotated[int, Meta(gt=-10, lt=10, multiple_of=3)]
    code: Annotated[str, Meta(pattern="^[a-z]{2}$")]
    name: Annotated[str, Meta(min_length=3, max_length=600)]
    l2norm: Stat
    size: Size
    split: Literal["train", "test"]
    note: str | None


@given(values())
def test_values_keep_the_rules(value: object) -> None:
    """`values` draws only values."""
    assert value_problem(value) is None


@given(field_names())
def test_field_names_keep_the_rules(name: str) -> None:
    """`field_names` draws only field names."""
    assert name_problem(name) is None


@given(results(max_fields=3))
def test_results_keep_the_rules(result: dict[str, object]) -> None:
    """`results` draws only results, of no more fields than asked for."""
    assert problems_of(result) == []
    assert len(result) <= 3


@given(keys())
def test_keys_keep_the_rules(key: object) -> None:
    """`keys` draws only keys."""
    assert is_key(str(key))


LIMITS: list[tuple[st.SearchStrategy[Any], Callable[[Any], bool]]] = [
    (values(), lambda value: value == 2**64 - 1),
    (values(), lambda value: repr(value) == "-0.0"),
    (values(), lambda value: value != value),
    (values(), lambda value: isinstance(value, str) and len(value) == 256 and len(value.encode()) == 1024),
    (field_names(), lambda name: name == "self"),
    (field_names(), lambda name: len(name.encode()) == 256),
    (keys(), lambda key: isinstance(key, int) and key < 0),
    (keys(), lambda key: isinstance(key, str) and len(key.encode()) >= 511),
    (keys(), lambda key: isinstance(key, str) and "*" in key),
    (records(EvalResult), lambda record_: record_.note is None),
    (records(EvalResult), lambda record_: record_.size is Size.LARGE),
    (records(EvalResult), lambda record_: record_.step == -9),
    (records(EvalResult), lambda record_: record_.accuracy == 1.0),
    (records(EvalResult), lambda record_: len(record_.name) == 600),
    (records(EvalResult), lambda record_: len(record_.name.encode()) > 1000),
    (records(EvalResult), lambda record_: record_.l2norm.mean != record_.l2norm.mean),
]


@pytest.mark.parametrize(("strategy", "is_at_limit"), LIMITS)
def test_strategies_reach_the_limits(strategy: st.SearchStrategy[Any], is_at_limit: Callable[[Any], bool]) -> None:
    """Each strategy draws the values at its limits, within a few thousand examples."""
    assert is_at_limit(find(strategy, is_at_limit, settings=settings(max_examples=5_000, phases=[Phase.generate])))


@given(records(EvalResult))
def test_records_keep_every_constraint(instance: EvalResult) -> None:
    """Each field of a record keeps its constraints."""
    assert 0 <= instance.accuracy <= 1
    assert -10 < instance.step < 10
    assert instance.step % 3 == 0
    assert re.search("^[a-z]{2}$", instance.code)
    assert 3 <= len(instance.name) <= 600
    assert not instance.l2norm.sem < 0


@given(st.from_type(EvalResult))
def test_hypothesis_knows_records_by_their_type(instance: EvalResult) -> None:
    """`st.from_type` draws records of a class that is declared after the import."""
    assert type(instance) is EvalResult


def test_hypothesis_knows_classes_declared_before() -> None:
    """The import of `typedtrack.testing` registers earlier classes, too."""
    program = """
from typing import Annotated
from msgspec import Meta
from typedtrack import record
@record
class Early:
    x: Annotated[int, Meta(ge=5, le=5)]
import typedtrack.testing
from hypothesis import Phase, find, strategies as st
assert find(st.from_type(Early), lambda early: True) == Early(x=5)
@record
class Late:
    x: Annotated[int, Meta(ge=5, le=5)]
assert find(st.from_type(Late), lambda late: True) == Late(x=5)
"""
    subprocess.run([sys.executable, "-c", program], check=True)


@given(st.data())
def test_records_keep_their_hook(data: st.DataObject) -> None:
    """A record that its `__attrs_post_init__` refuses is not drawn, not even within another record."""

    @record
    class Ordered:
        low: int
        high: int

        def __attrs_post_init__(self) -> None:
            if self.low > self.high:
                raise ValueError("low exceeds high")

    @record
    class Outer:
        inner: Ordered

    instance = data.draw(records(Outer))
    assert instance.inner.low <= instance.inner.high


@pytest.mark.parametrize("thing", [int, 3])
def test_records_are_of_a_record_class(thing: Any) -> None:
    """The error names an object that is not a record class."""
    with pytest.raises(RecordDefinitionError, match="is not a record class"):
        records(thing)


@pytest.mark.parametrize(
    ("lowest", "highest", "of"),
    [(-1.0, 1.0, 0.1), (0.09, 0.11, 0.1), (0.0, 1e300, 5e-324), (-1.5, -0.4, 0.5), (-1e-300, 1e300, 3.0)],
)
def test_multiples_of_a_float_count_in_decimals(lowest: float, highest: float, of: float) -> None:
    """Every value is a multiple as it is written, even where only few doubles are."""
    column = FieldSchema(attribute="x", name="x", kind="float", ge=lowest, le=highest, multiple_of=of)

    @given(column_values(column))
    def check(value: float) -> None:
        assert lowest <= value <= highest
        assert (Fraction(repr(value)) / Fraction(repr(of))).denominator == 1

    check()


@generated
@given(record_classes())
def test_record_classes_are_classes(cls: type[Any]) -> None:
    """Each class has the schema from which it was made."""
    assert schema_of(cls).name == cls.__name__
    assert cls.__module__ == "typedtrack.testing"


def test_schemas_have_everything() -> None:
    """The schemas have nested records, aliases, odd names, defaults and every constraint."""
    seen: Counter[str] = Counter()

    @settings(max_examples=150, derandomize=True, database=None)
    @given(record_schemas())
    def look(schema: RecordSchema) -> None:
        assert list(schema.definition_problems()) == []
        seen.update("default of a nested record" for field in schema.fields if getattr(field, "defaults", ()))
        for column in schema.columns:
            seen.update(constraint for constraint in CONSTRAINTS if getattr(column, constraint) is not None)
            seen.update(
                what for what in ("choices", "aliases", "optional", "doc", "deprecated") if getattr(column, what)
            )
            seen[f"{column.attribute.count('.')} levels deep"] += 1
            seen["odd name"] += not column.name.isascii()
            seen["default"] += column.default not in (MISSING, None)

    look()
    assert {what for what, count in seen.items() if count} == {
        *CONSTRAINTS,
        *("choices", "aliases", "optional", "doc", "deprecated", "odd name", "default", "default of a nested record"),
        *("0 levels deep", "1 levels deep", "2 levels deep"),
    }


# -- patterns ---------------------------------------------------------------------------------------------------------

CHARACTERS = ["a", "é", "[0-9a-f]", "[^x]", "[^xé]", r"\d", r"\W", ".", "(?i:b)", "[가-힣]", "😀"]


def patterns() -> st.SearchStrategy[str]:
    """Return a strategy for regular expressions: characters, repeats, choices and groups."""
    repeats = st.sampled_from(["", "*", "+", "?", "{2}", "{1,3}", "{0,40}?", "*?", "++"])
    return st.recursive(
        st.sampled_from([*CHARACTERS, ""]),
        lambda parts: st.one_of(
            st.tuples(parts, parts).map("".join),
            st.tuples(parts, parts).map(lambda pair: f"(?:{pair[0]}|{pair[1]})"),
            st.tuples(parts, repeats).map(lambda pair: f"({pair[0]}){pair[1]}"),
            parts.map(lambda part: f"(?>{part})"),
        ),
        max_leaves=6,
    )


@given(st.data(), patterns(), st.sampled_from(["^{}$", "{}", r"\A(?:{})", r"(?:{})\Z", "^x|{}$"]))
def test_texts_match_a_pattern_within_a_length(data: st.DataObject, part: str, form: str) -> None:
    """If one text of some length matches a pattern, the strategy for that length draws matches."""
    pattern = form.format(part)
    text = data.draw(st.from_regex(pattern, alphabet=st.characters(exclude_categories=["Cs"])))
    least, most = data.draw(st.integers(0, len(text))), len(text) + data.draw(st.integers(0, 20))
    column = FieldSchema(attribute="x", name="x", kind="str", pattern=pattern, min_length=least, max_length=most)
    drawn = data.draw(column_values(column))
    assert isinstance(drawn, str)
    assert re.search(pattern, drawn)
    assert least <= len(drawn) <= most


@pytest.mark.parametrize(
    ("pattern", "least", "most"),
    [
        ("^[0-9a-f]+$", 40, 40),
        (r"^\w+@\w+\.[a-z]{2,3}$", 30, 64),
        ("^.+$", 1000, 1024),  # of one byte each, since a value has 1,024 bytes
        ("^é{2,}$", 512, 512),
        ("^(a+|b)*c?$", 60, 61),
        ("x", 500, 500),
        (r"^(.)\1$", 0, 2),  # a back-reference
        ("^(?=.*[0-9])[a-z0-9]+$", 8, 20),
        (r"^😀+$", 3, 3),
    ],
)
def test_texts_match_common_patterns_within_a_length(pattern: str, least: int, most: int) -> None:
    """Patterns as users write them, with lengths that a filter would never meet."""
    column = FieldSchema(attribute="x", name="x", kind="str", pattern=pattern, min_length=least, max_length=most)

    @settings(max_examples=20)
    @given(column_values(column))
    def check(value: object) -> None:
        assert column.problem(value) is None

    check()


def test_a_pattern_without_a_match_of_that_length_has_no_texts() -> None:
    """Hypothesis says so at once, and does not search for one."""
    column = FieldSchema(attribute="x", name="x", kind="str", pattern="^(train|test)$", min_length=7)
    assert column_values(column).is_empty
