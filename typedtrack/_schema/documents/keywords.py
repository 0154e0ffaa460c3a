"""The JSON Schema keywords that a document may have: reader, role and meaning of each, in one table.

The table has the keywords of JSON Schema 2020-12, and those of older drafts and OpenAPI that mean the same. It lacks
keywords whose constraint a field cannot keep. It has keywords that constrain nothing, even if a record has no place
for them.
"""

from __future__ import annotations

import enum
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Final, TypeAlias, TypedDict, cast, get_type_hints

import attrs

from typedtrack._results.values import text_problem
from typedtrack._schema.documents.limits import MAX_NAME, MAX_PATTERN, MAX_URI
from typedtrack.errors import shown

__all__ = ["CLASH", "DIALECT", "KEYWORDS", "OLD_DIALECTS", "PREFIX", "REMEDIES", "Keyword", "Keywords", "Role"]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
OLD_DIALECTS: Final = frozenset(f"json-schema.org/draft-0{number}/schema" for number in (4, 6, 7))
"""Drafts in which a ``$ref`` turns off the keywords beside it."""
_DIALECTS: Final = OLD_DIALECTS | {
    "json-schema.org/draft/2020-12/schema",
    "json-schema.org/draft/2019-09/schema",
    "json-schema.org/schema",
    "spec.openapis.org/oas/3.1/dialect/base",
}
PREFIX: Final = "x-typedtrack-"
"""The start of typedtrack's own keywords. All other keywords that begin with ``x-`` are ignored."""

CLASH: Final = object()
"""Stands for the value of a keyword if two subschemas apply together and contradict each other."""

Reader: TypeAlias = Callable[[object], Any]
"""Returns the value of a keyword, or raises a `ValueError` with the reason why it has none."""


class Role(enum.Enum):
    """Where a keyword may stand."""

    ANYWHERE = enum.auto()
    FIELD = enum.auto()
    """On any field: of one value, or a nested record."""
    VALUE = enum.auto()
    """On any field of one value."""
    NUMBER = enum.auto()
    TEXT = enum.auto()
    OBJECT = enum.auto()
    REFERENCE = enum.auto()
    """Anywhere, but it is followed before fields are read."""


def _outer(inner: object, outer: object) -> object:
    return outer


@attrs.frozen
class Keyword:
    """One row of the table."""

    read: Reader
    role: Role
    both: Callable[[Any, Any], object] = _outer
    """Joins two values that apply together: the one in the target of a reference, and the one beside the reference.

    Returns `CLASH` if they contradict each other.
    """
    constraint: str | None = attrs.field(default=None, kw_only=True)
    """The attribute of `FieldSchema` that holds the value."""
    holds_subschemas: bool = attrs.field(default=False, kw_only=True)
    """Whether the value is an object or an array of subschemas."""


def _reader(
    expected: str, accepts: Callable[[Any], bool], convert: Callable[[Any], Any] = lambda value: value
) -> Reader:
    """Return a function that converts a value if *accepts* is true of it, and raises for any other value."""

    def read(value: object) -> Any:
        if accepts(value):
            return convert(value)
        raise ValueError(f"must be {expected}, not {shown(value)}")

    return read


def _short_text(expected: str, most: int) -> Reader:
    return _reader(f"{expected} of at most {most:,} characters", lambda value: _is_text(value) and len(value) <= most)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and text_problem(value, sys.maxsize) is None


def _are_texts(value: object) -> bool:
    return isinstance(value, (list, tuple)) and all(map(_is_text, cast("Sequence[object]", value)))


def _is_object(value: object) -> bool:
    return isinstance(value, Mapping)


def _is_number(value: object) -> bool:
    return type(value) in (int, float) and abs(cast("float", value)) <= sys.float_info.max


def _with_names(value: Mapping[object, object]) -> dict[object, object]:
    if bad := [name for name in value if not _is_text(name)]:
        raise ValueError(f"has a name that is not a string of valid Unicode: {shown(bad[0])}")
    return dict(value)


def _short_uri(uri: str) -> str:
    return re.sub("^https?://|#$", "", uri)


def _as_tuple(value: Any) -> tuple[object, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


_any: Final = _reader("anything", lambda value: True)
_flag: Final = _reader("true or false", lambda value: isinstance(value, bool))
_text: Final = _reader("a string of valid Unicode", _is_text)
_texts: Final = _reader("an array of strings of valid Unicode", _are_texts, tuple)
_types: Final = _reader(
    "a string or an array of strings", lambda value: _is_text(value) or _are_texts(value), _as_tuple
)
_name: Final = _short_text("a string of valid Unicode,", MAX_NAME)
_pattern: Final = _short_text("a string of valid Unicode,", MAX_PATTERN)
_uri: Final = _short_text("a URI", MAX_URI)
_anchor: Final = _reader(
    f"at most {MAX_NAME} letters, digits, -, . and _, the first a letter or _",
    lambda value: (
        isinstance(value, str)
        and re.fullmatch(r"(?a)[^\W\d][-\w.]*", value[: MAX_NAME + 1]) is not None
        and len(value) <= MAX_NAME
    ),
)
_array: Final = _reader("an array", lambda value: isinstance(value, (list, tuple)), tuple)
_number: Final = _reader("a finite number within the range of a 64-bit float", _is_number)
_length: Final = _reader(
    "an integer that is not negative", lambda value: _is_number(value) and value >= 0 and value % 1 == 0, int
)
_dialect: Final = _reader(
    f"{DIALECT}, or that of the drafts 2019-09, 7, 6 or 4",
    lambda value: _is_text(value) and _short_uri(value) in _DIALECTS,
    _short_uri,
)
_bound: Final = _reader(
    "a finite number within the range of a 64-bit float, or true or false beside the other bound",
    lambda value: isinstance(value, bool) or _is_number(value),
)
_object: Final = _reader("an object", _is_object, _with_names)
_object_or_flag: Final = _reader("an object, true or false", lambda value: isinstance(value, bool) or _is_object(value))
_dependencies: Final = _reader(
    "an object of arrays of strings",
    lambda value: _is_object(value) and all(map(_are_texts, value.values())),
    _with_names,
)


def _same(inner: object, outer: object) -> object:
    return outer if inner == outer else CLASH


def _common_types(inner: tuple[str, ...], outer: tuple[str, ...]) -> object:
    """Return the types that both allow; an integer is a number, too."""
    both = (
        name
        for name in dict.fromkeys((*inner, *outer))
        if all(name in types or (name == "integer" and "number" in types) for types in (inner, outer))
    )
    return tuple(both) or CLASH


Keywords = TypedDict(
    "Keywords",
    {
        "$schema": Annotated[str, Keyword(_dialect, Role.ANYWHERE)],
        "$id": Annotated[str, Keyword(_uri, Role.ANYWHERE)],
        "$anchor": Annotated[str, Keyword(_anchor, Role.ANYWHERE)],
        "$comment": Annotated[str, Keyword(_text, Role.ANYWHERE)],
        "id": Annotated[str, Keyword(_text, Role.ANYWHERE)],
        "$defs": Annotated[dict[str, object], Keyword(_object, Role.ANYWHERE, holds_subschemas=True)],
        "definitions": Annotated[dict[str, object], Keyword(_object, Role.ANYWHERE, holds_subschemas=True)],
        "title": Annotated[str, Keyword(_text, Role.ANYWHERE)],
        "description": Annotated[str, Keyword(_text, Role.ANYWHERE)],
        "examples": Annotated[tuple[object, ...], Keyword(_array, Role.ANYWHERE)],
        "example": Annotated[object, Keyword(_any, Role.ANYWHERE)],
        "externalDocs": Annotated[object, Keyword(_any, Role.ANYWHERE)],
        "xml": Annotated[object, Keyword(_any, Role.ANYWHERE)],
        "readOnly": Annotated[bool, Keyword(_flag, Role.ANYWHERE)],
        "writeOnly": Annotated[bool, Keyword(_flag, Role.ANYWHERE)],
        "contentMediaType": Annotated[str, Keyword(_text, Role.ANYWHERE)],
        "contentEncoding": Annotated[str, Keyword(_text, Role.ANYWHERE)],
        "contentSchema": Annotated[object, Keyword(_object_or_flag, Role.ANYWHERE)],
        "type": Annotated[tuple[str, ...], Keyword(_types, Role.ANYWHERE, _common_types)],
        "nullable": Annotated[bool, Keyword(_flag, Role.REFERENCE)],
        "$ref": Annotated[str, Keyword(_text, Role.REFERENCE)],
        "allOf": Annotated[tuple[object, ...], Keyword(_array, Role.REFERENCE, holds_subschemas=True)],
        "oneOf": Annotated[tuple[object, ...], Keyword(_array, Role.REFERENCE, holds_subschemas=True)],
        "anyOf": Annotated[tuple[object, ...], Keyword(_array, Role.REFERENCE, holds_subschemas=True)],
        "default": Annotated[object, Keyword(_any, Role.FIELD)],
        "deprecated": Annotated[bool, Keyword(_flag, Role.ANYWHERE, max)],
        "x-typedtrack-attribute": Annotated[str, Keyword(_name, Role.FIELD)],
        "x-typedtrack-aliases": Annotated[tuple[str, ...], Keyword(_texts, Role.FIELD)],
        "x-typedtrack-default": Annotated[object, Keyword(_any, Role.FIELD)],
        "x-typedtrack-no-default": Annotated[bool, Keyword(_flag, Role.VALUE)],
        "enum": Annotated[tuple[object, ...], Keyword(_array, Role.VALUE, _same)],
        "const": Annotated[object, Keyword(_any, Role.VALUE, _same)],
        "minimum": Annotated[float, Keyword(_number, Role.NUMBER, max, constraint="ge")],
        "exclusiveMinimum": Annotated[float, Keyword(_bound, Role.NUMBER, max, constraint="gt")],
        "maximum": Annotated[float, Keyword(_number, Role.NUMBER, min, constraint="le")],
        "exclusiveMaximum": Annotated[float, Keyword(_bound, Role.NUMBER, min, constraint="lt")],
        "format": Annotated[str, Keyword(_text, Role.VALUE, _same)],
        "multipleOf": Annotated[float, Keyword(_number, Role.NUMBER, _same, constraint="multiple_of")],
        "minLength": Annotated[int, Keyword(_length, Role.TEXT, max, constraint="min_length")],
        "maxLength": Annotated[int, Keyword(_length, Role.TEXT, min, constraint="max_length")],
        "pattern": Annotated[str, Keyword(_pattern, Role.TEXT, _same, constraint="pattern")],
        "x-typedtrack-pattern": Annotated[str, Keyword(_pattern, Role.TEXT, _same, constraint="pattern")],
        "x-typedtrack-max-bytes": Annotated[int, Keyword(_length, Role.TEXT, _same)],
        "properties": Annotated[dict[str, object], Keyword(_object, Role.OBJECT, holds_subschemas=True)],
        "required": Annotated[tuple[str, ...], Keyword(_texts, Role.OBJECT)],
        "dependentRequired": Annotated[dict[str, Sequence[str]], Keyword(_dependencies, Role.OBJECT)],
        "additionalProperties": Annotated[object, Keyword(_object_or_flag, Role.OBJECT)],
        "x-typedtrack-nested": Annotated[dict[str, object], Keyword(_object, Role.OBJECT, holds_subschemas=True)],
    },
    total=False,
)
"""The keywords that a subschema has, and their values. Subschemas in them are JSON as it was read."""

KEYWORDS: Final[dict[str, Keyword]] = {
    name: hint.__metadata__[0] for name, hint in get_type_hints(Keywords, include_extras=True).items()
}
"""The table."""

_ARRAYS: Final = "a result has no arrays; give each element a property of its own, or leave the property out"
_LOGIC: Final = "no field can keep it; leave it out, and check it where the results are read"
REMEDIES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("items", "prefixItems", "additionalItems", "contains", "uniqueItems", "minItems"), _ARRAYS),
    **dict.fromkeys(("maxItems", "minContains", "maxContains", "unevaluatedItems"), _ARRAYS),
    **dict.fromkeys(("not", "if", "then", "else", "dependentSchemas", "dependencies", "discriminator"), _LOGIC),
    **dict.fromkeys(("minProperties", "maxProperties", "propertyNames", "patternProperties"), _LOGIC),
    "unevaluatedProperties": "use additionalProperties",
    "openapi": "give one of the schemas in components/schemas, not the whole API",
    "$dynamicRef": "use $ref",
    "$recursiveRef": "use $ref",
}
"""The remedies for keywords that are not in the table."""
