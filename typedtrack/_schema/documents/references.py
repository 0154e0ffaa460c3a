"""The second stage: follows the references of subschemas, and sets null apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, cast

import attrs

from typedtrack._schema.documents.keywords import CLASH, KEYWORDS, Keywords, Role
from typedtrack._schema.documents.limits import MAX_DEPTH
from typedtrack._schema.documents.pointers import joined, pointer
from typedtrack._schema.documents.problems import Problems, shown_keyword
from typedtrack._schema.documents.tree import Node
from typedtrack.errors import shown

__all__ = ["Resolved", "Resolver"]


class Origin(NamedTuple):
    """The subschema that a keyword is from, and its name there."""

    node: Node
    keyword: str


@attrs.frozen
class Resolved:
    """A subschema with its references followed, and with null set apart."""

    node: Node
    target: Node
    """The end of its references; *node* if it has none."""
    keywords: Keywords
    """All keywords that apply: none that refers to subschemas, and no null among other types."""
    origins: Mapping[str, Origin]
    """Where each keyword is from."""
    nullable: bool
    weight: int
    """The weight of each use of it."""

    @classmethod
    def alone(cls, node: Node) -> Resolved:
        """Return *node* without the target of its reference."""
        kept = {name: value for name, value in node.keywords.items() if KEYWORDS[name].role is not Role.REFERENCE}
        types = node.keywords.get("type", ())
        others = tuple(name for name in types if name != "null" and not (name == "integer" and "number" in types))
        if others:
            kept["type"] = others
        keywords = cast("Keywords", kept)
        origins = {name: Origin(node, name) for name in kept}
        return cls(node, node, keywords, origins, _allows_null(node.keywords), node.weight)

    @property
    def is_null(self) -> bool:
        """Whether it allows null alone."""
        keywords = self.keywords
        return keywords.get("type") == ("null",) or keywords.get("enum") == (None,) or keywords.get("const", 0) is None

    def is_from_outside(self, keyword: str) -> bool:
        """Return whether *keyword* is beside the reference to the target."""
        return keyword in self.origins and self.origins[keyword].node is not self.target

    def place(self, keyword: str) -> str:
        """Return the JSON Pointer of *keyword*, which may be missing."""
        node, name = self.origins.get(keyword, (self.node, keyword))
        return node.pointer + pointer(name)

    def element_place(self, keyword: str, index: int) -> str:
        """Return the JSON Pointer of an element of *keyword*; that of ``anyOf`` or ``oneOf`` for joined constants."""
        return self.place(keyword) + (pointer(str(index)) if self.origins[keyword].keyword == keyword else "")

    def refuse_others(self, roles: frozenset[Role], holder: str, problems: Problems, *, beside: bool = False) -> None:
        """Add a problem for each keyword of the target, or *beside* a reference to it, that has none of *roles*."""
        for keyword in self.keywords:
            if KEYWORDS[keyword].role not in roles and self.is_from_outside(keyword) is beside:
                problems.add(self.place(keyword), f"does not apply to {holder}")

    def within(self, outer: Resolved, problems: Problems) -> Resolved:
        """Return this target of a reference joined with *outer*, the keywords beside the reference."""
        keywords: dict[str, Any] = {**self.keywords}
        origins = {**self.origins}
        for name, value in outer.keywords.items():
            both = KEYWORDS[name].both(keywords[name], value) if name in keywords else value
            if both is CLASH:
                other = f"{self.place(name)} is {shown_keyword(keywords[name])}"
                problems.add(outer.place(name), f"is {shown_keyword(value)}, but {other}; keep one of the two")
                both = value
            if name not in origins or both == value:
                origins[name] = outer.origins[name]
            keywords[name] = both
        return Resolved(
            node=outer.node,
            target=self.target if outer.target is outer.node else outer.target,
            keywords=cast("Keywords", keywords),
            origins=origins,
            nullable=self.nullable and outer.nullable,
            weight=self.weight + outer.weight,
        )


class Resolver:
    """Follows the references between subschemas, and adds their faults to *problems*."""

    def __init__(self, uris: Mapping[str, Node], problems: Problems) -> None:
        self._uris = uris
        self._problems = problems
        self._known: dict[Node, Resolved | None] = {}
        self._open: set[Node] = set()

    def resolve(self, node: Node) -> Resolved | None:
        """Return *node* with its references followed, or `None` if that failed."""
        if node not in self._known:
            self._open.add(node)
            found: Resolved | None = Resolved.alone(node)
            for part in self._parts(node):
                found = found and part and part.within(found, self._problems)
            self._known[node] = attrs.evolve(found, nullable=True) if found and node.keywords.get("nullable") else found
            self._open.remove(node)
        return self._known[node]

    def _parts(self, node: Node) -> Iterator[Resolved | None]:
        if "$ref" in node.keywords:
            yield self._followed(node, node.keywords["$ref"])
        for keyword in ("allOf", "oneOf", "anyOf"):
            if keyword in node.keywords:
                yield self._chosen(node, keyword)

    def _followed(self, node: Node, ref: str) -> Resolved | None:
        uri, fragment = joined(node.base, ref)
        resource = self._uris.get(uri)
        target = self._uris.get(f"{uri}#{fragment}") if fragment else resource
        if resource is not None and fragment.startswith("/"):
            tokens = fragment.split("/", 2 * MAX_DEPTH + 1)[1:]  # deeper levels were not read
            target = resource.at(tuple(token.replace("~1", "/").replace("~0", "~") for token in tokens))
        if resource is None:
            reason = f"refers to {shown(ref)}, and only references within the document, #/…, are followed"
            reason += "; copy the target into $defs"
        elif target is None:
            reason = f"refers to {shown(ref)}, where the document has no subschema"
        elif target in self._open:
            reason = f"refers to itself by way of {shown(ref)}"
        else:
            return self.resolve(target)
        self._problems.add(node.pointer + pointer("$ref"), reason)
        return None

    def _chosen(self, node: Node, keyword: str) -> Resolved | None:
        """Return the branches of *keyword* (``allOf``, ``oneOf``, ``anyOf``) as one subschema."""
        place = node.pointer + pointer(keyword)
        found = [self.resolve(child) for tokens, child in node.children.items() if tokens[0] == keyword]
        branches = [branch for branch in found if branch is not None]
        if len(branches) < len(found):
            return None
        if keyword == "allOf":
            if len(branches) != 1:
                self._problems.add(place, "takes one subschema; write all keywords into one")
            return branches[0] if len(branches) == 1 else None
        others = [branch for branch in branches if not branch.is_null]
        if keyword == "oneOf" and sum(branch.nullable for branch in branches) > 1:
            reason = "allows null in two subschemas, but oneOf takes a value that exactly one of them allows"
            self._problems.add(place, f"{reason}; write anyOf, or take null out of one")
        if len(others) != 1:  # the constants of all branches become one list, so references can double it
            self._problems.weigh(sum(branch.weight for branch in branches), place)
        one = others[0] if len(others) == 1 else _constants(node, keyword, branches) or _number(others)
        if one is None:
            reason = "takes one subschema, or constants, or integer and number, each with or without null"
            self._problems.add(place, f"{reason}; a field has one type: give each type a property of its own")
            return None
        return attrs.evolve(one, nullable=any(branch.nullable for branch in branches))


def _constants(node: Node, keyword: str, branches: Sequence[Resolved]) -> Resolved | None:
    """Return the values of *branches* if each has only ``enum`` or ``const``, else `None`."""
    values: list[object] = []
    types = {branch.keywords["type"] for branch in branches if not branch.is_null and "type" in branch.keywords}
    for branch in branches:
        given = {name for name in branch.keywords if KEYWORDS[name].role is not Role.ANYWHERE}
        if branch.is_null:
            values.append(None)
        elif given not in ({"enum"}, {"const"}):
            return None
        else:
            values.extend(branch.keywords.get("enum", (branch.keywords.get("const"),)))
    if not values:
        return None
    keywords: Keywords = {"enum": tuple(values)}
    if len(types) == 1:
        (keywords["type"],) = types
    weight = sum(branch.weight for branch in branches)
    return Resolved(node, node, keywords, dict.fromkeys(keywords, Origin(node, keyword)), nullable=False, weight=weight)


def _number(branches: Sequence[Resolved]) -> Resolved | None:
    """Return the number of *branches* that are integer and number; `None` for others, or if their bounds differ."""
    by_type = {branch.keywords.get("type"): branch for branch in branches}
    if len(branches) != 2 or by_type.keys() != {("integer",), ("number",)}:
        return None
    bounds = [
        {name: value for name, value in branch.keywords.items() if KEYWORDS[name].role is not Role.ANYWHERE}
        for branch in (by_type["integer",], by_type["number",])
    ]
    return by_type["number",] if not bounds[1] or bounds[0] == bounds[1] else None


def _allows_null(keywords: Keywords) -> bool:
    types, enum = keywords.get("type"), keywords.get("enum")
    return (types is None or "null" in types) and (enum is None or None in enum) and keywords.get("const") is None
