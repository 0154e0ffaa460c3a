"""Generated code: golden files, names, layout, stubs, and files on disk."""

from __future__ import annotations

import difflib
import itertools
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import attrs
import pytest

from tests.golden import made_by_hand
from tests.loaded import stubtest, write_module
from typedtrack import FieldSchema, RecordDefinitionError, RecordSchema, Stat, Value, record, schema_of
from typedtrack._schema.records import NestedSchema
from typedtrack.codegen import drift, generate, write_files
from typedtrack.codegen.layout import fits
from typedtrack.schemas import document_text

GOLDEN = Path(__file__).parents[1] / "golden"
SCHEMAS = [schema_of(made_by_hand.Evaluation), schema_of(made_by_hand.Hostile), schema_of(Stat)]


@pytest.mark.parametrize("name", ["generated.py", "generated.pyi.txt"])
def test_the_golden_file_is_generated(name: str) -> None:
    """The text equals the reviewed file, byte for byte. After an intended change, write the file and review it."""
    text = generate(SCHEMAS, stubs="pyi" in name)
    golden = (GOLDEN / name).read_text("utf-8")
    assert text == golden, "".join(difflib.unified_diff(golden.splitlines(True), text.splitlines(True)))


def test_the_golden_file_runs() -> None:
    """The classes in the golden file have the schemas that the file was generated from."""
    from tests.golden import generated

    assert [schema_of(getattr(generated, schema.name)) for schema in SCHEMAS] == SCHEMAS
    assert generated.__all__ == ["GPU", "Evaluation", "Hostile", "Latency", "Stat"]
    evaluation = generated.Evaluation(accuracy=1, l2norm=Stat(mean=0.5, sem=0.1))
    assert evaluation.validation == generated.Latency(p50_ms=0.0, p99_ms=None)


def test_generation_is_deterministic() -> None:
    """The same schemas give the same text in another process with other hashes."""
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
def test_an_invalid_class_name_is_refused(name: str) -> None:
    """Keywords, names that are not ASCII identifiers, and names that generated code uses never become text."""
    with pytest.raises(RecordDefinitionError) as refused:
        generate([RecordSchema(name=name, fields=(_field("a"),))])
    assert (refused.value.cls, refused.value.field) == (name, None)
    assert "give the record another title in its schema" in str(refused.value)


@pytest.mark.parametrize("name", ["class", "a b", "self", "_a", "größe", "float", "field", "R", "a: int = exit()\nb"])
def test_an_invalid_attribute_is_refused(name: str) -> None:
    """Attributes follow the same rules, and do not hide a class of the module."""
    with pytest.raises(RecordDefinitionError) as refused:
        generate([RecordSchema(name="R", fields=(_field(name, "x"),))])
    assert (refused.value.cls, refused.value.field) == ("R", name)


def test_a_default_record_contains_the_defaults_of_nested_records() -> None:
    """A nested record whose default is `None` is written as `None`."""
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
    """Two fields with one attribute, or two different records with one name, are refused. Equal records are one."""
    with pytest.raises(RecordDefinitionError, match="is the attribute of both 'a/b' and 'a_b'"):
        generate([RecordSchema(name="R", fields=(_field("a_b", "a/b"), _field("a_b")))])

    stat = RecordSchema(name="Stat", fields=(_field("mean"),))
    nesting = RecordSchema(name="R", fields=(NestedSchema(attribute="s", name="s", record=schema_of(Stat)),))
    with pytest.raises(RecordDefinitionError, match=r"Stat: two different records have this name"):
        generate([stat, nesting])
    assert generate([nesting, schema_of(Stat), nesting]) == generate([nesting])


def test_a_record_may_be_called_stat() -> None:
    """`typedtrack.Stat` is imported only if the record equals it."""
    text = generate([RecordSchema(name="Stat", fields=(_field("mean"),))])
    assert "import record\n" in text
    assert "class Stat:\n    mean: int\n" in text


@pytest.mark.parametrize(("character", "columns"), [("x", 1), ("é", 1), ("中", 2), ("e\u0301", 1)])
def test_a_line_is_measured_in_columns(character: str, columns: int) -> None:
    """An East Asian character has two columns, a combining mark has none, as formatters count them."""
    assert fits(character * (88 // columns))
    assert not fits(character * (88 // columns + 1))


_CONSTANTS, _CLASSES, _OTHERS = ["A1", "AB", "A_2"], ["A", "Ru_n", "Run01", "Run1", "Run2", "Run10"], ["_Run", "run"]


def test_exports_are_sorted_as_ruff_sorts_them() -> None:
    """Constants come first, then classes, then the rest (RUF022); numbers in names sort by value."""
    records = [RecordSchema(name=name, fields=(_field("x"),)) for name in sorted([*_CONSTANTS, *_CLASSES, *_OTHERS])]
    text = generate(records)
    _assert_ruff_agrees({"made.py": text})
    names: dict[str, Any] = {"__name__": "made"}
    exec(text, names)
    assert names["__all__"] == [*_CONSTANTS, *_CLASSES, *_OTHERS]


def _layouts() -> Iterator[FieldSchema | NestedSchema]:
    """Yield fields of every form, with attributes around the lengths at which a line breaks."""
    for length in range(30, 92):
        attribute = "x" * length
        for name, optional in itertools.product((attribute, "name"), (False, True)):
            forms: list[tuple[dict[str, Any], Value]] = [
                ({"kind": "float"}, 1.5),
                ({"kind": "str"}, "text"),
                ({"kind": "float", "ge": 0.0, "le": 10.0}, 1.5),
                ({"kind": "str", "choices": ("aa", "b")}, "b"),
                ({"kind": "str", "choices": ("b",)}, "b"),
            ]
            for form, default in forms:
                given = None if optional else default
                yield FieldSchema(attribute=attribute, name=name, optional=optional, **form)
                yield FieldSchema(attribute=attribute, name=name, optional=optional, default=given, **form)
    inner = FieldSchema(attribute="a", name="a", kind="float")
    for length, wire, optional in itertools.product((1, 10, 40, 60, 75, 85), (None, "name"), (False, True)):
        record = RecordSchema(name="C" * length, fields=(inner,))
        for rest in range(max(2, 40 - length), max(6, 90 - length)):
            attribute = "x" * rest
            for defaults in ((), None if optional else (1.5,)):
                yield NestedSchema(
                    attribute=attribute, name=wire or attribute, record=record, optional=optional, defaults=defaults
                )


@pytest.mark.parametrize("stubs", [False, True])
def test_lines_break_where_ruff_breaks_them(stubs: bool) -> None:
    """Annotations and defaults of any length are laid out as ruff lays them out at its default of 88 columns."""
    records = [
        RecordSchema(name=f"R{number}", fields=(_field("z"), layout)) for number, layout in enumerate(_layouts())
    ]
    _assert_ruff_agrees({f"made.py{'i' if stubs else ''}": generate(records, stubs=stubs)})


def _assert_ruff_agrees(files: dict[str, str]) -> None:
    with TemporaryDirectory() as folder:
        write_files({Path(folder, name): text for name, text in files.items()})
        for command in (["format", "--diff"], ["check", "--extend-select", "I,RUF022"]):
            ruff = [sys.executable, "-m", "ruff", *command, "--isolated", "--no-cache"]
            ran = subprocess.run(ruff, cwd=folder, capture_output=True, text=True, check=False)
            assert ran.returncode == 0, ran.stdout[:5000] + ran.stderr


def test_long_documentation_is_wrapped() -> None:
    """It is split between words into strings that fit a line; a long word stays whole. It reads as before."""
    link = f"https://example.org/{'x' * 80}"
    doc = f"What it means. {'Some words. ' * 30}\nA line.\n{'中文' * 60}\nSee {link} for more."
    fields = (attrs.evolve(_field("loss"), doc=doc), attrs.evolve(_field("link"), doc=link))
    schema = RecordSchema(name="Run", fields=fields)
    text = generate([schema])
    assert [line.strip() for line in text.splitlines() if not fits(line)] == [f'"{link} "', f'doc="{link}",']
    assert '            "A line.\\n"\n' in text
    names: dict[str, Any] = {"__name__": "made"}
    exec(text, names)
    assert schema_of(names["Run"]) == schema


def test_a_bound_of_minus_zero_is_zero() -> None:
    """To Python, `Annotated` types with 0.0 and -0.0 are the same type, so they are the same bound."""
    bounds: list[dict[str, Any]] = [{"ge": -0.0}, {"gt": -0.0}, {"le": -0.0}, {"lt": -0.0}]
    fields = [FieldSchema(attribute=f"x{n}", name=f"x{n}", kind="float", **bound) for n, bound in enumerate(bounds)]
    schema = RecordSchema(name="Run", fields=tuple(fields))
    names: dict[str, Any] = {"__name__": "made"}
    exec(generate([schema]), names)
    assert repr(schema_of(names["Run"])) == repr(schema)
    assert "-0.0" not in repr(schema)
    assert schema.fingerprint == RecordSchema.from_json_schema(schema.to_json_schema()).fingerprint


@pytest.mark.parametrize("constraint", ["gt", "ge", "lt", "le", "multiple_of"])
def test_a_bound_of_a_float_is_a_float(constraint: str) -> None:
    """A float field that is bounded by an int equals one that is bounded by the float, in every form."""

    def bounded(bound: float) -> RecordSchema:
        known: dict[str, Any] = {constraint: bound}
        return RecordSchema(name="Run", fields=(FieldSchema(attribute="x", name="x", kind="float", **known),))

    by_int, by_float = bounded(2), bounded(2.0)
    assert by_int == by_float
    assert by_int.fingerprint == by_float.fingerprint
    assert document_text(by_int) == document_text(by_float)
    assert generate([by_int]) == generate([by_float])
    assert "no float equals that" in next(bounded(2**53 + 1).columns[0].definition_problems())


def test_a_module_may_have_another_docstring() -> None:
    """By default it says that the module is generated from schemas."""
    schemas = [RecordSchema(name="Run", fields=(_field("loss"),))]
    assert generate(schemas).startswith('"""Records made by `typedtrack schema generate`: change their schemas')
    assert generate(schemas, doc="Mine.").startswith('"""Mine."""\n\nfrom typedtrack')


def test_documentation_is_cleaned() -> None:
    """A schema made by hand may have tabs and blank lines at the ends of its documentation; a docstring has none."""
    schema = RecordSchema(name="R", fields=(_field("a"),), doc="\n\n  a\tb\n\n")
    assert '"""a     b"""' in generate([schema])
    assert '"""' not in generate([attrs.evolve(schema, doc=" \n ")]).split("class")[1]


@pytest.mark.parametrize(
    "doc", ["One run.\n    ", "\n    One run.\n    ", "Args:\n        x: y\n    ", "\n  - a\n      b\n"]
)
def test_a_docstring_is_stable(doc: str) -> None:
    """Source → schema → source gives the same docstring, wherever its quotes stand."""
    made = generate([schema_of(record(type("Run", (), {"__annotations__": {"loss": float}, "__doc__": doc})))])
    names: dict[str, Any] = {"__name__": "made"}
    exec(made, names)
    assert generate([schema_of(names["Run"])]) == made


def test_a_stub_agrees_with_the_classes_made_at_run_time(tmp_path: Path) -> None:
    """`mypy.stubtest` finds a difference to the classes of `load_schemas` only if there is one."""
    package, stub = tmp_path / "made", tmp_path / "made/stale/__init__.pyi"
    write_files({package / "__init__.py": "", package / "__init__.pyi": ""})
    write_module(package / "fresh", SCHEMAS)
    write_module(package / "stale", SCHEMAS)
    stub.write_text(stub.read_text("utf-8").replace("    validation: Latency = ...\n", ""), "utf-8")
    ran = stubtest(package)  # once, since it takes seconds
    assert ran.returncode == 1, ran.stderr
    reported = [line for line in ran.stdout.splitlines() if line.startswith("error: ")]
    assert "validation" in " ".join(reported)
    assert all(line.startswith("error: made.stale.") for line in reported), reported


def test_write_files_changes_only_stale_files(tmp_path: Path) -> None:
    """A file is written if it differs, even only in line ends; missing folders are made."""
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


def test_a_link_and_a_mode_are_kept(tmp_path: Path) -> None:
    """The target of a link is replaced, and keeps its mode."""
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


def test_write_files_follows_no_link_beside_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link at the temporary name is an error; its target and the old file stay as they are."""
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "made.py").write_text("old\n")
    (tmp_path / f".made.py.{os.getpid()}").symlink_to(victim)
    write_files({tmp_path / "made.py": "new\n"})

    def guess(_: int) -> str:
        return "guessed"

    monkeypatch.setattr(secrets, "token_hex", guess)
    (tmp_path / ".made.py.guessed").symlink_to(victim)
    with pytest.raises(FileExistsError):
        write_files({tmp_path / "made.py": "newer\n"})
    assert (victim.read_text(), (tmp_path / "made.py").read_text()) == ("precious", "new\n")
    assert (tmp_path / ".made.py.guessed").is_symlink()


@pytest.mark.parametrize("call", [write_files, drift])
def test_only_regular_files_are_read(tmp_path: Path, call: Callable[[dict[Path, str]], object]) -> None:
    """Reading a pipe might never end; a folder cannot be read."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("pipe", "folder"):
        with pytest.raises(ValueError, match=f"{name} exists and is not a file; name a file"):
            call({tmp_path / name: "x\n"})


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file stays as it was, with nothing beside it."""

    def fail(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / "made.py").write_text("old\n")
    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="No space"):
        write_files({tmp_path / "made.py": "x\n"})
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"made.py": "old\n"}


def test_a_long_literal_or_none_has_one_value_a_line() -> None:
    """Formatters do not join the lines, because the last value has a comma."""
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
