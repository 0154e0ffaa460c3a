"""Documents to schemas."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, Generic, TypeVar, cast

from typedtrack._columns import MISSING, FieldSchema, KindName
from typedtrack._documents.grammar import ABSENT, KEYWORDS, Subschema, parse, unparse
from typedtrack._documents.pointers import pointer, tokens_of
from typedtrack._documents.references import Document, Resolved
from typedtrack._documents.terms import (
    CONSTRAINT_KEYWORDS,
    FLAT_VALUE,
    JSON_TYPES,
    KIND_NAMES,
    NON_FINITE,
    Nested,
    Record,
)
from typedtrack._documents.writing import flattened
from typedtrack._identifiers import attribute_name, attribute_problem, class_name, identifier_problem
from typedtrack._values import MAX_STR_BYTES, Value
from typedtrack.errors import SchemaError, shown

__all__ = ["read"]

R = TypeVar("R", bound=Record)

_ANYWHERE: Final = frozenset({"title", "description", "comment", "examples", "type"})
_OF_FIELDS: Final = frozenset({"attribute", "aliases", "default", "non_finite_default"})
_OF_VALUES: Final = _ANYWHERE | _OF_FIELDS | {"deprecated", "no_default", "enum", "const"}
_OF_NUMBERS: Final = _OF_VALUES | {"minimum", "exclusive_minimum", "maximum", "exclusive_maximum", "multiple_of"}
_OF_KIND: Final[dict[KindName, frozenset[str]]] = {
    "int": _OF_NUMBERS,
    "float": _OF_NUMBERS,
    "str": _OF_VALUES | {"min_length", "max_length", "pattern", "max_bytes"},
}
_OF_OBJECTS: Final = _ANYWHERE | {"properties", "required", "additional", "nested"}
_OF_DOCUMENTS: Final = _OF_OBJECTS | {"dialect", "identifier", "definitions"}

_MOST_NAMES: Final = 10_000  # more fields than fit a result; a small document could ask for 2**100, by references


def read(document: object, source: str, *, record: Callable[..., R], nested: Callable[..., Nested]) -> R:
    """Return the *record*, with *nested* records in it, that *document* describes; *source* names it in an error.

    Raises:
        SchemaError: something in it is not supported, or cannot be a record; lists all of it.
    """
    root = parse(document, source)
    reader = _Reader(Document(root), record, nested)
    try:
        found = reader.record(root, "", "")
    except RecursionError:
        raise SchemaError(source, (("", "is nested too deeply"),)) from None
    if found is None or reader.problems:
        raise SchemaError(source, tuple(dict.fromkeys(reader.problems)))
    return found


class _Reader(Generic[R]):
    """Collects problems rather than raise them: what cannot be read is `None`, and the rest is read on."""

    def __init__(self, document: Document, make_record: Callable[..., R], make_nested: Callable[..., Nested]) -> None:
        self.document = document
        self.make_record = make_record
        self.make_nested = make_nested
        self.problems: list[tuple[str, str]] = []
        self._records: dict[str, R | None] = {}
        self._open: set[str] = set()

    def problem(self, where: str, reason: str) -> None:
        self.problems.append((where, reason))

    def record(self, subschema: Subschema, where: str, title: str) -> R | None:
        """Return the record of the object at *where*; *title* is what to call it if it does not say."""
        if where in self._open:
            self.problem(where, "contains itself")
            return None
        if where not in self._records:
            self._open.add(where)
            self._records[where] = self._record(subschema, where, title)
            self._open.remove(where)
        return self._records[where]

    def _record(self, node: Subschema, where: str, title: str) -> R | None:
        before = len(self.problems)
        if node.type != ("object",):
            self.problem(where + pointer("type"), 'must be "object"')
        self._refuse_others(node, _OF_OBJECTS | _OF_FIELDS if where else _OF_DOCUMENTS, where, "this object")
        if node.additional not in (None, True, False, Subschema(), FLAT_VALUE):
            self.problem(where + pointer("additionalProperties"), "must be true, false or numbers and strings")
        name = class_name(title if node.title is None else node.title)
        if not name:
            self.problem(where + pointer("title"), "is missing: it is the name of the record")
        elif (reason := identifier_problem(name)) is not None:
            self.problem(where + pointer("title"), f"is the name of the record, and {reason}")
        properties = node.properties or {}
        for required in node.required or ():
            if required not in properties:
                self.problem(where + pointer("required"), f"lists {required!r}, which is not in properties")
        fields = tuple(self._fields(node, properties, where))
        if (
            sum(_count_names((field,) if isinstance(field, FieldSchema) else field.columns) for field in fields)
            > _MOST_NAMES
        ):
            self.problem(where, f"has more than {_MOST_NAMES:,} names of fields")
        self._refuse_shared_attributes(fields, where)
        if len(self.problems) > before:
            return None
        record = self.make_record(name=name, fields=fields, doc=inspect.cleandoc(node.description or ""))
        names = {field.attribute: field.name for field in fields}
        for attribute, reason in record.definition_problems():
            place = "" if attribute is None else pointer("properties", names[attribute.partition(".")[0]])
            self.problem(where + place, reason)
        return record if len(self.problems) == before else None

    def _refuse_others(self, node: Subschema, taken: frozenset[str], where: str, what: str) -> None:
        for name in node.given():
            if name not in taken:
                self.problem(where + pointer(KEYWORDS[name]), f"does not apply to {what}")

    def _refuse_shared_attributes(self, fields: tuple[FieldSchema | Nested, ...], where: str) -> None:
        names: dict[str, str] = {}
        for field in fields:
            if (other := names.get(field.attribute)) is not None:
                reason = f"is the attribute {field.attribute}, as {other!r} is: give one of them another, by "
                self.problem(where + pointer("properties", field.name), reason + KEYWORDS["attribute"])
            names[field.attribute] = field.name

    def _fields(
        self, node: Subschema, properties: Mapping[str, Subschema], where: str
    ) -> Iterator[FieldSchema | Nested]:
        required = frozenset(node.required or ())
        owners: dict[str, Nested] = {}
        for name, subschema in (node.nested or {}).items():
            place = where + pointer(KEYWORDS["nested"], name)
            resolved = self._resolved(subschema, place)
            field = resolved and self._nested(name, resolved, place)
            if resolved and field:
                self._compare(field, tokens_of(resolved.pointer)[-1], properties, required, where)
                owners.update((column.name, field) for column in field.columns)
        yielded: set[str] = set()
        for name, subschema in properties.items():
            place = where + pointer("properties", name)
            if (owner := owners.get(name)) is not None:
                if owner.name not in yielded:
                    yielded.add(owner.name)
                    yield owner
            elif (resolved := self._resolved(subschema, place)) is not None:
                found = self._property(name, resolved, place, required=name in required)
                if found is not None:
                    yield found

    def _compare(
        self, field: Nested, definition: str, properties: Mapping[str, Subschema], required: frozenset[str], where: str
    ) -> None:
        """Hold the columns among *properties* to what the nested *field* brings: they say the same twice."""
        for column, (name, expected) in zip(field.columns, flattened(field, definition), strict=True):
            if properties.get(name) != expected:
                self.problem(where + pointer("properties", name), f"must be {unparse(expected)}, as it is nested")
            if column.required != (name in required):
                self.problem(where + pointer("required"), f"does not agree with {name!r}, which is nested")

    def _resolved(self, subschema: Subschema, where: str) -> Resolved | None:
        try:
            return self.document.resolved(subschema, where)
        except ValueError as error:
            self.problem(where, str(error))
            return None

    def _property(self, name: str, resolved: Resolved, where: str, *, required: bool) -> FieldSchema | Nested | None:
        node = resolved.subschema
        if node.type != ("object",) and node.properties is None:
            return self._value(name, node, where, nullable=resolved.nullable, required=required)
        field = self._nested(name, resolved, where)
        if field and not required and not field.defaults and any(column.required for column in field.record.columns):
            self.problem(where, "has fields that are required: list it in required, or give it a default")
        return field

    def _nested(self, name: str, resolved: Resolved, where: str) -> Nested | None:
        outside = resolved.outside
        referred = outside is not resolved.target
        if resolved.nullable:
            self.problem(where, "is a record, which cannot be null; make its fields optional instead")
            return None
        if referred:
            self._refuse_others(outside, _ANYWHERE | _OF_FIELDS | {"ref"}, where, "a reference to an object")
        title = [name, *tokens_of(resolved.pointer)][-1] if referred else name
        record = self.record(resolved.target, resolved.pointer, title[:1].upper() + title[1:])
        if record is None:
            return None
        if (1 + len(outside.aliases or ())) * _count_names(record.columns) > _MOST_NAMES:
            self.problem(where, f"brings more than {_MOST_NAMES:,} names")
            return None
        return self.make_nested(
            attribute=self._attribute(name, outside, where),
            name=name,
            record=record,
            defaults=self._defaults(record, outside, where),
            aliases=outside.aliases or (),
            doc=inspect.cleandoc(outside.description or "") if referred else "",
        )

    def _defaults(self, record: Record, outside: Subschema, where: str) -> tuple[Value | None, ...]:
        if outside.default is ABSENT and outside.non_finite_default is ABSENT:
            return ()
        given: dict[str, object] = {}
        for values, read_value in ((outside.default, _same), (outside.non_finite_default, _non_finite)):
            if isinstance(values, Mapping):
                mapping = cast("Mapping[str, object]", values)  # of other names none is one of the record
                given.update((name, read_value(value)) for name, value in mapping.items())
            elif values is not ABSENT:
                self.problem(where + pointer("default"), f"must be an object, not {shown(values)}")
                return ()
        defaults: list[Value | None] = []
        for column in record.columns:
            default = given.pop(column.name, None if column.optional else column.default)
            if default is MISSING:
                self.problem(where + pointer("default"), f"lacks {column.name!r}")
            defaults.append(
                cast("Value | None", _of_kind(default, column.kind))
            )  # what is none, the definition refuses
        for name in given:
            self.problem(where + pointer("default", name), "is no field of the record")
        return tuple(defaults)

    def _attribute(self, name: str, node: Subschema, where: str) -> str:
        attribute = attribute_name(name) if node.attribute is None else node.attribute
        if (reason := attribute_problem(attribute)) is not None:
            self.problem(where, f"is an attribute in Python, by {KEYWORDS['attribute']} or else by its name: {reason}")
        return attribute

    def _value(self, name: str, node: Subschema, where: str, *, nullable: bool, required: bool) -> FieldSchema | None:
        before = len(self.problems)
        choices, null_chosen = self._choices(node, where)
        kind = self._kind(node, choices, where)
        if kind is None or len(self.problems) > before:
            return None
        self._refuse_others(node, _OF_KIND[kind], where, f"the type {JSON_TYPES[kind]}")
        if node.max_bytes not in (None, MAX_STR_BYTES):
            self.problem(where + pointer(KEYWORDS["max_bytes"]), f"is always {MAX_STR_BYTES}; bound it by maxLength")
        given = node.default if node.non_finite_default is ABSENT else _non_finite(node.non_finite_default)
        optional = nullable or null_chosen or (not required and given in (ABSENT, None))
        default = MISSING if required or node.no_default or not optional else None
        if given is not ABSENT:
            default = cast("Any", _of_kind(given, kind))  # what no value is, the definition refuses
        constraints = {theirs: _of_kind(getattr(node, ours), kind) for ours, theirs in CONSTRAINT_KEYWORDS.items()}
        field = FieldSchema(
            **cast("dict[str, Any]", constraints),  # of the types that parse found
            attribute=self._attribute(name, node, where),
            name=name,
            kind=kind,
            optional=optional,
            choices=choices,
            default=default,
            aliases=node.aliases or (),
            doc=inspect.cleandoc(node.description or ""),
            deprecated=bool(node.deprecated),
        )
        for reason in field.definition_problems():
            self.problem(where, reason)
        return field if len(self.problems) == before else None

    def _choices(self, node: Subschema, where: str) -> tuple[tuple[int | str, ...], bool]:
        """Return the values that ``enum`` or ``const`` allow, none if any is, and whether null is among them."""
        if node.enum is None and node.const is ABSENT:
            return (), False
        if node.enum is not None and node.const is not ABSENT:
            self.problem(where + pointer("const"), "does not apply beside enum")
        keyword, allowed = ("const", (node.const,)) if node.enum is None else ("enum", node.enum)
        choices = tuple(choice for choice in allowed if choice is not None)
        if {type(choice) for choice in choices} not in ({int}, {str}):
            self.problem(where + pointer(keyword), "takes only integers, or only strings, besides null")
        elif len(set(choices)) < len(choices):
            self.problem(where + pointer(keyword), "repeats a value")
        return cast("tuple[int | str, ...]", choices), None in allowed

    def _kind(self, node: Subschema, choices: tuple[int | str, ...], where: str) -> KindName | None:
        chosen = JSON_TYPES.get(type(choices[0]).__name__) if choices else None
        types = node.type or ((chosen,) if chosen else ())
        if len(types) == 1 and types[0] in KIND_NAMES:
            if chosen in (None, types[0]):
                return cast("KindName", KIND_NAMES[types[0]])
            self.problem(where + pointer("type"), f"is {types[0]}, but the values allowed are of the type {chosen}")
        else:
            found = shown(types[0] if len(types) == 1 else list(types)) if types else "absent"
            self.problem(where + pointer("type"), f"is {found}: a field is integer, number or string, or an object")
        return None


def _of_kind(value: object, kind: KindName) -> object:
    """Return *value*, an `int` as a `float` if *kind* is, and a double can be it: JSON does not tell 1 from 1.0."""
    try:
        return float(value) if kind == "float" and type(value) is int else value
    except OverflowError:
        return value


def _non_finite(value: object) -> object:
    return NON_FINITE.get(value, value) if isinstance(value, str) else value


def _same(value: object) -> object:
    return value


def _count_names(columns: Sequence[FieldSchema]) -> int:
    return sum(len(column.names) for column in columns)
