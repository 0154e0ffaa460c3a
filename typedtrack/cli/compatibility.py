"""New schemas beside older ones of the same names, and what their check found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

import click

from typedtrack._schema import RecordSchema
from typedtrack.cli.output import finite
from typedtrack.schemas import Conflict, Incompatibility, Mode, check_history, warnings_of

__all__ = ["Report", "reports"]


class Report(NamedTuple):
    """What the check of one record found."""

    record: str
    against: tuple[str, ...]
    """Where the older schemas are from; none for a record that is new."""
    conflicts: tuple[Conflict, ...]
    warnings: tuple[Incompatibility, ...]
    """What is read as something else of what the latest of the older ones wrote."""

    def lines(self) -> Iterator[str]:
        """Yield what a person reads of it."""
        if not self.against:
            yield f"{self.record}: new"
        elif not self.conflicts:
            yield f"{self.record}: compatible with {', '.join(self.against)}"
        for conflict in self.conflicts:
            reads = ("it", "the older") if conflict.direction == "backward" else ("the older", "it")
            where = f"{self.record}, where {reads[0]} reads {reads[1]} ({self.against[conflict.version]})"
            yield f"{where}: {conflict.incompatibility}"
        for warning in self.warnings:
            yield f"{self.record}: warning: {warning}"

    def document(self) -> dict[str, object]:
        """Return it as JSON has it."""
        return {
            "record": self.record,
            "against": self.against,
            "conflicts": [
                {
                    "against": self.against[conflict.version],
                    "direction": conflict.direction,
                    **_document(conflict.incompatibility),
                }
                for conflict in self.conflicts
            ],
            "warnings": [_document(warning) for warning in self.warnings],
        }


def _document(found: Incompatibility) -> dict[str, object]:
    return {**found._asdict(), "example": finite(found.example)}


def reports(
    new: Mapping[str, RecordSchema],
    older: Sequence[Mapping[str, RecordSchema]],
    mode: Mode,
    unknown: Literal["ignore", "error"],
) -> Iterator[Report]:
    """Yield the report of each of the *new* schemas, against those of its name among the *older*, oldest first.

    One schema against one is compared whatever their names.

    Raises:
        click.UsageError: no older schema has the name of a new one.
    """
    found = {schema.name: list(_history(schema, len(new) == 1, older)) for schema in new.values()}
    if not any(found.values()):
        raise click.UsageError(f"none of the older schemas is of {', '.join(sorted(found))}; nothing was checked")
    for schema in new.values():
        history = found[schema.name]
        schemas = [old for _, old in history]
        yield Report(
            schema.name,
            tuple(source for source, _ in history),
            tuple(check_history(schema, schemas, mode, unknown=unknown)),
            tuple(warnings_of(schema, schemas[-1]) if schemas else ()),
        )


def _history(
    schema: RecordSchema, alone: bool, older: Sequence[Mapping[str, RecordSchema]]
) -> Iterator[tuple[str, RecordSchema]]:
    for schemas in older:
        for source, old in schemas.items():
            if old.name == schema.name or (alone and len(schemas) == 1):
                yield source, old
