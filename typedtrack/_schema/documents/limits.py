"""The limits on documents that are read: all of them, in one place.

Reading takes time and memory in proportion to the document within these limits. A small document could ask for more,
since a reference repeats what it refers to: two references to the next record at each of 40 levels are 2**40 columns.
"""

from __future__ import annotations

from typing import Final

__all__ = ["MAX_DEPTH", "MAX_NAME", "MAX_PROBLEMS", "MAX_SHOWN", "MAX_SUBSCHEMAS", "MAX_URI", "MAX_WEIGHT"]

MAX_DEPTH: Final = 64
"""The most subschemas within one another."""
MAX_SUBSCHEMAS: Final = 100_000
"""The most subschemas of a document. A result has room for 25,000 fields."""
MAX_NAME: Final = 256
"""The most characters in the name of a property or definition, or in an attribute. A field name has 256 bytes."""
MAX_URI: Final = 2_048
"""The most characters in an ``$id``, alone or joined to the one around it."""
MAX_WEIGHT: Final = 100_000
"""The most that all fields of all records weigh, the columns of a nested record counted in each record around it.

One field weighs as much as its names, choices and enclosing optional records are many, and one more for each 256
characters of its texts.
"""
MAX_PROBLEMS: Final = 1_000
"""The most problems in one error; a last one tells how many more there are."""
MAX_SHOWN: Final = 1_000
"""The most characters of a JSON Pointer or a reason in an error; longer ones are cut in the middle."""
