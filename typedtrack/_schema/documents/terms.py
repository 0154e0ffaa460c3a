"""The schemas as documents see them, and how their values are written in JSON Schema."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final, Protocol, cast

from typedtrack._results.values import KINDS, Value
from typedtrack._schema.fields import FieldSchema, Flaw, KindName

__all__ = ["FLAT_VALUE", "JSON_TYPES", "KIND_NAMES", "NON_FINITE", "Nested", "Record"]


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


JSON_TYPES: Final = {kind.type.__name__: kind.json_type for kind in KINDS.values()}
KIND_NAMES: Final[dict[str, KindName]] = {
    json_type: cast("KindName", name)  # the kinds are named after their types
    for name, json_type in JSON_TYPES.items()
}
NON_FINITE: Final = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}

FLAT_VALUE: Final[dict[str, object]] = {"type": ["number", "string"]}
"""The values that a field may have about which a record knows nothing."""
