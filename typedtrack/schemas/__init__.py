"""Schemas beyond their class: files of documents, classes made of them at run time, and compatibility."""

from typedtrack._identifiers import attribute_name, attribute_problem, class_name, identifier_problem
from typedtrack.schemas.compatibility import (
    MODES,
    RULES,
    Conflict,
    Incompatibility,
    Mode,
    Rule,
    check,
    check_history,
    warnings_of,
)
from typedtrack.schemas.files import SUFFIX, document_text, file_name, load_schemas, parse_document, read_schemas

__all__ = [
    "MODES",
    "RULES",
    "SUFFIX",
    "Conflict",
    "Incompatibility",
    "Mode",
    "Rule",
    "attribute_name",
    "attribute_problem",
    "check",
    "check_history",
    "class_name",
    "document_text",
    "file_name",
    "identifier_problem",
    "load_schemas",
    "parse_document",
    "read_schemas",
    "warnings_of",
]
