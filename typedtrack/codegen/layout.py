"""Where lines break: as ruff and black break them, at their default of 88 characters.

What does not fit is laid out one item a line, each with a comma. Formatters keep that comma's lines apart at any
greater line length too, so that generated code is left alone whatever the project around it has chosen. Only a
`Literal` of one long value cannot have that comma, and is as it is at 88.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Final, TypeAlias

import attrs

__all__ = ["INDENT", "Expression", "Group", "OrNone", "fits", "flat", "laid_out", "one_a_line"]

INDENT: Final = "    "
_LINE_LENGTH: Final = 88


@attrs.frozen
class Group:
    """Items between brackets, separated by commas."""

    opening: str
    items: tuple[Expression, ...]
    closing: str
    last: str = ","
    """What ends the last item where each has a line of its own."""


@attrs.frozen
class OrNone:
    """A type, or `None`."""

    type: Group
    broken: bool = False
    """Whether the items of the type have a line each, though all might fit on one."""


Expression: TypeAlias = str | Group | OrNone


def flat(expression: Expression) -> str:
    """Return *expression* on one line."""
    if isinstance(expression, str):
        return expression
    if isinstance(expression, OrNone):
        return f"{flat(expression.type)} | None"
    return f"{expression.opening}{', '.join(map(flat, expression.items))}{expression.closing}"


def fits(line: str) -> bool:
    """Return whether *line* is short enough, in columns of a terminal."""
    return (line.isascii() and len(line) <= _LINE_LENGTH) or sum(map(_columns, line)) <= _LINE_LENGTH


def _columns(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def laid_out(before: str, expression: Expression, after: str, indent: str) -> Iterator[str]:
    """Yield the lines of *before*, *expression*, *after*: one if it fits."""
    line = f"{indent}{before}{flat(expression)}{after}"
    broken = isinstance(expression, OrNone) and expression.broken
    if isinstance(expression, str) or (fits(line) and not broken):
        yield line
    elif isinstance(expression, OrNone):
        yield from one_a_line(before, expression.type, "", indent)
        yield f"{indent}| None{after}"
    else:
        yield from one_a_line(before, expression, after, indent)


def one_a_line(before: str, group: Group, after: str, indent: str) -> Iterator[str]:
    """Yield the lines of *group*, each item on its own."""
    yield f"{indent}{before}{group.opening}"
    for item in group.items[:-1]:
        yield from laid_out("", item, ",", indent + INDENT)
    yield from laid_out("", group.items[-1], group.last, indent + INDENT)
    yield f"{indent}{group.closing}{after}"
