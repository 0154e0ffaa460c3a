"""Constraints in ``Annotated``: those of `annotated_types` and pydantic are kept, and what has no effect is refused."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from decimal import Decimal
from typing import Annotated, Any, Final, NewType, cast

import annotated_types
import numpy as np
import pydantic
import pytest
import typing_extensions
from annotated_types import Ge, Gt, Interval, Le, Len, Lt, MaxLen, MinLen, MultipleOf
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from typedtrack import InvalidResultError, RecordDefinitionError, SchemaMismatchError, key, record, schema_of
from typedtrack._records.codec import record_codec
from typedtrack._records.record_type import record_type


class _Positive(Gt):
    """A subclass of a constraint is one too."""


class _Both:
    """Another package's group of constraints."""

    __is_annotated_types_grouped_metadata__ = True

    def __iter__(self) -> Any:
        yield Ge(0)
        yield Len(0, 3)


_Positive_int: Any = pydantic.PositiveInt  # which a type checker sees as an int
_Count = NewType("_Count", _Positive_int)  # type: ignore[valid-newtype]

_SAME: Final[list[tuple[Any, Any]]] = [
    (Annotated[float, Gt(0)], Annotated[float, Meta(gt=0)]),
    (Annotated[float, Ge(0), Le(1)], Annotated[float, Meta(ge=0, le=1)]),
    (Annotated[int, Lt(5), Meta(ge=1)], Annotated[int, Meta(ge=1, lt=5)]),
    (Annotated[float, Interval(gt=0, le=1)], Annotated[float, Meta(gt=0, le=1)]),
    (Annotated[int, MultipleOf(3)], Annotated[int, Meta(multiple_of=3)]),
    (Annotated[str, MinLen(1), MaxLen(5)], Annotated[str, Meta(min_length=1, max_length=5)]),
    (Annotated[str, Len(2, 5)], Annotated[str, Meta(min_length=2, max_length=5)]),
    (Annotated[str, Len(0, 5)], Annotated[str, Meta(max_length=5)]),
    (Annotated[str, Len(2)], Annotated[str, Meta(min_length=2)]),
    (Annotated[float, _Positive(0)], Annotated[float, Meta(gt=0)]),
    (Annotated[float, Ge(cast("float", np.float32(0.5)))], Annotated[float, Meta(ge=0.5)]),
    (Annotated[int, pydantic.Field(ge=0, lt=10)], Annotated[int, Meta(ge=0, lt=10)]),
    (Annotated[str, pydantic.Field(pattern="^a+$", min_length=1)], Annotated[str, Meta(pattern="^a+$", min_length=1)]),
    (Annotated[str, pydantic.Field(pattern=re.compile("^a"))], Annotated[str, Meta(pattern="^a")]),
    (Annotated[float, pydantic.Field(multiple_of=0.5)], Annotated[float, Meta(multiple_of=0.5)]),
    (
        Annotated[int, pydantic.Field(description="A.", deprecated=True)],
        Annotated[int, Meta(description="A.", extra_json_schema={"deprecated": True})],
    ),
    (Annotated[int, pydantic.Field(strict=True)], int),
    (Annotated[float, pydantic.Field(allow_inf_nan=True)], float),
    (pydantic.PositiveInt, Annotated[int, Meta(gt=0)]),
    (pydantic.NonNegativeFloat, Annotated[float, Meta(ge=0)]),
    (pydantic.StrictInt, int),
    (_Count, Annotated[int, Meta(gt=0)]),
    (pydantic.conint(ge=0, multiple_of=2), Annotated[int, Meta(ge=0, multiple_of=2)]),
    (pydantic.confloat(gt=0), Annotated[float, Meta(gt=0)]),
    (pydantic.constr(min_length=1, pattern="^a"), Annotated[str, Meta(min_length=1, pattern="^a")]),
    (Annotated[float, annotated_types.doc("A."), Ge(0)], Annotated[float, Meta(ge=0)]),
    (Annotated[float, annotated_types.Unit("ms")], float),
    (Annotated[float, typing_extensions.Doc("A."), "a note", None], float),
    (Annotated[float, Meta(extra={"unit": "ms"})], float),
]


def declare(hint: Any, name: str = "Declared") -> type[Any]:
    """Return a record class with the field ``x``, annotated as *hint*."""
    return record(type(name, (), {"__annotations__": {"x": hint, "y": int}, "__module__": __name__}))


@pytest.mark.parametrize(("theirs", "ours"), _SAME)
def test_a_constraint_of_another_library_is_one_of_msgspec(theirs: Any, ours: Any) -> None:
    """The schemas are the same, and so everything that reads them."""
    assert schema_of(declare(theirs)) == schema_of(declare(ours))


@given(st.floats() | st.integers(-3, 3), st.booleans())
def test_it_holds_on_construction_and_on_get(value: float, unknown: bool) -> None:
    """A constraint of another package holds as one of msgspec does: on both paths of a get, for NaN too."""
    cls = declare(Annotated[float, Ge(-1), Lt(1)])
    stored = json.dumps({"x": value, "y": 0, **({"z": 1} if unknown else {})}).encode()
    if -1 <= value < 1:
        assert record_codec(record_type(cls)).decode(stored, "file") == cls(x=value, y=0)
        return
    with pytest.raises(InvalidResultError):
        cls(x=value, y=0)
    with pytest.raises(SchemaMismatchError):
        record_codec(record_type(cls)).decode(stored, "file")


def test_a_key_keeps_them_too() -> None:
    """A bound may be what makes its template readable."""

    @key("{name}-{seed}")
    class Key:
        name: str
        seed: Annotated[int, Ge(0)]

    assert str(Key("a", 1)) == "a-1"


_REFUSED: Final[list[tuple[Any, str]]] = [
    (Annotated[int, Ge(0), Meta(ge=0)], "has the constraint ge twice"),
    (Annotated[int, Ge(0), Interval(ge=1)], "has the constraint ge twice"),
    (Annotated[pydantic.PositiveInt, Gt(1)], "has the constraint gt twice"),
    (Annotated[int, Ge(0), Gt(0)], "has two bounds on one side, > and >=; keep one"),
    (Annotated[int, Ge(3), Lt(3)], "has constraints that no value can keep"),
    (Annotated[int, _Both()], "takes no max_length: it is an int"),
    (Annotated[float, MinLen(1)], "takes no min_length: it is a float"),
    (Annotated[float, Ge(10**400)], "no float equals that"),
    (Annotated[float, Ge(math.nan)], "the bounds of a float are finite"),
    (Annotated[float, Ge(Decimal("0.25"))], "takes a number for ge, not Decimal('0.25')"),
    (Annotated[float, Ge("a")], "takes a number for ge, not 'a'"),
    (Annotated[float, Ge(True)], "takes a number for ge, not True"),
    (Annotated[str, MinLen(1.5)], "takes an int for min_length, not 1.5"),  # type: ignore[arg-type]
    (Annotated[float, Meta(pattern="^a")], "takes no pattern: it is a float"),
    (
        Annotated[str, pydantic.Field(pattern=re.compile("a", re.IGNORECASE))],
        "takes a str for pattern, not re.compile(",
    ),
    (Annotated[float, annotated_types.Predicate(math.isfinite)], "has Predicate(math.isfinite) in Annotated"),
    (annotated_types.IsFinite[float], "has Predicate(math.isfinite) in Annotated, a rule that has no effect here"),
    (annotated_types.LowerCase[str], "in Annotated, a rule that has no effect here"),
    (Annotated[str, annotated_types.Timezone(None)], "has Timezone(tz=None) in Annotated"),
    (Annotated[int, Meta(tz=True)], "has tz in Annotated, which has no effect here"),
    (Annotated[int, 3], "has 3 in Annotated, a rule that has no effect here"),
    (Annotated[int, int], "has <class 'int'> in Annotated"),
    (Annotated[int, callable], "in Annotated, a rule that has no effect here"),
    (Annotated[int, pydantic.AfterValidator(abs)], "has AfterValidator("),
    (
        Annotated[int, pydantic.Field(alias="y", title="Z")],
        "has alias, validation_alias, serialization_alias, title in",
    ),
    (Annotated[int, pydantic.Field(default=3)], "has default in Annotated"),
    (Annotated[float, pydantic.Field(allow_inf_nan=False)], "has allow_inf_nan in Annotated"),
    (pydantic.FiniteFloat, "has allow_inf_nan in Annotated"),
    (Annotated[int, pydantic.Field(strict=False)], "has strict in Annotated"),
    (pydantic.constr(strip_whitespace=True), "has strip_whitespace in Annotated"),
]


@pytest.mark.parametrize(("hint", "reason"), _REFUSED)
def test_an_annotation_without_effect_is_refused(hint: Any, reason: str) -> None:
    """The declaration of the class fails; the error names the field and the annotations that are allowed."""
    with pytest.raises(RecordDefinitionError) as caught:
        declare(hint)
    assert caught.value.field == "x"
    assert reason in caught.value.reason
    if "no effect" in caught.value.reason:
        assert "; an annotation may have gt, ge, lt, le, multiple_of, min_length" in caught.value.reason


@pytest.mark.parametrize("hint", [Annotated[int, 3], Annotated[int, pydantic.Field(alias="y")]])
def test_a_key_refuses_it_too(hint: Any) -> None:
    """A rule that nobody applies is worse than none."""
    with pytest.raises(RecordDefinitionError, match="has no effect here"):
        key("{x}")(type("Declared", (), {"__annotations__": {"x": hint}, "__module__": __name__}))


def test_neither_library_is_imported() -> None:
    """Their classes are known by their names."""
    program = "import sys, typedtrack._records.declare; print({'annotated_types', 'pydantic'} & {*sys.modules})"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout == "set()\n"


def test_a_bound_beyond_every_float_is_refused() -> None:
    """No float equals it, so a float bound could not express it."""
    with pytest.raises(RecordDefinitionError, match="no float equals that"):

        @record
        class Beyond:
            loss: Annotated[float, Ge(10**400)]
