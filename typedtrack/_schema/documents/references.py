"""What a subschema comes to: references followed, ``null`` set apart."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import attrs

from typedtrack._schema.documents.grammar import ABSENT, KEYWORDS, UNREADABLE, Subschema
from typedtrack._schema.documents.parsing import Document, Report
from typedtrack._schema.documents.pointers import joined, pointer, tokens_of
from typedtrack.errors import shown

__all__ = ["Layer", "Resolved", "Resolver"]

_ANNOTATIONS: Final = frozenset(
    {"dialect", "identifier", "anchor", "title", "description", "comment", "read_only", "write_only", "content_type"}
    | {"content_encoding", "content", "examples", "definitions"}
    | {"default", "non_finite_default", "no_default", "attribute", "aliases"}
)
"""Of these the outer one counts; all other keywords do at once."""

_POINTERS: Final = {name: pointer(keyword) for name, keyword in KEYWORDS.items()}

_OF_OBJECTS: Final = frozenset({"properties", "required", "additional", "nested"})
"""These no reference may have beside it, whatever they say."""

_BOTH: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "deprecated": max,
    "minimum": max,
    "exclusive_minimum": max,
    "min_length": max,
    "maximum": min,
    "exclusive_maximum": min,
    "max_length": min,
}
"""What two values of a keyword say together."""


@attrs.frozen
class Layer:
    """Keywords, and for each the subschema that has it."""

    keywords: Subschema
    origins: Mapping[str, str]
    where: str
    """The subschema that a keyword is missing from."""

    def place(self, name: str) -> str:
        """Return the JSON Pointer of the keyword of the attribute *name*."""
        return self.origins.get(name, self.where) + _POINTERS[name]


@attrs.frozen
class Resolved:
    """What a subschema comes to when references are followed and ``null`` is set apart."""

    all: Layer
    """All that it says: neither ``$ref`` nor ``oneOf`` nor ``anyOf`` is left in it, nor null among other types."""
    nullable: bool
    """Whether null is not refused."""
    target: str | None
    """Where the last reference leads; the subschema itself where there is none; `None` if it leads nowhere."""
    outside: Layer | None
    """What is said on the way there; `None` where there is no reference."""


class Resolver:
    """Follows the references in a *document*; what is wrong with them is told to *report*."""

    def __init__(self, document: Document, report: Report) -> None:
        self._document = document
        self._report = report
        self._known: dict[str, Resolved] = {}
        self._open: set[str] = set()

    def resolved(self, where: str) -> Resolved:
        """Return what the subschema at *where* comes to."""
        if where not in self._known:
            self._open.add(where)
            self._known[where] = self._resolved(where)
            self._open.remove(where)
        return self._known[where]

    def _resolved(self, where: str) -> Resolved:
        node = self._document.places[where]
        parts = list(self._parts(node, where))
        own = _without_null(attrs.evolve(node, ref=None, one_of=None, any_of=None) if parts else node)
        layer = whole = Layer(own, dict.fromkeys(own.given(), where), where)
        for part in parts:
            whole = self._merged(part.all, whole)
        nullable = _allows_null(node) and all(part.nullable for part in parts)
        if not parts:
            return Resolved(whole, nullable, where, None)
        if parts[0].outside is not None:
            layer = self._merged(parts[0].outside, layer)
        for part in parts[1:]:
            layer = self._merged(part.all, layer)
        return Resolved(whole, nullable, parts[0].target, layer)

    def _parts(self, node: Subschema, where: str) -> Iterator[Resolved]:
        if node.ref is not None:
            yield self._followed(node.ref, where)
        for name, branches in (("one_of", node.one_of), ("any_of", node.any_of)):
            if branches is not None:
                yield self._chosen(name, where, len(branches))

    def _followed(self, ref: str, where: str) -> Resolved:
        uri, fragment = joined(self._document.bases[where], ref)
        place = self._document.uris.get(uri)
        if fragment[:1] == "/":
            place = None if place is None else place + fragment
        elif fragment:
            place = self._document.uris.get(f"{uri}#{fragment}")
        reason: str | None = None
        if uri not in self._document.uris:
            reason = f"refers to {shown(ref)}: only references within the document, #/…, are followed"
        elif place is None or place not in self._document.places:
            if place is None or not self._leads_through_unread(place):
                reason = f"refers to {shown(ref)}, where there is no subschema"
        elif place in self._open:
            reason = f"refers to itself by way of {ref}"
        else:
            return self.resolved(place)
        if reason is not None:
            self._report(where + pointer(KEYWORDS["ref"]), reason)
        return _nothing(where)

    def _leads_through_unread(self, place: str) -> bool:
        known = place
        while known not in self._document.places:
            known = known.rpartition("/")[0]
        node = self._document.places[known]
        return node is UNREADABLE or tokens_of(place[len(known) :])[0] in node.unread

    def _chosen(self, name: str, where: str, count: int) -> Resolved:
        place = where + pointer(KEYWORDS[name])
        branches = [self.resolved(place + pointer(str(index))) for index in range(count)]
        others = [branch for branch in branches if not _is_null(branch.all.keywords)]
        if len(branches) != 2 or len(others) != 1:
            self._report(place, f'takes {KEYWORDS[name]} only of one subschema and {{"type": "null"}}')
            return _nothing(where)
        if name == "one_of" and others[0].nullable and not others[0].all.keywords.unread:
            self._report(place, "takes null in both, and oneOf takes what just one does: take null out of the other")
        return attrs.evolve(others[0], nullable=True)

    def _merged(self, inner: Layer, outer: Layer) -> Layer:
        keywords, origins = inner.keywords.given(), {**inner.origins}
        for name, value in outer.keywords.given().items():
            held = keywords.get(name, value)
            both: Any = value
            if name in _BOTH:
                both = _BOTH[name](held, value)
            elif name == "type" and not (both := _common(held, value)):
                self._report(outer.place(name), f"is {'/'.join(value)}, and what it refers to {'/'.join(held)}")
                both = value
            elif name not in _ANNOTATIONS | _OF_OBJECTS and name != "type" and held != value:
                self._report(outer.place(name), f"has {KEYWORDS[name]} beside a reference or a choice that has it, too")
            keywords[name] = both
            if name not in origins or both == value:
                origins[name] = outer.origins[name]
        merged = Subschema(**keywords, unread=inner.keywords.unread | outer.keywords.unread)
        return Layer(merged, origins, outer.where)


def _nothing(where: str) -> Resolved:
    return Resolved(Layer(UNREADABLE, {}, where), nullable=True, target=None, outside=None)


def _without_null(node: Subschema) -> Subschema:
    types = tuple(name for name in node.type or () if name != "null")
    if "number" in types:
        types = tuple(name for name in types if name != "integer")  # which is a number, too
    return attrs.evolve(node, type=types) if types not in ((), node.type) else node


def _allows_null(node: Subschema) -> bool:
    return (
        (node.type is None or "null" in node.type)
        and (node.enum is None or None in node.enum)
        and (node.const is ABSENT or node.const is None)
    )


def _is_null(node: Subschema) -> bool:
    return node.type == ("null",) or node.enum == (None,) or node.const is None


def _common(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    """Return the types of both; an integer is a number."""
    return tuple(
        name
        for name in dict.fromkeys((*one, *other))
        if all(name in types or (name == "integer" and "number" in types) for types in (one, other))
    )
