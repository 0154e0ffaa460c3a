"""Typed results out of one process, into another, over any fsspec URL, with no server."""

from typedtrack._calls import Progress
from typedtrack._keys import Key
from typedtrack._open import open_tracker
from typedtrack._tracker import ResultTracker
from typedtrack._values import Result, Value
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
    "FsspecResultTracker",
    "InvalidKeyError",
    "InvalidResultError",
    "Key",
    "KeyConflictError",
    "Problem",
    "Progress",
    "RecordDefinitionError",
    "Result",
    "ResultExistsError",
    "ResultNotFoundError",
    "ResultTimeoutError",
    "ResultTracker",
    "SchemaError",
    "SchemaMismatchError",
    "TypedtrackError",
    "UnsupportedOperationError",
    "Value",
    "open_tracker",
]
