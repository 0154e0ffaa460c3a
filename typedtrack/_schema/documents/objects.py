"""The second stage: objects to the fields that their properties describe."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

import attrs

from typedtrack._results.values import name_problem
from typedtrack._schema.documents.keywords import Role
from typedtrack._schema.documents.pointers import pointer, reference
from typedtrack._schema.documents.problems import Problems
from typedtrack._schema.documents.references import Resolved, Resolver
from typedtrack._schema.documents.terms import FLAT_VALUE
from typedtrack._schema.documents.tree import Node
from typedtrack._schema.documents.values import Member, read_value
from typedtrack._schema.identifiers import class_name, identifier_problem
from typedtrack.errors import shown

__all__ = ["Object", "read_objects"]

_OF_DOCUMENTS: Final = frozenset({Role.ANYWHERE, Role.OBJECT})
_OF_OBJECTS: Final = frozenset({Role.ANYWHERE, Role.OBJECT, Role.FIELD})
_BESIDE_ROOT_REFERENCES: Final = frozenset({Role.ANYWHERE})
_BESIDE_REFERENCES: Final = frozenset({Role.ANYWHERE, Role.FIELD})

_BRANCHES: Final = frozenset({"allOf", "oneOf", "anyOf"})


@attrs.frozen
class Object:
    """An object that is a record, and its fields."""

    name: str
    resolved: Resolved
    members: tuple[Member, ...]
    required: dict[str, int]
    """The names that it requires, and their indices in ``required``."""


def read_objects(uris: Mapping[str, Node], source: str, problems: Problems) -> tuple[Node, dict[Node, Object]]:
    """Return the object of the document (the root or its target), and all objects by their subschemas.

    If *source* is a JSON file, it names a record that has no title.
    """
    file = re.fullmatch(r"(?:.*[/\\:])?([^/\\:]+?)(?:\.schema)?\.json", source, re.DOTALL)
    reader = _Reader(Resolver(uris, problems), file[1].replace("_", " ") if file else "", problems)
    return reader.read_root(uris[""]), reader.objects


class _Reader:
    def __init__(self, resolver: Resolver, file_stem: str, problems: Problems) -> None:
        self._resolver = resolver
        self._file_stem = file_stem
        self._problems = problems
        self._open: set[Node] = set()
        self.objects: dict[Node, Object] = {}

    def read_root(self, root: Node) -> Node:
        resolved = self._resolver.resolve(root)
        if resolved is None:
            return root
        if resolved.target is not root and resolved.nullable and resolved.keywords.get("type") == ("object",):
            self._problems.add(pointer("$ref"), "allows null, and a result cannot be null")
        resolved.refuse_others(_BESIDE_ROOT_REFERENCES, "a reference from the root", self._problems, beside=True)
        resolved.refuse_others(_OF_DOCUMENTS, "a document", self._problems)
        self._read(resolved)
        return resolved.target

    def _read(self, resolved: Resolved) -> None:
        """Read the object that is the target of *resolved*."""
        node, keywords = resolved.target, resolved.keywords
        if keywords.get("type", ("object",) if "properties" in keywords else None) != ("object",):
            self._problems.add(resolved.place("type"), 'must be "object"')
        elif not node.keywords.get("properties"):
            self._problems.add(node.pointer + pointer("properties"), "has no field: name each, with its type")
        if keywords.get("additionalProperties") not in (None, True, False, {}, FLAT_VALUE):
            reason = 'must be true, false or {"type": ["number", "string"]}; name each field in properties'
            self._problems.add(resolved.place("additionalProperties"), reason)
        required = {name: index for index, name in enumerate(node.keywords.get("required", ()))}
        for name, index in required.items():
            if name not in node.keywords.get("properties", {}):
                place = node.pointer + pointer("required", str(index))
                self._problems.add(place, f"is {shown(name)}, which is not in properties; add it there")
        self._open.add(node)
        members = tuple(member for member in self._members(node, required) if member is not None)
        self._open.remove(node)
        taken: dict[str, Member] = {}
        for member in members:
            if (other := taken.setdefault(member.attribute, member)) is not member:
                reason = f"is the Python attribute {member.attribute}, as {other.name!r} is"
                self._problems.add(member.place("attribute"), f"{reason}; name another by x-typedtrack-attribute")
        self.objects[node] = Object(self._name(resolved), resolved, members, required)

    def _name(self, resolved: Resolved) -> str:
        """Return the name of the record: its title, the name under which the object is found, or that of the file."""
        path, place = resolved.target.path, resolved.place("title")
        names = [name for keyword, name in zip(path[::2], path[1::2], strict=True) if keyword not in _BRANCHES]
        stem = names[-1].lstrip("_") if names else self._file_stem
        found = resolved.keywords.get("title", stem[:1].upper() + stem[1:])
        if not stem and "title" not in resolved.keywords:
            self._problems.add(place, 'is missing: it names the record, as in "title": "TrainingRun"')
            return ""
        name = class_name(found)
        if (reason := identifier_problem(name)) is not None:
            says = "names the record" if "title" in resolved.keywords else "is missing, and no other name will do"
            self._problems.add(place, f"{says}: {reason}; use ASCII letters, digits and _, as in TrainingRun")
        return name

    def _members(self, node: Node, required: Mapping[str, int]) -> Iterator[Member | None]:
        """Yield the fields of the object *node*, in the order of its properties; `None`: a field with problems."""
        declared = {
            name: self._member(name, node.children["x-typedtrack-nested", name], required=True, declared=True)
            for name in node.keywords.get("x-typedtrack-nested", {})
        }
        left = dict(declared)
        for name in node.keywords.get("properties", {}):
            child = node.children["properties", name]
            owner = _owner(name, child.keywords.get("$ref"), declared) if declared else None
            if owner is None:
                yield self._member(name, child, required=name in required)
            elif owner in left:
                yield left.pop(owner)
        yield from left.values()

    def _member(self, name: str, node: Node, *, required: bool, declared: bool = False) -> Member | None:
        resolved = self._resolver.resolve(node)
        if resolved is None:
            return None
        self._problems.weigh(resolved.weight, node.pointer)
        member = Member(name, required, resolved, declared)
        member.check_attribute(self._problems)
        if not declared and resolved.keywords.get("type") != ("object",) and "properties" not in resolved.keywords:
            return read_value(member, self._problems)
        if (reason := name_problem(name)) is not None:
            self._problems.add(node.pointer, f"cannot be named {shown(name)} on the wire: {reason}")
        resolved.refuse_others(_BESIDE_REFERENCES, "a reference to an object", self._problems, beside=True)
        if resolved.target in self._open:
            self._problems.add(
                node.pointer + pointer("$ref"),
                "leads to a record that contains itself; store inner ones under keys of their own",
            )
        elif resolved.target not in self.objects:
            target = Resolved.alone(resolved.target)
            target.refuse_others(_OF_OBJECTS, "an object", self._problems)
            self._read(target)
        return member


def _owner(name: str, ref: str | None, declared: Mapping[str, Member | None]) -> str | None:
    """Return the *declared* record whose column the property *name* is; `None` if the property is a field itself.

    A column refers to a property of its record. If the reference to the record failed, its columns are not checked.
    """
    for index, character in enumerate(name):
        if character == "/" and (outer := name[:index]) in declared:
            member = declared[outer]
            if member is None or ref == reference(*member.resolved.target.path, "properties", name[index + 1 :]):
                return outer
    return None
