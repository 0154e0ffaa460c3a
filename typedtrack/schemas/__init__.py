"""Schemas without their classes: files, classes made at run time, compatibility, inference."""

from typedtrack._schema.identifiers import attribute_name, attribute_problem, class_name, identifier_problem
from typedtrack.schemas.compatibility import (
    MODES,
    Conflict,
    Incompatibility,
    Mode,
    check,
    check_history,
    history_warnings,
    warnings_of,
)
from typedtrack.schemas.files import SUFFIX, document_text, file_name, load_schemas, parse_document, read_schemas
from typedtrack.schemas.git import read_committed
from typedtrack.schemas.inference import Inference, Outlier, corrupt_results, infer
from typedtrack.schemas.reports import Older, Report, compare
from typedtrack.schemas.rules import RULES, Rule

__all__ = [
    "MODES",
    "RULES",
    "SUFFIX",
    "Conflict",
    "Incompatibility",
    "Inference",
    "Mode",
    "Older",
    "Outlier",
    "Report",
    "Rule",
    "attribute_name",
    "attribute_problem",
    "check",
    "check_history",
    "class_name",
    "compare",
    "corrupt_results",
    "document_text",
    "file_name",
    "history_warnings",
    "identifier_problem",
    "infer",
    "load_schemas",
    "parse_document",
    "read_committed",
    "read_schemas",
    "warnings_of",
]
