"""The first stage: JSON to a tree of subschemas, each with its keywords and its JSON Pointer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, cast

import attrs

from typedtrack._schema.documents.keywords import KEYWORDS, OLD_DIALECTS, PREFIX, REMEDIES, Keyword, Keywords, Role
from typedtrack._schema.documents.limits import MAX_DEPTH, MAX_NAME, MAX_SUBSCHEMAS, MAX_URI, pattern_weight, weight
from typedtrack._schema.documents.pointers import joined, pointer
from typedtrack._schema.documents.problems import Problems, cut
from typedtrack.errors import shown

if TYPE_CHECKING:
    from cattrs.errors import ClassValidationError, ForbiddenExtraKeysError

__all__ = ["Node", "parse"]


@attrs.frozen(eq=False)
class Node:
    """A subschema and its place in the document."""

    keywords: Keywords
    path: tuple[str, ...]
    """The tokens of its JSON Pointer: keyword and name, or keyword and index, of each subschema on the way."""
    pointer: str
    """The JSON Pointer, cut if it is long."""
    base: str
    """The URI that its references are relative to: the nearest ``$id`` around it."""
    children: dict[tuple[str, ...], Node] = attrs.field(factory=dict["tuple[str, ...]", "Node"])
    """The subschemas in it, by keyword and name, or keyword and index."""

    @cached_property
    def weight(self) -> int:
        """The weight of each use of it, without the subschemas in it."""
        held = [value for name, value in self.keywords.items() if not KEYWORDS[name].holds_subschemas]
        patterns = (self.keywords.get("pattern"), self.keywords.get("x-typedtrack-pattern"))
        return 1 + sum(map(weight, held)) + sum(map(pattern_weight, patterns))

    def at(self, path: tuple[str, ...]) -> Node | None:
        """Return the subschema that *path* leads to from here, or `None`."""
        node: Node | None = self
        for start in range(0, len(path), 2):
            node = node and node.children.get(path[start : start + 2])
        return node


def parse(document: object, problems: Problems) -> dict[str, Node]:
    """Return the subschemas of *document* that have URIs, by these; the root has the URI ``""``.

    The URI of a subschema is its ``$id``; or the ``$id`` around it, ``#`` and its ``$anchor``.
    """
    parser = _Parser(problems)
    root = parser.subschema(document, (), "", "")
    return parser.uris | {"": root}


class _Parser:
    def __init__(self, problems: Problems) -> None:
        self._problems = problems
        self._count = 0
        self._old = False
        self.uris: dict[str, Node] = {}

    def subschema(self, value: object, path: tuple[str, ...], where: str, base: str) -> Node:
        self._count += 1
        if self._count > MAX_SUBSCHEMAS:
            self._problems.abort("", f"has more than {MAX_SUBSCHEMAS:,} subschemas")
        if len(path) > 2 * MAX_DEPTH:
            self._problems.abort(where, f"is nested too deeply: more than {MAX_DEPTH} subschemas within one another")
        keywords = self._keywords(value, where)
        self._read_old_drafts(keywords, where)
        uris: dict[str, str] = {}
        if (identifier := keywords.get("$id")) is not None:
            base, fragment = joined(base, identifier)
            uris["$id"] = base
            if identifier.startswith("#"):  # an anchor, in older drafts
                uris["$id"] = f"{base}#{fragment}"
            elif fragment:
                self._problems.add(where + pointer("$id"), f"has a fragment, {shown(fragment)}; use $anchor")
            if len(base) > MAX_URI:
                self._problems.abort(where + pointer("$id"), f"makes a URI of more than {MAX_URI:,} characters")
        if (anchor := keywords.get("$anchor")) is not None:
            uris["$anchor"] = f"{base}#{anchor}"
        node = Node(keywords, path, where, base)
        for keyword, uri in uris.items():
            if (other := self.uris.setdefault(uri, node)) is not node:
                self._problems.add(where + pointer(keyword), f"is already that of {other.pointer or 'the document'}")
        for keyword, held in keywords.items():
            for name, child in _held(held) if KEYWORDS[keyword].holds_subschemas else ():
                tokens = (keyword, name)
                place = cut(where + pointer(*tokens))
                if len(name) > MAX_NAME:
                    self._problems.add(place, f"has a name of more than {MAX_NAME} characters")
                node.children[tokens] = self.subschema(child, path + tokens, place, base)
        return node

    def _read_old_drafts(self, keywords: Keywords, where: str) -> None:
        """Rewrite *keywords* of older drafts as those of 2020-12."""
        bounds = cast("dict[str, object]", keywords)
        for name, inclusive in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
            exclusive = bounds.get(name)
            if isinstance(exclusive, bool):
                del bounds[name]
                if exclusive and inclusive in bounds:
                    bounds[name] = bounds.pop(inclusive)
                elif exclusive:
                    self._problems.add(where + pointer(name), f"is true, but has no {inclusive} beside it")
        self._old = self._old or keywords.get("$schema") in OLD_DIALECTS
        if self._old and "$ref" in keywords:
            for name in keywords:
                constrains = name == "type" or KEYWORDS[name].role not in (Role.ANYWHERE, Role.FIELD)
                if constrains and name not in ("$ref", "nullable"):
                    reason = "does nothing beside $ref in this draft; move the $ref: "
                    self._problems.add(where + pointer(name), f'{reason}"allOf": [{{"$ref": …}}]')

    def _keywords(self, value: object, where: str) -> Keywords:
        """Return the keywords of the subschema *value* that have no problem."""
        from cattrs.errors import ClassValidationError  # here, because put and get need no cattrs

        if not isinstance(value, Mapping):
            self._problems.add(where, f"must be an object, not {shown(value)}")
            return {}
        keywords = {
            name: there
            for name, there in cast("Mapping[Any, object]", value).items()
            if not str(name).startswith("x-") or str(name).startswith(PREFIX)
        }
        try:
            return _structure()(keywords, Keywords)
        except ClassValidationError as error:
            bad = dict(_faults(error))
        for keyword, reason in bad.items():
            self._problems.add(where + pointer(str(keyword)), reason)
        return _structure()({name: there for name, there in keywords.items() if name not in bad}, Keywords)


def _faults(error: ClassValidationError) -> Iterator[tuple[object, str]]:
    """Yield the keywords that cattrs could not structure, and the reasons."""
    attributes, others = error.group_exceptions()
    for inner, note in attributes:
        yield note.name, str(inner)
    for other in others:
        for keyword in sorted(cast("ForbiddenExtraKeysError", other).extra_fields, key=str):  # the only other kind
            remedy = REMEDIES.get(str(keyword), "leave it out, or begin its name with x- to keep it as a note")
            yield keyword, f"is not a supported keyword: {remedy}"


@cache
def _structure() -> Callable[[object, object], Keywords]:
    from cattrs import Converter  # here, too
    from cattrs.gen import override, typeddicts  # in part without types

    def hook(row: Keyword) -> Callable[[object, object], Any]:
        return lambda value, _: row.read(value)

    make = cast("Callable[..., Callable[[object, object], Keywords]]", vars(typeddicts)["make_dict_structure_fn"])
    hooks = {name: override(struct_hook=hook(row)) for name, row in KEYWORDS.items()}
    return make(Keywords, Converter(), _cattrs_forbid_extra_keys=True, **hooks)


def _held(value: object) -> Iterable[tuple[str, object]]:
    """Return the members of *value*, a JSON value, by name or index."""
    if isinstance(value, Mapping):
        return cast("Mapping[str, object]", value).items()
    elements = cast("Sequence[object]", value) if isinstance(value, (list, tuple)) else ()
    return ((str(index), element) for index, element in enumerate(elements))
