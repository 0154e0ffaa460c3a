"""Rows of a table, column by column, for frames and reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, TypeAlias

from typedtrack._results.values import Value

__all__ = ["Chunk", "Direction"]

Direction: TypeAlias = Literal["max", "min"]
"""Whether the greatest or the least value of a column is the best."""


class Chunk(NamedTuple):
    """Some rows of a table: `None` where a result lacks the field."""

    rows: int
    columns: Mapping[str, Sequence[Value | None]]
    texts: Sequence[str] = ()
    """The texts of the rows' keys."""
