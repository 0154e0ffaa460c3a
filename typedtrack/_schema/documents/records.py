"""The third stage: objects and their fields to records."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar, cast

from typedtrack._results.values import Value
from typedtrack._schema.documents.limits import pattern_weight, weight
from typedtrack._schema.documents.objects import Object
from typedtrack._schema.documents.pointers import pointer
from typedtrack._schema.documents.problems import Problems
from typedtrack._schema.documents.terms import Nested, Record
from typedtrack._schema.documents.tree import Node
from typedtrack._schema.documents.values import Member, finite, non_finite, of_kind
from typedtrack._schema.documents.writing import dependencies, flattened
from typedtrack._schema.fields import MISSING, FieldSchema, Missing
from typedtrack.errors import shown

__all__ = ["RecordMaker"]

R = TypeVar("R", bound=Record)


class RecordMaker(Generic[R]):
    """Makes records of *objects*, innermost first. A record with problems becomes `None`."""

    def __init__(
        self,
        objects: Mapping[Node, Object],
        problems: Problems,
        make_record: Callable[..., R],
        make_nested: Callable[..., Nested],
    ) -> None:
        self._objects = objects
        self._problems = problems
        self._make_record = make_record
        self._make_nested = make_nested
        self._made: dict[Node, R | None] = {}
        self._weights: dict[Node, int] = {}

    def record(self, node: Node, *, nested: bool = False) -> R | None:
        """Return the record of the object *node*."""
        if node not in self._made:
            record = self._made[node] = self._record(self._objects[node], nested=nested)
            self._weights[node] = sum(map(_weight, record.columns)) if record is not None else 0
        return self._made[node]

    def _record(self, described: Object, *, nested: bool) -> R | None:
        before = self._problems.count
        found = [(member, member.value or self._nested(member, described)) for member in described.members]
        made = [(member, field) for member, field in found if field is not None]
        whole = len(made) == len(found)
        keywords = described.resolved.keywords
        fields = tuple(field for _, field in made)
        record = self._make_record(name=described.name, fields=fields, doc=keywords.get("description", ""))
        owners = [
            (member, column.name.removeprefix(f"{member.name}/"))
            for member, field in made
            for column in ((field,) if isinstance(field, FieldSchema) else field.columns)
        ]
        for column, flaw in record.flaws(nested=nested):
            if column is not None:
                member, inner = owners[column]
                if member.value is not None:
                    place = member.place(flaw.part, flaw.position)
                else:
                    place = member.default_place(inner) if flaw.part == "default" else member.place(flaw.part)
                self._problems.add(place, flaw.reason)
            elif whole:
                remedy = ': list a property in "required"' if flaw.part == "required" else ""
                self._problems.add(described.resolved.target.pointer, flaw.reason + remedy)
        if whole and not _agree(keywords.get("dependentRequired"), record):
            reason = "does not agree with the nested records that can be null; leave it out"
            self._problems.add(described.resolved.place("dependentRequired"), reason)
        return record if whole and self._problems.count == before else None

    def _nested(self, member: Member, around: Object) -> Nested | None:
        """Return the field *member* of the object *around*."""
        before = self._problems.count
        record = self.record(member.resolved.target, nested=True)
        if record is None:
            return None
        resolved = member.resolved
        self._problems.weigh((1 + len(member.aliases)) * self._weights[resolved.target], member.where)
        nullable = resolved.nullable and "type" in resolved.keywords
        defaults = self._defaults(member, record.columns, nullable=nullable)
        optional = nullable or (not member.required and defaults == ())
        if optional and record.can_be_empty:  # then it is the same record without values, whether absent or null
            optional, defaults = False, defaults or ()
        field = self._make_nested(
            attribute=member.attribute,
            name=member.name,
            record=record,
            optional=optional,
            defaults=None if optional and not member.required and defaults == () else defaults,
            aliases=member.aliases,
            deprecated=resolved.keywords.get("deprecated", False),
            doc=resolved.keywords.get("description", "") if resolved.is_from_outside("description") else "",
        )
        if member.declared and self._problems.count == before:
            self._compare(field, member, around)
        return None if self._problems.count > before else field

    def _defaults(
        self, member: Member, columns: Sequence[FieldSchema], *, nullable: bool
    ) -> tuple[Value | Missing | None, ...] | None:
        """Return the default of each of *columns*. Empty: the field has no default. `None`: its default is null."""
        resolved = member.resolved
        if not {"default", "x-typedtrack-default"} & resolved.keywords.keys():
            return ()
        given: dict[str, object] = {}
        for keyword, read in (("default", finite), ("x-typedtrack-default", non_finite)):
            values = resolved.keywords.get(keyword, {})
            if values is None and nullable:
                return None
            if not isinstance(values, Mapping):
                self._problems.add(resolved.place(keyword), f"must be an object, not {shown(values)}")
                return ()
            for name, value in cast("Mapping[str, object]", values).items():
                given[name] = read(value, member.default_place(name), self._problems)
        defaults: list[Any] = []  # the rules of records refuse other objects
        for column in columns:
            absent = None if column.optional or column.within else column.default
            if absent is MISSING and column.name not in given:
                self._problems.add(resolved.place("default"), f"lacks {column.name!r}")
            defaults.append(of_kind(given.pop(column.name, absent), column.kind))
        for name in given:
            self._problems.add(member.default_place(name), "is not a field of the record")
        return tuple(defaults)

    def _compare(self, field: Nested, member: Member, around: Object) -> None:
        """Check that the properties of the object *around* equal the columns of *field*: the document has both."""
        node = around.resolved.target
        properties = node.keywords.get("properties", {})
        for column, (name, expected) in zip(field.columns, flattened(field, *member.resolved.target.path), strict=True):
            if properties.get(name) != expected:
                self._problems.add(node.pointer + pointer("properties", name), f"must be {expected}, as it is nested")
            if column.required != (name in around.required):
                index = () if column.required else (str(around.required[name]),)
                place = node.pointer + pointer("required", *index)
                self._problems.add(place, f"does not agree with {name!r}, which is nested")


def _weight(column: FieldSchema) -> int:
    parts = (column.names, column.choices, column.within, column.attribute, column.doc)
    return sum(map(weight, parts)) + pattern_weight(column.pattern)


def _agree(given: Mapping[str, Sequence[str]] | None, record: Record) -> bool:
    """Return whether *given*, the value of ``dependentRequired``, is absent or equals the one of *record*."""
    if given is None:
        return True
    left = dict(given)
    return all(sorted(left.pop(name, ())) == sorted(others) for name, others in dependencies(record)) and not left
