"""Typed results out of one process, into another, over any fsspec URL, with no server."""

import typing

from typedtrack._open import open_tracker
from typedtrack._results.keys import Key
from typedtrack._results.values import Result, Value
from typedtrack._tracker.calls import Progress
from typedtrack._tracker.untyped import ResultTracker
from typedtrack.backends.fsspec import FsspecResultTracker
from typedtrack.errors import (
    BulkError,
    CorruptResultError,
    InvalidKeyError,
    InvalidResultError,
    KeyConflictError,
    Problem,
    RecordDefinitionError,
    ResultExistsError,
    ResultNotFoundError,
    ResultTimeoutError,
    SchemaError,
    SchemaMismatchError,
    TypedtrackError,
    UnsupportedOperationError,
)

__all__ = [
    "BulkError",
    "CorruptResultError",
    "FieldSchema",
    "FsspecResultTracker",
    "InvalidKeyError",
    "InvalidResultError",
    "Key",
    "KeyConflictError",
    "KeyTemplate",
    "Problem",
    "Progress",
    "RecordDefinitionError",
    "RecordSchema",
    "Result",
    "ResultExistsError",
    "ResultNotFoundError",
    "ResultTimeoutError",
    "ResultTracker",
    "SchemaError",
    "SchemaMismatchError",
    "Stat",
    "TypedTracker",
    "TypedtrackError",
    "UnsupportedOperationError",
    "Value",
    "field",
    "key",
    "load_schemas",
    "open_tracker",
    "record",
    "schema_of",
]

if typing.TYPE_CHECKING:
    from typedtrack._records.declare import Stat, field, record, schema_of
    from typedtrack._records.typed_keys import KeyTemplate, key
    from typedtrack._schema.records import FieldSchema, RecordSchema
    from typedtrack._tracker.typed import TypedTracker
    from typedtrack.schemas import load_schemas
else:  # a type checker that saw this would believe that every name is there
    _TYPED = {  # loaded at their first use: untyped results need no attrs
        "FieldSchema": "_schema.records",
        "KeyTemplate": "_records.typed_keys",
        "RecordSchema": "_schema.records",
        "Stat": "_records.declare",
        "TypedTracker": "_tracker.typed",
        "field": "_records.declare",
        "key": "_records.typed_keys",
        "load_schemas": "schemas",
        "record": "_records.declare",
        "schema_of": "_records.declare",
    }

    def __getattr__(name: str) -> object:
        if name not in _TYPED:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        value = globals()[name] = getattr(import_module(f"{__name__}.{_TYPED[name]}"), name)
        return value
