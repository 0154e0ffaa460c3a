"""The order of choices has no meaning, whichever order another module declared first.

`typing` caches ``Literal["a", "b"] | None``: for any order of the values it returns the one that was declared first.
"""

from __future__ import annotations

import enum
import subprocess
import sys
from itertools import permutations
from pathlib import Path
from typing import Any, Final, Literal

import pytest

from typedtrack import FieldSchema, RecordSchema, record, schema_of
from typedtrack.codegen import generate
from typedtrack.schemas import check, document_text

_MODULE: Final = """
from typing import Literal
from typedtrack import record

@record
class {name}:
    x: int
    split: Literal[{choices}] | None = None
    size: Literal[{numbers}] | None = None
"""

_PROGRAM: Final = """
import sys
from importlib import import_module

for name in sys.argv[2:]:
    import_module(name)
from typedtrack import InvalidResultError, schema_of
from typedtrack.codegen import generate
from typedtrack.schemas import document_text

Run = import_module("first").Run
schema = schema_of(Run)
print(document_text(schema))
print(generate([schema]))
print(schema.fingerprint)
try:
    Run(x=1, split="none", size=3)
except InvalidResultError as error:
    print(error)
"""


class Level(enum.StrEnum):
    """Choices that have an order of their own."""

    LOW = "low"
    MIDDLE = "middle"
    HIGH = "high"


def schema(choices: tuple[int | str, ...], name: str = "Run") -> RecordSchema:
    """Return the schema of a record with a field that allows *choices*."""
    return RecordSchema(name=name, fields=(FieldSchema(attribute="x", name="x", kind="str", choices=choices),))


def test_nothing_drifts_with_the_order_of_imports(tmp_path: Path) -> None:
    """Documents, generated code, fingerprints and errors are the same text, whichever module is imported first."""
    (tmp_path / "first.py").write_text(_MODULE.format(name="Run", choices='"train", "test"', numbers="2, 10, 1"))
    (tmp_path / "second.py").write_text(_MODULE.format(name="Other", choices='"test", "train"', numbers="10, 1, 2"))
    (tmp_path / "program.py").write_text(_PROGRAM)
    printed = {
        subprocess.run(
            [sys.executable, tmp_path / "program.py", tmp_path, *modules],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for modules in (["first", "second"], ["second", "first"])
    }
    (text,) = printed
    assert '"enum": [\n        "test",\n        "train"\n      ]' in text
    assert "must be one of 1, 2, 10" in text


@pytest.mark.parametrize("choices", [*permutations(["a", "b", "c"])])
def test_schemas_are_equal_in_any_order(choices: tuple[str, ...]) -> None:
    """They have one hash, one fingerprint and one document, and are compatible both ways."""
    one, other = schema(("a", "b", "c")), schema(choices)
    assert one == other
    assert hash(one) == hash(other)
    assert one.fingerprint == other.fingerprint
    assert document_text(one) == document_text(other)
    assert check(one, other) == check(other, one) == []


def test_other_choices_are_another_schema() -> None:
    """Fewer choices, more choices and other choices make another schema."""
    assert len({schema(choices) for choices in [("a", "b"), ("b", "a"), ("a",), ("a", "c"), ("a", "b", "c"), ()]}) == 5


def test_an_enumeration_keeps_its_order_where_it_is_shown() -> None:
    """Errors list the members as they are declared; a document lists them sorted, as those of a `Literal`."""

    def declare(hint: Any) -> RecordSchema:
        return schema_of(record(type("Run", (), {"__annotations__": {"x": hint}, "__module__": __name__})))

    enumerated, literal = declare(Level), declare(Literal["low", "middle", "high"])
    assert enumerated.columns[0].choices == ("low", "middle", "high")
    assert literal.columns[0].choices == ("high", "low", "middle")
    assert enumerated == literal
    assert document_text(enumerated) == document_text(literal)
    assert 'Literal["low", "middle", "high"]' in generate([enumerated])


def test_reading_keeps_the_order_of_the_document() -> None:
    """So a problem with a choice points to its place. Only writing sorts."""
    document = schema(("b", "a")).to_json_schema()
    properties: Any = document["properties"]
    properties["x"]["enum"] = ["b", "a"]
    read = RecordSchema.from_json_schema(document)
    assert read.columns[0].choices == ("b", "a")
    assert read == schema(("a", "b"))
