"""Properties of every record class: records are read back from their bytes, and nothing else is read."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final, cast

import attrs
import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DataObject

from typedtrack import (
    CorruptResultError,
    FieldSchema,
    FsspecResultTracker,
    InvalidResultError,
    RecordSchema,
    Result,
    SchemaMismatchError,
    TypedTracker,
    record,
)
from typedtrack._records.annotations import Leaf, annotation_of
from typedtrack._records.codec import RecordCodec, record_codec
from typedtrack._records.declare import record_class
from typedtrack._records.record_type import RecordType, record_type
from typedtrack._schema.records import MISSING
from typedtrack.schemas import document_text
from typedtrack.testing import field_names, record_classes, record_schemas, records, values

UNKNOWN: Final = "a name that no schema here has"

instances: Final[st.SearchStrategy[Any]] = record_classes().flatmap(records)
generated = settings(max_examples=60, deadline=None)  # making a class takes long, and longer under coverage


def class_of(instance: object) -> type[Any]:
    """Return the class of *instance*."""
    return type(instance)


def codec_of(cls: type[Any]) -> RecordCodec[Any]:
    """Return the codec of *cls*."""
    return record_codec(record_type(cls))


def exact(instance: Any) -> list[tuple[type, str]]:
    """Return the columns of *instance* in a form that is equal only for the same types and bits."""
    return [(type(value), repr(value)) for value in record_type(class_of(instance)).to_columns(instance)]


def columns_of(cls: type[Any]) -> tuple[FieldSchema, ...]:
    """Return the columns of *cls*."""
    return record_type(cls).schema.columns


def stored(result: dict[str, Any]) -> bytes:
    """Return *result*, which may break every rule, as bytes."""
    return json.dumps(result, ensure_ascii=False).encode()


def read(cls: type[Any], result: dict[str, Any], *, closed: bool = False) -> list[tuple[type, str]] | set[str | None]:
    """Return the exact columns of the record read from *result*, or the names of the fields with problems."""
    try:
        return exact(codec_of(cls).decode(stored(result), "file", closed=closed))
    except SchemaMismatchError as error:
        return {problem.field for problem in error.problems}
    except CorruptResultError as error:
        return {error.field}


def present(cls: type[Any], result: Mapping[str, object]) -> set[str]:
    """Return the paths of those optional nested records of *cls* that are in *result*."""
    return {path for column in columns_of(cls) if not result.keys().isdisjoint(column.names) for path in column.within}


def result_of(instance: object) -> Result:
    """Return the plain result that stores *instance*."""
    result: Result = json.loads(codec_of(class_of(instance)).encode(instance))
    return result


def fits(column: FieldSchema, value: object) -> bool:
    """Return whether *column* accepts a stored *value*, by another implementation of the rules."""
    if type(value) is float and column.kind == "float":
        typed: object = value
    elif type(value) is int and column.kind != "str" and -(2**63) <= value < 2**64:
        typed = float(value) if column.kind == "float" else value
    elif type(value) is str and column.kind == "str" and len(value.encode()) <= 1024:
        typed = value
    else:
        return False
    if column.kind == "float" and column.multiple_of is not None:  # which msgspec counts in binary
        step, column = Fraction(repr(column.multiple_of)), attrs.evolve(column, multiple_of=None)
        if not math.isfinite(cast("float", typed)) or (Fraction(repr(typed)) / step).denominator != 1:
            return False
    try:
        msgspec.convert(typed, annotation_of(column), strict=True)
    except msgspec.ValidationError:
        return False
    return True


def near(column: FieldSchema) -> st.SearchStrategy[Any]:
    """Return a strategy for values at and around the bounds of *column*."""
    bounds = [bound for name in ("gt", "ge", "lt", "le") if (bound := getattr(column, name)) is not None]
    telling: list[Any] = [value for bound in bounds for value in (bound, bound - 1, bound + 1)]
    telling += [text for length in (column.min_length, column.max_length) for text in ["x" * (length or 0)]]
    telling += [value for choice in column.choices for value in (choice, str(choice), f"{choice} ")]
    return st.sampled_from(telling)


def any_value(column: FieldSchema) -> st.SearchStrategy[Any]:
    """Return a strategy for JSON values of every type, often at the bounds of *column*."""
    refused: st.SearchStrategy[Any] = st.sampled_from([True, None, [], {}, "x" * 1025, "é" * 513, 2**64, -(2**63) - 1])
    return values() | near(column) | refused


@generated
@given(record_schemas())
def test_a_class_made_of_a_schema_has_that_schema(schema: RecordSchema) -> None:
    """Schema → class → schema is the identity (NaN is one value here, and choices have no order)."""
    again = record_type(record_class(schema)).schema
    assert again == schema
    assert document_text(again) == document_text(schema)
    assert again.fingerprint == schema.fingerprint


@generated
@given(st.data())
def test_bytes_hold_the_record(data: DataObject) -> None:
    """Record → bytes → record is the identity, bits and types."""
    instance = data.draw(instances)
    codec = codec_of(class_of(instance))
    assert exact(codec.decode(codec.encode(instance), "file")) == exact(instance)


@generated
@given(st.data())
def test_a_plain_map_holds_the_record(data: DataObject) -> None:
    """Record → plain result → record is the identity. The plain result has only the fields that are not `None`."""
    instance = data.draw(instances)
    tracker = FsspecResultTracker("memory://properties/records")
    view: TypedTracker[Any, Any] = tracker.typed(class_of(instance), unknown="error")
    view["record"] = instance
    plain = tracker["record"]
    of = record_type(class_of(instance))
    wires = (leaf.to_wire(value) for leaf, value in zip(of.leaves, of.to_columns(instance), strict=True))
    given_values = dict(zip((column.name for column in of.schema.columns), wires, strict=True))
    assert repr(plain) == repr({name: value for name, value in given_values.items() if value is not None})
    tracker["plain"] = plain
    assert exact(view["plain"]) == exact(instance)
    assert tracker.get_bytes("plain") == tracker.get_bytes("record")


@generated
@given(st.data())
def test_a_changed_field_is_read_or_named_in_the_error(data: DataObject) -> None:
    """A stored result with one field changed is read with the new value, or the error names that field alone."""
    instance = data.draw(instances)
    cls = class_of(instance)
    there = present(cls, result_of(instance))
    places = [place for place, column in enumerate(columns_of(cls)) if there.issuperset(column.within)]
    place = data.draw(st.sampled_from(places))
    column = columns_of(cls)[place]
    name, value = data.draw(st.sampled_from(column.names)), data.draw(any_value(column))
    result: dict[str, Any] = {field: value for field, value in result_of(instance).items() if field != column.name}
    outcome = read(cls, {**result, name: value})
    if fits(column, value):
        expected = exact(instance)
        kept, _ = record_type(cls).leaves[place].convert(value)
        expected[place] = (type(kept), repr(kept))
        assert outcome == expected
    else:
        assert outcome == {name}


@generated
@given(st.data())
def test_the_constructor_and_a_read_refuse_the_same_values(data: DataObject) -> None:
    """They also make the same record from the values that they accept."""
    cls: type[Any] = data.draw(record_classes())
    columns = columns_of(cls)
    instance = data.draw(records(cls))
    there = present(cls, result_of(instance))
    wanted = [
        data.draw(values() | near(column))
        if there.issuperset(column.within) and data.draw(st.integers(0, 3)) == 0
        else value
        for column, value in zip(columns, record_type(cls).to_columns(instance), strict=True)
    ]
    result = {column.name: value for column, value in zip(columns, wanted, strict=True) if value is not None}
    outcome = read(cls, result)
    try:
        assert exact(built(record_type(cls), iter(wanted))) == outcome
    except InvalidResultError as error:
        paths = {column.name: column.attribute for column in columns}
        refused = {problem.attribute for problem in error.problems}
        assert isinstance(outcome, set)
        found = {paths[str(name)] for name in outcome}
        assert refused <= found | {path.rpartition(".")[2] for path in found}


def built(of: RecordType[Any], wanted: Any) -> Any:
    """Return a record with the columns *wanted*, made only by constructors."""
    given_values: dict[str, Any] = {}
    for member in of.members:
        if member.leaf is not None:
            given_values[member.attribute] = next(wanted)
        else:
            inner = [next(wanted) for _ in member.record.leaves]
            none = member.optional and inner == [None] * len(inner)
            given_values[member.attribute] = None if none else built(member.record, iter(inner))
    return of.cls(**given_values)


class _Hooked:
    """A mixin whose hook refuses about every second record, by its values."""

    __slots__ = ()

    def __attrs_post_init__(self) -> None:
        if sum(len(text) for _, text in exact(self)) % 2:
            raise ValueError("an odd number of characters")


@generated
@given(st.data())
def test_a_hook_refuses_the_same_records_everywhere(data: DataObject) -> None:
    """The constructor, the fast path and the slow path ask it, and nothing else changes."""
    instance = data.draw(instances)
    cls = class_of(instance)
    body = {"__module__": "typedtrack.testing"}
    hooked: Any = record(type(cls.__name__, (_Hooked, cls), body))
    refused = sum(len(text) for _, text in exact(instance)) % 2 == 1
    values_given = {member.attribute: getattr(instance, member.attribute) for member in record_type(cls).members}
    if refused:
        with pytest.raises(InvalidResultError, match="an odd number of characters"):
            hooked(**values_given)
    else:
        made = hooked(**values_given)
        assert exact(made) == exact(instance)
        assert codec_of(hooked).encode(made) == codec_of(cls).encode(instance)
    wanted = {None} if refused else exact(instance)
    assert read(hooked, result_of(instance)) == wanted
    assert read(hooked, {**result_of(instance), UNKNOWN: 0}) == wanted


@generated
@given(st.data())
def test_the_slow_path_agrees_with_the_fast_path(data: DataObject) -> None:
    """An unknown field forces the slow path, and changes nothing else."""
    cls: type[Any] = data.draw(record_classes())
    result: dict[str, Any] = dict(result_of(data.draw(records(cls))))
    for column in data.draw(st.lists(st.sampled_from(columns_of(cls)), max_size=2)):
        result[column.name] = data.draw(values() | near(column))
    assert read(cls, {**result, UNKNOWN: 0}) == read(cls, result)


@generated
@given(st.data())
def test_unknown_fields_are_ignored_or_refused(data: DataObject) -> None:
    """With ``unknown="error"`` the error names each unknown field. By default they change nothing."""
    instance = data.draw(instances)
    cls = class_of(instance)
    known = {name for column in columns_of(cls) for name in column.names}
    more = data.draw(st.dictionaries(field_names().filter(lambda name: name not in known), values(), min_size=1))
    result = {**result_of(instance), **more}
    assert read(cls, result) == exact(instance)
    assert read(cls, result, closed=True) == set(more)


@generated
@given(st.data())
def test_every_name_of_a_field_reads(data: DataObject) -> None:
    """A field is read under each of its names. If a result has two of them, the error names the field."""
    instance = data.draw(instances)
    cls, result = class_of(instance), result_of(instance)
    column = data.draw(st.sampled_from([column for column in columns_of(cls) if column.name in result]))
    value = result.pop(column.name)
    for name in column.names:
        assert read(cls, {**result, name: value}, closed=True) == exact(instance)
    if column.aliases:
        assert read(cls, {**result, **dict.fromkeys(column.names, value)}) == {column.name}


@generated
@given(st.data())
def test_a_missing_field_has_its_default(data: DataObject) -> None:
    """Missing fields have their defaults, or the error names all that have none."""
    instance = data.draw(instances)
    cls = class_of(instance)
    result = result_of(instance)
    dropped = data.draw(st.lists(st.sampled_from(sorted(result)), unique=True, max_size=len(result) - 1))
    left = {name: value for name, value in result.items() if name not in dropped}
    assume(left.keys() & {column.name for column in columns_of(cls)})
    outcome, there = read(cls, left), present(cls, left)
    needed = {column.name for column in columns_of(cls) if column.needed and there.issuperset(column.within)}
    if missing := needed & set(dropped):
        assert outcome == missing
        return
    expected = exact(instance)
    for place, column in enumerate(columns_of(cls)):
        if column.name in dropped:
            default = record_type(cls).leaves[place].default if there.issuperset(column.within) else None
            expected[place] = (type(default), repr(default))
    assert outcome == expected


@generated
@given(st.data())
def test_a_default_given_is_a_default_read(data: DataObject) -> None:
    """The constructor and a read use the same defaults."""
    instance = data.draw(instances)
    of = record_type(class_of(instance))
    needed = {
        member.attribute: getattr(instance, member.attribute)
        for member, field in zip(of.members, of.schema.fields, strict=True)
        if (field.default is MISSING if isinstance(field, FieldSchema) else field.defaults == ())
    }
    made = of.cls(**needed)
    for member, field in zip(of.members, of.schema.fields, strict=True):
        if member.attribute in needed:
            continue
        value = getattr(made, member.attribute)
        if isinstance(field, FieldSchema):
            assert member.leaf is not None
            assert repr(member.leaf.to_wire(value)) == repr(field.default)
        else:
            assert isinstance(member.record, RecordType)
            inner = None if value is None else member.record.to_columns(value)
            wires = inner and tuple(map(Leaf.to_wire, member.record.leaves, inner))
            assert repr(wires) == repr(field.defaults)
