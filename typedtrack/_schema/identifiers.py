"""How names of a document become names in Python, by one rule, and which names may not."""

from __future__ import annotations

import itertools
import keyword
import re
import unicodedata
from collections.abc import Collection, Iterable
from typing import Final

__all__ = ["RESERVED", "attribute_name", "attribute_names", "attribute_problem", "class_name", "identifier_problem"]

RESERVED: Final = frozenset({"Annotated", "Literal", "Meta", "field", "float", "int", "record", "str"})
"""Names that generated code itself uses."""

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


def attribute_names(names: Iterable[str], reserved: Collection[str] = ()) -> dict[str, str]:
    """Return an attribute for each of *names*: that of `attribute_name`, where code can have it and no other name does.

    In front of one that no code can have, or that is *reserved*, stands ``field_``. Of several names with the same one,
    it is for the name that it equals, or else the first in alphabetical order; the others have a number behind, from 2.

    >>> attribute_names(["loss/1", "loss-1", "2d", "class"])
    {'loss/1': 'loss_1_2', 'loss-1': 'loss_1', '2d': 'field_2d', 'class': 'field_class'}
    """
    own = {name: attribute_name(name) for name in names}
    refused = {*RESERVED, *reserved}
    chosen: dict[str, str] = {}
    for name in sorted(own, key=lambda name: (own[name] != name, name)):
        if own[name] not in refused and attribute_problem(own[name]) is None:
            chosen.setdefault(own[name], name)
    given = {name: attribute for attribute, name in chosen.items()}
    for name in sorted(own.keys() - given.keys()):
        first = own[name] if own[name] in chosen else f"field_{own[name]}"
        candidates = itertools.chain([first], (f"{first}_{number}" for number in itertools.count(2)))
        given[name] = next(candidate for candidate in candidates if candidate not in refused | chosen.keys())
        chosen[given[name]] = name
    return {name: given[name] for name in own}


def class_name(title: str) -> str:
    """Return the class name of a record titled *title*: as it is, or its words, each with a capital, if it has several.

    Words are of ASCII. A title that has other letters or digits, or no word, stays as it is, and `identifier_problem`
    tells that it is none.

    >>> class_name("EvalResult"), class_name("evaluation result (v2)"), class_name("größe und mehr")
    ('EvalResult', 'EvaluationResultV2', 'größe und mehr')
    """
    if title.isidentifier() or any(_is_foreign(character) for character in title):
        return title
    return "".join(word[0].upper() + word[1:] for word in _WORDS.findall(title)) or title


def _is_foreign(character: str) -> bool:
    """Return whether *character* is of a word, and not ASCII: a letter, a mark on one, or a digit."""
    return not character.isascii() and unicodedata.category(character)[0] in "LMN"
