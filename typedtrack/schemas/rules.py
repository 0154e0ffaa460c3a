"""The rules of compatibility, a table: what each is for, what to do where it is broken, and how it is checked.

A rule refuses exactly when the writer may store a result that the reader, decoding it, refuses. Only whether one
pattern allows all that another does cannot be decided; different patterns count as incompatible.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple, TypeAlias

import attrs

from typedtrack._results.values import Value
from typedtrack._schema.fields import CONSTRAINTS, FieldSchema
from typedtrack.errors import shown
from typedtrack.schemas.extremes import extremes

__all__ = ["RULES", "Meeting", "Rule"]

_EXACT_IN_DOUBLES: Final = 2**53


class Meeting(NamedTuple):
    """One field, of a reader, a writer, or both, as they meet on the wire."""

    reader: FieldSchema | None
    writers: tuple[FieldSchema, ...]
    """What the writer stores that the reader takes for this field, by its name or an alias."""
    renamed: tuple[FieldSchema, ...]
    """What the writer stores under a new name that the reader does not know, though the writer knows the reader's."""
    closed: bool
    """Whether the reader refuses unknown fields."""
    beside: tuple[FieldSchema, ...] | None = None
    """Of a field that is needed only in a record that can be `None`: what the writer stores of that record."""


Finding: TypeAlias = tuple[str, Value | None]
"""The sentence, and the example."""


@attrs.frozen
class Rule:
    """One rule of compatibility: what it is for, what to do about it, and how it is checked."""

    id: str
    purpose: str
    remedy: str
    find: Callable[[Meeting], Finding | None]
    warns: bool = False
    """Whether the reader reads the result all the same."""


def _missing(meeting: Meeting) -> Finding | None:
    if meeting.writers or (when := _lacking(meeting)) is None:
        return None
    return f"the reader requires it{when}, and the writer does not store it", None


def _may_be_absent(meeting: Meeting) -> Finding | None:
    if not meeting.writers or (when := _lacking(meeting)) is None:
        return None
    return f"the reader requires it{when}, and the writer stores none where it is None", None


def _lacking(meeting: Meeting) -> str | None:
    """Return in which results that the writer may store the reader lacks the field; `None` if in none."""
    if meeting.reader is None or not meeting.reader.needed:
        return None
    if meeting.beside is None:
        return None if any(not _conditions(writer) for writer in meeting.writers) else ""
    for other in meeting.beside:
        if not any(_conditions(writer) <= _conditions(other) for writer in meeting.writers):
            return f" where {other.name!r} is stored"
    return None


def _conditions(writer: FieldSchema) -> frozenset[str]:
    """Return the attributes that must not be `None` for *writer* to be stored: where they are not, it is."""
    return frozenset((*writer.within, writer.attribute) if writer.optional else writer.within)


def _twice(meeting: Meeting) -> Finding | None:
    if len(meeting.writers) < 2:
        return None
    names = " and ".join(repr(writer.name) for writer in meeting.writers)
    return f"the writer stores both {names}, which are one field to the reader", None


def _unknown(meeting: Meeting) -> Finding | None:
    if meeting.reader is not None or not meeting.closed:
        return None
    return "the writer stores it, and the reader refuses fields that it does not know", None


def _kind(meeting: Meeting) -> Finding | None:
    for reader, writer in _pairs(meeting, same_kind=False):
        if not _kind_fits(reader, writer):
            example = next((value for value in extremes(writer) if writer.problem(value) is None), None)
            return f"the reader takes {reader.kind}, and the writer stores {writer.kind}", example
    return None


def _keeping(*constraints: str) -> Callable[[Meeting], Finding | None]:
    """Return how to check that what the writer may store keeps the reader's *constraints*, each other aside."""
    aside: dict[str, Any] = {name: None for name in CONSTRAINTS if name not in constraints}
    if "choices" not in constraints:
        aside["choices"] = ()

    def find(meeting: Meeting) -> Finding | None:
        for reader, writer in _pairs(meeting):
            alone = attrs.evolve(reader, **aside)
            for example in extremes(writer, len(reader.choices) + 1) if alone.constrained else ():
                if (reason := alone.problem(example)) is not None:
                    return _refused(writer, example, reason)
        return None

    return find


def _refused(writer: FieldSchema, example: Value, reason: str) -> Finding:
    if writer.problem(example) is not None:
        return f"but for its pattern the writer may store {shown(example)}, which for the reader {reason}", None
    return f"the writer may store {shown(example)}, which for the reader {reason}", example


def _pattern(meeting: Meeting) -> Finding | None:
    for reader, writer in _pairs(meeting):
        if reader.pattern in (None, writer.pattern):
            continue
        alone = attrs.evolve(reader, min_length=None, max_length=None)
        for example in extremes(writer):
            if (reason := alone.problem(example)) is not None:
                return _refused(writer, example, reason)
        if not writer.choices:
            return f"not all that the writer may store is known to match {reader.pattern!r}", None
    return None


def _inexact(meeting: Meeting) -> Finding | None:
    for reader, writer in _pairs(meeting):
        if reader.kind == "float" and writer.kind == "int":
            for example in extremes(writer):
                if abs(int(example)) > _EXACT_IN_DOUBLES and float(example) != example:
                    return f"the writer may store {example}, which is read as {float(example)!r}", example
    return None


def _renamed(meeting: Meeting) -> Finding | None:
    if meeting.reader is None or meeting.writers or not meeting.renamed or _lacking(meeting) is not None:
        return None
    return f"the writer stores it as {meeting.renamed[0].name!r}; the reader reads its default", None


def _pairs(meeting: Meeting, *, same_kind: bool = True) -> Iterator[tuple[FieldSchema, FieldSchema]]:
    reader = meeting.reader
    if reader is not None:
        for writer in meeting.writers:
            if not same_kind or _kind_fits(reader, writer):
                yield reader, writer


def _kind_fits(reader: FieldSchema, writer: FieldSchema) -> bool:
    return reader.kind == writer.kind or (reader.kind, writer.kind) == ("float", "int")


RULES: Final = (
    Rule("field-missing", "A field that the reader requires is stored.", "give it a default", _missing),
    Rule(
        "field-optional",
        "A field that the reader requires is never left out.",
        "let it be None in the reader, or give it a default there",
        _may_be_absent,
    ),
    Rule(
        "field-twice",
        "No two fields that are stored are one to the reader.",
        "remove the field whose name is now an alias from the writer, or the alias from the reader",
        _twice,
    ),
    Rule(
        "field-unknown",
        "A reader that refuses unknown fields knows every field that is stored.",
        'add it to the reader with a default, or read with unknown="ignore"',
        _unknown,
    ),
    Rule(
        "kind",
        "A field is read as the kind that it is stored as; an int is read as a float, too.",
        "keep the kind, and add a field of another name for the new one",
        _kind,
    ),
    Rule(
        "choices",
        "Every value that may be stored is among those that the reader allows.",
        "keep every member; add new ones to the readers first",
        _keeping("choices"),
    ),
    Rule(
        "bounds",
        "Every number that may be stored is within the reader's bounds; NaN is within none.",
        "keep the reader's bounds as wide as any writer's",
        _keeping("gt", "ge", "lt", "le"),
    ),
    Rule(
        "multiple",
        "Every number that may be stored is a multiple of what the reader asks for.",
        "keep the writer's multiple_of a multiple of the reader's",
        _keeping("multiple_of"),
    ),
    Rule(
        "length",
        "Every str that may be stored has a length that the reader allows, whatever its pattern.",
        "keep the reader's lengths as wide as any writer's",
        _keeping("min_length", "max_length"),
    ),
    Rule(
        "pattern",
        "The reader has no pattern, or the writer's; whether one allows all that another does cannot be decided.",
        "keep the pattern, or drop it from the reader",
        _pattern,
    ),
    Rule(
        "int-as-float",
        "An int beyond 2**53 is not read as a float that it does not equal.",
        "bound the int, or keep it one",
        _inexact,
        warns=True,
    ),
    Rule(
        "renamed",
        "A default does not stand in for a field that is stored under its new name.",
        "update the readers before the writers",
        _renamed,
        warns=True,
    ),
)
