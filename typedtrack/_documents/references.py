"""What a subschema comes to: references followed, ``null`` set apart."""

from __future__ import annotations

from typing import Final

import attrs

from typedtrack._documents.grammar import KEYWORDS, Subschema
from typedtrack._documents.pointers import referred, tokens_of
from typedtrack.errors import shown

__all__ = ["Document", "Resolved"]

_ANNOTATIONS: Final = frozenset(
    {"title", "description", "comment", "deprecated", "default", "examples", "attribute", "aliases"}
    | {"non_finite_default", "no_default"}
)


@attrs.frozen
class Resolved:
    """What a subschema comes to when references are followed and ``null`` is set apart."""

    subschema: Subschema
    """Neither ``$ref`` nor ``oneOf`` nor ``anyOf`` is left in it, nor the type ``null``."""
    pointer: str
    """Where it is; for a reference, where that leads."""
    nullable: bool
    target: Subschema
    """What stands where the last reference leads; the subschema itself where there is none."""
    outside: Subschema
    """The subschema itself."""


@attrs.frozen
class Document:
    """A document's tree, and what its references lead to."""

    root: Subschema

    def resolved(self, subschema: Subschema, where: str) -> Resolved:
        """Return what *subschema*, found at *where*, comes to.

        Raises:
            ValueError: a reference leads nowhere, out of the document or to itself, or keywords contradict each other.
        """
        outside = target = subschema
        nullable, seen = False, {where}
        while True:
            if subschema.ref is not None:
                where, target = self._followed(subschema.ref)
                if where in seen:
                    raise ValueError(f"refers to itself by way of {subschema.ref}")
                seen.add(where)
                subschema = _merged(target, attrs.evolve(subschema, ref=None))
            elif subschema.one_of is not None or subschema.any_of is not None:
                keyword, branches = (
                    ("oneOf", subschema.one_of) if subschema.any_of is None else ("anyOf", subschema.any_of)
                )
                others = [branch for branch in branches or () if branch.type != ("null",)]
                if len(branches or ()) != 2 or len(others) != 1:
                    raise ValueError(f'takes {keyword} only of one subschema and {{"type": "null"}}')
                nullable = True
                rest = attrs.evolve(subschema, **{"one_of" if keyword == "oneOf" else "any_of": None})
                subschema = _merged(others[0], rest)
            else:
                break
        if subschema.type is not None and len(subschema.type) > 1 and "null" in subschema.type:
            nullable = True
            subschema = attrs.evolve(subschema, type=tuple(name for name in subschema.type if name != "null"))
        return Resolved(subschema, where, nullable, target, outside)

    def _followed(self, ref: str) -> tuple[str, Subschema]:
        where = referred(ref)
        if where is None:
            raise ValueError(f"refers to {shown(ref)}: only references within the document, #/…, are followed")
        tokens = tokens_of(where)
        found: Subschema | None = self.root if len(tokens) % 2 == 0 else None
        while tokens and found is not None:
            keyword, name = tokens.pop(0), tokens.pop(0)
            place = found.definitions if keyword == "$defs" else found.properties if keyword == "properties" else None
            found = None if place is None else place.get(name)
        if found is None:
            raise ValueError(f"refers to {shown(ref)}, where there is no subschema in $defs or properties")
        return where, found


def _merged(inner: Subschema, outer: Subschema) -> Subschema:
    """Return the keywords of both; of annotations the outer ones where both have them."""
    given, beside = inner.given(), outer.given()
    for name in given:
        if name in beside and name not in _ANNOTATIONS and given[name] != beside[name]:
            raise ValueError(f"has {KEYWORDS[name]} beside a reference or a choice that has it, too")
    return Subschema(**{**given, **beside})
