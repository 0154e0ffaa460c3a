"""Schemas and documents: the way there and back is exact, and documents mean to others what they mean here."""

from __future__ import annotations

import json

from hypothesis import given

from tests.strategies.schemas import record_schemas
from typedtrack._records import record_class, schema_of
from typedtrack._schema import RecordSchema


@given(record_schemas())
def test_a_schema_survives_its_document(schema: RecordSchema) -> None:
    """Schema → document → JSON text → document → schema is the identity."""
    document = schema.to_json_schema()
    again = json.loads(json.dumps(document, allow_nan=False))

    assert RecordSchema.from_json_schema(again) == schema


@given(record_schemas())
def test_a_schema_survives_its_class(schema: RecordSchema) -> None:
    """Schema → class → schema is the identity."""
    assert schema_of(record_class(schema)) == schema
