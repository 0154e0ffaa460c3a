"""What writing and reading documents share: the schemas as both see them, and keyword by keyword what is what."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final, Protocol, cast

from typedtrack._columns import FieldSchema, Flaw, KindName
from typedtrack._documents.grammar import Subschema
from typedtrack._values import KINDS, Value

__all__ = ["CONSTRAINT_KEYWORDS", "FLAT_VALUE", "JSON_TYPES", "KIND_NAMES", "NON_FINITE", "Nested", "Record"]


class Nested(Protocol):
    """A `NestedSchema`: this room is below its own."""

    @property
    def attribute(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def record(self) -> Record: ...
    @property
    def optional(self) -> bool: ...
    @property
    def defaults(self) -> tuple[Value | None, ...] | None: ...
    @property
    def aliases(self) -> tuple[str, ...]: ...
    @property
    def doc(self) -> str: ...
    @property
    def deprecated(self) -> bool: ...
    @property
    def columns(self) -> tuple[FieldSchema, ...]: ...


class Record(Protocol):
    """A `RecordSchema`."""

    @property
    def name(self) -> str: ...
    @property
    def fields(self) -> Sequence[FieldSchema | Nested]: ...
    @property
    def doc(self) -> str: ...
    @property
    def columns(self) -> tuple[FieldSchema, ...]: ...
    def flaws(self) -> Iterator[tuple[int | None, Flaw]]: ...


JSON_TYPES: Final = {kind.type.__name__: kind.json_type for kind in KINDS.values()}
KIND_NAMES: Final[dict[str, KindName]] = {  # the names of the kinds are these
    json_type: cast("KindName", name) for name, json_type in JSON_TYPES.items()
}
NON_FINITE: Final = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}

CONSTRAINT_KEYWORDS: Final = {
    "minimum": "ge",
    "exclusive_minimum": "gt",
    "maximum": "le",
    "exclusive_maximum": "lt",
    "multiple_of": "multiple_of",
    "min_length": "min_length",
    "max_length": "max_length",
    "pattern": "pattern",
}
"""Attribute of `Subschema` to attribute of `FieldSchema`."""

FLAT_VALUE: Final = Subschema(type=("number", "string"))
"""What a field may be of which a record knows nothing."""
