"""Schemas to documents."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import attrs

from typedtrack._results.values import KINDS_BY_NAME, MAX_STR_BYTES, Value
from typedtrack._schema.documents.ecma_patterns import reads_alike
from typedtrack._schema.documents.keywords import DIALECT, KEYWORDS
from typedtrack._schema.documents.pointers import reference
from typedtrack._schema.documents.terms import FLAT_VALUE, NON_FINITE, Nested, Record
from typedtrack._schema.fields import MISSING, FieldSchema, Missing
from typedtrack._schema.identifiers import attribute_name

__all__ = ["dependencies", "flattened", "write"]

_ABSENT: Final = object()


def write(record: Record, *, open_content: bool = False) -> dict[str, object]:
    """Return the document of *record*; with *open_content*, one for tools that make types of it."""
    if open_content:
        return {"$schema": DIALECT, **_flat_object(record)}
    writer = _Writer()
    written = writer.object_of(record, additional=FLAT_VALUE)
    return _present({"$schema": DIALECT, **written, "$defs": writer.definitions or _ABSENT})


class _Writer:
    def __init__(self) -> None:
        self._names: dict[Record, str] = {}
        self.definitions: dict[str, object] = {}

    def object_of(self, record: Record, additional: object = _ABSENT) -> dict[str, object]:
        properties: dict[str, object] = {}
        nested: dict[str, object] = {}
        for field in record.fields:
            if isinstance(field, FieldSchema):
                properties[field.name] = _property(field)
            else:
                name = self._definition(field.record)
                nested[field.name] = _nesting(field, name)
                properties.update(flattened(field, "$defs", name))
        return _object(record, properties, additional) | _present({"x-typedtrack-nested": nested or _ABSENT})

    def _definition(self, record: Record) -> str:
        if record not in self._names:
            written = self.object_of(record)  # first, so that the records in it come before it
            name, count = record.name, 1
            while name in self.definitions:
                count += 1
                name = f"{record.name}_{count}"
            self._names[record] = name
            self.definitions[name] = written
        return self._names[record]


def _flat_object(record: Record) -> dict[str, object]:
    """Return an object with each column in place: quicktype follows no reference to a name with a slash.

    The default of a column in a record that can be `None` is left out: it does not hold where the record is absent.
    """
    properties: dict[str, object] = {}
    for column in record.columns:
        default = None if column.within else column.default
        properties[column.name] = _property(
            attrs.evolve(column, attribute=attribute_name(column.name), default=default)
        )
    return _object(record, properties)


def _object(record: Record, properties: dict[str, object], additional: object = _ABSENT) -> dict[str, object]:
    return _present(
        {
            "title": record.name,
            "description": record.doc or _ABSENT,
            "type": "object",
            "properties": properties,
            "required": [column.name for column in record.columns if column.required] or _ABSENT,
            "dependentRequired": dict(dependencies(record)) or _ABSENT,
            "additionalProperties": additional,
        }
    )


def _property(field: FieldSchema) -> dict[str, object]:
    finite, non_finite = _default(field.default)
    constraints = {keyword: getattr(field, row.constraint) for keyword, row in KEYWORDS.items() if row.constraint}
    if field.pattern is not None:  # others read `pattern` as ECMA-262 has it
        del constraints["x-typedtrack-pattern" if reads_alike(field.pattern) else "pattern"]
    return _present(
        {
            "description": field.doc or _ABSENT,
            "deprecated": field.deprecated or _ABSENT,
            "type": KINDS_BY_NAME[field.kind].json_type,
            "enum": sorted(field.choices) or _ABSENT,
            **{keyword: bound for keyword, bound in constraints.items() if bound is not None},
            "default": finite,
            "x-typedtrack-attribute": _attribute(field),
            "x-typedtrack-aliases": list(field.aliases) or _ABSENT,
            "x-typedtrack-max-bytes": MAX_STR_BYTES if field.kind == "str" and not field.choices else _ABSENT,
            "x-typedtrack-default": non_finite,
            "x-typedtrack-no-default": (field.optional and field.default is MISSING) or _ABSENT,
        }
    )


def _nesting(field: Nested, definition: str) -> dict[str, object]:
    finite: dict[str, object] = {}
    non_finite: dict[str, object] = {}
    for column, default in zip(field.record.columns, field.defaults or (), strict=False):
        one, other = _default(default)
        finite |= _present({column.name: one})
        non_finite |= _present({column.name: other})
    there = {"$ref": reference("$defs", definition)}
    return _present(
        {
            "description": field.doc or _ABSENT,
            "deprecated": field.deprecated or _ABSENT,
            **({"oneOf": [there, {"type": "null"}]} if field.optional else there),
            "default": None if field.defaults is None else finite if field.defaults else _ABSENT,
            "x-typedtrack-attribute": _attribute(field),
            "x-typedtrack-aliases": list(field.aliases) or _ABSENT,
            "x-typedtrack-default": non_finite or _ABSENT,
        }
    )


def flattened(field: Nested, *definition: str) -> Iterator[tuple[str, dict[str, object]]]:
    """Yield name and subschema of each column of *field*; its record is at the tokens *definition*."""
    properties = reference(*definition, "properties")
    for column, inner in zip(field.columns, field.record.columns, strict=True):
        finite, non_finite = _default(column.default) if field.defaults else (_ABSENT, _ABSENT)
        written = {
            "deprecated": (field.deprecated and not inner.deprecated) or _ABSENT,
            "$ref": properties + reference(inner.name).removeprefix("#"),
            "default": finite,
            "x-typedtrack-default": non_finite,
        }
        yield column.name, _present(written)


def dependencies(record: Record) -> Iterator[tuple[str, list[str]]]:
    """Yield each name of a nested record that can be `None`, with the other names that must be stored beside it."""
    needed: dict[tuple[str, ...], list[tuple[int, str]]] = {}
    for index, column in enumerate(record.columns):
        if column.needed and column.within:
            needed.setdefault(column.within, []).append((index, column.name))
    for column in record.columns:
        around = (column.within[:depth] for depth in range(1, len(column.within) + 1))
        others = sorted(other for path in around for other in needed.get(path, ()) if other[1] != column.name)
        if others:
            yield column.name, [name for _, name in others]


def _present(keywords: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in keywords.items() if value is not _ABSENT}


def _default(default: Value | Missing | None) -> tuple[object, object]:
    """Return *default* for ``default`` and for ``x-typedtrack-default``: JSON cannot express NaN and the infinities."""
    if default is MISSING or default is None:
        return _ABSENT, _ABSENT
    if isinstance(default, float) and not math.isfinite(default):
        return _ABSENT, next(name for name, value in NON_FINITE.items() if repr(value) == repr(default))
    return default, _ABSENT


def _attribute(field: FieldSchema | Nested) -> object:
    return _ABSENT if field.attribute == attribute_name(field.name) else field.attribute
