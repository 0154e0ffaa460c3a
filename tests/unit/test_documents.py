"""JSON Schema documents: written, read back, read from other tools and people, and refused with the reason."""

from __future__ import annotations

import math
import pickle
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from msgspec import Meta

from typedtrack import RecordDefinitionError, SchemaError, Stat, field, open_tracker, record, schema_of
from typedtrack._records.declare import record_class
from typedtrack._schema.fields import FieldSchema
from typedtrack._schema.records import NestedSchema, RecordSchema
from typedtrack.codegen import generate
from typedtrack.schemas import document_text, parse_document

GOLDEN = Path(__file__).parent.parent / "golden" / "schemas"


@record
class Throughput:
    """How fast."""

    images: Stat = field(default=Stat(mean=math.nan, sem=0.0), aliases=("img",))
    devices: int | None
    warm_up: Annotated[float | None, Meta(ge=0)] = None


@record
class EvalResult:
    """One evaluation of one checkpoint.

    It is "final" once it is stored.
    """

    accuracy: Annotated[float, Meta(ge=0, le=1)]
    steps: Annotated[int, Meta(gt=0, multiple_of=10)]
    l2norm: Stat
    speed: Throughput = field(name="50 % ~speed/", aliases=("old",), doc="Per second.")
    split: Literal["train", "test"] = "test"
    checkpoint: Annotated[str, Meta(pattern="^ckpt", max_length=100)] | None = None
    p99_ms: float = field(name="latency/p99", aliases=("p99",), doc="Milliseconds.", default=-math.inf)
    seed: Annotated[int, Meta(extra_json_schema={"deprecated": True})] = 0


def object_of(**properties: object) -> dict[str, Any]:
    """Return a document that a person might write, of *properties*, all required."""
    return {"title": "Run", "type": "object", "properties": properties, "required": list(properties)}


DEFINITIONS: dict[str, object] = {
    "nil": {"type": "null"},
    "mode": {"enum": ["a"]},
    "one": {"const": 1},
    "positive": {"type": "number", "minimum": 0, "$anchor": "nonnegative"},
    "alias": {"$ref": "#/$defs/positive", "description": "Above."},
    "around": {
        "$id": "https://example.org/around",
        "$ref": "#/$defs/within",  # relative to its own $id
        "$defs": {"within": {"type": "string", "maxLength": 5, "$anchor": "within"}},
    },
}


def column_of(subschema: object) -> FieldSchema:
    """Return the field that *subschema* is, required."""
    document = {**object_of(x=subschema, sure={"type": "integer"}), "$defs": DEFINITIONS}
    return RecordSchema.from_json_schema({**document, "$id": "https://example.org/"}).columns[0]


def problems_of(document: object) -> dict[str, str]:
    """Return why *document* is refused, by JSON Pointer."""
    with pytest.raises(SchemaError) as caught:
        RecordSchema.from_json_schema(document)  # type: ignore[arg-type]  # some are no mapping
    assert pickle.loads(pickle.dumps(caught.value)).problems == caught.value.problems
    assert not isinstance(caught.value.__context__, RecursionError)  # Dask pickles the context, too
    return dict(caught.value.problems)


def test_golden_document() -> None:
    """The document of a record with every feature equals the golden file, and reads as that record."""
    golden = GOLDEN / "eval_result.schema.json"

    assert document_text(schema_of(EvalResult)) == golden.read_text()
    assert parse_document(golden.read_bytes(), "file") == schema_of(EvalResult)


def test_golden_document_by_hand() -> None:
    """A document that a person wrote, with every supported keyword, reads as the record that they mean."""
    schema = parse_document((GOLDEN / "by_hand.schema.json").read_bytes(), "file")

    stat = RecordSchema(
        name="Moments",
        fields=(
            FieldSchema(attribute="mean", name="mean", kind="float"),
            FieldSchema(attribute="sem", name="sem", kind="float", ge=0.0),
        ),
        doc="Two moments.",
    )
    point = RecordSchema(name="Origin", fields=(FieldSchema(attribute="x", name="x", kind="int"),))
    assert schema == RecordSchema(
        name="TrainingRun",
        doc="A run.",
        fields=(
            FieldSchema(attribute="loss_train", name="loss/train", kind="float", gt=-1.0, lt=2.5, doc="Nats."),
            FieldSchema(attribute="steps", name="steps", kind="int", ge=0, le=10, multiple_of=5, default=5),
            FieldSchema(attribute="optimizer", name="optimizer", kind="str", choices=("adam", "sgd"), deprecated=True),
            FieldSchema(attribute="version", name="version", kind="int", choices=(2,)),
            FieldSchema(attribute="best", name="best", kind="float", optional=True),
            FieldSchema(attribute="worst", name="worst", kind="float", optional=True, default=None, ge=0.0),
            FieldSchema(attribute="host", name="host", kind="str", optional=True, default=None, min_length=1),
            FieldSchema(attribute="mode", name="mode", kind="str", optional=True, default=None, choices=("a",)),
            FieldSchema(attribute="git", name="git", kind="str", pattern="^[0-9a-f]+$", max_length=40, default="0"),
            NestedSchema(attribute="l2norm", name="l2norm", record=stat, doc="Of the gradient."),
            NestedSchema(attribute="linf", name="linf", record=stat, defaults=(0.0, 0.0)),
            NestedSchema(attribute="origin", name="origin", record=point),
        ),
    )


FIELDS: list[tuple[object, dict[str, Any]]] = [
    ({"type": ["null", "integer"]}, {"kind": "int", "optional": True}),
    ({"oneOf": [{"type": "null"}, {"type": "string"}]}, {"kind": "str", "optional": True}),
    (
        {"anyOf": [{"type": "number", "minimum": 1}, {"type": "null"}]},
        {"kind": "float", "optional": True, "ge": 1.0},
    ),
    ({"type": "string", "oneOf": [{"type": "string"}, {"type": "null"}]}, {"kind": "str"}),  # to others, too, no null
    ({"enum": [None, "a"]}, {"kind": "str", "optional": True, "choices": ("a",)}),
    ({"const": 3}, {"kind": "int", "choices": (3,)}),
    ({"type": "number", "default": 1}, {"kind": "float", "default": 1.0}),
    ({"type": "number", "x-typedtrack-default": "NaN"}, {"kind": "float", "default": math.nan}),
    ({"type": ["number", "null"], "default": None}, {"kind": "float", "optional": True, "default": None}),
    ({"type": "integer", "examples": [1], "$comment": "-", "title": "X", "x-units": "s"}, {"kind": "int"}),
    (
        {"type": "integer", "$id": "x", "$anchor": "x", "readOnly": True, "writeOnly": False, "$defs": {}},
        {"kind": "int"},
    ),
    (
        {
            "type": "string",
            "contentMediaType": "text/plain",
            "contentEncoding": "base64",
            "contentSchema": {"allOf": []},
        },
        {"kind": "str"},
    ),
    (
        {"type": "integer", "minimum": -1.0, "maximum": 10.0, "multipleOf": 1.0, "default": 3.0},
        {"kind": "int", "ge": -1, "le": 10, "multiple_of": 1, "default": 3},
    ),
    ({"type": "string", "minLength": 1.0, "maxLength": 1e2}, {"kind": "str", "min_length": 1, "max_length": 100}),
    ({"type": "integer", "enum": [1.0, 2]}, {"kind": "int", "choices": (1, 2)}),
    ({"const": -0.0}, {"kind": "int", "choices": (0,)}),
    ({"type": ["integer", "null"], "enum": [1, None]}, {"kind": "int", "optional": True, "choices": (1,)}),
    ({"type": ["string", "null"], "enum": ["a"]}, {"kind": "str", "choices": ("a",)}),
    ({"type": "string", "enum": ["a", None]}, {"kind": "str", "choices": ("a",)}),
    ({"type": ["number", "integer"]}, {"kind": "float"}),
    ({"type": "integer", "minimum": 0, "exclusiveMinimum": False}, {"kind": "int", "ge": 0}),
    ({"type": "number", "minimum": 1, "exclusiveMinimum": 0}, {"ge": 1.0}),
    ({"type": "number", "minimum": 1, "exclusiveMinimum": 1}, {"gt": 1.0}),
    ({"type": "number", "maximum": 1, "exclusiveMaximum": 2}, {"le": 1.0}),
    ({"type": "number", "maximum": 1, "exclusiveMaximum": 1}, {"lt": 1.0}),
    ({"type": "integer", "maximum": 9, "exclusiveMaximum": True}, {"kind": "int", "lt": 9}),
    ({"type": "integer", "exclusiveMinimum": 5, "format": "uint8"}, {"kind": "int", "gt": 5, "le": 255}),
    ({"type": "integer", "minimum": -5, "exclusiveMaximum": 9, "format": "uint"}, {"kind": "int", "ge": 0, "lt": 9}),
    ({"oneOf": [{"enum": ["a"]}, {"type": "null"}]}, {"kind": "str", "optional": True, "choices": ("a",)}),
    ({"oneOf": [{"const": None}, {"const": "a"}]}, {"kind": "str", "optional": True, "choices": ("a",)}),
    ({"anyOf": [{"const": 2}, {"enum": [None]}]}, {"kind": "int", "optional": True, "choices": (2,)}),
    ({"anyOf": [{"type": ["number", "null"]}, {"$ref": "#/$defs/nil"}]}, {"kind": "float", "optional": True}),
    ({"oneOf": [{"$ref": "#/$defs/mode"}, {"type": "null"}]}, {"kind": "str", "optional": True, "choices": ("a",)}),
    ({"anyOf": [{"$ref": "#/$defs/one"}, {"type": "null"}]}, {"kind": "int", "optional": True, "choices": (1,)}),
    ({"$ref": "#/$defs/mode", "enum": ["a"], "description": "X."}, {"kind": "str", "choices": ("a",), "doc": "X."}),
    ({"$ref": "#/$defs/positive", "deprecated": True, "default": 1}, {"deprecated": True, "ge": 0.0, "default": 1.0}),
    ({"$ref": "#/$defs/positive", "minimum": 5, "maximum": 10}, {"ge": 5.0, "le": 10.0}),
    ({"$ref": "#/$defs/positive", "minimum": -5, "type": ["null", "integer"]}, {"kind": "int", "ge": 0}),
    (
        {"oneOf": [{"$ref": "#/$defs/positive"}, {"type": "null"}], "maximum": 2},
        {"optional": True, "ge": 0.0, "le": 2.0},
    ),
    ({"$ref": "#/$defs/positive", "anyOf": [{"maximum": 5}, {"type": "null"}]}, {"ge": 0.0, "le": 5.0}),
    ({"$ref": "#nonnegative"}, {"ge": 0.0}),
    ({"$ref": "#/$defs/alias"}, {"ge": 0.0, "doc": "Above."}),
    ({"$ref": "#/$defs/around/$defs/within"}, {"kind": "str", "max_length": 5}),
    ({"$ref": "https://example.org/around#/$defs/within"}, {"kind": "str", "max_length": 5}),
    ({"$ref": "around#w%69thin"}, {"kind": "str", "max_length": 5}),
    ({"$ref": "#/$defs/around"}, {"kind": "str", "max_length": 5}),
    ({"type": "string", "x-typedtrack-max-bytes": 1024}, {"kind": "str"}),
    ({"type": "integer", "x-typedtrack-aliases": ["y"]}, {"kind": "int", "aliases": ("y",)}),
    ({"type": "integer", "x-typedtrack-attribute": "größe"}, {"kind": "int", "attribute": "größe"}),
]


@pytest.mark.parametrize(("subschema", "expected"), FIELDS)
def test_fields(subschema: object, expected: dict[str, Any]) -> None:
    """A property reads as the field that it describes."""
    described: dict[str, Any] = {"attribute": "x", "name": "x", "kind": "float", **expected}

    assert repr(column_of(subschema)) == repr(FieldSchema(**described))


REFUSED: list[tuple[object, str, str]] = [
    (True, "", "must be an object, not True"),
    ({}, "/type", "is absent: a field is integer, number or string, or an object"),
    ({"type": "boolean"}, "/type", "is 'boolean': a field is"),
    ({"type": ["integer", "string"]}, "/type", "or an object; give each type a property of its own"),
    ({"type": ["boolean", "string"]}, "/type", "is ['boolean', 'string']: a field is"),
    ({"type": "null"}, "/type", "is 'null'"),
    ({"type": 5}, "/type", "must be a string or an array of strings, not 5"),
    ({"type": None}, "/type", "must be a string or an array of strings, not None"),
    ({"type": "array", "items": {}}, "/items", "is not a supported keyword"),
    (
        {"type": "string", "format": "uuid"},
        "/format",
        "some validators check and others do not; leave it out, or say it by pattern",
    ),
    ({"type": "string", "x-typedtrack-new": 1}, "/x-typedtrack-new", "is not a supported keyword"),
    (
        {"type": "integer", "minimum": True},
        "/minimum",
        "must be a finite number within the range of a 64-bit float, not True",
    ),
    ({"type": "integer", "minimum": 10**400}, "/minimum", "must be a finite number within the range of a 64-bit float"),
    ({"type": "integer", "minimum": None}, "/minimum", "must be a finite number"),
    (
        {"type": "integer", "minimum": 0.5},
        "/minimum",
        "the bounds of an int are ints from -2**63 to 2**63-1; >= 1 means the same",
    ),
    (
        {"type": "integer", "exclusiveMinimum": 0.5},
        "/exclusiveMinimum",
        "cannot be bounded by > 0.5: the bounds of an int are ints from -2**63 to 2**63-1; > 0 means the same",
    ),
    ({"type": "integer", "maximum": -0.5}, "/maximum", "; <= -1 means the same"),
    (
        {"type": "integer", "exclusiveMaximum": -0.5},
        "/exclusiveMaximum",
        "; < 0 means the same",
    ),
    (
        {"type": "integer", "multipleOf": 0.5},
        "/multipleOf",
        "cannot be bounded by a multiple of 0.5: the bounds of an int are ints",
    ),
    ({"type": "integer", "maximum": 1e300}, "/maximum", "the bounds of an int are ints from -2**63 to 2**63-1"),
    (
        {"type": "number", "minimum": 2**53 + 1},
        "/minimum",
        "cannot be bounded by >= 9007199254740993: no float equals that",
    ),
    (
        {"type": "string", "pattern": "a", "x-typedtrack-pattern": "a$"},
        "/x-typedtrack-pattern",
        "not apply beside pattern",
    ),
    ({"type": "number", "minimum": 2, "maximum": 1}, "/maximum", "has constraints that no value can keep"),
    ({"type": "integer", "minimum": 1, "maximum": 4, "multipleOf": 5}, "/multipleOf", "that no value can keep"),
    ({"type": "string", "minLength": 1025}, "/minLength", "has constraints that no value can keep"),
    ({"type": "number", "multipleOf": 0}, "/multipleOf", "cannot be bounded by a multiple of 0.0: it must be above 0"),
    ({"type": "number", "minLength": 1}, "/minLength", "does not apply to the type number"),
    ({"type": "string", "minimum": 1}, "/minimum", "does not apply to the type string"),
    ({"type": "string", "minLength": -1}, "/minLength", "must be an integer that is not negative, not -1"),
    (
        {"type": "string", "maxLength": 2**70},
        "/maxLength",
        "takes a length from 0 to 2**63-1, not 1180591620717411303424",
    ),
    (
        {"type": "integer", "exclusiveMinimum": 2**63 - 1},
        "/exclusiveMinimum",
        "use >= or <= at the end of the 64-bit integers",
    ),
    (
        {"type": "integer", "exclusiveMaximum": -(2**63)},
        "/exclusiveMaximum",
        "use >= or <= at the end of the 64-bit integers",
    ),
    ({"type": "string", "pattern": "("}, "/pattern", "has a pattern that Python's re cannot compile"),
    ({"type": "string", "pattern": "\ud800"}, "/pattern", "must be a string of valid Unicode"),
    ({"type": "string", "deprecated": 1}, "/deprecated", "must be true or false, not 1"),
    ({"type": "string", "x-typedtrack-max-bytes": 10}, "/x-typedtrack-max-bytes", "is always 1024"),
    ({"type": "string", "properties": {}}, "/type", 'must be "object"'),
    ({"type": "string", "default": 5}, "/default", "has a default that it refuses: must be a str, not int, got 5"),
    ({"type": "string", "default": ["a"]}, "/default", "must be a str, not list"),
    ({"type": "integer", "default": None}, "/default", "must be an int, not NoneType"),
    ({"type": "number", "default": 10**400}, "/default", "has a default that it refuses"),
    ({"type": "number", "default": 2**53 + 1}, "/default", "has a default that no float equals: 9007199254740993"),
    (
        {"type": "number", "default": math.inf},
        "/default",
        "is inf, which JSON cannot express; write it as text in x-typedtrack-default",
    ),
    ({"type": "number", "x-typedtrack-default": "1"}, "/x-typedtrack-default", "must be NaN, Infinity, -Infinity"),
    ({"type": "number", "x-typedtrack-default": "NaN", "default": 1}, "/x-typedtrack-default", "not apply beside"),
    ({"type": "integer", "x-typedtrack-default": "NaN"}, "/x-typedtrack-default", "has a default that it refuses"),
    ({"type": "string", "pattern": "(", "default": 5}, "/default", "has a default that it refuses"),
    (
        {"type": ["string", "null"], "default": "a"},
        "/default",
        "is optional, so its default can only be None (null)",
    ),
    ({"enum": []}, "/enum", "allows no integer and no string; list the values"),
    ({"enum": [1, None, "a"]}, "/enum/2", "allows 'a', but all values of a field are integers, or all are strings"),
    ({"enum": [True]}, "/enum/0", "allows True, but all values of a field are integers"),
    ({"enum": [1.5]}, "/enum/0", "allows 1.5, but all values of a field are integers"),
    ({"enum": [[]]}, "/enum/0", "allows [], but all values of a field are integers"),
    ({"enum": ["a", "a"]}, "/enum/1", "repeats 'a'"),
    ({"enum": [1, 2, 1.0]}, "/enum/2", "repeats 1"),
    ({"enum": [0, 2**63]}, "/enum/1", "cannot allow 9223372036854775808: a choice is from -2**63 to 2**63-1"),
    ({"enum": ["a", "\ud800"]}, "/enum/1", "is not valid Unicode"),
    ({"enum": [None]}, "/enum", "allows no integer and no string"),
    ({"enum": {"a": 1}}, "/enum", "must be an array"),
    ({"const": None}, "/const", "allows no integer and no string"),
    ({"const": 1, "enum": [2]}, "/const", "is not in the enum beside it"),
    ({"type": "string", "enum": [1]}, "/type", "has the type string, but allows values of the type integer"),
    ({"enum": [1], "minimum": 0}, "/minimum", "lists its choices, so it takes no other constraint"),
    ({"oneOf": []}, "/oneOf", "takes one subschema, or constants, or integer and number"),
    ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, "/anyOf", "give each type a property of its own"),
    ({"anyOf": [{"type": "null"}, {"const": None}]}, "/anyOf", "allows no integer and no string"),
    ({"anyOf": [{"enum": ["a", "b"]}, {"enum": ["c", 1]}]}, "/anyOf", "allows 1, but all values of a field are"),
    ({"anyOf": [{"enum": ["a", "b"]}, {"const": "a"}]}, "/anyOf", "repeats 'a'"),
    ({"oneOf": [{"const": 1}, {"const": 2**63}]}, "/oneOf", "cannot allow 9223372036854775808"),
    ({"anyOf": [{"type": "string", "const": 1}, {"enum": [0]}]}, "/anyOf", "has the type string, but allows values of"),
    ({"oneOf": [{"type": ["string", "null"]}, {"type": "null"}]}, "/oneOf", "allows null in two subschemas"),
    ({"anyOf": [{"if": {}}, {"type": "null"}]}, "/anyOf/0/if", "is not a supported keyword"),
    (
        {"type": "string", "oneOf": [{"type": "integer"}, {"type": "null"}]},
        "/type",
        "is 'string', but /properties/x/oneOf/0/type is 'integer'; keep one of the two",
    ),
    (
        {"multipleOf": 2, "anyOf": [{"type": "integer", "multipleOf": 3}, {"type": "null"}]},
        "/multipleOf",
        "is 2, but /properties/x/anyOf/0/multipleOf is 3",
    ),
    (
        {"anyOf": [{"type": "string", "pattern": "("}, {"type": "null"}]},
        "/anyOf/0/pattern",
        "Python's re cannot compile",
    ),
    ({"$ref": "#/$defs/none"}, "/$ref", "refers to '#/$defs/none', where the document has no subschema"),
    ({"$ref": "#/type"}, "/$ref", "refers to '#/type', where the document has no subschema"),
    ({"$ref": "#/$defs/a/b/c"}, "/$ref", "refers to '#/$defs/a/b/c', where the document has no subschema"),
    ({"$ref": "http://127.0.0.1/x.json"}, "/$ref", "only references within the document, #/…, are followed"),
    ({"$ref": "http://[#"}, "/$ref", "only references within the document"),
    ({"$ref": "#anchor"}, "/$ref", "refers to '#anchor', where the document has no subschema"),
    (
        {"type": "integer", "$anchor": "1st"},
        "/$anchor",
        "letters, digits, -, . and _, the first a letter or _, not '1st'",
    ),
    ({"type": "integer", "$id": "x#y"}, "/$id", "has a fragment, 'y'; use $anchor"),
    ({"type": "string", "readOnly": 1}, "/readOnly", "must be true or false"),
    ({"type": "string", "contentSchema": 1}, "/contentSchema", "must be an object"),
    ({"$ref": "#/properties/x"}, "/$ref", "refers to itself by way of '#/properties/x'"),
    ({"$ref": "#"}, "/$ref", "leads to a record that contains itself"),
    (
        {"type": "integer", "x-typedtrack-attribute": "class"},
        "/x-typedtrack-attribute",
        "'class' is a Python keyword",
    ),
    ({"type": "integer", "x-typedtrack-attribute": "_x"}, "/x-typedtrack-attribute", "begins with an underscore"),
    (
        {"type": "integer", "x-typedtrack-attribute": "self"},
        "/x-typedtrack-attribute",
        "'self' names the record itself",
    ),
    ({"type": "integer", "x-typedtrack-attribute": "ﬁ"}, "/x-typedtrack-attribute", "is not a Python identifier"),
    (
        {"type": "integer", "x-typedtrack-aliases": ["a\n"]},
        "/x-typedtrack-aliases/0",
        "a field name has no control character",
    ),
    (
        {"type": "integer", "x-typedtrack-aliases": ["y", "sure"]},
        "/x-typedtrack-aliases/1",
        "has the name 'sure' on the wire",
    ),
    ({"type": "integer", "x-typedtrack-aliases": "y"}, "/x-typedtrack-aliases", "must be an array of strings"),
    ({"type": "integer", "x-typedtrack-aliases": ["y", 1]}, "/x-typedtrack-aliases", "must be an array of strings"),
    ({"type": ["string", 1]}, "/type", "must be a string or an array of strings"),
    ({"type": "object"}, "/properties", "has no field: name each, with its type"),
    (
        {"type": ["object", "null"], "properties": {}},
        "/properties",
        "has no field: name each, with its type",
    ),
]


@pytest.mark.parametrize(("subschema", "pointer", "reason"), REFUSED)
def test_refused_fields(subschema: object, pointer: str, reason: str) -> None:
    """A subschema that is not a field is refused at its JSON Pointer, with the reason."""
    problems = problems_of(object_of(x=subschema, sure={"type": "integer"}))

    assert reason in {where.removeprefix("/properties/x"): why for where, why in problems.items()}[pointer]


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("training run", "TrainingRun"),
        ("trainingRun", "trainingRun"),
        ("training_run, v2", "TrainingRunV2"),
        ("training – run 🚀", "TrainingRun"),
        ("größe", "größe"),
    ],
)
def test_a_title_is_the_name_of_the_record(title: str, name: str) -> None:
    """An identifier is the name. Words are joined, each with a capital, without the characters between them."""
    assert RecordSchema.from_json_schema({**object_of(x={"type": "integer"}), "title": title}).name == name


@pytest.mark.parametrize("required", [["x", "sure"], ["sure"]])
def test_a_required_field_with_a_default_need_not_be_stored(required: list[str]) -> None:
    """A field that has a default need not be stored, whether it is required or not."""
    document = object_of(x={"type": "integer", "default": 3}, sure={"type": "integer"})
    schema = RecordSchema.from_json_schema({**document, "required": required})

    assert schema.columns[0] == FieldSchema(attribute="x", name="x", kind="int", default=3)
    assert not schema.columns[0].required


Q: dict[str, Any] = {
    "title": "Q",
    "description": "A question.",
    "type": "object",
    "properties": {"x": {"$ref": "#/$defs/n"}},
    "required": ["x"],
}


@pytest.mark.parametrize(
    ("root", "definition", "name", "doc"),
    [
        ({"$ref": "#/$defs/q"}, Q, "Q", "A question."),
        ({"$ref": "#/$defs/q", "title": "the root", "description": "Itself."}, Q, "TheRoot", "Itself."),
        ({"$ref": "#/$defs/q"}, {**Q, "title": None}, "Q", "A question."),
        ({"$ref": "#/$defs/alias"}, {**Q, "title": None}, "Q", "A question."),
        ({"$ref": "#/$defs/titled"}, Q, "Titled", "A question."),
        ({"$ref": "#q"}, {**Q, "$anchor": "q"}, "Q", "A question."),
        ({"$ref": "#/$defs/q", "type": "object"}, {**Q, "type": ["object", "null"]}, "Q", "A question."),
        ({"$ref": "#/$defs/q", "type": "object"}, {**Q, "type": None}, "Q", "A question."),
    ],
)
def test_a_root_that_refers(root: dict[str, object], definition: dict[str, object], name: str, doc: str) -> None:
    """A root with a reference means its target; keywords beside the reference hold, too, and its title comes first."""
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$comment": "made",
        **root,
        "$defs": {
            "q": {keyword: value for keyword, value in definition.items() if value is not None},
            "alias": {"$ref": "#/$defs/q"},
            "titled": {"$ref": "#/$defs/q", "title": "Titled"},
            "n": {"type": "integer"},
        },
    }

    field = FieldSchema(attribute="x", name="x", kind="int")
    assert RecordSchema.from_json_schema(document) == RecordSchema(name=name, fields=(field,), doc=doc)


ROOTS: list[tuple[dict[str, object], dict[str, object], dict[str, str]]] = [
    ({"$ref": "#"}, {}, {"/$ref": "refers to itself by way of '#'"}),
    ({"$ref": "#/$defs/q"}, {"$ref": "#"}, {"/$defs/q/$ref": "refers to itself by way of '#'"}),
    ({"$ref": "#/$defs/none"}, Q, {"/$ref": "refers to '#/$defs/none', where the document has no subschema"}),
    ({"$ref": 5}, Q, {"/$ref": "must be a string of valid Unicode, not 5"}),
    (
        {"$ref": "#/definitions/q", "definitions": {}},
        Q,
        {"/$ref": "refers to '#/definitions/q', where the document has no subschema"},
    ),
    ({"$ref": "#/$defs/q", "title": 5}, {**Q, "title": "2"}, {"/title": "must be a string of valid Unicode, not 5"}),
    ({"$ref": "#/$defs/q"}, {"type": "number"}, {"/$defs/q/type": 'must be "object"'}),
    ({"$ref": "#/$defs/q"}, {**Q, "type": ["object", "null"]}, {"/$ref": "allows null, and a result cannot be null"}),
    (
        {"$ref": "#/$defs/q"},
        {"oneOf": [{"$ref": "#/$defs/r"}, {"type": "null"}]},
        {"/$ref": "allows null, and a result cannot be null"},
    ),
    ({"$ref": "#/$defs/q"}, {**Q, "default": {"x": 1}}, {"/$defs/q/default": "does not apply to a document"}),
    (
        {"$ref": "#/$defs/q", "properties": {"y": {"type": "date"}}, "default": {}},
        Q,
        {
            "/properties": "does not apply to a reference from the root",
            "/default": "does not apply to a reference from the root",
        },
    ),
    (
        {"$ref": "#/$defs/q"},
        {**Q, "properties": {"x": {"$ref": "#"}}},
        {
            "/$defs/q/properties/x/$ref": "leads to a record that contains itself; store inner ones under keys of "
            "their own",
        },
    ),
    (
        {"$ref": "#/$defs/q"},
        {**Q, "properties": {"x": {"type": "integer", "minimum": 0.5}}, "title": "class", "required": ["y"]},
        {
            "/$defs/q/properties/x/minimum": "cannot be bounded by >= 0.5: the bounds of an int are ints from "
            "-2**63 to 2**63-1; >= 1 means the same",
            "/$defs/q/title": "names the record: 'class' is a Python keyword; "
            "use ASCII letters, digits and _, as in TrainingRun",
            "/$defs/q/required/0": "is 'y', which is not in properties; add it there",
        },
    ),
]


@pytest.mark.parametrize(("root", "definition", "problems"), ROOTS)
def test_a_root_with_an_invalid_reference_is_refused(
    root: dict[str, object], definition: dict[str, object], problems: dict[str, str]
) -> None:
    """The error reports each problem at its place, and no other problem."""
    definitions = {"q": definition, "r": {**Q, "title": "R"}, "n": {"type": "integer"}}

    assert problems_of({**root, "$defs": definitions}) == problems


BROKEN: dict[str, object] = {
    "type": "array",
    "properties": {
        "a/b": {"type": "string", "format": 5, "pattern": 5},
        "c~d": {"oneOf": [{"type": "string", "if": {}}, {"type": "null"}]},
        "e": {"type": "array", "items": {"type": "string"}},
        "f": {"type": "integer", "minimum": "0"},
        "g": 5,
    },
    "required": ["e", 5],
    "$defs": {"unused": {"not": {}}, "s": {"$anchor": "s", "$id": "i"}, "t": {"$id": "i", "$anchor": "s"}},
    "patternProperties": {},
}


def test_the_first_stage_finds_every_invalid_keyword() -> None:
    """One error reports all keywords that are not supported and all values that they cannot have, and nothing else."""
    assert problems_of(BROKEN).keys() == {
        "/properties/a~1b/format",
        "/properties/a~1b/pattern",
        "/properties/c~0d/oneOf/0/if",
        "/properties/e/items",
        "/properties/f/minimum",
        "/properties/g",
        "/required",
        "/$defs/unused/not",
        "/$defs/t/$id",
        "/$defs/t/$anchor",
        "/patternProperties",
    }


def test_the_second_stage_finds_every_invalid_field() -> None:
    """One error reports all types, references, constraints, defaults, names and titles that no field can have."""
    document: dict[str, object] = {
        "type": "array",
        "properties": {
            "a": {"type": "string", "pattern": "(", "default": 5},
            "b": {"type": "date"},
            "c": {"$ref": "#/$defs/c"},
            "d": {
                "type": "object",
                "title": "class",
                "properties": {"x y": {"type": "integer", "maximum": 0.5}},
                "required": ["x y", "z"],
            },
            "_e": {"$ref": "#/$defs/Stat", "default": {"m": "a", "z": 1}},
            "f": {"type": "integer", "x-typedtrack-aliases": ["a", "\n"]},
            "x/y": {"type": "integer"},
            "x_y": {"type": "integer"},
            "2d": {"enum": ["a", 1], "minLength": 1, "minimum": 1},
            "stat/m": {"$ref": "#/$defs/Stat/properties/m"},
            "stat/a/b": {"type": "date"},
            "n/x": {"$ref": "#/$defs/none/properties/x"},
        },
        "required": ["g", "a", "b", "c", "d", "_e"],
        "additionalProperties": {"type": "integer"},
        "x-typedtrack-nested": {"n": {"$ref": "#/$defs/none"}, "stat": {"$ref": "#/$defs/Stat"}},
        "$defs": {"Stat": STAT, "unused": {"type": "date"}},
    }

    assert problems_of(document).keys() == {
        "/title",
        "/type",
        "/properties/a/pattern",
        "/properties/a/default",
        "/properties/b/type",
        "/properties/c/$ref",
        "/properties/d/title",
        "/properties/d/properties/x y/maximum",
        "/properties/d/required/1",
        "/properties/_e",
        "/properties/f/x-typedtrack-aliases/1",
        "/properties/x_y",
        "/properties/2d",
        "/properties/2d/enum/1",
        "/properties/2d/minimum",
        "/properties/stat~1a~1b/type",
        "/required/0",
        "/additionalProperties",
        "/x-typedtrack-nested/n/$ref",
    }


def test_the_third_stage_finds_every_invalid_record() -> None:
    """One error reports defaults of nested records, names that two fields have, and sizes."""
    document: dict[str, object] = {
        **object_of(
            a={"type": "integer", "x-typedtrack-aliases": ["b"]},
            b={"type": "integer"},
            c={"$ref": "#/$defs/Stat"},
        ),
        "$defs": {"Stat": STAT},
    }
    assert problems_of(document).keys() == {"/properties/a/x-typedtrack-aliases/0", "/properties/b"}

    document["properties"] = {
        "d": {"$ref": "#/$defs/Stat", "default": {"m": "a", "z": 1}},
        "e": {"$ref": "#/$defs/Stat", "default": {}},
        "f": {"$ref": "#/$defs/Stat", "default": 5},
        "g": {"$ref": "#/$defs/Stat", "default": {"m": 1}, "x-typedtrack-default": {"m": 5}},
    }
    document["required"] = ["d"]
    assert problems_of(document) == {
        "/properties/d/default/z": "is not a field of the record",
        "/properties/e/default": "lacks 'm'",
        "/properties/f/default": "must be an object, not 5",
        "/properties/g/default/m": "must be NaN, Infinity, -Infinity, not 5",
    }


def test_a_problem_of_a_nested_record_is_reported_once() -> None:
    """Errors that merely follow from those of a nested record are not reported."""
    inner = object_of(x={"type": "integer"}, y={"type": "integer", "x-typedtrack-aliases": ["x"]})
    document = object_of(a={"$ref": "#/$defs/Inner"}, b={"$ref": "#/$defs/Inner", "default": {"x": "a"}})

    assert problems_of({**document, "$defs": {"Inner": inner}}).keys() == {
        "/$defs/Inner/properties/x",
        "/$defs/Inner/properties/y/x-typedtrack-aliases/0",
    }


def test_problems_are_bounded_in_number_and_length() -> None:
    """An error lists a thousand problems and the number of the others, and cuts long pointers and reasons."""
    many = problems_of(object_of(**{f"x{n}": {"type": "date"} for n in range(1_200)}))
    assert len(many) == 1_001
    assert many[""] == "and 200 more problems"

    long = problems_of(object_of(x={"type": "integer", "y" * 10_000: 1, "$ref": "#/" + "z" * 10_000}))
    assert all(len(where) + len(reason) < 2_100 for where, reason in long.items())


STAT: dict[str, object] = {
    "type": "object",
    "properties": {"m": {"type": "number"}, "n": {"type": "integer"}},
    "required": ["m"],
}


ONE = object_of(x={"type": "integer"})

DOCUMENTS: list[tuple[object, str, str]] = [
    (5, "", "must be an object, not 5"),
    (None, "", "must be an object, not None"),
    ({1: 2}, "/1", "is not a supported keyword"),
    ({"\ud800": 2}, "/\\ud800", "is not a supported keyword"),
    (object_of(**{"\ud800": STAT}), "/properties", "has a name that is not a string of valid Unicode: '\\ud800'"),
    ({**ONE, "title": None}, "/title", "must be a string"),
    ({**ONE, "title": "%"}, "/title", "names the record: '%' is not a Python identifier; use ASCII"),
    ({**ONE, "title": ""}, "/title", "names the record: '' is not a Python identifier; use ASCII"),
    (
        {**ONE, "title": "日本 語"},
        "/title",
        "names the record: '日本 語' is not a Python identifier; use ASCII letters, digits and _",
    ),
    ({**ONE, "title": "größe und mehr"}, "/title", "'größe und mehr' is not a Python identifier; use ASCII"),
    ({**ONE, "title": "gro\u0308ße und"}, "/title", "'gro\u0308ße und' is not a Python identifier"),
    ({**ONE, "title": "x² mean"}, "/title", "'x² mean' is not a Python identifier"),
    ({**ONE, "title": "class"}, "/title", "'class' is a Python keyword"),
    ({**ONE, "title": "2 runs"}, "/title", "'2Runs' is not a Python identifier"),
    (
        object_of(**{"l2norm/größe": {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}}),
        "/properties/l2norm~1größe/title",
        "is missing, and no other name will do: 'L2norm/größe' is not a Python identifier; use ASCII",
    ),
    ({**ONE, "type": "array"}, "/type", 'must be "object"'),
    ({**ONE, "type": []}, "/type", 'must be "object"'),
    (
        {**object_of(x={"type": "integer"}), "required": ["x", "y"]},
        "/required/1",
        "is 'y', which is not in properties; add it there",
    ),
    ({**ONE, "minimum": 1}, "/minimum", "does not apply to a document"),
    ({**ONE, "default": {}}, "/default", "does not apply to a document"),
    (
        {**ONE, "$schema": "http://json-schema.org/draft-03/schema#"},
        "/$schema",
        "or that of the drafts 2019-09, 7, 6 or 4",
    ),
    (
        {**object_of(x={"type": "integer"}), "additionalProperties": {"type": "string"}},
        "/additionalProperties",
        "must be",
    ),
    (object_of(), "/properties", "has no field: name each, with its type"),
    (object_of(**{"a/b": {"type": "integer"}, "a_b": {"type": "integer"}}), "/properties/a_b", "as 'a/b' is"),
    (object_of(**{"\n": {"type": "integer", "x-typedtrack-attribute": "n"}}), "/properties/\n", "control character"),
    (object_of(**{"\n": {**STAT, "title": "N", "x-typedtrack-attribute": "n"}}), "/properties/\n", "control character"),
    (
        object_of(**{f"s{n}": {"type": "string"} for n in range(200)}),
        "",
        "over the limit of 1,048,576 bytes; give its str fields a maximum length, or split it",
    ),
]


@pytest.mark.parametrize(("document", "pointer", "reason"), DOCUMENTS)
def test_refused_documents(document: object, pointer: str, reason: str) -> None:
    """A document that is not a record is refused at its JSON Pointer, with the reason."""
    assert reason in problems_of(document)[pointer]


NESTED: list[tuple[dict[str, object], str, str]] = [
    ({"$ref": "#/$defs/Stat", "default": 5}, "/default", "must be an object, not 5"),
    ({"$ref": "#/$defs/Stat", "default": {}}, "/default", "lacks 'm'"),
    ({"$ref": "#/$defs/Stat", "default": {"m": 0, "z": 1}}, "/default/z", "is not a field of the record"),
    ({"$ref": "#/$defs/Stat", "default": {"m": "a"}}, "/default/m", "has a default that it refuses"),
    ({"$ref": "#/$defs/Stat", "minimum": 1}, "/minimum", "does not apply to a reference to an object"),
    (
        {"oneOf": [{"$ref": "#/$defs/Stat"}, {"type": "null"}], "default": {"m": 1}},
        "/default/m",
        "is optional, so its default can only be None (null)",
    ),
    (
        {"oneOf": [{"$ref": "#/$defs/Own"}, {"type": "null"}], "default": {"m": 1}},
        "/default",
        "is optional, so its default can only be None (null)",
    ),
    ({"$ref": "#/$defs/Stat", "default": None}, "/default", "must be an object, not None"),
    (
        {"$ref": "#/$defs/Stat", "x-typedtrack-aliases": [f"a{n}" for n in range(50_000)]},
        "",
        "is too large: over 100,000 names and choices, references followed",
    ),
]


@pytest.mark.parametrize(("subschema", "pointer", "reason"), NESTED)
def test_refused_nested_records(subschema: dict[str, object], pointer: str, reason: str) -> None:
    """A subschema that is not a nested record is refused at its JSON Pointer, with the reason."""
    own = {**STAT, "properties": {"m": {"type": "number"}, "n": {"type": "integer", "default": 1}}}
    problems = problems_of({**object_of(x=subschema, sure={"type": "integer"}), "$defs": {"Stat": STAT, "Own": own}})

    assert reason in {where.removeprefix("/properties/x"): why for where, why in problems.items()}[pointer]


@pytest.mark.parametrize(
    ("subschema", "required", "optional", "defaults"),
    [
        ({"$ref": "#/$defs/Stat"}, True, False, ()),
        ({"$ref": "#/$defs/Stat"}, False, True, None),
        ({"$ref": "#/$defs/Stat", "default": {"m": 1}}, False, False, (1.0, None)),
        ({"$ref": "#/$defs/Stat", "default": {"m": 1}}, True, False, (1.0, None)),
        ({"oneOf": [{"$ref": "#/$defs/Stat"}, {"type": "null"}]}, True, True, ()),
        ({"oneOf": [{"$ref": "#/$defs/Stat"}, {"type": "null"}]}, False, True, None),
        ({"anyOf": [{"type": "null"}, {"$ref": "#/$defs/Stat"}], "default": None}, True, True, None),
        ({**STAT, "type": ["object", "null"]}, False, True, None),
        (STAT, False, True, None),
    ],
)
def test_a_nested_record_that_can_be_none(
    subschema: dict[str, object], required: bool, optional: bool, defaults: tuple[object, ...] | None
) -> None:
    """As a value, a nested record can be `None` if it allows null, or if it is not required and has no default."""
    document: dict[str, Any] = {**object_of(x={"type": "integer"}), "$defs": {"Stat": STAT}}
    document["properties"]["stat"] = subschema
    document["required"] = ["x", "stat"] if required else ["x"]

    nested = RecordSchema.from_json_schema(document).fields[1]

    assert isinstance(nested, NestedSchema)
    assert (nested.optional, nested.defaults) == (optional, defaults)


GROUP: dict[str, Any] = {"type": "object", "title": "Group", "properties": {"a": {"type": "integer"}}}


@pytest.mark.parametrize(
    ("subschema", "required"),
    [
        (GROUP, True),
        (GROUP, False),
        ({**GROUP, "default": None, "type": ["object", "null"]}, False),
        ({"anyOf": [GROUP, {"type": "null"}]}, True),
        ({"anyOf": [GROUP, {"type": "null"}], "default": None}, False),
    ],
)
def test_a_group_whose_fields_are_all_optional(subschema: dict[str, Any], required: bool) -> None:
    """Such a group is never `None`, because a stored result does not tell `None` from a group without values."""
    document = object_of(x={"type": "integer"}, group=subschema)
    document["required"] = ["x", "group"] if required else ["x"]

    schema = RecordSchema.from_json_schema(document)

    optional = FieldSchema(attribute="a", name="a", kind="int", optional=True, default=None)
    group = RecordSchema(name="Group", fields=(optional,))
    assert schema.fields[1] == NestedSchema(attribute="group", name="group", record=group)
    assert RecordSchema.from_json_schema(schema.to_json_schema()) == schema
    assert schema_of(record_class(schema)) == schema


def test_a_group_whose_fields_are_all_optional_is_stored_and_read() -> None:
    """A record that has it is stored; the group itself, which could be empty, is not."""
    schema = RecordSchema.from_json_schema({**object_of(x={"type": "integer"}, group=GROUP), "required": ["x"]})
    made: Any = record_class(schema)
    group = made.__annotations__["group"]
    tracker = open_tracker("memory://groups")
    view = tracker.typed(made)

    for key, run in {"with": made(x=1, group=group(a=2)), "without": made(x=1, group=group())}.items():
        view[key] = run
        assert view[key] == run
    assert [tracker["with"], tracker["without"]] == [{"x": 1, "group/a": 2}, {"x": 1}]
    with pytest.raises(RecordDefinitionError, match="without one, it can only be a field of another record"):
        tracker.typed(group)


@pytest.mark.parametrize(
    "subschema",
    [
        {"$ref": "#/$defs/Stat", "deprecated": True},
        {**STAT, "deprecated": True},
        {"anyOf": [{"$ref": "#/$defs/Stat"}, {"type": "null"}], "deprecated": True},
    ],
)
def test_a_deprecated_nested_record(subschema: dict[str, object]) -> None:
    """Each of its columns is deprecated; a class and code made of the schema say so."""
    document: dict[str, Any] = {**object_of(x={"type": "integer"}), "$defs": {"Stat": STAT}}
    document["properties"]["stat"] = subschema

    schema = RecordSchema.from_json_schema(document)

    assert [column.deprecated for column in schema.columns] == [False, True, True]
    assert RecordSchema.from_json_schema(schema.to_json_schema()) == schema
    assert schema_of(record_class(schema)) == schema
    assert 'Meta(extra_json_schema={"deprecated": True})' in generate([schema])


def test_dependencies_agree_with_nested_records() -> None:
    """For a record that can be `None`, ``dependentRequired`` must agree with the other keywords, or it is refused."""
    stat = NestedSchema(attribute="stat", name="stat", record=schema_of(Stat), optional=True, defaults=None)
    sure = FieldSchema(attribute="x", name="x", kind="int")
    schema = RecordSchema(name="Run", fields=(sure, stat))
    document: Any = schema.to_json_schema()
    assert document["dependentRequired"] == {"stat/mean": ["stat/sem"], "stat/sem": ["stat/mean"]}
    assert RecordSchema.from_json_schema(document) == schema
    del document["dependentRequired"]["stat/sem"]
    assert "that can be null; leave it out" in problems_of(document)["/dependentRequired"]
    document["dependentRequired"] = {"stat/sem": "stat/mean"}
    assert "must be an object of arrays of strings" in problems_of(document)["/dependentRequired"]
    del document["dependentRequired"]
    assert RecordSchema.from_json_schema(document) == schema


def test_columns_agree_with_their_record() -> None:
    """The columns of a nested record, edited by themselves, are refused: the record is in $defs."""
    document: Any = schema_of(EvalResult).to_json_schema()
    document["properties"]["l2norm/mean"]["default"] = 0.5
    document["required"].remove("l2norm/sem")
    del document["properties"]["50 % ~speed//devices"]

    problems = problems_of(document)
    assert "must be {'$ref': '#/$defs/Stat/properties/mean'}, as it is nested" in problems["/properties/l2norm~1mean"]
    assert problems["/required"] == "does not agree with 'l2norm/sem', which is nested"
    assert "as it is nested" in problems["/properties/50 % ~0speed~1~1devices"]


def test_nested_properties_are_records() -> None:
    """x-typedtrack-nested names objects in $defs, and nothing else."""
    document = {**ONE, "x-typedtrack-nested": {"a": {"$ref": "#/properties/x"}, "b": {"$ref": "#/$defs/b"}}}

    assert problems_of(document) == {
        "/properties/x/type": 'must be "object"',
        "/x-typedtrack-nested/b/$ref": "refers to '#/$defs/b', where the document has no subschema",
    }


def test_attributes_are_unique_across_nested_records() -> None:
    """A field and a nested record of one attribute are refused."""
    document: Any = object_of(**{"a": {"type": "integer"}, "a/m": {"$ref": "#/$defs/Stat/properties/m"}})
    document["properties"]["a/n"] = {"$ref": "#/$defs/Stat/properties/n"}
    document |= {"$defs": {"Stat": STAT}, "x-typedtrack-nested": {"a": {"$ref": "#/$defs/Stat"}}}

    assert "is the Python attribute a, as 'a' is" in problems_of(document)["/x-typedtrack-nested/a"]


def test_definitions_within_definitions() -> None:
    """Objects in $defs at any depth are records, reached by JSON Pointer, anchor or $id, with their documentation."""
    point = {"$id": "point", "$comment": "-", **object_of(x={"$ref": "#/$defs/number"}), "title": "Point"}
    point["$defs"] = {"number": {"type": "integer"}}  # relative to the $id
    line: dict[str, Any] = {"title": "Line", **object_of(a={"$ref": "#/$defs/lines/$defs/point"}, b={"$ref": "point"})}
    document = object_of(
        line={"$ref": "#line"},
        inner={**object_of(n={"$ref": "#/properties/inner/$defs/count"}), "$defs": {"count": {"type": "integer"}}},
        named={"$ref": "#/$defs/alias"},
        optional={"$ref": "#/$defs/alias"},
    )
    document["required"].remove("optional")
    document["$defs"] = {
        "lines": {"$defs": {"point": point, "line": {**line, "$anchor": "line"}}},
        "alias": {"$ref": "point", "default": {"x": 3.0}, "description": "Where it begins."},
    }
    schema = RecordSchema.from_json_schema(document)

    record = RecordSchema(name="Point", fields=(FieldSchema(attribute="x", name="x", kind="int"),))
    named: dict[str, Any] = {"record": record, "defaults": (3,), "doc": "Where it begins."}
    assert [column.name for column in schema.columns] == ["line/a/x", "line/b/x", "inner/n", "named/x", "optional/x"]
    assert schema.fields[2:] == (
        NestedSchema(attribute="named", name="named", **named),
        NestedSchema(attribute="optional", name="optional", **named),
    )
    assert RecordSchema.from_json_schema(schema.to_json_schema()) == schema


def test_two_records_of_one_name() -> None:
    """Two nested records of one name are kept apart, and one that is used twice is written once."""
    one, two = (
        RecordSchema(name="Point", fields=(FieldSchema(attribute=axis, name=axis, kind="int"),)) for axis in "xy"
    )
    schema = RecordSchema(
        name="Points",
        fields=tuple(
            NestedSchema(attribute=name, name=name, record=record)
            for name, record in zip("abc", (one, two, one), strict=True)
        ),
    )
    document: Any = schema.to_json_schema()

    assert list(document["$defs"]) == ["Point", "Point_2"]
    assert RecordSchema.from_json_schema(document) == schema


def _chain(length: int, per_level: int = 1) -> dict[str, object]:
    """Return a document of *length* records, each *per_level* times in the one before."""
    definitions: dict[str, object] = {
        f"R{level}": object_of(**{f"x{n}": {"$ref": f"#/$defs/R{level + 1}"} for n in range(per_level)})
        for level in range(length)
    }
    definitions[f"R{length}"] = object_of(x={"type": "integer"})
    return {**object_of(x={"$ref": "#/$defs/R0"}), "$defs": definitions}


def _deep(depth: int) -> dict[str, Any]:
    document = object_of(x={"type": "integer"})
    for _ in range(depth):
        document = object_of(x=document)
    return document


def _looped() -> dict[str, Any]:
    document = object_of(x={"type": "integer"})
    document["properties"]["x"] = document
    return document


_branching: dict[str, object] = {
    f"a{level}": {"oneOf": [{"$ref": f"#/$defs/a{level + 1}"}, {"$ref": f"#/$defs/a{level + 1}"}]}
    for level in range(99)
}

HOSTILE: list[tuple[dict[str, object], str]] = [
    (
        {**object_of(x={"$ref": "#/$defs/a0"}), "$defs": {**_branching, "a99": {}}},
        "takes one subschema, or constants, or integer and number",
    ),
    (_chain(50, per_level=2), "over the limit of 1,048,576 bytes"),
    (_chain(100), "the field name is"),
    (_chain(5000), "is nested too deeply"),
    (_deep(5000), "is nested too deeply"),
    (_looped(), "is nested too deeply"),
    ({**object_of(x={"$ref": "#/$defs/a"}), "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}, "itse"),
    ({**object_of(x={"$ref": "#/$defs/a"}), "$defs": {"a": object_of(y={"$ref": "#/$defs/a"})}}, "contains itself"),
    (object_of(**{"x" * 257: {"type": "integer"}}), "has a name of more than 256 characters"),
    (
        object_of(x={"type": "integer", "x-typedtrack-attribute": "x" * 257}),
        "must be a string of valid Unicode, of at most 256 characters",
    ),
    (object_of(x={"$id": "x" * 2049, "type": "integer"}), "must be a URI of at most 2,048 characters"),
    (
        {**object_of(x={"type": "integer"}), "$id": "a" * 2_000 + "/", "$defs": {"d": {"$id": "b" * 2_000}}},
        "makes a URI of more than 2,048 characters",
    ),
    ({"$defs": {str(number): {} for number in range(100_000)}}, "has more than 100,000 subschemas"),
    (object_of(x={"type": "string", "pattern": "(" * 4_000 + ")" * 4_000}), "that Python's re cannot compile"),
    (object_of(x={"type": "string", "pattern": "a{99999999999999999999}"}), "that Python's re cannot compile"),
]


@pytest.mark.parametrize(("document", "reason"), HOSTILE)
def test_hostile_documents(document: dict[str, object], reason: str) -> None:
    """A document made to exhaust its reader is refused."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(1000)  # Python's own, which a library that another test uses may have raised
    try:
        assert reason in " ".join(problems_of(document).values())
    finally:
        sys.setrecursionlimit(limit)
