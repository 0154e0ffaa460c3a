"""Schemas and documents: writing and reading back is exact, and a validator reads a document as typedtrack does."""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Iterator
from typing import Any, cast

import attrs
import pytest
from hypothesis import assume, event, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tests.schema_strategies import record_schemas, results_of
from typedtrack._records.codec import record_codec
from typedtrack._records.declare import record_class, schema_of
from typedtrack._records.record_type import record_type
from typedtrack._results.codec import encode
from typedtrack._results.values import Result
from typedtrack._schema.documents.ecma_patterns import reads_alike
from typedtrack._schema.fields import FieldSchema
from typedtrack._schema.identifiers import attribute_name, attribute_problem
from typedtrack._schema.records import RecordSchema
from typedtrack.errors import SchemaError, SchemaMismatchError
from typedtrack.schemas import class_name, document_text, parse_document


def accepted(schema: RecordSchema, stored: Any) -> bool:
    """Return whether jsonschema finds *stored* valid under the document of *schema*."""
    validator: Any = Draft202012Validator(schema.to_json_schema())
    return bool(validator.is_valid(stored))


@given(record_schemas())
def test_a_schema_survives_its_document(schema: RecordSchema) -> None:
    """Schema → document → text → document → schema is the identity; the text is JSON in any language."""
    text = document_text(schema)
    again = parse_document(text.encode(), "file")

    assert again == schema
    assert again.fingerprint == schema.fingerprint
    assert document_text(again) == text


@given(record_schemas())
def test_a_schema_survives_its_class(schema: RecordSchema) -> None:
    """Schema → class → schema is the identity."""
    assert schema_of(record_class(schema)) == schema


@given(record_schemas())
def test_a_document_is_a_schema_to_others(schema: RecordSchema) -> None:
    """The metaschema of JSON Schema 2020-12 accepts every document."""
    Draft202012Validator.check_schema(schema.to_json_schema())


@given(st.data())
def test_an_open_document_means_the_same_and_more(data: st.DataObject) -> None:
    """It has no reference and no nested record; a validator accepts the same results, and further fields."""
    schema = data.draw(record_schemas())
    document = schema.to_json_schema(open_content=True)
    result = data.draw(results_of(schema))
    assume(all(math.isfinite(value) for value in result.values() if isinstance(value, float)))
    result.pop(data.draw(st.sampled_from([*result, "none"])), None)
    closed: Any = Draft202012Validator(schema.to_json_schema())
    opened: Any = Draft202012Validator(document)

    Draft202012Validator.check_schema(document)
    properties = cast("dict[str, dict[str, object]]", document["properties"])
    assert "$defs" not in document
    assert not any("$ref" in written for written in properties.values())
    event("accepted" if closed.is_valid(result) else "refused")
    assert opened.is_valid(result) is closed.is_valid(result)
    if "further" not in properties:
        assert opened.is_valid({**result, "further": None}) is closed.is_valid(result)


@given(record_schemas())
def test_an_open_document_reads_as_the_same_columns(schema: RecordSchema) -> None:
    """If no record in it can be `None`, and if the names become attributes, it has the fingerprint of the schema."""
    assume(not any(column.within for column in schema.columns))
    data = document_text(schema, open_content=True).encode()
    attributes = {attribute_name(column.name) for column in schema.columns}
    usable = len(attributes) == len(schema.columns) and not any(map(attribute_problem, attributes))

    event("read" if usable else "a name is not an attribute")
    if usable:
        assert parse_document(data, "file").fingerprint == schema.fingerprint
    else:
        with pytest.raises(SchemaError, match="Python attribute"):
            parse_document(data, "file")


def _rounds(column: FieldSchema, value: object) -> bool:
    """Return whether jsonschema, which divides in binary, refuses *value*, a multiple in decimals."""
    return column.multiple_of is not None and isinstance(value, float) and not (value / column.multiple_of).is_integer()


@given(st.data())
def test_others_accept_what_a_record_stores(data: st.DataObject) -> None:
    """A validator accepts every stored result of the record that JSON can express, so without NaN."""
    schema = data.draw(record_schemas())
    result = data.draw(results_of(schema))
    assume(all(math.isfinite(value) for value in result.values() if isinstance(value, float)))
    assume(not any(_rounds(column, result.get(column.name)) for column in schema.columns))
    stored: Any = json.loads(encode(result)) if result else {}

    assert accepted(schema, stored)


def _differs(column: FieldSchema, value: object) -> bool:
    """Return whether JSON Schema cannot express why *column* refuses *value*, so a validator may accept it."""
    if isinstance(value, float) and not math.isfinite(value):
        return True  # no JSON
    if column.kind == "int" and isinstance(value, float) and value.is_integer():
        return True  # 1.0 is an integer to JSON Schema
    if isinstance(value, str) and len(value.encode()) > 1024:
        return True
    if isinstance(value, str) and column.pattern is not None and not reads_alike(column.pattern):
        return True
    return column.multiple_of is not None and column.kind == "float"  # decimal here, divided in binary there


@given(st.data())
def test_others_refuse_what_a_reader_refuses(data: st.DataObject) -> None:
    """Both refuse a result with one value changed or removed, or both accept it, as far as JSON Schema has the rule."""
    schema = data.draw(record_schemas())
    result: Result = data.draw(results_of(schema))
    column = data.draw(st.sampled_from(schema.columns))
    value = data.draw(st.none() | st.integers(-5, 5) | st.floats() | st.text(st.characters(exclude_categories=["Cs"])))
    result.pop(column.name, None)
    if value is not None:
        result[column.name] = value
    assume(result and not _differs(column, value))
    assume(all(math.isfinite(other) for other in result.values() if isinstance(other, float)))
    assume(not any(_rounds(other, result.get(other.name)) for other in schema.columns))

    cls: type[Any] = record_class(schema)
    try:
        record_codec(record_type(cls)).decode(encode(result), "file")
    except SchemaMismatchError:
        refused = True
    else:
        refused = False

    event("refused" if refused else "read")
    assert accepted(schema, json.loads(encode(result))) is not refused


@st.composite
def foreign_subschemas(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a subschema of one value in a form that generators write; ``#/definitions/n`` is a number from 0 on."""
    null: dict[str, Any] = {"type": "null"}
    constants = draw(st.lists(st.integers(-2, 2), min_size=1, max_size=3, unique=True))
    bounds: dict[str, Any] = draw(
        st.sampled_from([{}, {"minimum": 0}, {"exclusiveMinimum": 0}, {"maximum": 2, "multipleOf": 2}])
    )
    form: dict[str, Any] = draw(
        st.sampled_from(
            [
                {"type": "integer", **bounds},
                {"type": ["number", "null"], **bounds},
                {"anyOf": [{"type": "integer"}, {"type": "number"}], **bounds},
                {"anyOf": [{"type": "integer", **bounds}, {"type": "number", **bounds}, null]},
                {"anyOf": [{"const": number, "type": "integer"} for number in constants]},
                {"oneOf": [{"enum": constants, "title": "Some."}, {"const": None}]},
                {"oneOf": [{"const": str(number)} for number in constants] + [null]},
                {"const": constants[0], "enum": constants},
                {"type": "number", "enum": constants},
                {"allOf": [{"$ref": "#/definitions/n"}], **bounds},
                {"anyOf": [{"$ref": "#/definitions/n"}, null]},
                {"oneOf": [{"$ref": "#/definitions/n"}], "maximum": 1},
                {"type": "string", "maxLength": 1},
            ]
        )
    )
    return form


@given(foreign_subschemas(), st.integers(-3, 3) | st.sampled_from([None, 0.5, -0.5, 0.25, 2.5, "", "1", "-1", "ab"]))
def test_a_validator_reads_forms_of_generators_as_a_reader_does(subschema: dict[str, Any], value: Any) -> None:
    """A validator accepts a stored value if and only if a reader does; null is an absent field."""
    document: dict[str, Any] = {
        "title": "Run",
        "type": "object",
        "properties": {"x": subschema, "sure": {"type": "integer"}},
        "required": ["x", "sure"],
        "definitions": {"n": {"type": "number", "minimum": 0}},
    }
    column = RecordSchema.from_json_schema(document).columns[0]
    validator: Any = Draft202012Validator(document)

    event("null" if value is None else column.kind)
    accepted_here = column.optional if value is None else column.problem(value) is None
    assert validator.is_valid({"x": value, "sure": 1}) is accepted_here


_KEYWORDS = st.sampled_from(
    ["$ref", "$defs", "$schema", "title", "type", "properties", "required", "enum", "const", "oneOf", "anyOf", "allOf"]
) | st.sampled_from(
    [
        "definitions",
        "nullable",
        "format",
        "exclusiveMinimum",
        "$id",
        "default",
        "minimum",
        "multipleOf",
        "pattern",
        "minLength",
        "additionalProperties",
        "x-typedtrack-nested",
    ]
    + [f"x-typedtrack-{name}" for name in ("attribute", "aliases", "default")]
    + ["x-a", "a", "b/c", "description"]
)
_ATOMS = st.sampled_from(["object", "number", "string", "#", "#/$defs/a", "#/properties/a", "null", "(", "NaN", "Run"])
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _ATOMS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYWORDS, inner, max_size=5),
    max_leaves=30,
)


@given(st.dictionaries(_KEYWORDS, _JSON, max_size=6))
def test_any_document_is_read_or_refused(document: dict[str, object]) -> None:
    """Any JSON value becomes a schema whose class can be made, or raises a SchemaError."""
    try:
        schema = RecordSchema.from_json_schema({"title": "Run", "type": "object", **document})
    except SchemaError:
        event("refused")
    else:
        event("read")
        record_class(schema)


_FAULTS: list[tuple[int, dict[str, object], str]] = [
    (1, {"type": "string", "uniqueItems": True}, "/uniqueItems"),
    (1, {"type": "string", "minLength": "1"}, "/minLength"),
    (1, {"type": 5, "default": True}, "/type"),
    (1, {"not": {"type": "integer"}}, "/not"),
    (2, {"type": "string", "format": "date"}, "/format"),
    (2, {"allOf": [{"type": "integer"}, {"minimum": 0}]}, "/allOf"),
    (2, {"type": "integer", "minimum": 0.5}, "/minimum"),
    (2, {"type": "string", "pattern": "("}, "/pattern"),
    (2, {"type": "number", "minimum": 0, "default": -1}, "/default"),
    (2, {"enum": ["a", "b", 1], "default": "c"}, "/enum/2"),
    (2, {"type": "integer", "x-typedtrack-attribute": "class"}, "/x-typedtrack-attribute"),
    (2, {"type": "integer", "x-typedtrack-aliases": ["other", ""]}, "/x-typedtrack-aliases/1"),
    (2, {"$ref": "#/$defs/none", "default": 1}, "/$ref"),
    (2, {"oneOf": [{"type": "string"}, {"type": "integer"}]}, "/oneOf"),
    (2, {"type": "object", "properties": {"x": {}}, "required": ["x"]}, "/properties/x/type"),
    (2, {}, "/type"),
    (3, {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"], "default": {}}, "/default"),
    (
        3,
        {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"], "default": {"x": 1.5}},
        "/default/x",
    ),
]
"""The stage that finds a fault, a property that has it, and where in the property it is."""


@given(st.text(st.sampled_from("aZ2_ -/é語²\u0308🚀") | st.characters(), max_size=6))
def test_no_letter_of_a_title_is_lost(title: str) -> None:
    """A name made of a title has all its letters and digits; otherwise the title stays unchanged."""
    name = class_name(title)
    event("as it is" if name == title else "words")
    if name != title:
        letters = [character for character in title if unicodedata.category(character)[0] in "LMN"]
        assert name.lower() == "".join(letters).lower()
        assert name.isascii()


def _referring(document: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a document whose root refers to *name* in its definitions, where the rest of *document* is."""
    definitions = document.pop("$defs", {})
    return {"$ref": f"#/$defs/{name}", "$defs": {**definitions, name: document}}


@given(record_schemas(), st.none() | st.just("Root"))
def test_a_root_that_refers_reads_as_its_target(schema: RecordSchema, title: str | None) -> None:
    """A reference from the root reads as its target; only a title beside it changes the name."""
    document = _referring(schema.to_json_schema(), "the root")
    named = schema if title is None else attrs.evolve(schema, name=title)

    assert RecordSchema.from_json_schema(document | ({} if title is None else {"title": title})) == named


@given(record_schemas(), st.lists(st.sampled_from(_FAULTS), min_size=1, max_size=4, unique_by=str), st.booleans())
def test_every_problem_of_a_stage_is_reported_and_nothing_else(
    schema: RecordSchema, faults: list[tuple[int, dict[str, object], str]], refers: bool
) -> None:
    """The error lists each fault of the first stage that has any, at its JSON Pointer.

    This holds too where the root *refers* to the object that has them.
    """
    document: Any = json.loads(document_text(schema))
    taken = {name for column in schema.columns for name in column.names}
    assume("other" not in taken)
    expected: set[str] = set()
    for number, (stage, subschema, where) in enumerate(faults):
        name = f"wrong~{number}"
        assume(name not in taken and f"wrong_{number}" not in {field.attribute for field in schema.fields})
        document["properties"][name] = {"title": f"Wrong{number}", **subschema}
        document.setdefault("required", []).append(name)
        if stage == min(first for first, *_ in faults):
            expected.add(f"{'/$defs/the root' if refers else ''}/properties/wrong~0{number}{where}")

    with pytest.raises(SchemaError) as caught:
        RecordSchema.from_json_schema(_referring(document, "the root") if refers else document)
    assert sorted(where for where, _ in caught.value.problems) == sorted(expected)


def _places(document: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield every object of *document*, with each of its names."""
    for name, there in document.items():
        yield document, name
        if isinstance(there, dict):
            yield from _places(cast("dict[str, Any]", there))


@given(record_schemas(), st.data())
def test_a_damaged_document_is_read_or_refused(schema: RecordSchema, data: st.DataObject) -> None:
    """A document with something in it replaced becomes a schema that survives its document, or a SchemaError."""
    document: Any = json.loads(document_text(schema))
    place, key = data.draw(st.sampled_from(list(_places(document))))
    place[key] = data.draw(_JSON)
    try:
        found = RecordSchema.from_json_schema(document)
    except SchemaError:
        event("refused")
    else:
        event("read")
        assert RecordSchema.from_json_schema(found.to_json_schema()) == found
