"""JSON to a tree of subschemas, in which everything has its JSON Pointer.

cattrs structures each object, and reports all that is wrong with its keywords at once. Those are noted as problems and
set aside as `unread`, so that the rest is read on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import attrs

from typedtrack._schema.documents.grammar import HOLDS, KEYWORDS, PREFIX, READERS, UNREADABLE, Subschema, Text
from typedtrack._schema.documents.grammar import keywords_of as read_keywords
from typedtrack._schema.documents.grammar import text as read_text
from typedtrack._schema.documents.pointers import joined, pointer
from typedtrack.errors import shown

if TYPE_CHECKING:
    from cattrs import Converter

__all__ = ["Document", "Report", "parse"]

Report: TypeAlias = Callable[[str, str], None]
"""What takes a problem: its JSON Pointer, and the reason."""

_APPLICATORS: Final = frozenset({"allOf", "if", "then", "else", "dependentSchemas", "$dynamicRef", "$recursiveRef"})
"""Keywords that are not supported and bring others, whatever these are."""


@attrs.frozen
class Document:
    """A document's subschemas by their JSON Pointers."""

    places: dict[str, Subschema] = attrs.field(factory=dict[str, Subschema])
    bases: dict[str, str] = attrs.field(factory=dict[str, str])
    """For each subschema the URI that its references are relative to: the ``$id`` around it."""
    uris: dict[str, str] = attrs.field(factory=dict[str, str])
    """For each ``$id``, and each ``$anchor`` below one, the subschema that has it."""


def parse(document: object, report: Report) -> Document:
    """Return *document* as far as it is in the supported subset; what is not is told to *report*."""
    parsed = Document(uris={"": ""})
    _Parser(parsed, report).subschema(document, "", "")
    return parsed


@attrs.frozen
class _Parser:
    parsed: Document
    report: Report

    def subschema(self, value: object, where: str, base: str) -> Subschema:
        node = self._keywords(value, where)
        if node.identifier is not None:
            base, fragment = joined(base, node.identifier)
            if fragment:
                self.report(where + pointer(KEYWORDS["identifier"]), f"has a fragment, {shown(fragment)}; use $anchor")
            self._only(base, where, "identifier")
        if node.anchor is not None:
            self._only(f"{base}#{node.anchor}", where, "anchor")
        children: dict[str, Any] = {}
        for name, how in HOLDS.items():
            held = getattr(node, name)
            if held is None or isinstance(held, bool) or how == "texts":
                continue
            place = where + pointer(KEYWORDS[name])
            if how == "one":
                children[name] = self.subschema(held, place, base)
            elif how == "listed":
                children[name] = tuple(
                    self.subschema(child, place + pointer(str(index)), base) for index, child in enumerate(held)
                )
            else:
                children[name] = {key: self.subschema(child, place + pointer(key), base) for key, child in held.items()}
        if children:
            node = attrs.evolve(node, **children)
        self.parsed.places[where] = node
        self.parsed.bases[where] = base
        return node

    def _keywords(self, value: object, where: str) -> Subschema:
        """Return the keywords of the object *value*, what they hold unread."""
        from cattrs.errors import ClassValidationError  # here, because a process that only puts and gets reads none

        try:
            keywords = read_keywords(value)
        except ValueError as error:
            self.report(where, str(error))
            return UNREADABLE
        known = {
            name: there for name, there in keywords.items() if name.startswith(PREFIX) or not name.startswith("x-")
        }
        try:
            return _converter().structure(known, Subschema)
        except ClassValidationError as error:
            faults = dict(_faults(error))
        for tokens, reason in faults.items():
            self.report(where + pointer(*tokens), reason)
        at_fault = frozenset(keyword for keyword, *_ in faults)
        rest = {keyword: there for keyword, there in known.items() if keyword not in at_fault}
        unread = at_fault if at_fault.isdisjoint(_APPLICATORS) else at_fault | (UNREADABLE.unread - rest.keys())
        return attrs.evolve(_converter().structure(rest, Subschema), unread=unread)

    def _only(self, uri: str, where: str, name: str) -> None:
        other = self.parsed.uris.setdefault(uri, where)
        if other != where:
            self.report(where + pointer(KEYWORDS[name]), f"is that of {other or 'the document'} already")


def _faults(error: Exception) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield what cattrs found wrong: the path to it from the object, and the reason."""
    from cattrs.errors import (
        AttributeValidationNote,
        ClassValidationError,
        ForbiddenExtraKeysError,
        IterableValidationError,
    )

    if isinstance(error, (ClassValidationError, IterableValidationError)):
        placed, others = error.group_exceptions()
        for inner, note in placed:
            token = KEYWORDS[note.name] if isinstance(note, AttributeValidationNote) else str(note.index)
            for tokens, reason in _faults(inner):
                yield (token, *tokens), reason
        for inner in others:
            yield from _faults(inner)
    elif isinstance(error, ForbiddenExtraKeysError):
        for keyword in sorted(error.extra_fields):
            yield (keyword,), "is not a supported keyword"
    else:
        yield (), str(error)


@cache
def _converter() -> Converter:
    from cattrs import Converter  # here, too
    from cattrs.gen import make_dict_structure_fn, override

    converter = Converter()
    converter.register_structure_hook(Text, lambda value, _: read_text(value))

    def hook(name: str) -> Callable[[object, object], Any]:
        read = READERS[name]
        if HOLDS.get(name) == "texts":
            return lambda value, _: converter.structure(read(value), tuple[Text, ...])
        return lambda value, _: read(value)

    overrides: dict[str, Any] = {
        name: override(rename=keyword, struct_hook=hook(name)) for name, keyword in KEYWORDS.items()
    }
    structure = make_dict_structure_fn(
        Subschema, converter, _cattrs_forbid_extra_keys=True, unread=override(omit=True), **overrides
    )
    converter.register_structure_hook(Subschema, structure)
    return converter
