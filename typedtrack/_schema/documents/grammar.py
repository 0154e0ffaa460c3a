"""JSON Schema 2020-12: the keywords that documents may have, and their values; not what they say of records.

A `Subschema` is the supported subset, one attribute per keyword. What constrains values and no field can keep is not in
it (``format`` neither, for some validators hold values to it); what constrains none is, though a record may have no
place for it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal, NewType, TypeAlias, cast

import attrs

from typedtrack.errors import shown

__all__ = [
    "ABSENT",
    "DIALECT",
    "HOLDS",
    "KEYWORDS",
    "PREFIX",
    "READERS",
    "UNREADABLE",
    "Subschema",
    "Text",
    "keywords_of",
    "text",
    "unparse",
]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
PREFIX: Final = "x-typedtrack-"
"""What the keywords begin with for which JSON Schema has none. Other keywords that begin with ``x-`` are let pass."""

ABSENT: Final = object()
"""Stands for an absent keyword where null means something."""

Text = NewType("Text", str)
"""An element of an array of strings."""
Holds: TypeAlias = Literal["texts", "named", "listed", "one"]
"""What is in a keyword's value: strings in an array; subschemas by name, in an array, or just one."""

_KEYWORD: Final = "keyword"
_READ: Final = "read"
_HOLDS: Final = "holds"
_ANCHOR: Final = re.compile(r"[A-Za-z_][-A-Za-z0-9._]*")


def text(value: object) -> str:
    """Return *value*, if it is a string of valid Unicode."""
    if isinstance(value, str) and not any("\ud800" <= character <= "\udfff" for character in value):
        return value
    raise ValueError(f"must be a string of valid Unicode, not {shown(value)}")


def _array(value: object, taken: str = "an array") -> tuple[object, ...]:
    if isinstance(value, (list, tuple)):
        return tuple(cast("Sequence[object]", value))
    raise ValueError(f"must be {taken}, not {shown(value)}")


def _types(value: object) -> tuple[object, ...]:
    return (text(value),) if isinstance(value, str) else _array(value, "a string or an array of strings")


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise ValueError(f"must be true or false, not {shown(value)}")


def _number(value: object) -> int | float:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= sys.float_info.max:
        return value
    raise ValueError(f"must be a number that a double can be, not {shown(value)}")


def _length(value: object) -> int:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0 and value % 1 == 0:
        return int(value)
    raise ValueError(f"must be an integer that is not negative, not {shown(value)}")


def _dialect(value: object) -> str:
    if value in (DIALECT, f"{DIALECT}#"):
        return DIALECT
    raise ValueError(f"must be {DIALECT}, not {shown(value)}")


def _anchor(value: object) -> str:
    if _ANCHOR.fullmatch(text(value)):
        return text(value)
    raise ValueError(f"must begin with a letter or _, and go on in letters, digits, -, . and _, not {shown(value)}")


def _any(value: object) -> object:
    return value


def keywords_of(value: object) -> dict[str, object]:
    """Return *value*, if it is an object."""
    if isinstance(value, Mapping):
        return {text(name): there for name, there in cast("Mapping[object, object]", value).items()}
    raise ValueError(f"must be an object, not {shown(value)}")


def _dependencies(value: object) -> dict[str, tuple[str, ...]]:
    return {name: tuple(map(text, _array(names))) for name, names in keywords_of(value).items()}


def _object_or_flag(value: object) -> dict[str, object] | bool:
    return value if isinstance(value, bool) else keywords_of(value)


def _keyword(name: str, read: Callable[[object], object], default: object = None, holds: Holds | None = None) -> Any:
    return attrs.field(default=default, metadata={_KEYWORD: name, _READ: read, _HOLDS: holds})


@attrs.frozen(kw_only=True)
class Subschema:
    """The keywords of a document, or of a subschema in it: `None`, or `ABSENT`, if absent.

    They are written in this order.
    """

    dialect: str | None = _keyword("$schema", _dialect)
    identifier: str | None = _keyword("$id", text)
    anchor: str | None = _keyword("$anchor", _anchor)
    title: str | None = _keyword("title", text)
    description: str | None = _keyword("description", text)
    comment: str | None = _keyword("$comment", text)
    deprecated: bool | None = _keyword("deprecated", _flag)
    read_only: bool | None = _keyword("readOnly", _flag)
    write_only: bool | None = _keyword("writeOnly", _flag)
    content_type: str | None = _keyword("contentMediaType", text)
    content_encoding: str | None = _keyword("contentEncoding", text)
    content: object = _keyword("contentSchema", _object_or_flag)
    type: tuple[str, ...] | None = _keyword("type", _types, holds="texts")
    ref: str | None = _keyword("$ref", text)
    enum: tuple[object, ...] | None = _keyword("enum", _array)
    const: object = _keyword("const", _any, ABSENT)
    one_of: tuple[Subschema, ...] | None = _keyword("oneOf", _array, holds="listed")
    any_of: tuple[Subschema, ...] | None = _keyword("anyOf", _array, holds="listed")
    minimum: int | float | None = _keyword("minimum", _number)
    exclusive_minimum: int | float | None = _keyword("exclusiveMinimum", _number)
    maximum: int | float | None = _keyword("maximum", _number)
    exclusive_maximum: int | float | None = _keyword("exclusiveMaximum", _number)
    multiple_of: int | float | None = _keyword("multipleOf", _number)
    min_length: int | None = _keyword("minLength", _length)
    max_length: int | None = _keyword("maxLength", _length)
    pattern: str | None = _keyword("pattern", text)
    default: object = _keyword("default", _any, ABSENT)
    examples: tuple[object, ...] | None = _keyword("examples", _array)
    attribute: str | None = _keyword(f"{PREFIX}attribute", text)
    aliases: tuple[str, ...] | None = _keyword(f"{PREFIX}aliases", _array, holds="texts")
    max_bytes: int | None = _keyword(f"{PREFIX}max-bytes", _length)
    non_finite_default: object = _keyword(f"{PREFIX}default", _any, ABSENT)
    no_default: bool | None = _keyword(f"{PREFIX}no-default", _flag)
    properties: Mapping[str, Subschema] | None = _keyword("properties", keywords_of, holds="named")
    required: tuple[str, ...] | None = _keyword("required", _array, holds="texts")
    dependent: Mapping[str, tuple[str, ...]] | None = _keyword("dependentRequired", _dependencies)
    additional: bool | Subschema | None = _keyword("additionalProperties", _object_or_flag, holds="one")  # noqa: RUF009  # frozen
    nested: Mapping[str, Subschema] | None = _keyword(f"{PREFIX}nested", keywords_of, holds="named")
    definitions: Mapping[str, Subschema] | None = _keyword("$defs", keywords_of, holds="named")
    unread: frozenset[str] = frozenset()
    """Keywords that are there, or may be, but could not be read: what they say is not known."""

    def given(self) -> dict[str, Any]:
        """Return the attributes of the keywords that are not absent."""
        return {name: value for name in KEYWORDS if (value := getattr(self, name)) is not _IF_ABSENT[name]}

    def lacks(self, name: str) -> bool:
        """Return whether the keyword of the attribute *name* is absent, and known to be."""
        return getattr(self, name) is _IF_ABSENT[name] and KEYWORDS[name] not in self.unread


_ATTRIBUTES: Final = [attribute for attribute in attrs.fields(Subschema) if attribute.metadata]

KEYWORDS: Final[dict[str, str]] = {a.name: a.metadata[_KEYWORD] for a in _ATTRIBUTES}
"""Attribute of `Subschema` to keyword."""

_IF_ABSENT: Final[dict[str, object]] = {a.name: a.default for a in _ATTRIBUTES}

READERS: Final[dict[str, Callable[[object], Any]]] = {a.name: a.metadata[_READ] for a in _ATTRIBUTES}
"""Attribute to what takes its value, or raises a `ValueError` with the reason."""

HOLDS: Final[dict[str, Holds]] = {a.name: a.metadata[_HOLDS] for a in _ATTRIBUTES if a.metadata[_HOLDS] is not None}
"""Attribute to what is in its value, where that is to be read, too."""

UNREADABLE: Final = Subschema(unread=frozenset(KEYWORDS.values()))
"""Stands for a subschema of which nothing could be read."""


def unparse(subschema: Subschema) -> dict[str, object]:
    """Return *subschema* as the JSON object that it is read from."""
    return {KEYWORDS[name]: _plain(name, value) for name, value in subschema.given().items()}


def _plain(name: str, value: Any) -> object:
    if isinstance(value, Subschema):
        return unparse(value)
    if HOLDS.get(name) == "named":
        return {key: unparse(there) for key, there in value.items()}
    if name == "dependent":
        return {key: list(names) for key, names in value.items()}
    if name == "type" and len(value) == 1:
        return value[0]
    if isinstance(value, tuple):
        elements = cast("tuple[object, ...]", value)
        return [unparse(element) if isinstance(element, Subschema) else element for element in elements]
    return value
