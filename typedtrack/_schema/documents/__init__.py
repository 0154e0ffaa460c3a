"""Schemas to JSON Schema documents and back.

A document describes a stored result, which is flat: one property per column, in standard keywords. What a record is
beyond that is in keywords of its own, so that the way there and back is exact: a nested record is an object in
``$defs``, its columns are references into it, and ``x-typedtrack-nested`` says how it is a field.
"""

from typedtrack._schema.documents.reading import read
from typedtrack._schema.documents.writing import write

__all__ = ["read", "write"]
