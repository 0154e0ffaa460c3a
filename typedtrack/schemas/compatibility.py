"""Whether one schema reads all that another writes, and modes over a history of schemas.

A reader is resolved against a writer as they would meet, and what meets is held to the rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, Literal, NamedTuple, TypeAlias, get_args

from typedtrack._results.values import Value
from typedtrack._schema.records import FieldSchema, RecordSchema
from typedtrack.errors import shown
from typedtrack.schemas.rules import RULES, Meeting

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
"""Who reads whom: backward, the new schema what older ones wrote; forward, they what the new one writes; full, both.

Transitive: all older ones rather than the latest.
"""

MODES: Final[tuple[Mode, ...]] = get_args(Mode)


class Incompatibility(NamedTuple):
    """One way in which a reader fails on what a writer stores."""

    rule: str
    """The id of the rule, one of `RULES`."""
    field: str
    """The name on the wire."""
    sentence: str
    remedy: str
    example: Value | None = None
    """A value of the field that the writer may store and the reader refuses; `None` if it is about there being one."""

    def __str__(self) -> str:
        return f"field {shown(self.field)}: {self.sentence}; {self.remedy} ({self.rule})"


def check(
    reader: RecordSchema, writer: RecordSchema, *, unknown: Literal["ignore", "error"] = "ignore"
) -> list[Incompatibility]:
    """Return why *reader* does not read every result that *writer* may store; none if it does.

    *unknown* is what the reader does with fields that it does not know, as in `ResultTracker.typed`.

    >>> import attrs
    >>> from typedtrack import FieldSchema
    >>> old = RecordSchema(name="Run", fields=(FieldSchema(attribute="loss", name="loss", kind="float"),))
    >>> new = attrs.evolve(old, fields=(FieldSchema(attribute="loss", name="loss", kind="float", ge=0.0),))
    >>> for incompatibility in check(new, old):
    ...     print(incompatibility)
    field 'loss': the writer may store nan, which for the reader must be >= 0.0; keep the reader's bounds as wide as ...
    """
    return _found(reader, writer, unknown, warns=False)


def warnings_of(reader: RecordSchema, writer: RecordSchema) -> list[Incompatibility]:
    """Return where *reader* reads what *writer* may store, but as something else."""
    return _found(reader, writer, "ignore", warns=True)


def _found(reader: RecordSchema, writer: RecordSchema, unknown: str, *, warns: bool) -> list[Incompatibility]:
    meetings = list(_meetings(reader, writer, closed=unknown == "error"))
    return [
        Incompatibility(rule.id, name, finding[0], rule.remedy, finding[1])
        for name, meeting in meetings
        for rule in RULES
        if rule.warns == warns and (finding := rule.find(meeting)) is not None
    ]


def _meetings(reader: RecordSchema, writer: RecordSchema, *, closed: bool) -> Iterator[tuple[str, Meeting]]:
    stored = {
        column.name: tuple(other for other in writer.columns if other.name in column.names) for column in reader.columns
    }
    known = {name for column in reader.columns for name in column.names}
    for column in reader.columns:
        renamed = tuple(other for other in writer.columns if not set(column.names).isdisjoint(other.aliases))
        beside: tuple[FieldSchema, ...] | None = None
        if column.within:
            members = reader.columns_within[column.within[-1]]
            beside = tuple(other for member in members for other in stored[member.name])
        yield column.name, Meeting(column, stored[column.name], renamed, closed, beside)
    for other in writer.columns:
        if other.name not in known:
            yield other.name, Meeting(None, (other,), (), closed)


class Conflict(NamedTuple):
    """An incompatibility with one schema of a history."""

    version: int
    """The place of the older schema in the history, from 0."""
    direction: Literal["backward", "forward"]
    incompatibility: Incompatibility


def check_history(
    schema: RecordSchema,
    history: Sequence[RecordSchema],
    mode: Mode = "backward_transitive",
    *,
    unknown: Literal["ignore", "error"] = "ignore",
) -> list[Conflict]:
    """Return the conflicts of *schema*, new, with those of its *history*, oldest first, that *mode* asks about.

    Raises:
        ValueError: there is no such mode.
    """
    return _over(history, mode, schema, lambda reader, writer: check(reader, writer, unknown=unknown))


def history_warnings(
    schema: RecordSchema, history: Sequence[RecordSchema], mode: Mode = "backward_transitive"
) -> list[Conflict]:
    """Return where, of what `check_history` asks about, something is read, but as something else.

    Raises:
        ValueError: there is no such mode.
    """
    return _over(history, mode, schema, warnings_of)


def _over(
    history: Sequence[RecordSchema],
    mode: Mode,
    schema: RecordSchema,
    find: Callable[[RecordSchema, RecordSchema], list[Incompatibility]],
) -> list[Conflict]:
    """Return what *find* finds for each reader and writer that *mode* asks about."""
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
