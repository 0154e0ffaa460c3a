"""Generated code reads back exactly, formatters do not change it, and nothing in a schema becomes code."""

from __future__ import annotations

import ast
import inspect
import itertools
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import attrs
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from tests.loaded import stubtest, write_module
from tests.record_schemas import docs, record_schemas
from typedtrack import FieldSchema, RecordSchema, Stat, schema_of
from typedtrack._results.values import MIN_INT
from typedtrack._schema.docstrings import kept
from typedtrack.codegen import generate, write_files
from typedtrack.codegen.literals import docstring, literal
from typedtrack.schemas import document_text
from typedtrack.testing import record_schemas as any_schemas


def load(text: str) -> ModuleType:
    """Return the module whose source is *text*."""
    module = ModuleType("generated")
    exec(compile(text, "generated.py", "exec"), vars(module))
    return module


@given(st.text() | st.floats() | st.integers() | st.none())
def test_a_literal_reads_back(value: str | float | int | None) -> None:
    """The text of a value is one expression that evaluates to the same value of the same type."""
    read = eval(literal(value), {"__builtins__": {"float": float}})
    assert type(read) is type(value)
    assert repr(read) == repr(value)


@given(docs())
def test_a_docstring_reads_back(doc: str) -> None:
    """A docstring keeps the documentation and its relative indentation."""
    text = kept(doc)
    source = "\n".join(["class C:", *docstring(text, "    "), "    x: int"])
    assert kept(inspect.cleandoc(load(source).C.__doc__)) == text


@given(docs())
@example("\r0")  # Python 3.13 does not dedent it
def test_cleaning_documentation_twice_changes_nothing(doc: str) -> None:
    """Cleaned documentation has no tabs, no blank lines at its ends and no common indentation."""
    text = kept(doc)
    assert kept(text) == text
    assert "\t" not in text
    lines = text.split("\n")
    assert text == "" or all([lines[0].strip(), lines[-1].strip(), any(line[:1].strip() for line in lines)])
    assert [*filter(None, map(str.split, lines))] == [*filter(None, map(str.split, doc.split("\n")))]


@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(record_schemas())
def test_generated_records_have_the_same_schemas(schemas: list[RecordSchema]) -> None:
    """Schema → source → import → schema keeps names, defaults (NaN, too), documentation and the order of fields."""
    module = load(generate(schemas))
    for schema in schemas:
        again = schema_of(getattr(module, schema.name))
        assert again == schema
        assert document_text(again) == document_text(schema)
    assert {schema.name for schema in schemas} <= set(module.__all__)


def _is_literal(node: ast.expr, names: set[str]) -> bool:
    """Return whether *node* consists of literals, and of calls and subscripts of *names*."""
    match node:
        case ast.Constant():
            return True
        case ast.Name(id=name):
            return name in names
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant()):
            return True
        case ast.BinOp(left=left, op=ast.BitOr(), right=ast.Constant(value=None)):
            return _is_literal(left, names)
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            return all(_is_literal(part, names) for part in parts)
        case ast.Dict(keys=[ast.Constant("deprecated")], values=[ast.Constant(True)]):
            return True
        case ast.Subscript(value=ast.Name(id="Literal" | "Annotated"), slice=inner):
            return _is_literal(inner, names)
        case ast.Call(func=ast.Name(id="float"), args=[ast.Constant("nan" | "inf" | "-inf")], keywords=[]):
            return True
        case ast.Call(func=ast.Name(id=name), args=[], keywords=keywords) if name in names - {"int", "str", "float"}:
            return all(keyword.arg is not None and _is_literal(keyword.value, names) for keyword in keywords)
        case _:
            return False


def _assert_declares_records_alone(text: str) -> None:
    body = ast.parse(text).body
    classes = [node for node in body if isinstance(node, ast.ClassDef)]
    names = {"int", "float", "str", "field", "Meta", "Stat", *(node.name for node in classes)}
    for node in body:
        match node:
            case ast.Expr(value=ast.Constant(value=str())) | ast.ImportFrom(module="typing" | "msgspec" | "typedtrack"):
                pass
            case ast.Assign(targets=[ast.Name(id="__all__")], value=value):
                assert ast.literal_eval(value)
            case ast.ClassDef(bases=[], keywords=[], decorator_list=[ast.Name(id="record")], body=members):
                for member in members:
                    match member:
                        case ast.Expr(value=ast.Constant(value=str())):
                            pass
                        case ast.AnnAssign(target=ast.Name(), annotation=annotation, value=default):
                            assert _is_literal(annotation, names)
                            assert default is None or _is_literal(default, names)
                        case _:
                            pytest.fail(f"{ast.unparse(member)!r} is not a field")
            case _:
                pytest.fail(f"{ast.unparse(node)!r} does not declare a record")


@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(record_schemas(), st.booleans())
def test_nothing_in_a_schema_becomes_code(schemas: list[RecordSchema], stubs: bool) -> None:
    """Generated text consists of imports, record classes and literals, whatever the schema holds."""
    _assert_declares_records_alone(generate(schemas, stubs=stubs))


@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(record_schemas(), min_size=5, max_size=5), st.booleans())
def test_formatters_leave_generated_code_alone(
    tmp_path_factory: pytest.TempPathFactory, modules: list[list[RecordSchema]], stubs: bool
) -> None:
    """Ruff changes nothing and reports nothing, by its default rules and for imports and ``__all__``.

    At 120 columns the same holds without wrapped documentation, whose parts ruff joins there.
    """
    for line_length in ("88", "120"):
        folder = tmp_path_factory.mktemp(f"generated_{line_length}")
        for number, schemas in enumerate(modules):
            shown = schemas if line_length == "88" else [_without_docs(schema) for schema in schemas]
            (folder / f"module_{number}.py{'i' if stubs else ''}").write_text(generate(shown, stubs=stubs), "utf-8")
        for command in (["format", "--diff"], ["check", "--extend-select", "I,RUF022"]):
            ruff = [sys.executable, "-m", "ruff", *command, "--isolated", "--no-cache", "--line-length", line_length]
            ran = subprocess.run(ruff, cwd=folder, stdout=subprocess.PIPE, text=True, check=False)
            assert ran.returncode == 0, ran.stdout


def _without_docs(schema: RecordSchema) -> RecordSchema:
    """Return *schema* without the documentation of fields."""
    if schema == schema_of(Stat):
        return schema
    fields = [
        attrs.evolve(field, doc="")
        if isinstance(field, FieldSchema)
        else attrs.evolve(field, doc="", record=_without_docs(field.record))
        for field in schema.fields
    ]
    return attrs.evolve(schema, fields=tuple(fields))


def named_apart(schema: RecordSchema, numbers: Iterator[int]) -> RecordSchema:
    """Return *schema* with a number behind its name and the names of its nested records, so that all differ."""
    fields = [
        field if isinstance(field, FieldSchema) else attrs.evolve(field, record=named_apart(field.record, numbers))
        for field in schema.fields
    ]
    return attrs.evolve(schema, name=f"{schema.name}_{next(numbers)}", fields=tuple(fields))


def is_typed(schemas: list[RecordSchema]) -> bool:
    """Return whether mypy can type *schemas*: its native parser does not accept ``Literal[-(2**63)]``."""
    return not any(MIN_INT in column.choices for schema in schemas for column in schema.columns)


modules = record_schemas() | any_schemas().map(lambda schema: [named_apart(schema, itertools.count())])


def test_stubs_agree_with_the_classes_made_at_run_time(tmp_path: Path) -> None:
    """For any schemas, `mypy.stubtest` finds no difference between the stub and the classes of `load_schemas`.

    Stubtest takes seconds, so it runs once for all drawn schemas; a failure shows the schemas it is about.
    """
    drawn: list[list[RecordSchema]] = []

    @settings(max_examples=40, phases=[Phase.generate], database=None)
    @given(modules.filter(is_typed))
    def draw(schemas: list[RecordSchema]) -> None:
        drawn.append(schemas)

    draw()
    package = tmp_path / "made"
    write_files({package / "__init__.py": "", package / "__init__.pyi": ""})
    for number, schemas in enumerate(drawn):
        write_module(package / f"module_{number}", schemas)

    ran = stubtest(package)

    reported = sorted({int(number) for number in re.findall(r"\bmodule_(\d+)", ran.stdout)})
    assert ran.returncode == 0, "\n".join([ran.stdout, ran.stderr, *(repr(drawn[number]) for number in reported)])
