"""Compatibility agrees with decoding: sound, and complete except for patterns."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any, Literal

from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType
from avro.schema import Schema
from avro.schema import parse as parse_avro
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from tests.schema_strategies import record_schemas, results_of, schema_pairs
from typedtrack._records.codec import RecordCodec, record_codec
from typedtrack._records.declare import record_class
from typedtrack._records.record_type import record_type
from typedtrack._results.codec import decode, encode
from typedtrack._results.values import Result
from typedtrack._schema.fields import MISSING, FieldSchema
from typedtrack._schema.records import RecordSchema
from typedtrack.errors import SchemaMismatchError
from typedtrack.schemas.compatibility import Incompatibility, check, warnings_of


def _codec(schema: RecordSchema) -> RecordCodec[Any]:
    cls: type[Any] = record_class(schema)
    return record_codec(record_type(cls))


def reads(schema: RecordSchema, result: Result, unknown: str) -> bool:
    """Return whether decoding *result* as a record of *schema* succeeds."""
    codec = _codec(schema)
    try:
        codec.decode(encode(result), "file", closed=unknown == "error")
    except SchemaMismatchError:
        return False
    return True


def stored(schema: RecordSchema, result: Result) -> Result:
    """Return *result* as a record of *schema* stores it."""
    codec = _codec(schema)
    stored = decode(codec.encode(codec.decode(encode(result), "file")), "file")
    assert repr(sorted(stored.items())) == repr(sorted(result.items()))
    return stored


def conditions(column: FieldSchema) -> set[str]:
    """Return the attributes that decide whether *column* is stored: it is stored unless one of them is `None`."""
    return {*column.within, *((column.attribute,) if column.optional else ())}


def sparse(writer: RecordSchema, result: Result) -> Iterator[Result]:
    """Yield variants of *result*, a full one of *writer*: the smallest, and for each column the smallest with it."""
    for kept in [set[str](), *map(conditions, writer.columns)]:
        yield {column.name: result[column.name] for column in writer.columns if conditions(column) <= kept}


def broken(reader: RecordSchema, writer: RecordSchema, found: Incompatibility, result: Result) -> Result | None:
    """Return *result*, a full one of *writer*, changed so that it shows *found*; `None` if a pattern prevents it."""
    names = next((column.names for column in reader.columns if column.name == found.field), (found.field,))
    columns = [column for column in writer.columns if column.name in names]
    if found.rule == "field-optional":
        without = (each for each in sparse(writer, result) if not any(name in each for name in names))
        return next(each for each in without if not reads(reader, each, "ignore"))
    if found.example is not None:
        column = next(column for column in columns if column.problem(found.example) is None)
        return {**result, column.name: found.example}
    if found.rule in ("field-missing", "field-twice", "field-unknown"):
        return result
    assert any(column.pattern is not None for column in (*columns, *reader.columns))
    return None


@given(schema_pairs(), st.sampled_from(["ignore", "error"]), st.data())
def test_the_verdict_is_what_decoding_does(
    pair: tuple[RecordSchema, RecordSchema], unknown: Literal["ignore", "error"], data: st.DataObject
) -> None:
    """Compatible: the reader reads every result of the writer. Incompatible: it refuses a result for each finding."""
    reader, writer = pair
    result = stored(writer, data.draw(results_of(writer)))
    found = check(reader, writer, unknown=unknown)

    event("compatible" if not found else found[0].rule)
    if not found:
        assert reads(reader, result, unknown)
    for incompatibility in found:
        refused = broken(reader, writer, incompatibility, data.draw(results_of(writer, whole=True)))
        if refused is not None:
            assert not reads(reader, stored(writer, refused), unknown), incompatibility


@given(record_schemas())
def test_every_schema_reads_its_own_results(schema: RecordSchema) -> None:
    """A schema is compatible with itself, even if it refuses unknown fields."""
    assert check(schema, schema, unknown="error") == []


@given(schema_pairs(), st.data())
def test_every_loss_is_reported(pair: tuple[RecordSchema, RecordSchema], data: st.DataObject) -> None:
    """A warning names each stored field that the reader does not read, and each absent field that changes its value."""
    reader, writer = pair
    warned = {(found.field, found.rule) for found in warnings_of(reader, writer)}
    read = {name for column in reader.columns for name in column.names}
    for column in writer.columns:
        if column.name not in read:
            assert len({(column.name, rule) for rule in ("field-removed", "alias-missing")} & warned) == 1

    old, new = _codec(writer), _codec(reader)
    result = data.draw(results_of(writer, whole=True))
    for column in reader.columns:
        writers = [other for other in writer.columns if other.name in column.names]
        if len(writers) != 1 or (column.kind, writers[0].kind) not in _SAME_KINDS:
            continue
        gone = {*column.names, *writers[0].names}
        less = {name: value for name, value in result.items() if name not in gone}
        if less and (before := value_read(old, less, writers[0])) is not None:
            now = value_read(new, less, column)
            event(f"changed: {before != now}")
            assert now in (before, None) or (column.name, "default-changed") in warned, (before, now)


_SAME_KINDS = [("int", "int"), ("float", "float"), ("float", "int"), ("str", "str")]


def value_read(codec: RecordCodec[Any], result: Result, column: FieldSchema) -> str | None:
    """Return the value of *column* in the record that *codec* reads from *result*; `None` if it refuses that."""
    try:
        record: Any = codec.decode(encode(result), "file")
    except SchemaMismatchError:
        return None
    for attribute in column.attribute.split("."):
        record = getattr(record, attribute, None)
    return repr(float(record) if type(record) is int else record)


_STEPS = st.none() | st.sampled_from([0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0])
_BOUNDS = st.integers(-24, 24).map(lambda quarters: quarters / 4)


@st.composite
def small_columns(draw: st.DrawFn, kind: Literal["int", "float"]) -> FieldSchema:
    """Draw a field with few possible numbers, so that a test can try each: multiples of a quarter from -6 to 6."""
    bounds = draw(st.tuples(_BOUNDS, _BOUNDS).map(sorted))
    lower, upper = draw(st.sampled_from(["ge", "gt"])), draw(st.sampled_from(["le", "lt"]))
    constraints: dict[str, Any] = {lower: bounds[0], upper: bounds[1], "multiple_of": draw(_STEPS)}
    if kind == "int":
        constraints = {name: None if bound is None else math.ceil(bound) for name, bound in constraints.items()}
        if draw(st.integers(0, 3)) == 0:
            choices = draw(st.lists(st.integers(-6, 6), min_size=1, max_size=13, unique=True))
            constraints = {"choices": tuple(choices)}
    elif constraints["multiple_of"] is None:
        constraints["multiple_of"] = 0.25
    return FieldSchema(attribute="x", name="x", kind=kind, **constraints)


@given(st.data())
def test_the_verdict_agrees_with_trying_every_value(data: st.DataObject) -> None:
    """If the values can be counted, compatible means that the reader accepts each that the writer may store."""
    kind: Literal["int", "float"] = data.draw(st.sampled_from(["int", "float"]))
    writer = data.draw(small_columns(kind))
    reader = data.draw(small_columns("float" if kind == "float" else data.draw(st.sampled_from(["int", "float"]))))
    quarters = [quarter / 4 for quarter in range(-28, 29)]
    values = [int(value) if kind == "int" else value for value in quarters if kind == "float" or value.is_integer()]
    sure = FieldSchema(attribute="sure", name="sure", kind="int")

    found = check(*(RecordSchema(name="Run", fields=(sure, column)) for column in (reader, writer)))

    stored = [value for value in values if writer.problem(value) is None]
    assert (found == []) is all(reader.problem(value) is None for value in stored), (found, stored)


@st.composite
def avro_schemas(draw: st.DrawFn) -> RecordSchema:
    """Draw a record that Avro can express: no constraints, names of one letter, aliases."""
    names = draw(st.lists(st.sampled_from("abcd"), min_size=1, max_size=4, unique=True))
    fields: list[FieldSchema] = []
    while names:
        name = names.pop()
        aliases = tuple(names.pop() for _ in range(draw(st.integers(0, len(names)))))
        kind: Any = draw(st.sampled_from(["int", "float", "str"]))
        optional = draw(st.integers(0, 2)) == 0
        chosen = draw(st.lists(st.sampled_from(["red", "green", "blue"]), max_size=3, unique=True))
        default: Any = None if optional else draw(st.sampled_from([MISSING, {"int": 1, "float": 1.5, "str": ""}[kind]]))
        choices = tuple(chosen) if kind == "str" else ()
        default = MISSING if choices and default is not None else default
        fields.append(
            FieldSchema(
                attribute=name,
                name=name,
                kind=kind,
                optional=optional,
                choices=choices,
                default=default,
                aliases=aliases,
            )
        )
    sure = FieldSchema(attribute="sure", name="sure", kind="int")
    return RecordSchema(name="Run", fields=(sure, *fields))


def avro_of(schema: RecordSchema) -> Schema:
    """Return *schema* in Avro: an optional field is a union with null, a Literal is an enumeration.

    An enumeration has a name and aliases in Avro. It gets those of its field.
    """
    fields: list[dict[str, object]] = []
    for column in schema.columns:
        kind: object = {"int": "long", "float": "double", "str": "string"}[column.kind]
        if column.choices:
            name, *aliases = (f"Enum_{name}" for name in column.names)
            kind = {"type": "enum", "name": name, "aliases": aliases, "symbols": list(column.choices)}
        described: dict[str, object] = {"name": column.name, "type": ["null", kind] if column.optional else kind}
        described["aliases"] = list(column.aliases)
        if column.optional or column.default is not MISSING:
            described["default"] = None if column.optional else column.default
        fields.append(described)
    return parse_avro(json.dumps({"type": "record", "name": schema.name, "fields": fields}))


@settings(max_examples=400)
@given(avro_schemas(), avro_schemas())
def test_the_verdict_agrees_with_avro(reader: RecordSchema, writer: RecordSchema) -> None:
    """Avro's own schema resolution agrees if Avro can express both schemas.

    It differs by design in three cases. To Avro an enumeration is not a string, a default does not replace null, and
    if two stored fields are one field to the reader, Avro reads one of them.
    """
    for column in reader.columns:
        met = [other for other in writer.columns if other.name in column.names]
        assume(len(met) < 2)
        for other in met:
            assume(bool(column.choices) == bool(other.choices) or column.kind != other.kind)
            assume(not (other.optional and column.default not in (MISSING, None)))
            event(f"{other.kind} read as {column.kind}, by {'its name' if other.name == column.name else 'an alias'}")

    checker: Any = ReaderWriterCompatibilityChecker
    compatible = checker().get_compatibility(avro_of(reader), avro_of(writer))

    event(str(compatible.compatibility))
    assert (check(reader, writer) == []) is (compatible.compatibility is SchemaCompatibilityType.compatible)
