"""The limits on documents that are read: all of them, in one place.

Reading takes time and memory in proportion to the document within these limits. A small document could ask for more,
since a reference repeats its target: two references to the next record at each of 40 levels are 2**40 columns.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, cast

__all__ = [
    "MAX_BYTES",
    "MAX_DEPTH",
    "MAX_NAME",
    "MAX_PATTERN",
    "MAX_PROBLEMS",
    "MAX_SHOWN",
    "MAX_SUBSCHEMAS",
    "MAX_URI",
    "MAX_WEIGHT",
    "pattern_weight",
    "weight",
]

MAX_BYTES: Final = 16 * 2**20
"""The most bytes of a schema file. The schemas of results of 1 MiB are far smaller."""
MAX_DEPTH: Final = 64
"""The most subschemas within one another."""
MAX_SUBSCHEMAS: Final = 100_000
"""The most subschemas of a document. A result has room for 25,000 fields."""
MAX_NAME: Final = 256
"""The most characters in the name of a property or definition, or in an attribute. A field name has 256 bytes."""
MAX_PATTERN: Final = 10_000
"""The most characters of a pattern."""
MAX_URI: Final = 2_048
"""The most characters in an ``$id``, alone or joined to the one around it."""
MAX_WEIGHT: Final = 100_000
"""The most that all fields of all records weigh, each counted as often as references repeat it.

A name, an alias, a choice and an element of a default weigh 1 each; so do 256 characters of text and 8 of a pattern.
"""
MAX_PROBLEMS: Final = 1_000
"""The most problems in one error; a last one tells how many more there are."""
MAX_SHOWN: Final = 1_000
"""The most characters of a JSON Pointer or a reason in an error; longer ones are cut in the middle."""


def weight(value: object) -> int:
    """Return the weight of *value*, a JSON value."""
    if isinstance(value, str):
        return len(value) // 256
    elements: Iterable[object] = ()
    if isinstance(value, Mapping):
        elements = cast("Mapping[str, object]", value).values()
    elif isinstance(value, (list, tuple)):
        elements = cast("Sequence[object]", value)
    return sum(1 + weight(element) for element in elements)


def pattern_weight(pattern: str | None) -> int:
    """Return the weight of *pattern*: by its length, and by its ranges if it ignores case.

    `re` compiles such a range letter by letter.
    """
    if pattern is None:
        return 0
    ignores_case = re.search(r"\(\?[a-zA-Z]*i", pattern) is not None
    ends = re.findall(r"(?s)(?<!\\)-(\\[xuUN0-7]|[^\\])", pattern) if ignores_case else []
    return len(pattern) // 8 + sum(2**16 if len(end) > 1 else min(ord(end), 2**16) for end in ends) // 64
