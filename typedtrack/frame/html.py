"""The first rows of a table as HTML, for notebooks. Names and values are data, never markup."""

from __future__ import annotations

from html import escape

from typedtrack._results.chunks import Chunk
from typedtrack._results.values import Value

__all__ = ["as_html"]

_SHOWN_CHARACTERS = 60


def as_html(chunk: Chunk, rows: int, note: str = "") -> str:
    """Return the first *rows* of *chunk* as a table, with *note* below it; absent fields are shown as empty cells."""
    shown = min(rows, chunk.rows)
    head = "".join(f"<th>{escape(name)}</th>" for name in chunk.columns)
    body = "".join(
        f"<tr>{''.join(_cell(values[row]) for values in chunk.columns.values())}</tr>" for row in range(shown)
    )
    count = f"the first {rows} rows; there are more" if chunk.rows > rows else f"{shown} row{'' if shown == 1 else 's'}"
    text = "".join(f"<p>{escape(line)}</p>" for line in (count, note) if line)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{text}"


def _cell(value: Value | None) -> str:
    if value is None:
        return "<td></td>"
    text = str(value)
    if len(text) > _SHOWN_CHARACTERS:
        text = f"{text[: _SHOWN_CHARACTERS - 1]}…"
    return f"<td>{escape(text)}</td>"
