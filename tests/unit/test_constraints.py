"""Every constraint and every keyword has all of its parts: what is missing from one is named."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from msgspec import Meta

from typedtrack import FieldSchema, InvalidResultError, RecordSchema, SchemaError, SchemaMismatchError, record
from typedtrack._records.codec import record_codec
from typedtrack._records.record_type import record_type
from typedtrack._schema.documents.keywords import KEYWORDS, Role
from typedtrack._schema.fields import CONSTRAINTS
from typedtrack.codegen import generate
from typedtrack.schemas import check

SAMPLES: dict[str, tuple[Any, Any, Any, Any]] = {
    "gt": (int, 0, 1, 0),
    "ge": (int, 1, 1, 0),
    "lt": (float, 1.0, 0.5, 1.0),
    "le": (float, 1.0, 1.0, 1.5),
    "multiple_of": (float, 0.1, 0.3, 0.35),
    "min_length": (str, 2, "ab", "a"),
    "max_length": (str, 2, "ab", "abc"),
    "pattern": (str, "^a", "ab", "ba"),
}
"""For each constraint a type, a bound, a value that keeps it and one that does not."""


def test_every_constraint_has_a_sample() -> None:
    """The tests below are made of them."""
    assert SAMPLES.keys() == set(CONSTRAINTS)


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_every_constraint_has_all_its_parts(name: str) -> None:
    """A rule, a check on construction and on get, a keyword, generated code and a rule of compatibility."""
    kind, bound, kept, refused = SAMPLES[name]
    hint: Any = Annotated[kind, Meta(**{name: bound})]
    cls: type[Any] = record(type("R", (), {"__annotations__": {"x": hint}, "__module__": __name__}))
    column = FieldSchema(attribute="x", name="x", kind=kind.__name__, **{name: bound})
    schema = RecordSchema(name="R", fields=(column,))
    free = RecordSchema(name="R", fields=(FieldSchema(attribute="x", name="x", kind=kind.__name__),))

    assert (column.problem(kept), column.problem(refused) is None) == (None, False), "rule"
    assert cls(x=kept).x == kept, "construction"
    with pytest.raises(InvalidResultError):
        cls(x=refused)
    codec: Any = record_codec(record_type(cls))
    for more in ("", ', "unknown": 1'):
        value = f'"{kept}"' if kind is str else kept
        assert codec.decode(f'{{"x": {value}{more}}}'.encode(), "file") == cls(x=kept), "get"
        value = f'"{refused}"' if kind is str else refused
        with pytest.raises(SchemaMismatchError):
            codec.decode(f'{{"x": {value}{more}}}'.encode(), "file")
    assert name in {row.constraint for row in KEYWORDS.values()}, "keyword"
    assert RecordSchema.from_json_schema(schema.to_json_schema()) == schema, "document"
    assert f"{name}=" in generate([schema]), "generated code"
    assert check(schema, free) != [], "rule of compatibility"
    assert check(free, schema) == []


@pytest.mark.parametrize("keyword", KEYWORDS)
def test_every_keyword_has_its_reader_and_its_role(keyword: str) -> None:
    """A constraint is one of numbers or of texts, and no reader takes everything but where JSON Schema does."""
    row = KEYWORDS[keyword]

    assert (row.constraint is not None) is (row.role in (Role.NUMBER, Role.TEXT)) or keyword == "x-typedtrack-max-bytes"
    document = {"title": "R", "type": "object", "properties": {"x": {"type": "integer", keyword: object()}}}
    if keyword in ("example", "externalDocs", "xml"):  # notes of any form
        assert row.read(document) is document
        return
    anything = {"const", "default", "x-typedtrack-default"}
    with pytest.raises(SchemaError) as caught:
        RecordSchema.from_json_schema({**document, "required": ["x"]})
    reason = dict(caught.value.problems).get(f"/properties/x/{keyword}", "")
    assert reason.startswith("must be ") or keyword in anything
