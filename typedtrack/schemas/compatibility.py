"""Compatibility: whether a reader decodes everything that a writer may store, for two schemas or over a history.

The check matches each field of the reader with the fields of the writer that it reads, then applies the rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, Literal, NamedTuple, TypeAlias, get_args

from typedtrack._results.values import Value
from typedtrack._schema.records import FieldSchema, RecordSchema
from typedtrack.errors import shown
from typedtrack.schemas.rules import RULES, Match, conditions

__all__ = [
    "MODES",
    "Conflict",
    "Incompatibility",
    "Mode",
    "check",
    "check_history",
    "history_warnings",
    "warnings_of",
]

Mode: TypeAlias = Literal["backward", "backward_transitive", "forward", "forward_transitive", "full", "full_transitive"]
"""Which schema reads which. Backward: the new one reads the older. Forward: the older reads the new one. Full: both.

A transitive mode checks every older schema, the others only the latest.
"""

MODES: Final[tuple[Mode, ...]] = get_args(Mode)


class Incompatibility(NamedTuple):
    """One reason why a reader refuses, or misreads, a result of a writer."""

    rule: str
    """The id of the rule, one of `RULES`."""
    field: str
    """The name on the wire."""
    sentence: str
    remedy: str
    example: Value | None = None
    """A value that the writer may store and the reader refuses; `None` if the reason is not a single value."""

    def __str__(self) -> str:
        return f"field {shown(self.field)}: {self.sentence}; {self.remedy} ({self.rule})"


def check(
    reader: RecordSchema, writer: RecordSchema, *, unknown: Literal["ignore", "error"] = "ignore"
) -> list[Incompatibility]:
    """Return every reason why *reader* may refuse a result of *writer*; an empty list means compatible.

    *unknown* says what the reader does with unknown fields, as in `ResultTracker.typed`.

    >>> import attrs
    >>> from typedtrack import FieldSchema
    >>> old = RecordSchema(name="Run", fields=(FieldSchema(attribute="loss", name="loss", kind="float"),))
    >>> new = attrs.evolve(old, fields=(FieldSchema(attribute="loss", name="loss", kind="float", ge=0.0),))
    >>> for incompatibility in check(new, old):
    ...     print(incompatibility)
    field 'loss': the writer may store nan, which the reader refuses: must be >= 0.0; keep the reader's bounds as ...
    """
    return _apply_rules(reader, writer, unknown, warns=False)


def warnings_of(reader: RecordSchema, writer: RecordSchema) -> list[Incompatibility]:
    """Return where *reader* decodes a result of *writer*, but reads a value that was not stored."""
    return _apply_rules(reader, writer, "ignore", warns=True)


def _apply_rules(reader: RecordSchema, writer: RecordSchema, unknown: str, *, warns: bool) -> list[Incompatibility]:
    rules = [rule for rule in RULES if rule.warns == warns]
    return [
        Incompatibility(rule.id, name, finding[0], rule.remedy, finding[1])
        for name, match in _matches(reader, writer, closed=unknown == "error")
        for rule in rules
        if (finding := rule.find(match)) is not None
    ]


def _matches(reader: RecordSchema, writer: RecordSchema, *, closed: bool) -> Iterator[tuple[str, Match]]:
    """Yield a match, and the name on the wire, for each field of *reader* and for each that only *writer* has."""
    owners = {name: column.name for column in reader.columns for name in column.names}
    stored: dict[str, list[FieldSchema]] = {column.name: [] for column in reader.columns}
    renamed: dict[str, dict[str, FieldSchema]] = {column.name: {} for column in reader.columns}
    unread: list[FieldSchema] = []
    for other in writer.columns:
        if other.name in owners:
            stored[owners[other.name]].append(other)
        else:
            unread.append(other)
        for alias in other.aliases:
            if alias in owners:
                renamed[owners[alias]][other.name] = other

    siblings: dict[str, dict[frozenset[str], str]] = {}
    for path, members in reader.columns_within.items():
        found: dict[frozenset[str], str] = {}
        for other in (each for member in members for each in stored[member.name]):
            found.setdefault(conditions(other), other.name)
        siblings[path] = found

    for column in reader.columns:
        beside = siblings[column.within[-1]] if column.within else None
        yield (
            column.name,
            Match(column, tuple(stored[column.name]), tuple(renamed[column.name].values()), closed, beside),
        )
    for other in unread:
        yield other.name, Match(None, (other,), (), closed)


class Conflict(NamedTuple):
    """An incompatibility with one schema of a history."""

    version: int
    """The position of the older schema in the history, from 0."""
    direction: Literal["backward", "forward"]
    incompatibility: Incompatibility


def check_history(
    schema: RecordSchema,
    history: Sequence[RecordSchema],
    mode: Mode = "backward_transitive",
    *,
    unknown: Literal["ignore", "error"] = "ignore",
) -> list[Conflict]:
    """Return the conflicts of a new *schema* with its *history*, oldest first, as far as *mode* checks it.

    Raises:
        ValueError: *mode* is not one of `MODES`.
    """
    return _check_each(history, mode, schema, lambda reader, writer: check(reader, writer, unknown=unknown))


def history_warnings(
    schema: RecordSchema, history: Sequence[RecordSchema], mode: Mode = "backward_transitive"
) -> list[Conflict]:
    """Return what `warnings_of` finds between a new *schema* and its *history*, as far as *mode* checks it.

    Raises:
        ValueError: *mode* is not one of `MODES`.
    """
    return _check_each(history, mode, schema, warnings_of)


def _check_each(
    history: Sequence[RecordSchema],
    mode: Mode,
    schema: RecordSchema,
    find: Callable[[RecordSchema, RecordSchema], list[Incompatibility]],
) -> list[Conflict]:
    """Call *find* for each pair of reader and writer that *mode* checks, and return the conflicts."""
    if mode not in MODES:
        raise ValueError(f"mode must be one of {', '.join(MODES)}, not {mode!r}")
    versions = range(len(history)) if mode.endswith("_transitive") else range(len(history))[-1:]
    conflicts: list[Conflict] = []
    for version in versions:
        older = history[version]
        if not mode.startswith("forward"):
            conflicts += (Conflict(version, "backward", found) for found in find(schema, older))
        if not mode.startswith("backward"):
            conflicts += (Conflict(version, "forward", found) for found in find(older, schema))
    return conflicts
