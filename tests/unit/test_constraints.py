"""Every constraint and every keyword of documents has all its parts; a failing test names the part that one lacks.

A constraint that lacked a part would be declared without effect there.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import attrs
import msgspec
import pytest

from typedtrack import FieldSchema, InvalidResultError, RecordSchema, SchemaError, SchemaMismatchError, Value
from typedtrack._records import codec, constraints, generated_functions
from typedtrack._records.codec import record_codec
from typedtrack._records.declare import record_class
from typedtrack._records.record_type import record_type
from typedtrack._results.values import KindName
from typedtrack._schema.documents.keywords import KEYWORDS, Role
from typedtrack._schema.fields import CONSTRAINTS
from typedtrack.codegen import generate
from typedtrack.schemas import check

evolve: Any = attrs.evolve  # whose types a name that is a variable cannot satisfy


class _Sample(NamedTuple):
    kind: KindName
    bound: Value
    accepted: Value
    refused: Value


_SAMPLES: Final = {
    "gt": _Sample("float", 0.5, 1.0, 0.5),
    "ge": _Sample("float", 0.5, 0.5, 0.25),
    "lt": _Sample("int", 3, 2, 3),
    "le": _Sample("int", 3, 3, 4),
    "multiple_of": _Sample("int", 3, 6, 7),
    "min_length": _Sample("str", 2, "ab", "a"),
    "max_length": _Sample("str", 2, "ab", "abc"),
    "pattern": _Sample("str", "^a", "ab", "b"),
}


def missing_parts(name: str) -> Iterator[str]:
    """Yield the parts that the constraint *name* lacks."""
    if name not in _SAMPLES:
        yield "a sample in this test"
        return
    kind, bound, accepted, refused = _SAMPLES[name]
    field = FieldSchema(attribute="x", name="x", kind=kind)
    if not hasattr(field, name):
        yield "an attribute of FieldSchema"
        return
    free = RecordSchema(name="Free", fields=(field,))
    schema = RecordSchema(name="Bound", fields=(evolve(field, **{name: bound}),))
    if schema.columns[0].problem(refused) is None or schema.columns[0].problem(accepted) is not None:
        yield "a rule in FieldSchema.problem"
    cls: type[Any] = record_class(schema)
    cls(x=accepted)
    try:
        cls(x=refused)
    except InvalidResultError:
        pass
    else:
        yield "a test in the emitted constructor"
    codec: Any = record_codec(record_type(cls))
    decode = codec.decode_fast
    if decode(json.dumps({"x": accepted}).encode()) is None or decode(json.dumps({"x": refused}).encode()) is not None:
        yield "a test in the emitted decoder"
    try:
        codec.decode(json.dumps({"x": refused, "unknown": 1}).encode(), "file")  # the fast path knows all fields
    except SchemaMismatchError:
        pass
    else:
        yield "a test on the slow path"
    if schema.fingerprint == free.fingerprint:
        yield "a part in the fingerprint"
    document = schema.to_json_schema()
    if document["properties"] == free.to_json_schema()["properties"]:
        yield "a keyword in documents"
    elif RecordSchema.from_json_schema(document) != schema:
        yield "a reading of its keyword"
    if not check(schema, free):
        yield "a compatibility rule"
    if name not in generate([schema]):
        yield "a place in generated code"


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_a_constraint_has_every_part(name: str) -> None:
    """The message names the parts that a new constraint still needs."""
    assert not [*missing_parts(name)], f"the constraint {name} lacks {', '.join(missing_parts(name))}"


def test_a_new_constraint_needs_a_sample_and_an_attribute(monkeypatch: pytest.MonkeyPatch) -> None:
    """A constraint that is only a name lacks everything."""
    assert [*missing_parts("odd")] == ["a sample in this test"]
    monkeypatch.setitem(_SAMPLES, "odd", _Sample("int", True, 1, 2))
    assert [*missing_parts("odd")] == ["an attribute of FieldSchema"]


def test_a_constraint_without_a_rule_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the schema lets every text pass, only msgspec still refuses one."""
    monkeypatch.setattr(FieldSchema, "_text_problem", _nothing)
    assert [*missing_parts("pattern")] == [
        "a rule in FieldSchema.problem",
        "a test in the emitted constructor",
        "a test on the slow path",
    ]


def test_a_constraint_without_an_emitter_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A constraint that the emitter claims to write itself, and does not write, is found."""
    monkeypatch.setitem(generated_functions._INLINE, "str", frozenset(CONSTRAINTS))
    assert [*missing_parts("pattern")] == ["a test in the emitted constructor"]


def test_a_constraint_without_a_decoder_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A constraint that the decoded twin does not have is found."""

    def without_pattern(column: FieldSchema) -> FieldSchema:
        return attrs.evolve(column, pattern=None)

    monkeypatch.setattr(codec, "_plain", without_pattern)
    assert [*missing_parts("pattern")] == ["a test in the emitted decoder"]


def test_a_constraint_that_annotations_refuse_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A constraint is read from annotations by the same list."""
    monkeypatch.setattr(constraints, "CONSTRAINTS", ("ge",))
    with pytest.raises(ValueError, match="has pattern in Annotated, which has no effect here"):
        constraints.read_constraints([msgspec.Meta(pattern="a")])


def _no_properties(_: RecordSchema) -> dict[str, object]:
    return {"properties": {}}


def _named(schema: RecordSchema) -> dict[str, object]:
    return {"properties": schema.name}


def _no_code(_: object) -> str:
    return ""


def _nothing(*_: object) -> None:
    return None


def test_a_constraint_that_others_ignore_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A constraint that documents, compatibility and generated code do not know is found."""
    monkeypatch.setattr(RecordSchema, "to_json_schema", _no_properties)
    monkeypatch.setattr(RecordSchema, "fingerprint", "")
    monkeypatch.setattr(sys.modules[__name__], "check", _nothing)
    monkeypatch.setattr(sys.modules[__name__], "generate", _no_code)
    assert [*missing_parts("pattern")] == [
        "a part in the fingerprint",
        "a keyword in documents",
        "a compatibility rule",
        "a place in generated code",
    ]
    monkeypatch.setattr(RecordSchema, "to_json_schema", _named)
    monkeypatch.setattr(RecordSchema, "from_json_schema", _nothing)
    assert "a reading of its keyword" in [*missing_parts("pattern")]


@pytest.mark.parametrize("keyword", KEYWORDS)
def test_a_keyword_has_every_part(keyword: str) -> None:
    """Its row has a reader that refuses other types, a role, and the constraint that it expresses."""
    row = KEYWORDS[keyword]
    bounds_values = row.role in (Role.NUMBER, Role.TEXT)
    named = row.constraint is not None or keyword == "x-typedtrack-max-bytes"  # a rule for all values
    assert named is bounds_values, f"{keyword} lacks its constraint, or the role of one"
    document = {"title": "R", "type": "object", "properties": {"x": {"type": "integer", keyword: object()}}}
    if keyword in ("example", "externalDocs", "xml"):  # notes of any form
        assert row.read(document) is document
        return
    with pytest.raises(SchemaError) as caught:
        RecordSchema.from_json_schema({**document, "required": ["x"]})
    reason = dict(caught.value.problems).get(f"/properties/x/{keyword}", "")
    takes_anything = keyword in ("const", "default", "x-typedtrack-default")
    assert reason.startswith("must be ") or takes_anything, f"{keyword} lacks a reader that refuses other types"


def test_every_constraint_has_a_keyword() -> None:
    """The table of keywords names the constraint that each expresses."""
    assert {row.constraint for row in KEYWORDS.values()} == {None, *CONSTRAINTS}
