"""The schemas as documents see them, and how their values are written in JSON Schema."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Protocol

from typedtrack._results.values import KINDS, Kind, Value
from typedtrack._schema.fields import FieldSchema, Flaw

__all__ = ["FLAT_VALUE", "KINDS_BY_JSON_TYPE", "NON_FINITE", "Nested", "Record"]


class Nested(Protocol):
    """A `NestedSchema`, which is defined above this package."""

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
    """A `RecordSchema`, which is defined above this package."""

    @property
    def name(self) -> str: ...
    @property
    def fields(self) -> Sequence[FieldSchema | Nested]: ...
    @property
    def doc(self) -> str: ...
    @property
    def columns(self) -> tuple[FieldSchema, ...]: ...
    @property
    def can_be_empty(self) -> bool: ...
    def flaws(self, *, nested: bool) -> Iterator[tuple[int | None, Flaw]]: ...


KINDS_BY_JSON_TYPE: Final[Mapping[str, Kind]] = {kind.json_type: kind for kind in KINDS.values()}
NON_FINITE: Final = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}

FLAT_VALUE: Final[dict[str, object]] = {"type": ["number", "string"]}
"""The subschema of fields that a record does not declare."""
