"""`re` warns of some legal patterns; typedtrack compiles those of users without a warning.

Warnings are errors in these tests, as they are under ``python -W error``.
"""

from __future__ import annotations

import pickle
import re
import warnings
from pathlib import Path
from typing import Annotated, Any

import pydantic
import pytest
from hypothesis import given
from msgspec import Meta

from typedtrack import (
    FieldSchema,
    FsspecResultTracker,
    InvalidResultError,
    RecordSchema,
    SchemaMismatchError,
    record,
    schema_of,
)
from typedtrack._records.declare import record_class
from typedtrack._schema.patterns import compile_pattern
from typedtrack.testing import records

PATTERN = "^[[a]"

with warnings.catch_warnings(action="ignore"):  # of msgspec's own call, which stands in the user's code
    META = Meta(pattern=PATTERN)


def forget() -> None:
    """Let the next use of a pattern compile it anew."""
    re.purge()
    compile_pattern.cache_clear()


@pytest.fixture(autouse=True)
def _compiled_anew() -> None:
    forget()


def test_re_itself_warns_of_the_pattern() -> None:
    """Else the tests below would show nothing."""
    with pytest.raises(FutureWarning):
        re.compile(PATTERN)


@pytest.mark.parametrize("constraint", [META, pydantic.Field(pattern=PATTERN)], ids=["msgspec", "pydantic"])
def test_a_record_is_declared_made_and_read(tmp_path: Path, constraint: Any) -> None:
    """The constructor and both paths of a get compile the pattern."""

    @record
    class Run:
        name: Annotated[str, constraint]

    tracker = FsspecResultTracker(str(tmp_path))
    view = tracker.typed(Run)
    forget()
    view["run"] = Run(name="[x")
    for unknown in ({}, {"unknown": 1}):
        tracker.put("run", name="[x", **unknown)
        forget()
        assert view["run"] == Run(name="[x")
    forget()
    with pytest.raises(InvalidResultError, match="must match the pattern"):
        Run(name="x")
    tracker["run"] = {"name": "x"}
    forget()
    with pytest.raises(SchemaMismatchError, match="must match the pattern"):
        view["run"]


def test_a_document_is_read_and_its_record_made() -> None:
    """A pattern of a document is that of a user, too."""
    document = {"title": "Run", "type": "object", "properties": {"name": {"type": "string", "pattern": PATTERN}}}
    schema = RecordSchema.from_json_schema({**document, "required": ["name"]})
    forget()
    made: Any = record_class(schema)
    forget()
    assert RecordSchema.from_json_schema(schema_of(made).to_json_schema()) == schema
    forget()
    with pytest.raises(InvalidResultError):
        made(name="x")


def test_a_constraint_that_travels_is_unpickled() -> None:
    """A class that is sent by value takes the constraints of its fields with it."""
    data = pickle.dumps(META)
    forget()
    assert pickle.loads(data) == META


@pytest.mark.parametrize("pattern", [PATTERN, rf"{PATTERN}(b)?\1c"], ids=["plain", "back-reference"])
@pytest.mark.parametrize("bounds", [{}, {"max_length": 5}], ids=["any length", "short"])
def test_records_are_drawn(pattern: str, bounds: dict[str, Any]) -> None:
    """The strategies parse the pattern."""
    column = FieldSchema(attribute="name", name="name", kind="str", pattern=pattern, **bounds)
    cls: Any = record_class(RecordSchema(name="Run", fields=(column,)))
    forget()
    strategy = records(cls)

    @given(strategy)
    def draw(run: Any) -> None:
        assert compile_pattern(pattern).search(run.name)

    forget()
    draw()


def test_the_filters_of_the_program_are_left_as_they_are() -> None:
    """Also where a pattern cannot be compiled."""
    before = [*warnings.filters]
    compile_pattern(PATTERN)
    with pytest.raises(re.error):
        compile_pattern("(")
    assert warnings.filters == before
