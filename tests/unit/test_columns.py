"""The rules for fields: which declarations are refused, and why."""

from __future__ import annotations

import math
from typing import Any

import pytest

from typedtrack import FieldSchema, RecordSchema
from typedtrack._schema.records import NestedSchema

IMPOSSIBLE: list[tuple[dict[str, Any], str]] = [
    ({"name": "a\n"}, "cannot be named 'a\\n' on the wire: a field name has no control character ('\\n')"),
    ({"aliases": ("",)}, "cannot be named '' on the wire: a field name is not empty"),
    ({"kind": "str", "choices": ("\ud800",)}, "cannot allow '\\ud800': the str is not valid Unicode"),
    ({"kind": "int", "choices": (2**63,)}, "cannot allow 9223372036854775808: a choice is from -2**63 to 2**63-1"),
    ({"kind": "int", "choices": (1,), "ge": 0}, "lists its choices, so it takes no other constraint"),
    ({"kind": "int", "pattern": "a"}, "takes no pattern: it is an int"),
    ({"kind": "str", "ge": 1}, "takes no ge: it is a str"),
    (
        {"kind": "int", "ge": 0.5},
        "cannot be bounded by >= 0.5: the bounds of an int are ints from -2**63 to 2**63-1; >= 1 means",
    ),
    ({"le": 10**400}, "cannot be bounded by <= 1000"),
    ({"ge": 2**53 + 1}, "cannot be bounded by >= 9007199254740993: no float equals that"),
    ({"default": 2**53 + 1}, "has a default that no float equals: 9007199254740993"),
    ({"le": math.inf}, "cannot be bounded by <= inf: the bounds of a float are finite"),
    ({"kind": "int", "gt": 2**63 - 1}, "cannot be bounded by > 9223372036854775807: use >= or <= at the end of"),
    ({"kind": "int", "lt": -(2**63)}, "cannot be bounded by < -9223372036854775808: use >= or <= at the end of"),
    ({"gt": 0.0, "ge": 0.0}, "has two bounds on one side, > and >=; keep one"),
    ({"lt": 0.0, "le": 0.0}, "has two bounds on one side, < and <=; keep one"),
    ({"gt": 1.0, "le": 1.0}, "has constraints that no value can keep"),
    ({"kind": "str", "min_length": 2, "max_length": 1}, "has constraints that no value can keep"),
    ({"kind": "str", "min_length": 1025}, "has constraints that no value can keep"),
    ({"multiple_of": 0.0}, "cannot be bounded by a multiple of 0.0: it must be above 0"),
    ({"kind": "str", "max_length": -1}, "takes a length from 0 to 2**63-1, not -1"),
    ({"kind": "str", "pattern": "("}, "has a pattern that Python's re cannot compile"),
    ({"kind": "str", "pattern": "(" * 100_000 + ")" * 100_000}, "has a pattern that Python's re cannot compile"),
    ({"kind": "str", "pattern": "a{99999999999999999999}"}, "has a pattern that Python's re cannot compile"),
    ({"ge": 0.0, "default": -1.0}, "has a default that it refuses: must be >= 0.0, got -1.0"),
    ({"optional": True, "default": 1.0}, "is optional, so its default can only be None (null)"),
]


@pytest.mark.parametrize(("described", "reason"), IMPOSSIBLE)
def test_impossible_fields(described: dict[str, Any], reason: str) -> None:
    """A field that cannot exist says why, in its record and in a record around that."""
    known: dict[str, Any] = {"attribute": "x", "name": "x", "kind": "float", **described}
    field = FieldSchema(**known)
    inner = RecordSchema(name="Inner", fields=(field, FieldSchema(attribute="sure", name="sure", kind="int")))
    outer = RecordSchema(name="Outer", fields=(NestedSchema(attribute="inner", name="inner", record=inner),))

    assert any(problem.startswith(reason) for problem in field.definition_problems())
    assert any(where == "x" and problem.startswith(reason) for where, problem in inner.definition_problems())
    if field.name == "x" and field.aliases == ():
        assert any(where == "inner.x" and why.startswith(reason) for where, why in outer.definition_problems())


def test_schemas_compare_defaults_by_repr() -> None:
    """A default of NaN equals itself, and 0.0 differs from -0.0."""

    def of(default: float) -> RecordSchema:
        inner = RecordSchema(name="I", fields=(FieldSchema(attribute="x", name="x", kind="float", default=default),))
        nested = NestedSchema(attribute="i", name="i", record=inner, defaults=(default,))
        return RecordSchema(name="R", fields=(nested,))

    assert of(float("nan")) == of(float("nan"))
    assert hash(of(float("nan"))) == hash(of(float("nan")))
    assert of(0.0) != of(-0.0)
    assert of(0.0).fingerprint != of(-0.0).fingerprint
