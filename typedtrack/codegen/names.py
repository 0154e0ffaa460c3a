"""Names in generated code: which names are allowed, and which collide.

Every name is checked before it becomes text, so a schema from elsewhere contributes only names and literals.
A collision is an error and never gets a suffix: adding a field must not rename another one that code depends on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from typedtrack._records.declare import schema_of
from typedtrack._records.stat import Stat
from typedtrack._schema.identifiers import RESERVED, attribute_problem, identifier_problem
from typedtrack._schema.records import FieldSchema, NestedSchema, RecordSchema
from typedtrack.errors import RecordDefinitionError

__all__ = ["code_name_problem", "is_stat", "records_of"]

_TITLE_REMEDY: Final = "give the record another title in its schema"
_ATTRIBUTE_REMEDY: Final = "name another by x-typedtrack-attribute in the schema"


def records_of(schemas: Iterable[RecordSchema]) -> list[RecordSchema]:
    """Return *schemas* and the records nested in them, each once, in the order of declaration.

    Raises:
        RecordDefinitionError: the name of a record or an attribute is not allowed, or is taken.
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
        raise RecordDefinitionError(schema.name, None, f"{reason}; {_TITLE_REMEDY}")
    if found.setdefault(schema.name, schema) != schema:
        raise RecordDefinitionError(schema.name, None, f"two different records have this name; {_TITLE_REMEDY}")


def code_name_problem(name: str) -> str | None:
    """Return why *name* cannot be a name in generated code, or `None`."""
    if (reason := identifier_problem(name)) is not None:
        return reason
    if not name.isascii() or name.startswith("__"):
        return f"the name {name!r} has a character outside ASCII, or begins with two underscores"
    return f"the name {name!r} is reserved in generated code" if name in RESERVED else None


def _check_attributes(schema: RecordSchema, classes: Collection[str]) -> None:
    taken: dict[str, FieldSchema | NestedSchema] = {}
    for field in schema.fields:
        attribute = field.attribute
        reason = attribute_problem(attribute) or code_name_problem(attribute)
        if reason is None and attribute in classes:
            reason = f"the name {attribute!r} is also the name of a record in the same module"
        if reason is None and taken.setdefault(attribute, field) is not field:
            reason = f"is the attribute of both {taken[attribute].name!r} and {field.name!r}"
        if reason is not None:
            raise RecordDefinitionError(schema.name, attribute, f"{reason}; {_ATTRIBUTE_REMEDY}")


def is_stat(schema: RecordSchema) -> bool:
    """Return whether *schema* is the schema of `typedtrack.Stat`, which generated code imports."""
    return schema == schema_of(Stat)
