"""Schemas to JSON Schema documents and back.

A document describes a stored result, which is flat: one property per column, in standard keywords. Keywords named
``x-typedtrack-…`` hold the rest of a record, so that reading returns the same schema. A nested record is an object in
``$defs``, its columns refer to the properties of that object, and ``x-typedtrack-nested`` declares the field.
"""

from typedtrack._schema.documents.reading import read
from typedtrack._schema.documents.writing import write

__all__ = ["read", "write"]
