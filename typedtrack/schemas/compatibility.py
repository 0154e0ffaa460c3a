"""Compatibility: whether a reader decodes every result that a writer may store, and which values it loses.

The check matches each field of the reader with the fields of the writer that it reads, then applies the rules. It
compares two schemas, or a new one with its history.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Final, Literal, NamedTuple, TypeAlias, get_args

from typedtrack._results.values import Value
from typedtrack._schema.records import RecordSchema
from typedtrack.errors import shown
from typedtrack.schemas.matches import match_fields
from typedtrack.schemas.rules import RULES

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

Direction: TypeAlias = Literal["backward", "forward"]
"""Backward: the newer schema reads the older. Forward: the older reads the newer."""

MODES: Final[tuple[Mode, ...]] = get_args(Mode)


class Incompatibility(NamedTuple):
    """One reason why a reader refuses, or misreads, a result of a writer."""

    rule: str
    """The id of the rule, one of `RULES`."""
    field: str
    """The name on the wire."""
    sentence: str
    """The reason."""
    remedy: str
    """A change that mends it."""
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


def warnings_of(
    reader: RecordSchema,
    writer: RecordSchema,
    *,
    unknown: Literal["ignore", "error"] = "ignore",
    direction: Direction = "backward",
) -> list[Incompatibility]:
    """Return the places where *reader* decodes a result of *writer*, but loses a stored value or reads another one.

    *unknown* is as for `check`. *direction* says which schema is newer: the reader (``backward``) or the writer
    (``forward``).

    >>> import attrs
    >>> from typedtrack import FieldSchema
    >>> loss = FieldSchema(attribute="loss", name="loss", kind="float", default=0.0)
    >>> old = RecordSchema(name="Run", fields=(loss,))
    >>> new = attrs.evolve(old, fields=(attrs.evolve(loss, name="loss/train"),))
    >>> for warning in warnings_of(new, old):
    ...     print(warning)
    field 'loss': the writer stores it, but no field of the reader reads it; 'loss/train' may be its new name; ...
    """
    return _apply_rules(reader, writer, unknown, warns=True, backward=direction == "backward")


def _apply_rules(
    reader: RecordSchema,
    writer: RecordSchema,
    unknown: str,
    *,
    warns: bool,
    backward: bool = True,
    lapsed: Collection[str] = (),
) -> list[Incompatibility]:
    rules = [rule for rule in RULES if rule.warns == warns]
    return [
        Incompatibility(rule.id, name, finding[0], rule.remedy, finding[1])
        for name, match in match_fields(reader, writer, unknown == "error", backward, lapsed)
        for rule in rules
        if (finding := rule.find(match)) is not None
    ]


class Conflict(NamedTuple):
    """An incompatibility with one schema of a history."""

    version: int
    """The position of the older schema in the history, from 0."""
    direction: Direction
    """``"backward"``: the new schema reads results of the older one; ``"forward"``: the reverse."""
    incompatibility: Incompatibility
    """The reason."""


def check_history(
    schema: RecordSchema,
    history: Sequence[RecordSchema],
    mode: Mode = "backward_transitive",
    *,
    unknown: Literal["ignore", "error"] = "ignore",
) -> list[Conflict]:
    """Return the conflicts of a new *schema* with its *history*, oldest first, as far as *mode* checks it.

    *unknown* is as for `check`.

    Raises:
        ValueError: *mode* is not one of `MODES`.
    """
    return [
        Conflict(version, direction, found)
        for version, direction in _comparisons(history, mode)
        for found in check(*_roles(schema, history[version], direction), unknown=unknown)
    ]


def history_warnings(
    schema: RecordSchema,
    history: Sequence[RecordSchema],
    mode: Mode = "backward_transitive",
    *,
    unknown: Literal["ignore", "error"] = "ignore",
) -> list[Conflict]:
    """Return the values of its *history*, oldest first, that a new *schema* loses, as far as *mode* checks it.

    These are the warnings of `warnings_of`. A name that a schema in between did not read counts as reused, too.
    *unknown* is as for `check`.

    Raises:
        ValueError: *mode* is not one of `MODES`.
    """
    conflicts: list[Conflict] = []
    for version, direction in _comparisons(history, mode):
        older, backward = history[version], direction == "backward"
        reader, writer = _roles(schema, older, direction)
        lapsed = _lapsed(older, history[version + 1 :]) if backward else ()
        found = _apply_rules(reader, writer, unknown, warns=True, backward=backward, lapsed=lapsed)
        conflicts += (Conflict(version, direction, each) for each in found)
    return conflicts


def _comparisons(history: Sequence[RecordSchema], mode: Mode) -> Iterator[tuple[int, Direction]]:
    """Yield the versions and directions that *mode* checks."""
    if mode not in MODES:
        raise ValueError(f"mode must be one of {', '.join(MODES)}, not {mode!r}")
    versions = range(len(history)) if mode.endswith("_transitive") else range(len(history))[-1:]
    for version in versions:
        if not mode.startswith("forward"):
            yield version, "backward"
        if not mode.startswith("backward"):
            yield version, "forward"


def _roles(newer: RecordSchema, older: RecordSchema, direction: Direction) -> tuple[RecordSchema, RecordSchema]:
    """Return reader and writer."""
    return (newer, older) if direction == "backward" else (older, newer)


def _lapsed(schema: RecordSchema, later: Sequence[RecordSchema]) -> set[str]:
    """Return the names in *schema* that one of the *later* schemas does not read."""
    names = {column.name for column in schema.columns}
    return set[str]().union(*(names - {name for each in between.columns for name in each.names} for between in later))
