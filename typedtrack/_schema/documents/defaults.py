"""The default of a nested record to those of its columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, cast

from typedtrack._results.values import Value
from typedtrack._schema.documents.grammar import ABSENT
from typedtrack._schema.documents.parsing import Report
from typedtrack._schema.documents.pointers import pointer
from typedtrack._schema.documents.references import Layer
from typedtrack._schema.documents.values import json_number, non_finite, of_kind
from typedtrack._schema.fields import MISSING, FieldSchema, Missing
from typedtrack.errors import shown

__all__ = ["nested_defaults"]


def nested_defaults(
    columns: Sequence[FieldSchema],
    layer: Layer,
    places: dict[tuple[str, int | None], str],
    report: Report,
    *,
    nullable: bool,
    unsure: AbstractSet[str],
    whole: bool,
) -> tuple[Value | Missing | None, ...] | None:
    """Return the default of each of *columns*, none where the record has no default; note their *places*.

    Where null is its default, that is `None`. *unsure* are the names of columns that are not known whole; *whole* says
    whether there are no more columns.
    """
    given: dict[str, tuple[object, str]] = {}
    for attribute, taken in (("default", json_number), ("non_finite_default", non_finite)):
        values, place = getattr(layer.keywords, attribute), layer.place(attribute)
        if isinstance(values, Mapping):
            for name, value in cast("Mapping[str, object]", values).items():  # of other names none is a column
                at = place + pointer(str(name))
                given[name] = taken(value, at, report), at
        elif values is None and nullable:
            return None
        elif values is not ABSENT:
            report(place, f"must be an object, not {shown(values)}")
            return ()
    if layer.keywords.default is ABSENT and layer.keywords.non_finite_default is ABSENT:
        return ()
    beside = layer.place("default")
    defaults: list[Value | Missing | None] = []
    for index, column in enumerate(columns):
        absent = None if column.optional or column.within else column.default
        default, place = given.pop(column.name, (absent, beside))
        places["default", index] = place
        if default is MISSING and place == beside and column.name not in unsure:
            report(beside, f"lacks {column.name!r}")
        defaults.append(cast("Any", of_kind(default, column.kind)))  # what no value is, the definition refuses
    for _, place in given.values():
        if whole:
            report(place, "is no field of the record")
    return tuple(defaults)
