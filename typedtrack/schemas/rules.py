"""The rules of compatibility: a table of the purpose, the remedy and the check of each rule.

A rule fires exactly when the writer may store a result that the reader refuses to decode. Patterns are the exception:
whether one pattern implies another cannot be decided, so different patterns count as incompatible.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple, TypeAlias

import attrs

from typedtrack._results.values import Value
from typedtrack._schema.fields import CONSTRAINTS, FieldSchema
from typedtrack.errors import shown
from typedtrack.schemas.extremes import extremes

__all__ = ["RULES", "Match", "Rule", "conditions"]


class Match(NamedTuple):
    """A field of the reader with the fields of the writer that it reads; or a field that only the writer has."""

    reader: FieldSchema | None
    writers: tuple[FieldSchema, ...]
    """The writer's fields that are stored under the reader's name or one of its aliases."""
    renamed: tuple[FieldSchema, ...]
    """The writer's fields that have a name of the reader's field as an alias, an older name."""
    closed: bool
    """Whether the reader refuses unknown fields."""
    siblings: Mapping[frozenset[str], str] | None = None
    """For a field within an optional record: the writer's fields that the record reads, by their conditions."""


Finding: TypeAlias = tuple[str, Value | None]
"""A sentence and an example value."""


@attrs.frozen
class Rule:
    """One rule of compatibility: its purpose, its remedy and its check."""

    id: str
    purpose: str
    remedy: str
    find: Callable[[Match], Finding | None]
    warns: bool = False
    """Whether the reader decodes the result all the same."""


def conditions(writer: FieldSchema) -> frozenset[str]:
    """Return the attributes that decide whether *writer* is stored: it is stored unless one of them is `None`."""
    return frozenset((*writer.within, writer.attribute) if writer.optional else writer.within)


def _missing(match: Match) -> Finding | None:
    if match.writers or (when := _lacking(match)) is None:
        return None
    return f"the reader requires it{when}, but the writer does not store it", None


def _may_be_absent(match: Match) -> Finding | None:
    if not match.writers or (when := _lacking(match)) is None:
        return None
    return f"the reader requires it{when}, but the writer leaves it out when it is None", None


def _lacking(match: Match) -> str | None:
    """Return when the reader lacks a field that it needs: always (``""``), or beside which field; `None` for never."""
    if match.reader is None or not match.reader.needed:
        return None
    stored_unless = [conditions(writer) for writer in match.writers]
    if match.siblings is None:
        return None if frozenset() in stored_unless else ""
    for sibling, name in match.siblings.items():
        if not any(needed <= sibling for needed in stored_unless):
            return f" when {name!r} is stored"
    return None


def _twice(match: Match) -> Finding | None:
    if len(match.writers) < 2:
        return None
    names = " and ".join(repr(writer.name) for writer in match.writers)
    return f"the writer stores both {names}, but the reader takes them for one field", None


def _unknown(match: Match) -> Finding | None:
    if match.reader is not None or not match.closed:
        return None
    return "the writer stores it, but the reader does not know it and refuses unknown fields", None


def _kind(match: Match) -> Finding | None:
    for reader, writer in _pairs(match, same_kind=False):
        if not _kind_fits(reader, writer):
            example = next((value for value in extremes(writer) if writer.problem(value) is None), None)
            return f"the reader expects {reader.kind}, but the writer stores {writer.kind}", example
    return None


def _check_constraints(*constraints: str) -> Callable[[Match], Finding | None]:
    """Return a check that the writer's values keep these *constraints* of the reader; it ignores all others."""
    ignored: dict[str, Any] = {name: None for name in CONSTRAINTS if name not in constraints}
    if "choices" not in constraints:
        ignored["choices"] = ()

    def find(match: Match) -> Finding | None:
        for reader, writer in _pairs(match):
            alone = attrs.evolve(reader, **ignored)
            for example in extremes(writer, len(reader.choices) + 1) if alone.constrained else ():
                if (reason := alone.problem(example)) is not None:
                    return _refused(writer, example, reason)
        return None

    return find


def _refused(writer: FieldSchema, example: Value, reason: str) -> Finding:
    sentence = f"the writer may store {shown(example)}, which the reader refuses: {reason}"
    if writer.problem(example) is not None:
        return f"apart from its pattern, {sentence}", None
    return sentence, example


def _pattern(match: Match) -> Finding | None:
    for reader, writer in _pairs(match):
        if reader.pattern in (None, writer.pattern):
            continue
        alone = attrs.evolve(reader, min_length=None, max_length=None)
        for example in extremes(writer):
            if (reason := alone.problem(example)) is not None:
                return _refused(writer, example, reason)
        if not writer.choices:
            return f"the writer may store a str that does not match the reader's pattern {reader.pattern!r}", None
    return None


def _inexact(match: Match) -> Finding | None:
    for reader, writer in _pairs(match):
        if reader.kind == "float" and writer.kind == "int":
            for example in extremes(writer):
                if float(example) != example:
                    return f"the writer may store {example}, which is read as {float(example)!r}", example
    return None


def _renamed(match: Match) -> Finding | None:
    if match.reader is None or match.writers or not match.renamed or _lacking(match) is not None:
        return None
    return f"the writer stores it as {match.renamed[0].name!r}, so the reader reads its default", None


def _pairs(match: Match, *, same_kind: bool = True) -> Iterator[tuple[FieldSchema, FieldSchema]]:
    if (reader := match.reader) is not None:
        for writer in match.writers:
            if not same_kind or _kind_fits(reader, writer):
                yield reader, writer


def _kind_fits(reader: FieldSchema, writer: FieldSchema) -> bool:
    return reader.kind == writer.kind or (reader.kind, writer.kind) == ("float", "int")


RULES: Final = (
    Rule(
        "field-missing",
        "The writer stores every field that the reader requires.",
        "give the field a default in the reader",
        _missing,
    ),
    Rule(
        "field-optional",
        "The writer never leaves out a field that the reader requires.",
        "allow None in the reader, or give the field a default there",
        _may_be_absent,
    ),
    Rule(
        "field-twice",
        "The reader takes no two stored fields for one.",
        "remove the alias from the reader, or the second field from the writer",
        _twice,
    ),
    Rule(
        "field-unknown",
        "A reader that refuses unknown fields knows every stored field.",
        'add the field to the reader with a default, or read with unknown="ignore"',
        _unknown,
    ),
    Rule(
        "kind",
        "A field has the same kind for the reader and the writer. A float field may also read an int.",
        "keep the kind, and add a field with a new name for the new kind",
        _kind,
    ),
    Rule(
        "choices",
        "The reader allows every value that the writer may store.",
        "keep every choice, and add new choices to the readers first",
        _check_constraints("choices"),
    ),
    Rule(
        "bounds",
        "The reader's bounds include every number that the writer may store. No bounds include NaN.",
        "keep the reader's bounds as wide as every writer's",
        _check_constraints("gt", "ge", "lt", "le"),
    ),
    Rule(
        "multiple",
        "Every number that the writer may store is a multiple of the reader's multiple_of.",
        "keep the writer's multiple_of a multiple of the reader's",
        _check_constraints("multiple_of"),
    ),
    Rule(
        "length",
        "The reader allows the length of every str that the writer may store. Patterns do not count here.",
        "keep the reader's lengths as wide as every writer's",
        _check_constraints("min_length", "max_length"),
    ),
    Rule(
        "pattern",
        "The reader has no pattern, or the writer's pattern. Whether one pattern implies another cannot be decided.",
        "keep the pattern, or remove it from the reader",
        _pattern,
    ),
    Rule(
        "int-as-float",
        "A float field reads a stored int exactly. Beyond 2**53 it may not.",
        "bound the int, or keep the field an int",
        _inexact,
        warns=True,
    ),
    Rule(
        "renamed",
        "The reader knows the new name of a field, so that it does not read its default instead.",
        "update the readers before the writers",
        _renamed,
        warns=True,
    ),
)
