"""Patterns that mean the same to Python's `re` and to ECMA-262, the dialect of JSON Schema."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["reads_alike"]

_ESCAPE: Final = r"\\(?:[tnrfv]|x[0-9A-Fa-f]{2}|u(?![Dd][89A-Fa-f])[0-9A-Fa-f]{4}|[][^$\\.*+?(){}|/])"
_IN_CLASS: Final = rf"(?:{_ESCAPE}|\\-|[^][\\-])"
_TOKEN: Final = re.compile(
    rf"""
    (?P<group>\((?:\?:|(?!\?)))
  | (?P<look>\(\?<?[=!])
  | (?P<end>\))
  | (?P<atom>
        {_ESCAPE}
      | [^][^$\\.*+?(){{}}|]                                       # any other character stands for itself
      | \[(?:\^|(?!\^))(?!\])-?(?:{_IN_CLASS}-{_IN_CLASS}|{_IN_CLASS})*-?\]
      | \[(?:\\s\\S|\\d\\D|\\w\\W)\]                               # any character at all
    )
  | (?P<repeat>(?:[*+?]|\{{[0-9]+(?:,[0-9]*)?\}})\??)
  | (?P<other>[|^])
    """,
    re.VERBOSE,
)
"""The syntax that both dialects read alike, if the flag ``u`` of ECMA-262 is set.

It leaves out everything else. ``$`` and ``.`` differ at line breaks, and ``\\d``, ``\\w``, ``\\s`` and ``\\b`` outside
ASCII. A backreference differs if its group did not match. The rest is an error in one of the dialects.
"""


def reads_alike(pattern: str) -> bool:
    r"""Return whether *pattern*, which `re` can compile, matches the same texts in ECMA-262. `False`: perhaps not.

    >>> [reads_alike(pattern) for pattern in ("^v[0-9]+", "^v[0-9]+$", r"\d", "[^/]+", "a{2,}?", "(?i)a", "a}")]
    [True, False, False, True, True, False, False]
    >>> [reads_alike(pattern) for pattern in ("(ab)+", "(?=a)+", "(a", "a)")]
    [True, False, False, False]
    """
    position = 0
    groups: list[str] = []
    repeatable = False
    while position < len(pattern):
        token = _TOKEN.match(pattern, position)
        if token is None or (token["repeat"] and not repeatable):
            return False
        position = token.end()
        if token["end"] and not groups:
            return False
        if token["group"] or token["look"]:
            groups.append(token.lastgroup or "")
        repeatable = token["atom"] is not None or (token["end"] is not None and groups.pop() == "group")
    return not groups and not any("\ud800" <= character <= "\udfff" for character in pattern)
