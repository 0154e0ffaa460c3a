"""Schemas to JSON Schema documents and back.

A document describes a stored result, which is flat: one property per column, in standard keywords. Keywords of its own
hold what else a record is, so that a schema comes back exactly. A nested record is an object in ``$defs``, its columns
refer to the properties of that object, and ``x-typedtrack-nested`` declares the field.
"""

from typedtrack._schema.documents.reading import read
from typedtrack._schema.documents.writing import write

__all__ = ["read", "write"]
