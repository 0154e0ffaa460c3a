"""Reports: compares new schemas with older ones of the same names, and lists the findings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from typedtrack._schema.records import RecordSchema
from typedtrack.schemas.compatibility import Conflict, Mode, check_history, history_warnings

__all__ = ["Older", "Report", "compare"]


class Older(NamedTuple):
    """Older schemas by their sources, such as files."""

    schemas: Mapping[str, RecordSchema]
    """The schemas, by their sources."""
    any_name: bool = False
    """Whether its schemas are compared with new ones of other names, too."""


class Report(NamedTuple):
    """The findings for one record."""

    record: str
    """The name of the record."""
    against: tuple[str, ...]
    """The sources of the older schemas; empty for a new record."""
    conflicts: tuple[Conflict, ...] = ()
    """Results that do not decode."""
    warnings: tuple[Conflict, ...] = ()
    """Results that decode, but lose a stored value or read as another one."""
    gone: bool = False
    """Whether no new schema has this name. Then nothing reads the stored results."""

    def lines(self) -> Iterator[str]:
        """Yield the report as lines of text."""
        if self.gone:
            yield f"{self.record}: gone; no new schema reads the results of {', '.join(self.against)}"
        elif not self.against:
            yield f"{self.record}: new"
        elif not self.conflicts:
            yield f"{self.record}: compatible with {', '.join(self.against)}"
        for conflict in self.conflicts:
            yield f"{self._comparison(conflict)}: {conflict.incompatibility}"
        for warning in self.warnings:
            yield f"{self._comparison(warning)}: warning: {warning.incompatibility}"

    def _comparison(self, found: Conflict) -> str:
        verb = "reading" if found.direction == "backward" else "read by"
        return f"{self.record}, {verb} {self.against[found.version]}"


def compare(
    new: Mapping[str, RecordSchema],
    older: Sequence[Older],
    mode: Mode = "backward_transitive",
    *,
    unknown: Literal["ignore", "error"] = "ignore",
    complete: bool = True,
) -> list[Report]:
    """Compare each of the *new* schemas with the *older* ones of its name, oldest first.

    *new* maps sources to schemas. If *complete*, *new* has all schemas: an older record that it lacks is reported as
    gone, unless *mode* is forward. *mode* and *unknown* are those of `check_history`.

    Raises:
        ValueError: *new* is not complete, and none of the older schemas has its name; or *mode* is unknown.
    """
    found = {schema.name: [*_history(schema, older)] for schema in new.values()}
    if not complete and not any(found.values()) and any(each.schemas for each in older):
        raise ValueError(f"no older schema is named {' or '.join(sorted(found))}, so nothing was checked")
    checked = slice(None) if mode.endswith("_transitive") else slice(-1, None)
    reports: list[Report] = []
    for schema in new.values():
        history = found[schema.name][checked]
        schemas = [old for _, old in history]
        conflicts = check_history(schema, schemas, mode, unknown=unknown)
        warnings = history_warnings(schema, schemas, mode, unknown=unknown)
        sources = tuple(source for source, _ in history)
        reports.append(Report(schema.name, sources, tuple(conflicts), tuple(warnings)))

    gone: dict[str, list[str]] = {}
    writers = older[checked] if complete and not mode.startswith("forward") else ()
    for source, old in (item for each in writers for item in each.schemas.items()):
        if old.name not in found:
            gone.setdefault(old.name, []).append(source)
    return reports + [Report(name, tuple(sources), gone=True) for name, sources in gone.items()]


def _history(schema: RecordSchema, older: Sequence[Older]) -> Iterator[tuple[str, RecordSchema]]:
    for schemas, any_name in older:
        for source, old in schemas.items():
            if old.name == schema.name or any_name:
                yield source, old
