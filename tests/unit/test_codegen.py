"""Generated code: golden files, compared and then executed; names; stubs beside what `load_schemas` makes."""

from __future__ import annotations

import difflib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from tests.golden import made_by_hand
from tests.loaded import stubtest, write_module
from typedtrack import FieldSchema, RecordDefinitionError, RecordSchema, Stat, record, schema_of
from typedtrack._schema.records import NestedSchema
from typedtrack.codegen import drift, generate, write_files
from typedtrack.codegen.layout import fits

GOLDEN = Path(__file__).parents[1] / "golden"
SCHEMAS = [schema_of(made_by_hand.Evaluation), schema_of(made_by_hand.Hostile), schema_of(Stat)]


@pytest.mark.parametrize("name", ["generated.py", "generated.pyi.txt"])
def test_what_is_generated_is_the_golden_file(name: str) -> None:
    """Not a byte differs from what was reviewed; after a change that is meant, write it there, and review it."""
    text = generate(SCHEMAS, stubs="pyi" in name)
    golden = (GOLDEN / name).read_text("utf-8")
    assert text == golden, "".join(difflib.unified_diff(golden.splitlines(True), text.splitlines(True)))


def test_the_golden_file_runs() -> None:
    """Executed, the golden file makes records of the schemas that it came from, which hold values."""
    from tests.golden import generated

    assert [schema_of(getattr(generated, schema.name)) for schema in SCHEMAS] == SCHEMAS
    assert generated.__all__ == ["Evaluation", "Hostile", "Latency", "Stat"]
    evaluation = generated.Evaluation(accuracy=1, l2norm=Stat(mean=0.5, sem=0.1))
    assert evaluation.validation == generated.Latency(p50_ms=0.0, p99_ms=None)


def test_generation_is_deterministic() -> None:
    """The same schemas give the same text in another process, whose hashes differ."""
    program = (
        "from tests.unit.test_codegen import SCHEMAS; from typedtrack.codegen import generate; "
        "import sys; sys.stdout.buffer.write(generate(SCHEMAS).encode())"
    )
    for seed in ("1", "2"):
        made = subprocess.run(
            [sys.executable, "-c", program],
            check=True,
            capture_output=True,
            cwd=GOLDEN.parents[1],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ".", "PATH": ""},
        )
        assert made.stdout.decode() == generate(SCHEMAS)


def _field(attribute: str, name: str = "") -> FieldSchema:
    return FieldSchema(attribute=attribute, name=name or attribute, kind="int")


@pytest.mark.parametrize("name", ["class", "a b", "a\n", "", "größe", "__debug__", "int", "Literal", "x=1", "\uff52"])
def test_a_class_name_that_is_none_is_refused(name: str) -> None:
    """Keywords, what is no ASCII identifier, and what generated code uses itself: none becomes text."""
    with pytest.raises(RecordDefinitionError) as refused:
        generate([RecordSchema(name=name, fields=(_field("a"),))])
    assert (refused.value.cls, refused.value.field) == (name, None)
    assert "name it otherwise in the schema" in str(refused.value)


@pytest.mark.parametrize("name", ["class", "a b", "self", "_a", "größe", "float", "field", "R", "a: int = exit()\nb"])
def test_an_attribute_that_is_none_is_refused(name: str) -> None:
    """So are attributes, those that would hide a class of the module too."""
    with pytest.raises(RecordDefinitionError) as refused:
        generate([RecordSchema(name="R", fields=(_field(name, "x"),))])
    assert (refused.value.cls, refused.value.field) == ("R", name)


def test_the_default_of_a_record_has_those_of_the_records_in_it() -> None:
    """One that is `None` there is written so, whatever its fields are."""
    stat, count = schema_of(Stat), FieldSchema(attribute="count", name="count", kind="int")
    inner = RecordSchema(
        name="Inner",
        fields=(
            NestedSchema(attribute="none", name="none", record=stat, optional=True),
            NestedSchema(attribute="stat", name="stat", record=stat),
            count,
        ),
    )
    outer = NestedSchema(attribute="inner", name="inner", record=inner, defaults=(None, None, 0.5, 0.25, 3))
    schema = RecordSchema(name="Outer", fields=(outer,))

    source = generate([schema])

    assert "inner: Inner = Inner(none=None, stat=Stat(mean=0.5, sem=0.25), count=3)\n" in source
    made: dict[str, Any] = {"__name__": "made"}
    exec(source, made)
    assert schema_of(made["Outer"]) == schema


def test_collisions_are_errors() -> None:
    """Two fields of one attribute, two records of one name: no suffix tells them apart, and equal records are one."""
    with pytest.raises(RecordDefinitionError, match="is the attribute of 'a/b' and of 'a_b'"):
        generate([RecordSchema(name="R", fields=(_field("a_b", "a/b"), _field("a_b")))])

    stat = RecordSchema(name="Stat", fields=(_field("mean"),))
    nesting = RecordSchema(name="R", fields=(NestedSchema(attribute="s", name="s", record=schema_of(Stat)),))
    with pytest.raises(RecordDefinitionError, match=r"Stat: is the name of two different records"):
        generate([stat, nesting])
    assert generate([nesting, schema_of(Stat), nesting]) == generate([nesting])


def test_a_record_of_ones_own_may_be_called_stat() -> None:
    """`typedtrack.Stat` is imported only where the record is that one."""
    text = generate([RecordSchema(name="Stat", fields=(_field("mean"),))])
    assert "import record\n" in text
    assert "class Stat:\n    mean: int\n" in text


@pytest.mark.parametrize(("character", "columns"), [("x", 1), ("é", 1), ("中", 2), ("e\u0301", 1)])
def test_a_line_is_as_long_as_a_terminal_shows_it(character: str, columns: int) -> None:
    """Formatters count columns: two of an East Asian character, none of a combining mark."""
    assert fits(character * (88 // columns))
    assert not fits(character * (88 // columns + 1))


def test_documentation_that_no_docstring_has_is_cleaned() -> None:
    """Tabs, and blank lines at the ends, of a schema made by hand: what a class could have is left."""
    schema = RecordSchema(name="R", fields=(_field("a"),), doc="\n\n  a\tb\n\n")
    assert '"""a     b"""' in generate([schema])
    assert '"""' not in generate([attrs.evolve(schema, doc=" \n ")]).split("class")[1]


@pytest.mark.parametrize(
    "doc", ["One run.\n    ", "\n    One run.\n    ", "Args:\n        x: y\n    ", "\n  - a\n      b\n"]
)
def test_a_docstring_is_generated_as_it_was_read(doc: str) -> None:
    """However its quotes stand: what is made of the schema of what was made is the same."""
    made = generate([schema_of(record(type("Run", (), {"__annotations__": {"loss": float}, "__doc__": doc})))])
    names: dict[str, Any] = {"__name__": "made"}
    exec(made, names)
    assert generate([schema_of(names["Run"])]) == made


def test_a_stub_agrees_with_the_classes_made_at_run_time(tmp_path: Path) -> None:
    """`mypy.stubtest` finds no difference to what `load_schemas` made; it does where there is one."""
    made, stub = tmp_path / "made", tmp_path / "made/__init__.pyi"
    write_module(made, SCHEMAS)
    agreed = stubtest(made)
    assert agreed.returncode == 0, agreed.stdout + agreed.stderr
    stub.write_text(stub.read_text("utf-8").replace("    validation: Latency = ...\n", ""), "utf-8")
    stale = stubtest(made)
    assert stale.returncode == 1
    assert "validation" in stale.stdout


def test_write_files_leaves_what_is_right_alone(tmp_path: Path) -> None:
    """A file is written where it differs, by its line ends too; folders are made; the rest is not touched."""
    files = {tmp_path / "a/b.py": "x\n", tmp_path / "c.py": "y\n"}
    assert write_files(files) == list(files)
    (tmp_path / "c.py").write_bytes(b"y\r\n")
    assert drift(files).startswith("--- ")
    assert write_files(files) == [tmp_path / "c.py"]
    assert drift(files) == ""
    (tmp_path / "c.py").write_bytes(b"\xff\n")
    assert "-\\xff\n+\\xff\n" in drift({tmp_path / "c.py": "\\xff\n"})
    assert write_files({tmp_path / "c.py": "\\xff\n"}) == [tmp_path / "c.py"]
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a", "b.py", "c.py"]


def test_a_link_stays_one_and_a_mode_what_it_is(tmp_path: Path) -> None:
    """What the link is to is replaced; who might not read it may not read what took its place."""
    (tmp_path / "real.py").write_text("old\n")
    (tmp_path / "real.py").chmod(0o600)
    (tmp_path / "made.py").symlink_to("real.py")
    assert write_files({tmp_path / "made.py": "new\n"}) == [tmp_path / "made.py"]
    assert (tmp_path / "made.py").is_symlink()
    assert (tmp_path / "real.py").read_text() == "new\n"
    assert (tmp_path / "real.py").stat().st_mode & 0o777 == 0o600
    (tmp_path / "dangling.py").symlink_to("later/real.py")
    write_files({tmp_path / "dangling.py": "new\n"})
    assert (tmp_path / "later/real.py").read_text() == "new\n"


@pytest.mark.parametrize("call", [write_files, drift])
def test_what_is_no_file_is_not_read(tmp_path: Path, call: Callable[[dict[Path, str]], object]) -> None:
    """A pipe would never end, a device may never; a folder is none either."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("pipe", "folder"):
        with pytest.raises(ValueError, match=f"{name} is there, and no file; name one"):
            call({tmp_path / name: "x\n"})


def test_a_file_that_cannot_be_replaced_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What fails leaves the file as it was, and nothing beside it."""

    def fail(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / "made.py").write_text("old\n")
    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="No space"):
        write_files({tmp_path / "made.py": "x\n"})
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"made.py": "old\n"}


def test_a_long_literal_or_none_is_one_value_a_line() -> None:
    """No formatter joins them, however long its lines: the last value has a comma."""
    column = FieldSchema(attribute="x" * 40, name="self", kind="int", optional=True, choices=(-4358, -18904, -8325733))
    lines = generate(
        [RecordSchema(name="R", fields=(FieldSchema(attribute="steps", name="steps", kind="int"), column))]
    ).splitlines()
    assert lines[-8:] == [
        f"    {'x' * 40}: (",
        "        Literal[",
        "            -4358,",
        "            -18904,",
        "            -8325733,",
        "        ]",
        "        | None",
        '    ) = field(name="self")',
    ]
