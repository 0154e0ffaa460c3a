"""Schemas to documents."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import attrs

from typedtrack._results.values import MAX_STR_BYTES, Value
from typedtrack._schema.documents.grammar import ABSENT, DIALECT, Subschema, unparse
from typedtrack._schema.documents.pointers import reference
from typedtrack._schema.documents.terms import CONSTRAINT_KEYWORDS, FLAT_VALUE, JSON_TYPES, NON_FINITE, Nested, Record
from typedtrack._schema.fields import MISSING, FieldSchema, Missing
from typedtrack._schema.identifiers import attribute_name

__all__ = ["dependencies", "flattened", "write"]


def write(record: Record) -> dict[str, object]:
    """Return the document of *record*."""
    return unparse(_Writer().document(record))


class _Writer:
    def __init__(self) -> None:
        self._names: dict[Record, str] = {}
        self._definitions: dict[str, Subschema] = {}

    def document(self, record: Record) -> Subschema:
        written = self._object(record)
        definitions = self._definitions or None
        return attrs.evolve(written, dialect=DIALECT, additional=FLAT_VALUE, definitions=definitions)

    def _object(self, record: Record) -> Subschema:
        properties: dict[str, Subschema] = {}
        nested: dict[str, Subschema] = {}
        for field in record.fields:
            if isinstance(field, FieldSchema):
                properties[field.name] = _property(field)
            else:
                name = self._definition(field.record)
                nested[field.name] = _nesting(field, name)
                properties.update(flattened(field, "$defs", name))
        return Subschema(
            title=record.name,
            description=record.doc or None,
            type=("object",),
            properties=properties,
            required=tuple(column.name for column in record.columns if column.required) or None,
            dependent=dependencies(record) or None,
            nested=nested or None,
        )

    def _definition(self, record: Record) -> str:
        if record not in self._names:
            written = self._object(record)  # first, for what it refers to comes before it
            name, count = record.name, 1
            while name in self._definitions:
                count += 1
                name = f"{record.name}_{count}"
            self._names[record] = name
            self._definitions[name] = written
        return self._names[record]


def _property(field: FieldSchema) -> Subschema:
    finite, non_finite = _written_default(field.default)
    constraints: dict[str, Any] = {ours: getattr(field, theirs) for ours, theirs in CONSTRAINT_KEYWORDS.items()}
    return Subschema(
        **constraints,
        description=field.doc or None,
        deprecated=field.deprecated or None,
        type=(JSON_TYPES[field.kind],),
        enum=field.choices or None,
        default=finite,
        non_finite_default=non_finite,
        attribute=_written_attribute(field),
        aliases=field.aliases or None,
        max_bytes=MAX_STR_BYTES if field.kind == "str" and not field.choices else None,
        no_default=(field.optional and field.default is MISSING) or None,
    )


def _nesting(field: Nested, definition: str) -> Subschema:
    finite: dict[str, object] = {}
    non_finite: dict[str, object] = {}
    for column, default in zip(field.record.columns, field.defaults or (), strict=False):
        one, other = _written_default(default)
        finite.update({} if one is ABSENT else {column.name: one})
        non_finite.update({} if other is ABSENT else {column.name: other})
    there = Subschema(ref=reference("$defs", definition))
    return Subschema(
        ref=None if field.optional else there.ref,
        one_of=(there, Subschema(type=("null",))) if field.optional else None,
        description=field.doc or None,
        deprecated=field.deprecated or None,
        default=None if field.defaults is None else finite if field.defaults else ABSENT,
        non_finite_default=non_finite or ABSENT,
        attribute=_written_attribute(field),
        aliases=field.aliases or None,
    )


def flattened(field: Nested, *definition: str) -> Iterator[tuple[str, Subschema]]:
    """Yield the name and the subschema of each column that *field* brings; its record is at the tokens *definition*."""
    for column, inner in zip(field.columns, field.record.columns, strict=True):
        finite, non_finite = _written_default(column.default) if field.defaults else (ABSENT, ABSENT)
        target = reference(*definition, "properties", inner.name)
        deprecated = True if field.deprecated and not inner.deprecated else None
        yield (
            column.name,
            Subschema(ref=target, deprecated=deprecated, default=finite, non_finite_default=non_finite),
        )


def dependencies(record: Record) -> dict[str, tuple[str, ...]]:
    """Return which names a result must have where it has another: those of a nested record that can be `None`."""
    needed = [column for column in record.columns if column.needed and column.within]
    found = {
        column.name: tuple(
            other.name for other in needed if other is not column and other.within == column.within[: len(other.within)]
        )
        for column in record.columns
    }
    return {name: others for name, others in found.items() if others}


def _written_default(default: Value | Missing | None) -> tuple[object, object]:
    """Return *default* as ``default`` and as ``x-typedtrack-default``: of NaN and the infinities JSON has no number."""
    if default is MISSING or default is None:
        return ABSENT, ABSENT
    if isinstance(default, float) and not math.isfinite(default):
        return ABSENT, next(name for name, value in NON_FINITE.items() if repr(value) == repr(default))
    return default, ABSENT


def _written_attribute(field: FieldSchema | Nested) -> str | None:
    return None if field.attribute == attribute_name(field.name) else field.attribute
