"""JSON Schema 2020-12: the keywords that documents may have, and where they are; not what they say of records.

A document becomes a tree of `Subschema`, which is the supported subset: one attribute per keyword. cattrs builds the
tree and reports everything that is not in it; each problem is a pair of a JSON Pointer and a reason.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NewType, cast

import attrs

from typedtrack._documents.pointers import pointer
from typedtrack.errors import SchemaError, shown

if TYPE_CHECKING:
    from cattrs import Converter

__all__ = ["ABSENT", "DIALECT", "KEYWORDS", "PREFIX", "Subschema", "parse", "unparse"]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
PREFIX: Final = "x-typedtrack-"
"""What the keywords begin with for which JSON Schema has none. Other keywords that begin with ``x-`` are let pass."""

ABSENT: Final = object()
"""Stands for an absent keyword where null means something."""

_KEYWORD: Final = "keyword"
_READ: Final = "read"


def _text(value: object) -> str:
    if isinstance(value, str) and not any("\ud800" <= character <= "\udfff" for character in value):
        return value
    raise ValueError(f"must be a string of valid Unicode, not {shown(value)}")


def _array(value: object) -> tuple[object, ...]:
    if isinstance(value, (list, tuple)):
        return tuple(cast("Sequence[object]", value))
    raise ValueError(f"must be an array, not {shown(value)}")


def _texts(value: object) -> tuple[str, ...]:
    return tuple(map(_text, _array(value)))


def _types(value: object) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else _texts(value)


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise ValueError(f"must be true or false, not {shown(value)}")


def _number(value: object) -> int | float:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= sys.float_info.max:
        return value
    raise ValueError(f"must be a number that a double can be, not {shown(value)}")


def _length(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise ValueError(f"must be an integer that is not negative, not {shown(value)}")


def _dialect(value: object) -> str:
    if value in (DIALECT, f"{DIALECT}#"):
        return DIALECT
    raise ValueError(f"must be {DIALECT}, not {shown(value)}")


def _any(value: object) -> object:
    return value


def _object(value: object) -> dict[str, object]:
    if isinstance(value, Mapping):
        return {_text(name): there for name, there in cast("Mapping[object, object]", value).items()}
    raise ValueError(f"must be an object, not {shown(value)}")


def _subschema(value: object) -> Subschema:
    keywords = _object(value)
    known = {name: there for name, there in keywords.items() if name.startswith(PREFIX) or not name.startswith("x-")}
    return _converter().structure(known, Subschema)


def _subschema_or_flag(value: object) -> Subschema | bool:
    return value if isinstance(value, bool) else _subschema(value)


def _subschemas(value: object) -> Mapping[str, Subschema]:
    return _converter().structure(_object(value), dict[str, _Element])


def _branches(value: object) -> tuple[Subschema, ...]:
    return _converter().structure(_array(value), tuple[_Element, ...])


def _keyword(name: str, read: Callable[[object], object], default: object = None) -> Any:
    return attrs.field(default=default, metadata={_KEYWORD: name, _READ: read})


@attrs.frozen(kw_only=True)
class Subschema:
    """The keywords of a document, or of a subschema in it: `None`, or `ABSENT`, if absent.

    They are written in this order.
    """

    dialect: str | None = _keyword("$schema", _dialect)
    identifier: str | None = _keyword("$id", _text)
    title: str | None = _keyword("title", _text)
    description: str | None = _keyword("description", _text)
    comment: str | None = _keyword("$comment", _text)
    deprecated: bool | None = _keyword("deprecated", _flag)
    type: tuple[str, ...] | None = _keyword("type", _types)
    ref: str | None = _keyword("$ref", _text)
    enum: tuple[object, ...] | None = _keyword("enum", _array)
    const: object = _keyword("const", _any, ABSENT)
    one_of: tuple[Subschema, ...] | None = _keyword("oneOf", _branches)
    any_of: tuple[Subschema, ...] | None = _keyword("anyOf", _branches)
    minimum: int | float | None = _keyword("minimum", _number)
    exclusive_minimum: int | float | None = _keyword("exclusiveMinimum", _number)
    maximum: int | float | None = _keyword("maximum", _number)
    exclusive_maximum: int | float | None = _keyword("exclusiveMaximum", _number)
    multiple_of: int | float | None = _keyword("multipleOf", _number)
    min_length: int | None = _keyword("minLength", _length)
    max_length: int | None = _keyword("maxLength", _length)
    pattern: str | None = _keyword("pattern", _text)
    default: object = _keyword("default", _any, ABSENT)
    examples: tuple[object, ...] | None = _keyword("examples", _array)
    attribute: str | None = _keyword(f"{PREFIX}attribute", _text)
    aliases: tuple[str, ...] | None = _keyword(f"{PREFIX}aliases", _texts)
    max_bytes: int | None = _keyword(f"{PREFIX}max-bytes", _length)
    non_finite_default: object = _keyword(f"{PREFIX}default", _any, ABSENT)
    no_default: bool | None = _keyword(f"{PREFIX}no-default", _flag)
    properties: Mapping[str, Subschema] | None = _keyword("properties", _subschemas)
    required: tuple[str, ...] | None = _keyword("required", _texts)
    additional: bool | Subschema | None = _keyword("additionalProperties", _subschema_or_flag)  # noqa: RUF009  # frozen
    nested: Mapping[str, Subschema] | None = _keyword(f"{PREFIX}nested", _subschemas)
    definitions: Mapping[str, Subschema] | None = _keyword("$defs", _subschemas)

    def given(self) -> dict[str, Any]:
        """Return the attributes of the keywords that are not absent."""
        values = {name: getattr(self, name) for name in KEYWORDS}
        return {name: value for name, value in values.items() if value is not None and value is not ABSENT}


_Element = NewType("_Element", Subschema)  # as it is in objects and arrays: still to be held to be an object


KEYWORDS: Final[dict[str, str]] = {a.name: a.metadata[_KEYWORD] for a in attrs.fields(Subschema)}
"""Attribute of `Subschema` to keyword."""


def _hook(read: Callable[[object], object]) -> Callable[[object, object], Any]:
    return lambda value, _: read(value)


@cache
def _converter() -> Converter:
    from cattrs import Converter  # here, because a process that only puts and gets reads no document
    from cattrs.gen import make_dict_structure_fn, override

    converter = Converter()
    overrides: dict[str, Any] = {
        attribute.name: override(rename=attribute.metadata[_KEYWORD], struct_hook=_hook(attribute.metadata[_READ]))
        for attribute in attrs.fields(Subschema)
    }
    structure = make_dict_structure_fn(Subschema, converter, _cattrs_forbid_extra_keys=True, **overrides)
    converter.register_structure_hook(Subschema, structure)
    converter.register_structure_hook(_Element, _hook(_subschema))
    return converter


def parse(document: object, source: str) -> Subschema:
    """Return the tree of *document*; *source* names it in an error.

    Raises:
        SchemaError: something is not in the supported subset; lists all of it.
    """
    from cattrs.errors import BaseValidationError

    try:
        return _subschema(document)
    except BaseValidationError as error:
        problems = tuple(_problems(error, ""))
    except ValueError as error:
        problems = (("", str(error)),)
    raise SchemaError(source, problems)


def _problems(error: Exception, where: str) -> Iterator[tuple[str, str]]:
    from cattrs.errors import (
        AttributeValidationNote,
        ClassValidationError,
        ForbiddenExtraKeysError,
        IterableValidationError,
    )

    if isinstance(error, (ClassValidationError, IterableValidationError)):
        placed, others = error.group_exceptions()
        for inner, note in placed:
            token = KEYWORDS[note.name] if isinstance(note, AttributeValidationNote) else note.index
            yield from _problems(inner, where + pointer(str(token)))
        for inner in others:
            yield from _problems(inner, where)
    elif isinstance(error, ForbiddenExtraKeysError):
        for keyword in sorted(error.extra_fields):
            yield where + pointer(keyword), "is not a supported keyword"
    elif isinstance(error, RecursionError):
        yield where, "is nested too deeply"
    else:
        yield where, str(error)


def unparse(subschema: Subschema) -> dict[str, object]:
    """Return *subschema* as the JSON object that `parse` reads."""
    return {KEYWORDS[name]: _plain(name, value) for name, value in subschema.given().items()}


def _plain(name: str, value: Any) -> object:
    if isinstance(value, Subschema):
        return unparse(value)
    if name in ("properties", "nested", "definitions"):
        return {key: unparse(there) for key, there in value.items()}
    if name == "type" and len(value) == 1:
        return value[0]
    if isinstance(value, tuple):
        elements = cast("tuple[object, ...]", value)
        return [unparse(element) if isinstance(element, Subschema) else element for element in elements]
    return value
