"""Matches: the fields of a reader, each with the fields of a writer that it reads."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from typedtrack._results.values import KINDS_BY_NAME, KindName
from typedtrack._schema.records import FieldSchema, RecordSchema

__all__ = ["Match", "Pair", "conditions", "match_fields", "readable_kinds"]


class Pair(NamedTuple):
    """A reader and a writer as a whole, for the rules."""

    closed: bool
    """Whether the reader refuses unknown fields."""
    backward: bool
    """Whether the reader is the newer of the two."""
    owners: Mapping[str, FieldSchema]
    """The reader's fields by each of their names and aliases."""
    attributes: Mapping[str, FieldSchema]
    """The reader's fields by their attributes."""
    unfed: Mapping[KindName, Sequence[FieldSchema]]
    """The reader's fields that read no field of the writer, by each kind that they can read."""
    lapsed: Collection[str] = ()
    """Names that a schema between the two did not read."""


class Match(NamedTuple):
    """A field of the reader with the fields of the writer that it reads; or a field that only the writer has."""

    reader: FieldSchema | None
    writers: tuple[FieldSchema, ...]
    """The writer's fields that are stored under the reader's name or one of its aliases."""
    renamed: tuple[FieldSchema, ...]
    """The writer's fields that have a name of the reader's field as an alias, an older name."""
    pair: Pair
    siblings: Mapping[frozenset[str], str] | None = None
    """For a field within an optional record: the writer's fields that the record reads, by their conditions."""


def match_fields(
    reader: RecordSchema, writer: RecordSchema, closed: bool, backward: bool, lapsed: Collection[str]
) -> Iterator[tuple[str, Match]]:
    """Yield a match, and the name on the wire, for each field of *reader* and for each that only *writer* has."""
    owners = {name: column for column in reader.columns for name in column.names}
    stored: dict[str, list[FieldSchema]] = {column.name: [] for column in reader.columns}
    renamed: dict[str, dict[str, FieldSchema]] = {column.name: {} for column in reader.columns}
    unread: list[FieldSchema] = []
    for other in writer.columns:
        if other.name in owners:
            stored[owners[other.name].name].append(other)
        else:
            unread.append(other)
        for alias in other.aliases:
            if alias in owners:
                renamed[owners[alias].name][other.name] = other

    siblings: dict[str, dict[frozenset[str], str]] = {}
    for path, members in reader.columns_within.items():
        found: dict[frozenset[str], str] = {}
        for other in (each for member in members for each in stored[member.name]):
            found.setdefault(conditions(other), other.name)
        siblings[path] = found

    attributes = {column.attribute: column for column in reader.columns}
    unfed: dict[KindName, list[FieldSchema]] = {kind: [] for kind in KINDS_BY_NAME}
    for column in (column for column in reader.columns if not stored[column.name]):
        for kind in readable_kinds(column):
            unfed[kind].append(column)
    pair = Pair(closed, backward, owners, attributes, unfed, lapsed)
    for column in reader.columns:
        writers, older = tuple(stored[column.name]), tuple(renamed[column.name].values())
        beside = siblings[column.within[-1]] if column.within else None
        yield column.name, Match(column, writers, older, pair, beside)
    for other in unread:
        yield other.name, Match(None, (other,), (), pair)


def conditions(writer: FieldSchema) -> frozenset[str]:
    """Return the attributes that decide whether *writer* is stored: it is stored unless one of them is `None`."""
    return frozenset((*writer.within, writer.attribute) if writer.optional else writer.within)


def readable_kinds(reader: FieldSchema) -> tuple[KindName, ...]:
    """Return the kinds that *reader* decodes."""
    return ("float", "int") if reader.kind == "float" else (reader.kind,)
