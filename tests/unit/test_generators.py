"""Documents as generators write them: pydantic, msgspec, genson, zod, TypeBox, and samples of others."""

from __future__ import annotations

import enum
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Annotated, Any, Literal, NotRequired

import msgspec
import pytest
from genson import SchemaBuilder  # type: ignore[import-untyped]  # it ships no types
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, RootModel, TypeAdapter, computed_field
from typing_extensions import TypedDict, deprecated

from typedtrack import FieldSchema, RecordSchema, SchemaError
from typedtrack._schema.records import NestedSchema
from typedtrack.schemas import parse_document

ROOT = Path(__file__).parents[2]
NPM = ROOT / "build" / "generators" / "node_modules"
NPM_DOCUMENTS = ROOT / "tests" / "golden" / "generators" / "npm.json"
"""The output of `tests/generators/documents.cjs`."""


class Mode(enum.Enum):
    """An enumeration of strings."""

    FAST = "fast"
    SLOW = "slow"


class PydanticStat(BaseModel):
    """Two moments."""

    mean: float
    sem: Annotated[float, Field(ge=0)]


class PydanticRun(BaseModel):
    """A run."""

    accuracy: Annotated[float, Field(ge=0, le=1, description="Share of correct answers.")]
    steps: Annotated[int, Field(gt=0)]
    l2norm: PydanticStat
    linf: PydanticStat | None = None
    l1: PydanticStat = Field(default=PydanticStat(mean=0, sem=1), description="Of the weights.")
    kind: Literal["run"]
    split: Literal["train", "test"] = "test"
    mode: Mode = Mode.FAST
    host: str | None = None
    note: str | None
    either: int | float
    git: Annotated[str, Field(pattern="^[0-9a-f]+", max_length=40)]
    old: Annotated[int, Field(deprecated=True)] = 0


class MsgspecStat(msgspec.Struct):
    """Two moments."""

    mean: float
    sem: Annotated[float, msgspec.Meta(ge=0)]


class MsgspecRun(msgspec.Struct, kw_only=True):
    """A run."""

    accuracy: Annotated[float, msgspec.Meta(ge=0, le=1, description="Share of correct answers.")]
    steps: Annotated[int, msgspec.Meta(gt=0)]
    l2norm: MsgspecStat
    linf: MsgspecStat | None = None
    l1: Annotated[MsgspecStat, msgspec.Meta(description="Of the weights.")] = msgspec.field(
        default_factory=lambda: MsgspecStat(0, 1)
    )
    kind: Literal["run"]
    split: Literal["train", "test"] = "test"
    mode: Mode = Mode.FAST
    host: str | None = None
    note: str | None
    either: int | float
    git: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]+", max_length=40)]
    old: Annotated[int, msgspec.Meta(extra_json_schema={"deprecated": True})] = 0


def field(name: str, kind: Any, **known: Any) -> FieldSchema:
    """Return a field whose attribute has its name."""
    return FieldSchema(attribute=name, name=name, kind=kind, **known)


def stat(name: str, attribute: str, **known: Any) -> NestedSchema:
    """Return a nested record of two moments."""
    moments = (field("mean", "float"), field("sem", "float", ge=0.0))
    doc = "Two moments." if name.endswith("Stat") and name != "Stat" else ""
    return NestedSchema(
        attribute=attribute, name=attribute, record=RecordSchema(name=name, fields=moments, doc=doc), **known
    )


@pytest.mark.parametrize("tool", ["Pydantic", "Msgspec"])
def test_python_classes(tool: Literal["Pydantic", "Msgspec"]) -> None:
    """Classes of pydantic and of msgspec read as the record that one would declare."""
    document: Any = PydanticRun.model_json_schema() if tool == "Pydantic" else msgspec.json.schema(MsgspecRun)
    absent: dict[str, Any] = {"optional": True, "default": None}
    l1: dict[str, Any] = {"defaults": (0.0, 1.0)} if tool == "Pydantic" else {"optional": True, "defaults": None}

    schema = RecordSchema.from_json_schema(document)
    assert {each.name: each for each in schema.fields} == {
        each.name: each
        for each in (
            field("accuracy", "float", ge=0.0, le=1.0, doc="Share of correct answers."),
            field("steps", "int", gt=0),
            stat(f"{tool}Stat", "l2norm"),
            stat(f"{tool}Stat", "linf", optional=True, defaults=None),
            stat(f"{tool}Stat", "l1", doc="Of the weights.", **l1),
            field("kind", "str", choices=("run",)),
            field(
                "split", "str", choices=("train", "test") if tool == "Pydantic" else ("test", "train"), default="test"
            ),
            field("mode", "str", choices=("fast", "slow"), default="fast", doc="An enumeration of strings."),
            field("host", "str", **absent),
            field("note", "str", optional=True),
            field("either", "float"),
            field("git", "str", pattern="^[0-9a-f]+", max_length=40),
            field("old", "int", deprecated=True, default=0),
        )
    }
    assert (schema.name, schema.doc) == (f"{tool}Run", "A run.")
    assert RecordSchema.from_json_schema(schema.to_json_schema()) == schema


class Rates(TypedDict):
    """Not all of its items need be there."""

    rate: float
    note: NotRequired[str]


class Timing(PydanticStat):
    """A model with a base, other names on the wire, and a property that is written only."""

    model_config = ConfigDict(extra="forbid", title="timing of a run")

    p99: Annotated[float, Field(alias="latency/p99")]
    count: Literal[1, 2] | None = None
    level: Annotated[PositiveInt, Field(examples=[3], json_schema_extra={"x-unit": "levels"})] = 3

    @computed_field
    def spread(self) -> float:
        """Return the error relative to the mean."""
        return self.sem / self.mean


OTHER_FORMS: dict[str, tuple[dict[str, Any], list[FieldSchema]]] = {
    "a TypedDict": (
        TypeAdapter(Rates).json_schema(),
        [field("rate", "float"), field("note", "str", optional=True, default=None)],
    ),
    "a root model": (
        RootModel[PydanticStat].model_json_schema(),
        [field("mean", "float"), field("sem", "float", ge=0.0)],
    ),
    "a model as it writes itself": (
        Timing.model_json_schema(mode="serialization"),
        [
            field("mean", "float"),
            field("sem", "float", ge=0.0),
            FieldSchema(attribute="latency_p99", name="latency/p99", kind="float"),
            field("count", "int", choices=(1, 2), optional=True, default=None),
            field("level", "int", gt=0, default=3),
            field("spread", "float", doc="Return the error relative to the mean."),
        ],
    ),
}


@pytest.mark.parametrize("form", OTHER_FORMS)
def test_other_forms_of_pydantic(form: str) -> None:
    """Typed dictionaries, root models, bases, aliases and computed fields read as the fields that they write."""
    document, columns = OTHER_FORMS[form]
    schema = RecordSchema.from_json_schema(document)

    assert list(schema.columns) == columns
    assert RecordSchema.from_json_schema(schema.to_json_schema()) == schema


class OldRun(BaseModel):
    """A run that nobody should store any more."""

    steps: int


def test_a_deprecated_class_is_read() -> None:
    """A record has no place for the note, which constrains no value; but a field of that class is deprecated."""
    document = deprecated("Use PydanticRun.")(OldRun).model_json_schema()
    assert document["deprecated"] is True

    old = RecordSchema.from_json_schema(document)
    assert old == RecordSchema(name="OldRun", fields=(field("steps", "int"),), doc=old.doc)
    around = {"title": "Run", "type": "object", "properties": {"old": document}, "required": ["old"]}
    assert RecordSchema.from_json_schema(around).columns[0].deprecated


def test_genson() -> None:
    """A document that was inferred has no title: it is named after its file."""
    builder: Any = SchemaBuilder()
    builder.add_object({"loss/1": 1, "steps": 3, "host": "a", "l2norm": {"mean": 0.5}})
    builder.add_object({"loss/1": 1.5, "steps": 4, "host": None, "l2norm": {"mean": 1}})

    schema = parse_document(builder.to_json().encode(), "schemas/training-run.schema.json")

    l2norm = RecordSchema(name="L2norm", fields=(field("mean", "float"),))
    assert schema == RecordSchema(
        name="TrainingRun",
        fields=(
            FieldSchema(attribute="loss_1", name="loss/1", kind="float"),
            field("steps", "int"),
            field("host", "str", optional=True),
            NestedSchema(attribute="l2norm", name="l2norm", record=l2norm),
        ),
    )


EXACT = 2**53 - 1  # the greatest integer that JavaScript is sure of


@pytest.mark.parametrize(
    "form", ["zod-2020-12", "zod-draft-7", "zod-draft-4", "zod-openapi-3.0", "zod-reused", "typebox"]
)
def test_javascript(form: str) -> None:
    """Every form in which zod and TypeBox write a record reads as the same record."""
    document = json.loads(NPM_DOCUMENTS.read_text())[form]
    schema = parse_document(json.dumps(document).encode(), "run.schema.json")

    first, second = ("Schema0", "Schema0") if form == "zod-reused" else ("L2norm", "Linf")
    tags = RecordSchema(name="Tags", fields=(field("host", "str", optional=True, default=None, max_length=10),))
    assert schema == RecordSchema(
        name="Run",
        fields=(
            field("accuracy", "float", ge=0.0, le=1.0, doc="Share of correct answers."),
            field("steps", "int", gt=0, le=None if form == "typebox" else EXACT),
            field("seed", "int", ge=-(2**31), le=2**31 - 1),
            field("split", "str", choices=("train", "test")),
            field("optimizer", "str", choices=("adam", "sgd")),
            field("version", "int", choices=(1, 2)),
            field("kind", "str", choices=("run",)),
            field("host", "str", optional=True, default=None, min_length=1, max_length=40),
            field("note", "str", optional=True),
            field("git", "str", pattern="^[0-9a-f]+"),
            field("step", "float", multiple_of=0.5),
            field("either", "float"),
            stat(first, "l2norm"),
            stat(second, "linf", optional=True),
            NestedSchema(attribute="tags", name="tags", record=tags),
        ),
    )
    assert RecordSchema.from_json_schema(schema.to_json_schema()) == schema


def test_a_module_of_typebox() -> None:
    """Definitions that refer to each other by their $id are found."""
    document = json.loads(NPM_DOCUMENTS.read_text())["typebox-module"]

    assert RecordSchema.from_json_schema(document) == RecordSchema(
        name="Run", fields=(field("steps", "int"), stat("Stat", "l2norm"))
    )


def test_the_documents_of_npm_are_fresh() -> None:
    """The documents that tests read are those that zod and TypeBox write."""
    node = shutil.which("node")
    if node is None or not NPM.is_dir():
        pytest.skip("zod and TypeBox are not installed; tests/generators/install.sh does so")
    script = str(ROOT / "tests" / "generators" / "documents.cjs")
    written = subprocess.run(
        [node, script], env={**os.environ, "NODE_PATH": str(NPM)}, capture_output=True, text=True, check=True
    )

    assert json.loads(written.stdout) == json.loads(NPM_DOCUMENTS.read_text())


OTHERS: dict[str, tuple[dict[str, Any], list[FieldSchema]]] = {
    "NJsonSchema: draft 4, formats, oneOf of null and a reference": (
        {
            "$schema": "http://json-schema.org/draft-04/schema#",
            "title": "Run",
            "type": "object",
            "additionalProperties": False,
            "required": ["Steps"],
            "properties": {
                "Steps": {"type": "integer", "format": "int32"},
                "Rate": {"type": "number", "format": "double"},
                "Price": {"type": "number", "format": "decimal", "minimum": 0.0, "exclusiveMinimum": True},
                "Color": {"type": "integer", "format": "byte"},
                "Nick": {"type": ["null", "string"]},
                "Home": {"oneOf": [{"type": "null"}, {"$ref": "#/definitions/Home"}]},
            },
            "definitions": {"Home": {"type": "object", "required": ["X"], "properties": {"X": {"type": "number"}}}},
        },
        [
            field("Steps", "int", ge=-(2**31), le=2**31 - 1),
            field("Rate", "float", optional=True, default=None),
            field("Price", "float", optional=True, default=None, gt=0.0),
            field("Color", "int", optional=True, default=None, ge=0, le=255),
            field("Nick", "str", optional=True, default=None),
            FieldSchema(attribute="Home.X", name="Home/X", kind="float", within=("Home",)),
        ],
    ),
    "schemars: formats of Rust, constants with descriptions": (
        {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "Run",
            "type": "object",
            "required": ["steps", "small", "rate", "mode"],
            "properties": {
                "steps": {"type": "integer", "format": "uint64", "minimum": 0},
                "small": {"type": "integer", "format": "int8", "minimum": 0, "maximum": 300},
                "wide": {"type": ["integer", "null"], "format": "int64"},
                "rate": {"type": "number", "format": "float"},
                "mode": {
                    "oneOf": [
                        {"description": "Soon.", "type": "string", "const": "fast"},
                        {"description": "Late.", "type": "string", "enum": ["slow", "slower"]},
                    ]
                },
            },
        },
        [
            field("steps", "int", ge=0),
            field("small", "int", ge=0, le=127),
            field("wide", "int", optional=True, default=None),
            field("rate", "float"),
            field("mode", "str", choices=("fast", "slow", "slower")),
        ],
    ),
    "OpenAPI 3.0 by Swashbuckle: nullable, allOf of one reference": (
        {
            "title": "Run",
            "required": ["id", "state", "stat"],
            "properties": {
                "id": {"type": "integer", "format": "int64", "example": 7},
                "name": {"type": "string", "nullable": True, "xml": {"attribute": True}},
                "state": {"allOf": [{"$ref": "#/definitions/State"}], "description": "Now."},
                "next": {"allOf": [{"$ref": "#/definitions/State"}], "nullable": True},
                "stat": {"$ref": "#/definitions/Stat"},
                "other": {"oneOf": [{"$ref": "#/definitions/Stat"}], "nullable": True},
            },
            "definitions": {
                "State": {"type": "string", "enum": ["on", "off"]},
                "Stat": {"type": "object", "properties": {"mean": {"type": "number"}}, "required": ["mean"]},
            },
        },
        [
            field("id", "int"),
            field("name", "str", optional=True, default=None),
            field("state", "str", choices=("on", "off"), doc="Now."),
            field("next", "str", optional=True, default=None, choices=("on", "off")),
            FieldSchema(attribute="stat.mean", name="stat/mean", kind="float"),
            FieldSchema(attribute="other.mean", name="other/mean", kind="float", within=("other",)),
        ],
    ),
    "quicktype: draft 6, a root that refers": (
        {
            "$schema": "http://json-schema.org/draft-06/schema#",
            "$ref": "#/definitions/Run",
            "definitions": {
                "Run": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {"steps": {"type": "integer"}, "inner": {"$ref": "#/definitions/Inner"}},
                    "required": ["inner", "steps"],
                    "title": "Run",
                },
                "Inner": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {"m": {"type": "number"}},
                    "required": ["m"],
                    "title": "Inner",
                },
            },
        },
        [field("steps", "int"), FieldSchema(attribute="inner.m", name="inner/m", kind="float")],
    ),
    "pydantic before 2.9: const beside an equal enum, allOf of one reference beside a default": (
        {
            "title": "Run",
            "type": "object",
            "properties": {
                "kind": {"const": "run", "enum": ["run"], "title": "Kind", "type": "string"},
                "stat": {"allOf": [{"$ref": "#/$defs/Stat"}], "default": {"mean": 1.0}},
            },
            "required": ["kind"],
            "$defs": {"Stat": {"type": "object", "properties": {"mean": {"type": "number"}}, "required": ["mean"]}},
        },
        [
            field("kind", "str", choices=("run",)),
            FieldSchema(attribute="stat.mean", name="stat/mean", kind="float", default=1.0),
        ],
    ),
    "jsonschema.net: an $id in every subschema": (
        {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "$id": "http://example.com/run.json",
            "title": "Run",
            "type": "object",
            "properties": {"steps": {"$id": "#/properties/steps", "type": "integer", "default": 0, "examples": [3]}},
            "required": ["steps"],
        },
        [field("steps", "int", default=0)],
    ),
}
"""Samples after the documentation of these generators, which neither pip nor npm has, or in great size."""


@pytest.mark.parametrize("generator", OTHERS)
def test_samples_of_other_generators(generator: str) -> None:
    """The forms that other generators write are read, if a field can keep them."""
    document, columns = OTHERS[generator]
    schema = RecordSchema.from_json_schema(document)

    assert list(schema.columns) == columns
    assert RecordSchema.from_json_schema(schema.to_json_schema()) == schema


INNER: dict[str, Any] = {"type": "object", "properties": {"a": {"type": "integer"}}}

REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"openapi": "3.1.0"}, "/openapi", "give one of the schemas in components/schemas"),
    ({"$ref": "stat.json"}, "/$ref", "copy the target into $defs"),
    ({"type": ["integer", "string"]}, "/type", "give each type a property of its own"),
    ({"type": "boolean"}, "/type", "store 0 or 1 as an integer"),
    ({"type": "array", "items": {"type": "number"}}, "/items", "give each element a property of its own"),
    ({"type": "array"}, "/type", "give each element a property of its own"),
    ({"type": "null"}, "/type", "leave the property out"),
    ({"type": "string", "format": "date-time"}, "/format", "leave it out, or say it by pattern"),
    ({"type": "integer", "format": "double"}, "/format", "leave it out, or say it by bounds"),
    ({"type": "number", "format": "int32"}, "/format", "leave it out, or say it by bounds"),
    ({"allOf": [{"type": "integer"}, {"minimum": 0}]}, "/allOf", "write all keywords into one"),
    ({"allOf": []}, "/allOf", "write all keywords into one"),
    ({"anyOf": [{"type": "string"}, {"type": "number"}]}, "/anyOf", "give each type a property of its own"),
    (
        {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "number", "minimum": 1}]},
        "/anyOf",
        "a field has one type",
    ),
    ({"anyOf": [{"const": 1}, {"type": "integer"}]}, "/anyOf", "a field has one type"),
    ({"title": "X"}, "/type", "write one of these"),
    ({"enum": [1, "a"]}, "/enum/1", "write all as strings"),
    ({"const": 1.5}, "/const", "write all as strings"),
    ({"type": "object"}, "/properties", "name each, with its type"),
    ({**INNER, "additionalProperties": {"type": "integer"}}, "/additionalProperties", "name each field in properties"),
    ({**INNER, "required": ["b"]}, "/required/0", "add it there"),
    ({"type": ["integer", "null"], "default": 3}, "/default", "let it not be None (null), or leave the default out"),
    ({"not": {"type": "string"}}, "/not", "check it where the results are read"),
    ({"type": "integer", "exclusiveMinimum": True}, "/exclusiveMinimum", "has no minimum beside it"),
    ({"type": "string", "unknown": 1}, "/unknown", "leave it out, or begin its name with x- to keep it as a note"),
    ({"type": "integer", "const": True, "enum": [1, 2]}, "/const", "is not in the enum beside it"),
]


@pytest.mark.parametrize(("subschema", "pointer", "remedy"), REFUSED)
def test_each_refusal_has_a_remedy(subschema: dict[str, Any], pointer: str, remedy: str) -> None:
    """A keyword that a field cannot keep is refused, and the error says what to do."""
    document = {"title": "Run", "type": "object", "properties": {"x": subschema, "y": {"type": "integer"}}}
    with pytest.raises(SchemaError) as caught:
        RecordSchema.from_json_schema({**document, "required": ["y"]})

    ((where, reason),) = caught.value.problems
    assert (where, remedy in reason) == (f"/properties/x{pointer}", True)


def test_a_document_in_which_nothing_is_required_is_refused_with_a_remedy() -> None:
    """A result without a field would look like an absent one."""
    with pytest.raises(SchemaError, match='a result has at least one field: list a property in "required"'):
        RecordSchema.from_json_schema({"title": "Run", "type": "object", "properties": {"x": {"type": "integer"}}})


def test_keywords_beside_a_reference_count_by_the_draft() -> None:
    """Older drafts ignore constraints there, so they are refused; a description and a default are kept."""
    document: dict[str, Any] = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Run",
        "type": "object",
        "properties": {"x": {"$ref": "#/definitions/x", "description": "Five.", "default": 7}},
        "required": ["x"],
        "definitions": {"x": {"type": "number"}},
    }
    assert RecordSchema.from_json_schema(document).columns[0] == field("x", "float", doc="Five.", default=7.0)

    document["properties"]["x"] |= {"minimum": 5, "type": "integer"}
    with pytest.raises(SchemaError) as caught:
        RecordSchema.from_json_schema(document)
    reason = 'does nothing beside $ref in this draft; move the $ref: "allOf": [{"$ref": …}]'
    assert dict(caught.value.problems) == {f"/properties/x/{keyword}": reason for keyword in ("minimum", "type")}

    newer = {**document, "$schema": "https://json-schema.org/draft/2019-09/schema"}
    assert RecordSchema.from_json_schema(newer).columns[0] == field("x", "int", ge=5, doc="Five.", default=7)


def test_an_anchor_of_older_drafts_is_found() -> None:
    """There, an $id that is a fragment names a subschema."""
    document: dict[str, Any] = {
        "title": "Run",
        "type": "object",
        "properties": {"x": {"$ref": "#count"}},
        "required": ["x"],
        "definitions": {"x": {"$id": "#count", "type": "integer"}},
    }

    assert RecordSchema.from_json_schema(document).columns == (field("x", "int"),)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("schemas/training-run.schema.json", "TrainingRun"),
        ("https://example.org/run.json", "Run"),
        (r"C:\schemas\run.schema.json", "Run"),
        ("git:HEAD:training_run.schema.json", "TrainingRun"),
        ("document", None),
        ("schemas/2d.json", None),
    ],
)
def test_a_document_without_a_title_is_named_after_its_file(source: str, name: str | None) -> None:
    """Where the file gives no name, the error says what to write."""
    document = {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}
    if name is not None:
        assert RecordSchema.from_json_schema(document, source).name == name
    else:
        with pytest.raises(SchemaError, match=r"/title: is missing.* as in "):
            RecordSchema.from_json_schema(document, source)
