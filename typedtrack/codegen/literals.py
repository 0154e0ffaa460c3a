"""Values and documentation as Python literals. Their text is always a literal, whatever it holds.

Quotes and escapes are those that ruff and black choose. Characters that do not print (control characters, marks of
direction, unusual spaces) are escaped, so that readers see what Python reads.
"""

from __future__ import annotations

import math
import re
from typing import Final

from typedtrack._schema.docstrings import uncleaned

__all__ = ["docstring", "literal"]

_QUOTES: Final = re.compile(r'\A"|"(?=")|(?<=")"|"\Z')  # could end a docstring, or be moved by formatters


def literal(value: int | float | str | None) -> str:
    """Return an expression for *value*: a literal, or a call of `float` for NaN and the infinities.

    >>> print(literal(1e16), literal(float("-inf")), literal("it's"), literal('say "hi"'))
    1e16 float("-inf") "it's" 'say "hi"'
    """
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    return repr(value).replace("e+", "e")


def _string(text: str) -> str:
    single = repr('"' + text)[2:-1]  # because of the double quote, repr quotes with ' and escapes only that
    if text.count('"') > text.count("'"):
        return f"'{single}'"
    double = single.replace("\\'", "'").replace('"', '\\"')
    return f'"{double}"'


def docstring(doc: str, indent: str) -> list[str]:
    """Return the indented lines of a docstring that reads as *doc*."""
    text = "\n".join(map(_printable, uncleaned(doc).split("\n")))
    lines = ('"""' + _QUOTES.sub(r'\\"', text)).split("\n")
    closing = '"""'
    if len(lines) == 1:
        return [f"{indent}{lines[0]}{closing}"]
    return [indent + line if line else "" for line in [*lines, closing]]


def _printable(line: str) -> str:
    escaped = "".join(c if c.isprintable() and c != "\\" else repr(c)[1:-1] for c in line)
    return f"{escaped[:-1]}\\x20" if escaped.endswith(" ") else escaped
