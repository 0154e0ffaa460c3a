"""What writing and reading documents share: the schemas as both see them, and keyword by keyword what is what."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final, Protocol, cast

from typedtrack._results.values import KINDS, Value
from typedtrack._schema.documents.grammar import KEYWORDS, Subschema
from typedtrack._schema.fields import FieldSchema, Flaw, KindName
from typedtrack._schema.words import Words

__all__ = ["CONSTRAINT_KEYWORDS", "FLAT_VALUE", "JSON_TYPES", "KIND_NAMES", "NON_FINITE", "WORDS", "Nested", "Record"]


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
    def flaws(self, words: Words, /) -> Iterator[tuple[int | None, Flaw]]: ...


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

WORDS: Final = Words(
    constraints={theirs: KEYWORDS[ours] for ours, theirs in CONSTRAINT_KEYWORDS.items()},
    types={kind.type: kind.json_type for kind in KINDS.values()}
    | {bool: "boolean", type(None): "null", list: "array", dict: "object"},
    double="double",
    only_none="can be null, which is absent in a stored result and must read back: its default can only be null; "
    'write "default": null, or take null from what it allows',
    no_field="needs a property that is required and takes no null, or has a default: a result has at least one field",
    bound="bound its strings by maxLength, or split it",
)
"""What documents call what can be wrong with a field."""
