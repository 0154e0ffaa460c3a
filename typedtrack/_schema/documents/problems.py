"""The problems of a document, and the cost of reading it so far."""

from __future__ import annotations

from typing import NoReturn, cast

from typedtrack._schema.documents.limits import MAX_PROBLEMS, MAX_SHOWN, MAX_WEIGHT
from typedtrack.errors import SchemaError, shortened, shown

__all__ = ["Problems", "cut", "shown_keyword"]


def cut(text: str) -> str:
    """Return *text* as an error message has it: valid Unicode, and cut in the middle if it is long."""
    return shortened(text.encode(errors="backslashreplace").decode(), MAX_SHOWN)


def shown_keyword(value: object) -> str:
    """Return the *value* of a keyword for an error message, an array of one as its element."""
    if not isinstance(value, tuple):
        return shown(value)
    elements = cast("tuple[object, ...]", value)
    return shown(elements[0] if len(elements) == 1 else list(elements))


class Problems:
    """The problems found so far in the document *source*."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._found: dict[tuple[str, str], None] = {}  # each once, in order
        self._unlisted = 0
        self._weight = 0
        self.count = 0
        """How many problems were added, repeated ones included."""

    def add(self, pointer: str, reason: str) -> None:
        """Add a problem at the JSON Pointer *pointer*."""
        self.count += 1
        if len(self._found) < MAX_PROBLEMS:
            self._found[cut(pointer), cut(reason)] = None
        else:
            self._unlisted += 1

    def end_stage(self) -> None:
        """End a stage of reading.

        Raises:
            SchemaError: there are problems.
        """
        if self._unlisted:
            self._found["", f"and {self._unlisted:,} more problems"] = None
        if self._found:
            raise SchemaError(self._source, tuple(self._found))

    def weigh(self, weight: int, pointer: str) -> None:
        """Add the *weight* of the subschema at *pointer*, which is about to be read.

        Raises:
            SchemaError: the document weighs more than `MAX_WEIGHT`.
        """
        self._weight += weight
        if self._weight > MAX_WEIGHT:
            self.abort(pointer, f"is too large: over {MAX_WEIGHT:,} names and choices, references followed")

    def abort(self, pointer: str, reason: str) -> NoReturn:
        """Raise the problem *reason* alone: reading on would take too long.

        Raises:
            SchemaError: always.
        """
        raise SchemaError(self._source, ((cut(pointer), cut(reason)),))
