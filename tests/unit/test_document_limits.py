"""The cost of documents that try to exhaust their reader; the tests count work, so they do not depend on speed."""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from tests.unit.test_documents import object_of
from typedtrack import FieldSchema, RecordSchema, SchemaError
from typedtrack._records.declare import record_class
from typedtrack._schema.documents import limits
from typedtrack._schema.identifiers import attribute_names
from typedtrack.schemas import check, document_text, parse_document

MUCH = 3_000_000
"""Calls of functions. Reading a document of 8,000 fields takes about as many."""


def work(action: Callable[[], object]) -> int:
    """Return how many functions *action* calls, in Python and in C."""
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        action()
    finally:
        sys.setprofile(before)
    return calls


def refused(document: object) -> Callable[[], None]:
    """Return an action that reads *document*, which is refused with a short error."""

    def read() -> None:
        with pytest.raises(SchemaError) as caught:
            RecordSchema.from_json_schema(document)  # type: ignore[arg-type]  # some are no mapping
        assert len(str(caught.value)) < 2_500_000

    return read


def doubling(levels: int) -> dict[str, Any]:
    """Return a document in which each of *levels* optional records is twice in the one before."""
    inner: dict[str, object] = {"x": {"type": "integer"}}
    definitions: dict[str, object] = {
        f"r{level}": {
            **object_of(**{name: {"$ref": f"#/$defs/r{level + 1}"} for name in "ab"}, **inner),
            "required": ["x"],
        }
        for level in range(levels)
    }
    definitions[f"r{levels}"] = object_of(**inner)
    return {**object_of(r={"$ref": "#/$defs/r0"}, **inner), "required": ["x"], "$defs": definitions}


def referring(count: int, definition: dict[str, object]) -> dict[str, Any]:
    """Return a document of *count* fields that all refer to *definition*."""
    return {**object_of(**{f"p{n}": {"$ref": "#/$defs/d"} for n in range(count)}), "$defs": {"d": definition}}


HOSTILE: dict[str, dict[str, Any]] = {
    "two optional records in each of 12 levels": doubling(12),
    "two optional records in each of 40 levels": doubling(40),
    "two references to the choices of the next in each of 40 levels": {
        **object_of(x={"$ref": "#/$defs/d0"}),
        "$defs": {
            **{f"d{level}": {"anyOf": [{"$ref": f"#/$defs/d{level + 1}"}] * 2} for level in range(40)},
            "d40": {"const": 1},
        },
    },
    "5,000 branches that refer to 50,000 choices": {
        **object_of(x={"anyOf": [{"$ref": "#/$defs/d"}] * 5_000}),
        "$defs": {"d": {"enum": list(range(50_000))}},
    },
    "a reference of 4 million tokens": object_of(x={"$ref": "#/$defs" + "/a" * 4_000_000}),
    "a name of a million characters around 2,000 problems": object_of(
        **{"x" * 1_000_000: object_of(**{f"y{n}": {"type": "date"} for n in range(2_000)})}
    ),
    "a pattern of 8 MB": object_of(x={"type": "string", "pattern": "[a-b]" * 1_600_000}),
    "patterns that ignore case": object_of(
        **{f"x{n}": {"type": "string", "pattern": "(?i)" + "[\0-\U0010ffff]" * 50 + str(n)} for n in range(40)}
    ),
    "5,000 references to a description of a million characters": referring(
        5_000, {"type": "integer", "description": "d " * 500_000}
    ),
    "5,000 references to 100,000 choices": referring(5_000, {"enum": list(range(100_000))}),
    "5,000 references to 100,000 aliases": referring(
        5_000, {"type": "integer", "x-typedtrack-aliases": [f"a{n}" for n in range(100_000)]}
    ),
    "50,000 aliases of a record of two fields": {
        **object_of(x={"$ref": "#/$defs/r", "x-typedtrack-aliases": [f"a{n}" for n in range(50_000)]}),
        "$defs": {"r": object_of(m={"type": "integer"}, n={"type": "integer"})},
    },
    "5,000 fields with three problems each": object_of(
        **{f"p{n}": {"type": "integer", "minimum": 0.5, "default": "a", "multipleOf": 0.5} for n in range(5_000)}
    ),
    "a dependency of 5,000 fields that is missing": {
        **object_of(x={"type": "integer"}, g=object_of(**{f"p{n}": {"type": "integer"} for n in range(5_000)})),
        "required": ["x"],
        "dependentRequired": {},
    },
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_document_costs_no_more_than_a_large_one(name: str) -> None:
    """The document is refused by a short error, before its work is done."""
    assert work(refused(HOSTILE[name])) < MUCH


def flat(count: int) -> dict[str, Any]:
    """Return a document of *count* fields of every kind, some of them records."""
    forms: list[dict[str, object]] = [
        {"type": "number", "minimum": 0, "description": "Loss."},
        {"type": "string", "maxLength": 40, "pattern": "^[a-z]+"},
        {"enum": ["a", "b"]},
        {"$ref": "#/$defs/Stat"},
    ]
    stat = object_of(mean={"type": "number"}, sem={"type": "number", "minimum": 0})
    return {**object_of(**{f"p{n}": forms[n % 4] for n in range(count)}), "$defs": {"Stat": {**stat, "title": "Stat"}}}


def optional_group(count: int) -> RecordSchema:
    """Return a schema with a record of *count* fields that can be `None`."""
    group = object_of(**{f"p{n}": {"type": "integer"} for n in range(count)})
    return RecordSchema.from_json_schema({**object_of(x={"type": "integer"}, g=group), "required": ["x"]})


def renamed(count: int) -> tuple[RecordSchema, RecordSchema]:
    """Return a reader and a writer of *count* fields; the reader knows an older name of each."""
    fields = [FieldSchema(attribute=f"p{n}", name=f"p{n}", kind="float") for n in range(count)]
    older = [FieldSchema(attribute=f"p{n}", name=f"q{n}", kind="float", aliases=(f"p{n}",)) for n in range(count)]
    return RecordSchema(name="R", fields=tuple(older)), RecordSchema(name="R", fields=tuple(fields))


def own(count: int) -> Callable[[], object]:
    """Return an action that reads the document of a schema."""
    text = document_text(RecordSchema.from_json_schema(flat(count))).encode()
    return lambda: parse_document(text, "file")


def repeated(count: int) -> Callable[[], object]:
    """Return an action that reads a file which repeats the last of *count* names."""
    names = [*range(count), count - 1]
    text = f"{{{', '.join(f'{json.dumps(str(name))}: 1' for name in names)}}}".encode()

    def read() -> None:
        with pytest.raises(SchemaError, match="is repeated"):
            parse_document(text, "file")

    return read


def fingerprint(count: int) -> Callable[[], object]:
    """Return an action that takes a fingerprint."""
    schema = optional_group(count)
    return lambda: schema.fingerprint


def compared(count: int) -> Callable[[], object]:
    """Return an action that compares two schemas."""
    reader, writer = renamed(count)
    return lambda: check(reader, writer)


class Choice(str):
    """A choice whose comparisons count as work."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return str.__eq__(self, other)


def chosen(count: int) -> Callable[[], object]:
    """Return an action that compares two schemas of *count* choices."""
    names = [f"v{n}" for n in range(count)]
    reader = FieldSchema(attribute="x", name="x", kind="str", choices=tuple(map(Choice, names)))
    writer = FieldSchema(attribute="x", name="x", kind="str", choices=tuple(names))
    return lambda: check(RecordSchema(name="R", fields=(reader,)), RecordSchema(name="R", fields=(writer,)))


def of_one_attribute(count: int) -> Callable[[], object]:
    """Return an action that finds attributes for *count* names that all become one."""
    names = [f"x{chr(0x4E00 + number)}" for number in range(count)]
    return lambda: attribute_names(names)


GROWING: dict[str, tuple[Callable[[int], Callable[[], object]], int]] = {
    "a document by hand": (lambda count: lambda: RecordSchema.from_json_schema(flat(count)), 300),
    "a document of its own": (own, 300),
    "a repeated name": (repeated, 2_000),
    "an optional group": (lambda count: lambda: optional_group(count), 500),
    "the fingerprint of an optional group": (fingerprint, 500),
    "compatibility": (compared, 300),
    "compatibility of choices": (chosen, 300),
    "names that become one attribute": (of_one_attribute, 1_000),
}


@pytest.mark.parametrize("name", GROWING)
def test_work_grows_with_the_document(name: str) -> None:
    """A document of twice the size takes twice the work, never four times."""
    make, count = GROWING[name]
    make(3)()  # the first call does more

    assert work(make(2 * count)) < 2.5 * work(make(count))


def test_a_class_of_many_fields_copies_its_annotations_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python copies the annotations of a class for each caller: once for each field would be quadratic."""
    copies = Mock(wraps=inspect.get_annotations)
    monkeypatch.setattr(inspect, "get_annotations", copies)
    numbers: list[int] = []
    for count in (4, 4, 400):  # the first class copies more
        copies.reset_mock()
        record_class(RecordSchema.from_json_schema(flat(count)), __name__, {})
        numbers.append(copies.call_count)
    assert numbers[1] == numbers[2]


def test_the_docs_have_the_limits() -> None:
    """The table of the reference has each limit that a reader of a document meets."""
    page = Path(__file__).parents[2].joinpath("docs", "reference", "schemas.md").read_text("utf-8")
    table = page.partition("### Limits")[2].partition("\n## ")[0]
    found = re.findall(r"^\| .* \| ([0-9,]+)", table, re.MULTILINE)
    assert [int(number.replace(",", "")) for number in found] == [
        *(limits.MAX_BYTES, limits.MAX_SUBSCHEMAS, limits.MAX_DEPTH, limits.MAX_NAME),
        *(limits.MAX_PATTERN, limits.MAX_URI, limits.MAX_WEIGHT, limits.MAX_PROBLEMS),
    ]
