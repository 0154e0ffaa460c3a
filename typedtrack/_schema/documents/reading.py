"""Documents to schemas, in three stages, as compilers work: keywords, fields, records.

Each stage goes through the whole document before the next one begins. The first stage that finds problems raises them
all at once. So no stage meets input that an earlier one could not read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

from typedtrack._schema.documents.objects import read_objects
from typedtrack._schema.documents.problems import Problems
from typedtrack._schema.documents.records import RecordMaker
from typedtrack._schema.documents.terms import Nested, Record
from typedtrack._schema.documents.tree import parse
from typedtrack.errors import SchemaError

__all__ = ["read"]

R = TypeVar("R", bound=Record)


def read(document: object, source: str, *, record: Callable[..., R], nested: Callable[..., Nested]) -> R:
    """Return the schema that *document* describes, made by *record*, and by *nested* for fields that are records.

    Raises:
        SchemaError: the document is not supported, or cannot be a record. It names *source*, and lists all problems of
            the first stage that found any.
    """
    problems = Problems(source)
    try:
        uris = parse(document, problems)
        problems.end_stage()
        root, objects = read_objects(uris, source, problems)
        problems.end_stage()
        made = RecordMaker(objects, problems, record, nested).record(root)
        problems.end_stage()
        return cast("R", made)  # it has no problems
    except RecursionError:
        pass
    # Not in the handler: Dask pickles the context of an error, and that one has a thousand frames.
    raise SchemaError(source, (("", "is nested too deeply"),))
