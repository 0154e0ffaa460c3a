"""How names of a document become names in Python, by one rule, and which names may not."""

from __future__ import annotations

import keyword
import re
import unicodedata
from typing import Final

__all__ = ["attribute_name", "attribute_problem", "class_name", "identifier_problem"]

_NOT_IN_IDENTIFIERS: Final = re.compile(r"[^0-9A-Za-z_]")
_WORDS: Final = re.compile(r"[0-9A-Za-z]+")


def attribute_name(name: str) -> str:
    """Return the attribute of the field *name*: every character but ASCII letters, digits and ``_`` becomes ``_``.

    What comes out may still be none, which `attribute_problem` tells.

    >>> attribute_name("latency/p99.9")
    'latency_p99_9'
    """
    return _NOT_IN_IDENTIFIERS.sub("_", name)


def identifier_problem(name: str) -> str | None:
    """Return why *name* cannot be a name in Python, or `None`."""
    if not name.isidentifier() or unicodedata.normalize("NFKC", name) != name:
        return f"{name!r} is no Python identifier"
    return f"{name!r} is a keyword of Python" if keyword.iskeyword(name) else None


def attribute_problem(attribute: str) -> str | None:
    """Return why *attribute* cannot be an attribute of a record, or `None`.

    >>> attribute_problem("2d")
    "'2d' is no Python identifier"
    """
    if attribute == "self":
        return f"{attribute!r} is the record itself"
    if attribute.startswith("_"):
        return f"{attribute!r} begins with an underscore"
    return identifier_problem(attribute)


def class_name(title: str) -> str:
    """Return the class name of a record titled *title*: as it is, or its words, each with a capital, if it has several.

    >>> class_name("EvalResult"), class_name("evaluation result (v2)")
    ('EvalResult', 'EvaluationResultV2')
    """
    if title.isidentifier():
        return title
    return "".join(word[0].upper() + word[1:] for word in _WORDS.findall(title))
