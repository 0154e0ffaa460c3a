"""New schemas beside older ones of the same names, and what their check found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

import click

from typedtrack._schema.records import RecordSchema
from typedtrack.cli.output import finite
from typedtrack.schemas import Conflict, Mode, check_history, history_warnings

__all__ = ["Older", "Report", "reports"]


class Older(NamedTuple):
    """Older schemas, by where each is from."""

    schemas: Mapping[str, RecordSchema]
    whatever_name: bool
    """Whether the one schema of it is held against the one that is new, though their names differ."""


class Report(NamedTuple):
    """What the check of one record found."""

    record: str
    against: tuple[str, ...]
    """Where the older schemas are from; none for a record that is new."""
    conflicts: tuple[Conflict, ...]
    warnings: tuple[Conflict, ...]
    """What is read, but as something else."""
    gone: bool = False
    """Whether no new schema has the name, so that nothing reads what was stored."""

    def lines(self) -> Iterator[str]:
        """Yield what a person reads of it."""
        if self.gone:
            yield f"{self.record}: gone; no new schema reads what {', '.join(self.against)} wrote"
        elif not self.against:
            yield f"{self.record}: new"
        elif not self.conflicts:
            yield f"{self.record}: compatible with {', '.join(self.against)}"
        for conflict in self.conflicts:
            yield f"{self._where(conflict)}: {conflict.incompatibility}"
        for warning in self.warnings:
            yield f"{self._where(warning)}: warning: {warning.incompatibility}"

    def _where(self, found: Conflict) -> str:
        reads = ("it", "the older") if found.direction == "backward" else ("the older", "it")
        return f"{self.record}, where {reads[0]} reads {reads[1]} ({self.against[found.version]})"

    def document(self) -> dict[str, object]:
        """Return it as JSON has it."""
        return {
            "record": self.record,
            "against": self.against,
            "gone": self.gone,
            "conflicts": [self._document(conflict) for conflict in self.conflicts],
            "warnings": [self._document(warning) for warning in self.warnings],
        }

    def _document(self, found: Conflict) -> dict[str, object]:
        return {
            "against": self.against[found.version],
            "direction": found.direction,
            **found.incompatibility._asdict(),
            "example": finite(found.incompatibility.example),
        }


def reports(
    new: Mapping[str, RecordSchema],
    older: Sequence[Older],
    mode: Mode,
    unknown: Literal["ignore", "error"],
    *,
    whole: bool,
) -> Iterator[Report]:
    """Yield the report of each of the *new* schemas, against those of its name among the *older*, oldest first.

    Where *new* are the *whole* of the schemas, older ones of no new name are reported, too, as gone, unless *mode* asks
    of the older alone whether they read.

    Raises:
        click.UsageError: *new* are not the whole, and no older schema has the name of one.
    """
    found = {schema.name: list(_history(schema, older)) for schema in new.values()}
    if not (whole or any(found.values())):
        raise click.UsageError(f"none of the older schemas is of {', '.join(sorted(found))}; nothing was checked")
    asked = slice(None) if mode.endswith("_transitive") else slice(-1, None)
    for schema in new.values():
        history = found[schema.name][asked]
        schemas = [old for _, old in history]
        yield Report(
            schema.name,
            tuple(source for source, _ in history),
            tuple(check_history(schema, schemas, mode, unknown=unknown)),
            tuple(history_warnings(schema, schemas, mode)),
        )

    gone: dict[str, list[str]] = {}
    writers = older[asked] if whole and not mode.startswith("forward") else ()
    for source, old in (item for each in writers for item in each.schemas.items()):
        if old.name not in found:
            gone.setdefault(old.name, []).append(source)
    for name, sources in gone.items():
        yield Report(name, tuple(sources), (), (), gone=True)


def _history(schema: RecordSchema, older: Sequence[Older]) -> Iterator[tuple[str, RecordSchema]]:
    for schemas, whatever_name in older:
        for source, old in schemas.items():
            if old.name == schema.name or whatever_name:
                yield source, old
