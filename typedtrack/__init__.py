"""Typed results out of one process, into another, over any fsspec URL, with no server.

Each name is imported from its module when it is first used, so that a process pays for nothing else.
"""

import os
import typing

if os.name != "posix":
    raise ImportError("typedtrack needs a POSIX system, such as Linux or macOS; on Windows, use it inside WSL")

__version__ = "0.1.0"

__all__ = [
    "BulkError",
    "CorruptResultError",
    "Failure",
    "FieldSchema",
    "Frame",
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
    "ResultFailedError",
    "ResultNotFoundError",
    "ResultTimeoutError",
    "ResultTracker",
    "SchemaError",
    "SchemaMismatchError",
    "Stat",
    "Summary",
    "TypedTracker",
    "TypedtrackError",
    "UnsupportedOperationError",
    "Value",
    "as_result",
    "evolve",
    "field",
    "key",
    "load_schemas",
    "open_tracker",
    "record",
    "schema_of",
]

if typing.TYPE_CHECKING:
    from typedtrack._open import open_tracker
    from typedtrack._progress import Progress
    from typedtrack._records.declare import field, record, schema_of
    from typedtrack._records.failure import Failure
    from typedtrack._records.instances import as_result, evolve
    from typedtrack._records.stat import Stat
    from typedtrack._records.summary import Summary
    from typedtrack._records.typed_keys import KeyTemplate, key
    from typedtrack._results.keys import Key
    from typedtrack._results.values import Result, Value
    from typedtrack._schema.records import FieldSchema, RecordSchema
    from typedtrack._tracker.typed import TypedTracker
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
        ResultFailedError,
        ResultNotFoundError,
        ResultTimeoutError,
        SchemaError,
        SchemaMismatchError,
        TypedtrackError,
        UnsupportedOperationError,
    )
    from typedtrack.frame.frame import Frame
    from typedtrack.schemas import load_schemas
else:  # hidden from type checkers: with a __getattr__ they would accept any name
    from importlib.machinery import PathFinder

    if PathFinder.find_spec("arro3") is None:  # without the extra `arrow`, `help(typedtrack)` cannot load the name
        __all__.remove("Frame")
    del PathFinder

    _MODULES = {
        "BulkError": "errors",
        "CorruptResultError": "errors",
        "Failure": "_records.failure",
        "FieldSchema": "_schema.records",
        "Frame": "frame.frame",
        "FsspecResultTracker": "backends.fsspec",
        "InvalidKeyError": "errors",
        "InvalidResultError": "errors",
        "Key": "_results.keys",
        "KeyConflictError": "errors",
        "KeyTemplate": "_records.typed_keys",
        "Problem": "errors",
        "Progress": "_progress",
        "RecordDefinitionError": "errors",
        "RecordSchema": "_schema.records",
        "Result": "_results.values",
        "ResultExistsError": "errors",
        "ResultFailedError": "errors",
        "ResultNotFoundError": "errors",
        "ResultTimeoutError": "errors",
        "ResultTracker": "_tracker.untyped",
        "SchemaError": "errors",
        "SchemaMismatchError": "errors",
        "Stat": "_records.stat",
        "Summary": "_records.summary",
        "TypedTracker": "_tracker.typed",
        "TypedtrackError": "errors",
        "UnsupportedOperationError": "errors",
        "Value": "_results.values",
        "as_result": "_records.instances",
        "evolve": "_records.instances",
        "field": "_records.declare",
        "key": "_records.typed_keys",
        "load_schemas": "schemas",
        "open_tracker": "_open",
        "record": "_records.declare",
        "schema_of": "_records.declare",
    }

    def __getattr__(name: str) -> object:
        from importlib import import_module

        if name == "errors":  # a module of its own, which was always there after `import typedtrack`
            return import_module(f"{__name__}.errors")
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
