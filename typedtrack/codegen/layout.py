"""Layout: where the lines of generated code break, as ruff breaks them at its default of 88 columns.

An expression that does not fit gets one line for each item, and each item gets a comma. Formatters do not join lines
that end in such a comma, so generated code also stays as it is in projects with longer lines. Three things cannot have
the comma: a `Literal` of one long value, a long ``T | None``, and a long string that is split into parts.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from itertools import pairwise
from typing import Final, TypeAlias

import attrs

from typedtrack.codegen.literals import literal

__all__ = ["INDENT", "Expression", "Group", "OrNone", "Text", "fits", "flat", "laid_out", "one_a_line"]

INDENT: Final = "    "
_LINE_LENGTH: Final = 88


@attrs.frozen
class Group:
    """Items between brackets, separated by commas."""

    opening: str
    items: tuple[Expression, ...]
    closing: str
    last: str = ","
    """The end of the last item if each item has its own line."""


@attrs.frozen
class OrNone:
    """A type or `None`."""

    type: str | Group
    broken: bool = False
    """Whether each item of the type has its own line, even if all fit on one."""


@attrs.frozen
class Text:
    """A string as a keyword argument. If it does not fit, it is split into parts between words."""

    keyword: str
    value: str


Expression: TypeAlias = str | Group | OrNone | Text


def flat(expression: Expression) -> str:
    """Return *expression* on one line."""
    if isinstance(expression, OrNone):
        return f"{flat(expression.type)} | None"
    if isinstance(expression, Text):
        return f"{expression.keyword}={literal(expression.value)}"
    if isinstance(expression, Group):
        return f"{expression.opening}{', '.join(map(flat, expression.items))}{expression.closing}"
    return expression


def fits(line: str) -> bool:
    """Return whether *line* is short enough, in columns of a terminal."""
    return (line.isascii() and len(line) <= _LINE_LENGTH) or sum(map(_columns, line)) <= _LINE_LENGTH


def _columns(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def laid_out(before: str, expression: Expression, after: str, indent: str) -> Iterator[str]:
    """Yield the lines of *before*, *expression*, *after*: one line if it fits."""
    line = f"{indent}{before}{flat(expression)}{after}"
    if isinstance(expression, str) or (fits(line) and not (isinstance(expression, OrNone) and expression.broken)):
        yield line
    elif isinstance(expression, Group):
        yield from one_a_line(before, expression, after, indent)
    elif isinstance(expression, OrNone):
        yield from _type_alone(before, expression.type, indent)
        yield f"{indent}| None{after}"
    else:
        parts = [*_parts(expression.value, indent + INDENT)]
        if len(parts) == 1 and not fits(parts[0]):  # one word
            yield line
        else:
            yield from (f"{indent}{before}{expression.keyword}=(", *parts, f"{indent}){after}")


def _type_alone(before: str, bare: str | Group, indent: str) -> Iterator[str]:
    return iter([f"{indent}{before}{bare}"]) if isinstance(bare, str) else one_a_line(before, bare, "", indent)


def one_a_line(before: str, group: Group, after: str, indent: str) -> Iterator[str]:
    """Yield the lines of *group*, each item on its own line."""
    yield f"{indent}{before}{group.opening}"
    for item in group.items[:-1]:
        yield from laid_out("", item, ",", indent + INDENT)
    yield from laid_out("", group.items[-1], group.last, indent + INDENT)
    yield f"{indent}{group.closing}{after}"


def _parts(text: str, indent: str) -> Iterator[str]:
    """Yield *text* as literals, a line each: one if it fits, else split after spaces, line ends and wide characters."""
    pieces = [text] if fits(indent + literal(text)) else _pieces(text)
    part = ""
    for piece in pieces:
        if part and (part.endswith("\n") or not fits(indent + literal(part + piece))):
            yield indent + literal(part)
            part = ""
        part += piece
    yield indent + literal(part)


def _pieces(text: str) -> Iterator[str]:
    start = 0
    for end, (character, following) in enumerate(pairwise(text), 1):
        if (character.isspace() and not following.isspace()) or character == "\n" or _columns(character) == 2:
            yield text[start:end]
            start = end
    yield text[start:]
