"""The names in generated code: what may be one, and what no two things may share.

A name is checked before any text is made of it, so that a schema from elsewhere can put nothing but names and literals
into a module. A collision is an error, never a suffix: a name that code depends on must not change because another
field came.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from typedtrack._records.declare import Stat, schema_of
from typedtrack._schema.identifiers import RESERVED, attribute_problem, identifier_problem
from typedtrack._schema.records import FieldSchema, NestedSchema, RecordSchema
from typedtrack.errors import RecordDefinitionError

__all__ = ["code_name_problem", "is_stat", "records_of"]

_REMEDY: Final = "name it otherwise in the schema"


def records_of(schemas: Iterable[RecordSchema]) -> list[RecordSchema]:
    """Return *schemas* and the records nested in them, each once, those that others need first; their names are sound.

    Raises:
        RecordDefinitionError: a record or an attribute has a name that no code can use, or that another one has.
    """
    found: dict[str, RecordSchema] = {}
    for schema in schemas:
        _collect(schema, found)
    records = list(found.values())
    for schema in records:
        _check_attributes(schema, found.keys())
    return records


def _collect(schema: RecordSchema, found: dict[str, RecordSchema]) -> None:
    for field in schema.fields:
        if isinstance(field, NestedSchema):
            _collect(field.record, found)
    if (reason := code_name_problem(schema.name)) is not None:
        raise RecordDefinitionError(schema.name, None, f"{reason}; {_REMEDY}")
    if found.setdefault(schema.name, schema) != schema:
        raise RecordDefinitionError(schema.name, None, f"is the name of two different records; {_REMEDY}")


def code_name_problem(name: str) -> str | None:
    """Return why *name* cannot be a name in generated code, or `None`."""
    if (reason := identifier_problem(name)) is not None:
        return reason
    if not name.isascii() or name.startswith("__"):
        return f"the name {name!r} is not of ASCII alone, or begins with two underscores"
    return f"the name {name!r} is reserved in generated code" if name in RESERVED else None


def _check_attributes(schema: RecordSchema, classes: Collection[str]) -> None:
    taken: dict[str, FieldSchema | NestedSchema] = {}
    for field in schema.fields:
        attribute = field.attribute
        reason = attribute_problem(attribute) or code_name_problem(attribute)
        if reason is None and attribute in classes:
            reason = f"the name {attribute!r} is that of a record in the same module"
        if reason is None and taken.setdefault(attribute, field) is not field:
            reason = f"is the attribute of {taken[attribute].name!r} and of {field.name!r}"
        if reason is not None:
            raise RecordDefinitionError(schema.name, attribute, f"{reason}; {_REMEDY}")


def is_stat(schema: RecordSchema) -> bool:
    """Return whether *schema* is that of `typedtrack.Stat`, which is imported rather than made anew."""
    return schema == schema_of(Stat)
