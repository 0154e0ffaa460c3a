"""Documents to schemas.

Problems are collected rather than raised: what cannot be read is left out or stood in for, and the rest is read on, so
that all are found at once. What only follows from a problem is none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, Generic, TypeVar

import attrs

from typedtrack._schema.documents.defaults import nested_defaults
from typedtrack._schema.documents.grammar import KEYWORDS, UNREADABLE, Subschema, unparse
from typedtrack._schema.documents.parsing import Document, Report, parse
from typedtrack._schema.documents.pointers import pointer, tokens_of
from typedtrack._schema.documents.references import Layer, Resolved, Resolver
from typedtrack._schema.documents.terms import FLAT_VALUE, WORDS, Nested, Record
from typedtrack._schema.documents.values import (
    ANNOTATIONS,
    OF_FIELDS,
    TELL_TYPES,
    Member,
    attribute_of,
    field_places,
    read_value,
    refuse_others,
)
from typedtrack._schema.documents.writing import dependencies, flattened
from typedtrack._schema.fields import FieldSchema
from typedtrack._schema.identifiers import class_name, identifier_problem
from typedtrack.errors import SchemaError

__all__ = ["read"]

R = TypeVar("R", bound=Record)

_OF_REFERENCES: Final = ANNOTATIONS | OF_FIELDS | {"type", "deprecated"}
_OF_ROOT_REFERENCES: Final = ANNOTATIONS | {"type"}
_OF_DOCUMENTS: Final = ANNOTATIONS | {"type", "properties", "required", "dependent", "additional", "nested"}
_OF_OBJECTS: Final = _OF_DOCUMENTS | OF_FIELDS | {"deprecated"}

_NAMES: Final = "name it in ASCII letters, digits and _, as in TrainingRun"
_MOST_NAMES: Final = 25_000  # as more fields fit no result; a small document could ask for 2**100, by references


def read(document: object, source: str, *, record: Callable[..., R], nested: Callable[..., Nested]) -> R:
    """Return the *record*, with *nested* records in it, that *document* describes; *source* names it in an error.

    Raises:
        SchemaError: something in it is not supported, or cannot be a record; lists all of it.
    """
    problems: dict[tuple[str, str], None] = {}  # each once, in their order

    def report(where: str, reason: str) -> None:
        problems[where, reason] = None

    try:
        found = _Reader(parse(document, report), report, record, nested).document()
    except RecursionError:
        raise SchemaError(source, (("", "is nested too deeply"),)) from None
    if problems:
        raise SchemaError(source, tuple(problems))
    return found


@attrs.frozen
class _Read(Generic[R]):
    """A record as far as it could be read."""

    record: R
    unsure: frozenset[str]
    """The names of columns that are not known whole."""
    whole: bool
    """Whether there may be no more columns than are known."""


class _Reader(Generic[R]):
    def __init__(
        self, document: Document, report: Report, make_record: Callable[..., R], make_nested: Callable[..., Nested]
    ) -> None:
        self._places = document.places
        self._resolver = Resolver(document, report)
        self._report = report
        self._make_record = make_record
        self._make_nested = make_nested
        self._records: dict[str, _Read[R]] = {}
        self._open: set[str] = set()

    def document(self) -> R:
        """Return the record that the root is, or refers to."""
        node = self._places[""]
        layer, title = Layer(node, dict.fromkeys(node.given(), ""), ""), ""
        if node.ref is not None:
            resolved = self._resolver.resolved("")
            if resolved.target is None or self._places[resolved.target] is UNREADABLE:
                return self._make_record(name="", fields=())
            layer, title = self._referred(resolved, resolved.target), _titled(tokens_of(resolved.target)[-1])
        self._open.add(layer.where)
        return self._record(layer, title, _OF_DOCUMENTS).record

    def _referred(self, root: Resolved, target: str) -> Layer:
        """Return what the *root* refers to, at *target*, with what is said beside the reference."""
        self._refuse_beside(root, _OF_ROOT_REFERENCES, "a reference from the root")
        there, both = self._resolver.resolved(target).all, root.all
        if root.nullable and both.keywords.type == ("object",):
            self._report(pointer(KEYWORDS["ref"]), "takes null, which no result is")
        counts = {name: getattr(both.keywords, name) for name in ("title", "description", "type")}
        origins = {name: both.origins[name] for name in counts.keys() & both.origins.keys()}
        keywords = attrs.evolve(there.keywords, **counts, unread=both.keywords.unread)
        return Layer(keywords, {**there.origins, **origins}, target)

    def record(self, where: str, title: str) -> _Read[R]:
        """Return the record of the object at *where*; *title* is what to call it if it does not say."""
        if where not in self._records:
            self._open.add(where)
            self._records[where] = self._record(self._resolver.resolved(where).all, title, _OF_OBJECTS)
            self._open.remove(where)
        return self._records[where]

    def _record(self, layer: Layer, title: str, taken: frozenset[str]) -> _Read[R]:
        node, where = layer.keywords, layer.where
        is_object = node.type == ("object",)
        if not is_object and (node.type is not None or TELL_TYPES.isdisjoint(node.unread)):
            self._report(layer.place("type"), 'must be "object"')
        refuse_others(layer, taken, "this object", self._report)
        if node.additional not in (None, True, False, Subschema(), FLAT_VALUE):
            self._report(layer.place("additional"), "must be true, false or numbers and strings")
        members = tuple(self._members(node, where))
        record = self._make_record(
            name=self._record_name(layer, title),
            fields=tuple(member.field for member in members),
            doc=node.description or "",
        )
        all_there = self._check_required(layer)
        self._check_attributes(members)
        whole = is_object and all_there and {KEYWORDS["properties"], KEYWORDS["ref"]}.isdisjoint(node.unread)
        whole = whole and all(member.whole for member in members)
        unsure = frozenset(name for member in members for name in member.unsure)
        if whole and not unsure and node.dependent not in (None, dependencies(record)):
            self._report(layer.place("dependent"), "does not agree with the records that are nested and can be null")
        return self._checked(_Read(record, unsure, whole), members, where)

    def _record_name(self, layer: Layer, title: str) -> str:
        given = layer.keywords.title
        name = class_name(title if given is None else given)
        if not {KEYWORDS["title"], KEYWORDS["ref"]}.isdisjoint(layer.keywords.unread):
            return name
        reason = identifier_problem(name)
        if given is None and not title:
            self._report(layer.place("title"), "is missing: it is the name of the record")
        elif reason is not None:
            missing = "missing, and what the record is found by makes no name: "
            said = missing if given is None else "the name of the record, and "
            self._report(layer.place("title"), f"is {said}{reason}; {_NAMES}")
        return name

    def _check_required(self, layer: Layer) -> bool:
        """Return whether all that is required is there, or may be."""
        properties = layer.keywords.properties or {}
        required = () if KEYWORDS["properties"] in layer.keywords.unread else layer.keywords.required or ()
        absent = [index for index, name in enumerate(required) if name not in properties]
        for index in absent:
            reason = f"is {required[index]!r}, which is not in properties"
            self._report(layer.place("required") + pointer(str(index)), reason)
        return not absent

    def _check_attributes(self, members: Sequence[Member]) -> None:
        taken: dict[str, Member] = {}
        for member in members:
            attribute = member.field.attribute
            if (other := taken.setdefault(attribute, member)) is not member:
                reason = f"is the attribute {attribute}, as {other.field.name!r} is: give one of them another, by "
                self._report(member.place("attribute"), reason + KEYWORDS["attribute"])

    def _checked(self, read: _Read[R], members: Sequence[Member], where: str) -> _Read[R]:
        """Hold the record to the rules of records; what breaks them is told by its place in the document."""
        columns = read.record.columns
        if _count_names(columns) > _MOST_NAMES:
            self._report(where, f"has more than {_MOST_NAMES:,} names of fields")
            return attrs.evolve(read, whole=False)
        owners = [(member, place) for member in members for place in range(len(member.columns))]
        unsure, whole = set(read.unsure), read.whole
        for place, flaw in read.record.flaws(WORDS):
            if place is None:
                if read.whole:
                    self._report(where, flaw.reason)
                whole = False
                continue
            member, within = owners[place]
            if isinstance(member.field, FieldSchema):
                self._report(member.place(flaw.part, flaw.place), flaw.reason)
            elif columns[place].name not in read.unsure:  # else it was told where the nested record is
                self._report(member.place(flaw.part, within if flaw.part == "default" else None), flaw.reason)
            unsure.add(columns[place].name)
        return _Read(read.record, frozenset(unsure), whole)

    def _members(self, node: Subschema, where: str) -> Iterator[Member]:
        """Yield the fields of the object *node*, in the order of its properties."""
        properties = node.properties or {}
        required = frozenset(properties if KEYWORDS["required"] in node.unread else node.required or ())
        nested = {name: self._declared(name, node, where) for name in node.nested or {}}
        owners = {column.name: member for member in nested.values() for column in member.columns}
        lost = tuple(f"{name}/" for name, member in nested.items() if not member.whole)
        for name in properties:
            place = where + pointer("properties", name)
            if name in owners:
                if (owner := nested.pop(owners[name].field.name, None)) is not None:
                    yield owner
            elif name.startswith(lost) or ("/" in name and KEYWORDS["nested"] in node.unread):
                yield _stand_in(name, place)  # it may be a column of a nested record
            else:
                yield self._property(name, place, required=name in required)
        yield from nested.values()

    def _declared(self, name: str, node: Subschema, where: str) -> Member:
        """Return the nested record *name* of those that ``x-typedtrack-nested`` declares."""
        place = where + pointer(KEYWORDS["nested"], name)
        resolved = self._resolver.resolved(place)
        member = self._nested(name, resolved, place, required=True)
        if not isinstance(member.field, FieldSchema) and resolved.target and member.whole and not member.unsure:
            self._compare(member.field, resolved.target, node, where)
        return member

    def _compare(self, field: Nested, target: str, node: Subschema, where: str) -> None:
        """Hold the columns among the properties of *node* to what *field* brings: they say the same twice."""
        required = node.required or ()
        for column, (name, expected) in zip(field.columns, flattened(field, *tokens_of(target)), strict=True):
            found = (node.properties or {}).get(name)
            if not {KEYWORDS["properties"]} & node.unread and found != expected and not (found and found.unread):
                self._report(where + pointer("properties", name), f"must be {unparse(expected)}, as it is nested")
            if column.required != (name in required) and KEYWORDS["required"] not in node.unread:
                index = () if column.required else (str(required.index(name)),)
                self._report(where + pointer("required", *index), f"does not agree with {name!r}, which is nested")

    def _property(self, name: str, where: str, *, required: bool) -> Member:
        resolved = self._resolver.resolved(where)
        keywords = resolved.all.keywords
        if keywords.type != ("object",) and keywords.properties is None:
            return read_value(name, resolved.all, where, self._report, nullable=resolved.nullable, required=required)
        return self._nested(name, resolved, where, required=required)

    def _nested(self, name: str, resolved: Resolved, where: str, *, required: bool) -> Member:
        if resolved.target is None or self._places[resolved.target] is UNREADABLE:
            return _stand_in(name, where)
        self._refuse_beside(resolved, _OF_REFERENCES, "a reference to an object")
        if resolved.target in self._open:
            self._report(where + pointer(KEYWORDS["ref"]), "leads to a record that contains itself")
            return _stand_in(name, where)
        title = name if resolved.outside is None else [name, *tokens_of(resolved.target)][-1]
        read = self.record(resolved.target, _titled(title))
        layer = resolved.all
        if (1 + len(layer.keywords.aliases or ())) * _count_names(read.record.columns) > _MOST_NAMES:
            self._report(where, f"brings more than {_MOST_NAMES:,} names")
            return _stand_in(name, where)
        places = field_places(layer)
        nullable = resolved.nullable and layer.keywords.type is not None
        defaults = nested_defaults(
            read.record.columns, layer, places, self._report, nullable=nullable, unsure=read.unsure, whole=read.whole
        )
        optional = nullable or (not required and defaults == ())
        field = self._make_nested(
            attribute=attribute_of(name, layer, where, self._report),
            name=name,
            record=read.record,
            optional=optional,
            defaults=None if optional and not required and defaults == () else defaults,
            aliases=layer.keywords.aliases or (),
            deprecated=bool(layer.keywords.deprecated),
            doc=(resolved.outside and resolved.outside.keywords.description) or "",
        )
        return Member(field, where, places, frozenset(f"{name}/{inner}" for inner in read.unsure), read.whole)

    def _refuse_beside(self, resolved: Resolved, taken: frozenset[str], what: str) -> None:
        if resolved.outside is not None:
            refuse_others(resolved.outside, taken, what, self._report)


def _titled(name: str) -> str:
    return name[:1].upper() + name[1:]


def _stand_in(name: str, where: str) -> Member:
    """Return what stands in for a field that could not be read at all, nor its attribute."""
    field = FieldSchema(attribute=where, name=name, kind="int")
    return Member(field, where, {}, frozenset({name}), whole=False)


def _count_names(columns: Sequence[FieldSchema]) -> int:
    return sum(len(column.names) for column in columns)
