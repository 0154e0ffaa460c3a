"""datamodel-code-generator: it and typedtrack read the same documents alike, and it reads exported documents."""

from __future__ import annotations

import json
import subprocess
import sys
from types import ModuleType
from typing import Any

import pytest
from pydantic import BaseModel

from tests.golden.made_by_hand import Evaluation
from tests.node import NPM
from typedtrack import RecordSchema, Stat, as_result, schema_of
from typedtrack._schema.fields import CONSTRAINTS, MISSING

TOOL = NPM.parent / "python" / "bin" / "datamodel-codegen"

INPUTS: dict[str, dict[str, Any]] = {
    "draft 7: definitions of values, allOf of one reference, enumerations with names": {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": "https://example.org/run.json",
        "title": "Run",
        "description": "One run.",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "steps": {"$ref": "#/definitions/Count"},
            "rate": {"type": "number", "minimum": 0, "exclusiveMaximum": 1.5, "description": "Per second."},
            "cents": {"type": "number", "multipleOf": 0.01, "default": 0.25},
            "seed": {"type": "integer", "format": "int64"},
            "optimizer": {"allOf": [{"$ref": "#/definitions/Optimizer"}], "default": "sgd", "description": "Its name."},
            "host": {"type": "string", "minLength": 1, "maxLength": 40, "pattern": "^[a-z]", "examples": ["node7"]},
            "level": {"type": "integer", "enum": [1, 2, 3], "x-enum-varnames": ["LOW", "MEDIUM", "HIGH"]},
            "latency/p99": {"type": "number", "title": "Latency"},
        },
        "required": ["steps", "rate", "seed", "level", "latency/p99"],
        "definitions": {
            "Count": {"type": "integer", "exclusiveMinimum": 0},
            "Optimizer": {"type": "string", "enum": ["adam", "sgd"], "title": "Optimizer"},
        },
    },
    "2020-12: a reference from the root, null, constants and nested objects": {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$ref": "#/$defs/Run",
        "$defs": {
            "Moments": {
                "type": "object",
                "title": "Moments",
                "properties": {"mean": {"type": "number"}, "sem": {"type": "number", "minimum": 0}},
                "required": ["mean", "sem"],
            },
            "Run": {
                "type": "object",
                "title": "Run",
                "properties": {
                    "kind": {"const": "run"},
                    "version": {"type": "integer", "const": 2},
                    "note": {"type": ["string", "null"]},
                    "either": {"anyOf": [{"type": "integer"}, {"type": "number"}]},
                    "l2norm": {"$ref": "#/$defs/Moments"},
                    "linf": {"anyOf": [{"$ref": "#/$defs/Moments"}, {"type": "null"}], "default": None},
                    "tags": {
                        "type": "object",
                        "properties": {"host": {"type": "string"}, "rack": {"type": "integer", "default": 0}},
                        "required": ["host"],
                    },
                    "count": {"oneOf": [{"type": "integer", "minimum": 0}, {"type": "null"}]},
                },
                "required": ["kind", "version", "note", "either", "l2norm", "tags"],
            },
        },
    },
    "OpenAPI 3.0: nullable, a boolean as exclusiveMinimum": {
        "title": "Run",
        "type": "object",
        "properties": {
            "steps": {"type": "integer", "format": "int64", "example": 7},
            "note": {"type": "string", "nullable": True},
            "rate": {"type": "number", "format": "double", "minimum": 0, "exclusiveMinimum": True},
            "old": {"type": "integer", "deprecated": True, "default": 3},
        },
        "required": ["steps", "rate"],
    },
}
"""Flat documents with the keywords of those that the tool is tested with."""


@pytest.fixture
def model(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> type[BaseModel]:
    """The model that the tool makes from the document, which is the parameter."""
    if not TOOL.is_file():
        pytest.skip("needs datamodel-code-generator, which tests/generators/install.sh installs")
    options = ["--input-file-type=jsonschema", "--output-model-type=pydantic_v2.BaseModel", "--formatters=builtin"]
    options += ["--strict-nullable", "--use-annotated", "--use-schema-description", "--disable-timestamp"]
    options += ["--class-name=Run"]
    made = subprocess.run([TOOL, *options], input=json.dumps(request.param), capture_output=True, text=True, check=True)
    module = ModuleType("made_by_datamodel_code_generator")
    monkeypatch.setitem(sys.modules, module.__name__, module)  # where pydantic looks for the names in annotations
    exec(made.stdout, vars(module))
    found: type[BaseModel] = vars(module)["Run"]
    return found


@pytest.mark.parametrize("document", INPUTS.values(), ids=INPUTS)
def test_documents_that_the_tool_takes_are_read(document: dict[str, Any]) -> None:
    """Each is a record, which survives its own document."""
    schema = RecordSchema.from_json_schema(document)

    assert schema.name == "Run"
    assert RecordSchema.from_json_schema(schema.to_json_schema()) == schema


@pytest.mark.parametrize(
    ("model", "document"), [(each, each) for each in INPUTS.values()], indirect=["model"], ids=INPUTS
)
def test_the_tool_reads_a_document_alike(model: type[BaseModel], document: dict[str, Any]) -> None:
    """The document of its model is the same record: every field, constraint, default and nested record."""
    assert RecordSchema.from_json_schema(model.model_json_schema()) == RecordSchema.from_json_schema(document)


EVALUATION = Evaluation(accuracy=0.5, l2norm=Stat(mean=1, sem=0.1), checkpoint="0a", optimizer="sgd", seed=4, worst=2)


@pytest.mark.parametrize("model", [schema_of(Evaluation).to_json_schema(open_content=True)], indirect=True)
def test_the_tool_makes_a_model_of_what_we_export(model: type[BaseModel]) -> None:
    """It accepts a stored result, and has the kinds, the constraints, and the defaults that JSON can write."""
    stored = {name: value for name, value in as_result(EVALUATION).items() if value != float("-inf")}
    assert model.model_validate(stored).model_dump(by_alias=True, exclude_unset=True, mode="json") == stored

    found = {column.name: column for column in RecordSchema.from_json_schema(model.model_json_schema()).columns}
    assert found.keys() == {column.name for column in schema_of(Evaluation).columns}
    for column in schema_of(Evaluation).columns:
        named = {name: getattr(found[column.name], name) for name in ("kind", "choices", "doc", *CONSTRAINTS)}
        expected = {name: getattr(column, name) for name in named}
        expected["pattern"] = None  # it has a $, which Python and others read differently
        expected["choices"] = tuple(sorted(column.choices))
        assert named == expected
        if column.required:
            assert found[column.name].default is MISSING
        elif not column.within and not column.optional and column.name not in ("loss/max", "best"):
            assert found[column.name].default == column.default
