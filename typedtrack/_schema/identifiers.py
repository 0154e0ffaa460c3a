"""Names of a document to names in Python: the one rule, and the names that Python cannot have."""

from __future__ import annotations

import itertools
import keyword
import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from typing import Final

__all__ = ["RESERVED", "attribute_name", "attribute_names", "attribute_problem", "class_name", "identifier_problem"]

RESERVED: Final = frozenset({"Annotated", "Literal", "Meta", "field", "float", "int", "record", "str"})
"""Names that generated code uses itself."""

_NOT_IN_IDENTIFIERS: Final = re.compile(r"[^0-9A-Za-z_]")
_WORDS: Final = re.compile(r"[0-9A-Za-z]+")


def attribute_name(name: str) -> str:
    """Return the attribute for the field *name*: each character but ASCII letters, digits and ``_`` becomes ``_``.

    The result can still be invalid; ask `attribute_problem`.

    >>> attribute_name("latency/p99.9")
    'latency_p99_9'
    """
    return _NOT_IN_IDENTIFIERS.sub("_", name)


def identifier_problem(name: str) -> str | None:
    """Return why Python code cannot have the name *name*, or `None`."""
    if not name.isidentifier() or unicodedata.normalize("NFKC", name) != name:
        return f"{name!r} is not a Python identifier"
    return f"{name!r} is a Python keyword" if keyword.iskeyword(name) else None


def attribute_problem(attribute: str) -> str | None:
    """Return why a record cannot have the attribute *attribute*, or `None`.

    >>> attribute_problem("2d")
    "'2d' is not a Python identifier"
    """
    if attribute == "self":
        return f"{attribute!r} names the record itself"
    if attribute.startswith("_"):
        return f"{attribute!r} begins with an underscore"
    return identifier_problem(attribute)


def attribute_names(names: Iterable[str], reserved: Collection[str] = ()) -> dict[str, str]:
    """Return an attribute for each of *names*: the one of `attribute_name`, if that is valid and free.

    ``field_`` is put in front of an attribute that is invalid or *reserved*. Where several names have the same
    attribute, the name that equals it gets it, or else the first in alphabetical order. The others get a number at
    their end, from 2.

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
    taken = refused | chosen.keys()
    numbers: defaultdict[str, Iterator[int]] = defaultdict(lambda: itertools.count(2))  # of each, those not yet tried
    for name in sorted(own.keys() - given.keys()):
        first = candidate = own[name] if own[name] in chosen else f"field_{own[name]}"
        while candidate in taken:
            candidate = f"{first}_{next(numbers[first])}"
        given[name] = candidate
        chosen[candidate] = name
        taken.add(candidate)
    return {name: given[name] for name in own}


def class_name(title: str) -> str:
    """Return the class name of a record titled *title*: an identifier as it is, else its words, each with a capital.

    Words are ASCII letters and digits. A title with other letters or digits, or without a word, is returned as it is;
    `identifier_problem` then says why it is not a name.

    >>> class_name("EvalResult"), class_name("evaluation result (v2)"), class_name("größe und mehr")
    ('EvalResult', 'EvaluationResultV2', 'größe und mehr')
    """
    if title.isidentifier() or any(_is_foreign(character) for character in title):
        return title
    return "".join(word[0].upper() + word[1:] for word in _WORDS.findall(title)) or title


def _is_foreign(character: str) -> bool:
    """Return whether *character* is a letter, a mark or a digit outside ASCII."""
    return not character.isascii() and unicodedata.category(character)[0] in "LMN"
