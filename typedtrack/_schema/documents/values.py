"""Subschemas of one value to fields."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

import attrs

from typedtrack._results.values import MAX_STR_BYTES
from typedtrack._schema.documents.grammar import ABSENT, KEYWORDS
from typedtrack._schema.documents.parsing import Report
from typedtrack._schema.documents.pointers import pointer
from typedtrack._schema.documents.references import Layer
from typedtrack._schema.documents.terms import CONSTRAINT_KEYWORDS, JSON_TYPES, KIND_NAMES, NON_FINITE, Nested
from typedtrack._schema.fields import MISSING, FieldSchema, KindName
from typedtrack._schema.identifiers import attribute_name, attribute_problem
from typedtrack.errors import shown

__all__ = [
    "ANNOTATIONS",
    "OF_FIELDS",
    "TELL_TYPES",
    "Member",
    "attribute_of",
    "field_places",
    "json_number",
    "non_finite",
    "of_kind",
    "read_value",
    "refuse_others",
]

ANNOTATIONS: Final = frozenset(
    {"dialect", "identifier", "anchor", "title", "description", "comment", "read_only", "write_only", "examples"}
    | {"content_type", "content_encoding", "content", "definitions"}
)
"""What says nothing of values, and may be anywhere."""
OF_FIELDS: Final = frozenset({"attribute", "aliases", "default", "non_finite_default"})

_OF_VALUES: Final = ANNOTATIONS | OF_FIELDS | {"type", "deprecated", "no_default", "enum", "const"}
_OF_NUMBERS: Final = frozenset({"minimum", "exclusive_minimum", "maximum", "exclusive_maximum", "multiple_of"})
_OF_TEXTS: Final = frozenset({"min_length", "max_length", "pattern", "max_bytes"})
_OF_KIND: Final[dict[KindName, frozenset[str]]] = {"int": _OF_NUMBERS, "float": _OF_NUMBERS, "str": _OF_TEXTS}
_CHOOSES: Final = "takes only integers, or only strings, besides null"
TELL_TYPES: Final = frozenset(KEYWORDS[name] for name in ("type", "enum", "ref", "one_of", "any_of"))
"""Keywords by which the type may be told."""


@attrs.frozen
class Member:
    """A field as far as it could be read, and where in the document it is.

    What could not be read is left out, and a field of which not even the kind is known is an `int`: so that the rules
    for names can be asked all the same.
    """

    field: FieldSchema | Nested
    where: str
    places: Mapping[tuple[str, int | None], str]
    """For a part of the field, and which of its elements, the JSON Pointer."""
    unsure: frozenset[str] = frozenset()
    """The names, within the field, of columns that are not known whole."""
    whole: bool = True
    """Whether there may be no more columns than are known."""

    @property
    def columns(self) -> tuple[FieldSchema, ...]:
        """The columns that it brings."""
        return (self.field,) if isinstance(self.field, FieldSchema) else self.field.columns

    def place(self, part: str, index: int | None = None) -> str:
        """Return the JSON Pointer of a part of the field, or of one of its elements."""
        return self.places.get((part, index), self.where)


def attribute_of(name: str, layer: Layer, where: str, report: Report) -> str:
    """Return the attribute of the field *name*; one that is not known is no other's."""
    if KEYWORDS["attribute"] in layer.keywords.unread:
        return where
    given = layer.keywords.attribute
    attribute = attribute_name(name) if given is None else given
    if (reason := attribute_problem(attribute)) is not None:
        by_name = f"; give it one by {KEYWORDS['attribute']}" if given is None else ""
        place = where if given is None else layer.place("attribute")
        report(place, f"is an attribute in Python, and {reason}{by_name}")
    return attribute


def field_places(layer: Layer) -> dict[tuple[str, int | None], str]:
    """Return where the keywords in *layer* are that any field may have."""
    given, aliases = layer.keywords.given(), layer.place("aliases")
    places: dict[tuple[str, int | None], str] = {}
    for name in ("attribute", "aliases"):
        if name in given:
            places[name, None] = layer.place(name)
    for index in range(len(given.get("aliases", ()))):
        places["aliases", index] = aliases + pointer(str(index))
    return places


def refuse_others(layer: Layer, taken: frozenset[str], what: str, report: Report) -> None:
    """Tell *report* of the keywords that are not *taken*."""
    for name in layer.keywords.given():
        if name not in taken:
            report(layer.place(name), f"does not apply to {what}")


def read_value(name: str, layer: Layer, where: str, report: Report, *, nullable: bool, required: bool) -> Member:
    """Return the field *name* that *layer*, what the subschema *where* comes to, describes."""
    keywords = layer.keywords
    choices, complete = _choices(layer, report)
    kind = _kind(layer, choices, report)
    known: dict[str, Any] = {
        "attribute": attribute_of(name, layer, where, report),
        "name": name,
        "aliases": keywords.aliases or (),
        "doc": keywords.description or "",
        "deprecated": bool(keywords.deprecated),
    }
    places = {**field_places(layer), ("default", None): layer.place(_default_keyword(layer))}
    places |= {("choices", index): place for index, place in enumerate(choices.values())}

    if kind is not None:
        refuse_others(layer, _OF_VALUES | _OF_KIND[kind], f"the type {JSON_TYPES[kind]}", report)
    if keywords.max_bytes not in (None, MAX_STR_BYTES):
        report(layer.place("max_bytes"), f"is always {MAX_STR_BYTES}; bound it by maxLength")
    likely = kind or _likely(layer)
    for ours, theirs in CONSTRAINT_KEYWORDS.items():
        if ours in _OF_KIND[likely] and (bound := getattr(keywords, ours)) is not None:
            known[theirs] = of_kind(bound, likely)
            places[theirs, None] = layer.place(ours)
    if kind is None or not complete:
        return Member(FieldSchema(**known, kind=likely, choices=tuple(choices)), where, places, frozenset({name}))
    given = _default(layer, kind, report)
    optional = nullable or (not required and given in (ABSENT, None))
    default = MISSING if required or keywords.no_default or not optional else None
    if given is not ABSENT:
        default = cast("Any", given)  # what no value is, the definition refuses
    field = FieldSchema(**known, kind=kind, optional=optional, choices=tuple(choices), default=default)
    return Member(field, where, places)


def _choices(layer: Layer, report: Report) -> tuple[dict[int | str, str], bool]:
    """Return the values that ``enum`` or ``const`` allow, with their places, and whether they are all."""
    keywords = layer.keywords
    if keywords.enum is None and keywords.const is ABSENT:
        return {}, True
    if keywords.enum is not None and keywords.const is not ABSENT:
        report(layer.place("const"), "does not apply beside enum")
    keyword = "const" if keywords.enum is None else "enum"
    allowed = {layer.place("const"): keywords.const}
    if keywords.enum is not None:
        allowed = {layer.place("enum") + pointer(str(index)): value for index, value in enumerate(keywords.enum)}
    choices: dict[int | str, str] = {}
    complete = True
    types: tuple[type, ...] = (int, str)
    for place, value in allowed.items():
        choice = of_kind(value, "int")
        if choice is None:
            continue
        if type(choice) not in types:
            report(place, f"is {shown(value)}, but {KEYWORDS[keyword]} {_CHOOSES}")
            complete = False
        elif choice in choices:
            report(place, "repeats a value")
        else:
            choices[cast("int | str", choice)] = place
            types = (type(choice),)
    if complete and not choices:
        report(layer.place(keyword), _CHOOSES)
    return choices, complete and bool(choices)


def _kind(layer: Layer, choices: Iterable[int | str], report: Report) -> KindName | None:
    """Return the kind of the values; `None` where it is not told, or by nothing that could be read."""
    chosen = next((JSON_TYPES[type(choice).__name__] for choice in choices), None)
    types = layer.keywords.type or ((chosen,) if chosen else ())
    if len(types) == 1 and types[0] in KIND_NAMES:
        if chosen in (None, types[0]):
            return KIND_NAMES[types[0]]
        report(layer.place("type"), f"is {types[0]}, but the values allowed are of the type {chosen}")
    elif types or (
        TELL_TYPES.isdisjoint(layer.keywords.unread) and layer.keywords.lacks("enum") and layer.keywords.lacks("const")
    ):
        found = shown(types[0] if len(types) == 1 else list(types)) if types else "absent"
        report(layer.place("type"), f"is {found}: a field is integer, number or string, or an object")
    return None


def _likely(layer: Layer) -> KindName:
    """Return of which kind the constraints are, to be held to their rules; all the same where there is none."""
    return "str" if not _OF_TEXTS.isdisjoint(layer.keywords.given()) else "float"


def _default_keyword(layer: Layer) -> str:
    return "non_finite_default" if layer.keywords.default is ABSENT else "default"


def _default(layer: Layer, kind: KindName, report: Report) -> object:
    """Return the default, or `ABSENT`."""
    finite, other = layer.keywords.default, layer.keywords.non_finite_default
    if other is ABSENT:
        return ABSENT if finite is ABSENT else of_kind(json_number(finite, layer.place("default"), report), kind)
    if finite is not ABSENT:
        report(layer.place("non_finite_default"), "does not apply beside default")
    return non_finite(other, layer.place("non_finite_default"), report)


def json_number(value: object, place: str, report: Report) -> object:
    """Return *value*, a default that was written as JSON has it."""
    if isinstance(value, float) and not math.isfinite(value):
        report(place, f"is {value!r}, which is no JSON: {KEYWORDS['non_finite_default']} takes it as text")
    return value


def non_finite(value: object, place: str, report: Report) -> object:
    """Return the number that *value*, a default of those that JSON has none for, is the text of."""
    if isinstance(value, str) and value in NON_FINITE:
        return NON_FINITE[value]
    report(place, f"must be {', '.join(NON_FINITE)}, not {shown(value)}")
    return MISSING


def of_kind(value: object, kind: KindName) -> object:
    """Return *value* as a number of the *kind*, if that equals it: JSON does not tell 1 from 1.0."""
    try:
        if type(value) is int and kind == "float":
            return float(value) if float(value) == value else value
        if type(value) is float and kind == "int":
            return int(value) if value.is_integer() else value
    except OverflowError:
        pass
    return value
