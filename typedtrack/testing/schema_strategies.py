"""Hypothesis strategies for schemas of records, and for record classes made of them."""

from __future__ import annotations

import enum
import keyword
from typing import Annotated, Any, Final

import attrs
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy
from msgspec import Meta

from typedtrack._records.annotations import DEPRECATED, annotation_of
from typedtrack._records.declare import record_class
from typedtrack._results.values import MIN_INT, Value
from typedtrack._schema.records import FieldSchema, KindName, NestedSchema, RecordSchema
from typedtrack.testing.record_strategies import column_values
from typedtrack.testing.strategies import field_names, strs

__all__ = ["record_classes", "record_schemas"]

_MAX_BOUND: Final = 2**63 - 1
_FINITE: Final = 1e300  # far enough from the largest double that there are bounds beyond it
_NOT_ATTRIBUTES: Final = frozenset({"self", "int", "float", "str", "field", "record", *keyword.kwlist})
_PATTERNS: Final = (r"^[a-z]+$", r"^v[0-9]+\.[0-9]+$", "x", "^(train|test)$", "é")

_attributes = st.from_regex("[a-z][a-z0-9_]{0,7}", fullmatch=True).filter(lambda name: name not in _NOT_ATTRIBUTES)
_record_names = st.from_regex("[A-Z][A-Za-z0-9]{0,7}", fullmatch=True).filter(lambda name: name not in keyword.kwlist)
_docs = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\n\t"), max_size=20)
_rarely = st.sampled_from([False, False, True])


@st.composite
def record_classes(draw: DrawFn) -> type[object]:
    """Return a strategy for record classes: of every kind, constraint and default, nested, with odd names.

    Where a field has choices, they are a `Literal` or an enumeration.
    """

    def annotation(column: FieldSchema) -> Any:
        if not column.choices or draw(st.booleans()):
            return annotation_of(column)
        members = {f"MEMBER_{number}": choice for number, choice in enumerate(column.choices)}
        enumerations: dict[KindName, Any] = {"int": enum.IntEnum, "str": enum.StrEnum}  # called, they make one
        hint: Any = enumerations[column.kind]("Choice", members)
        hint = hint | None if column.optional else hint
        return Annotated[hint, Meta(**DEPRECATED)] if column.deprecated else hint

    return record_class(draw(record_schemas()), "typedtrack.testing", annotation=annotation)


def record_schemas() -> SearchStrategy[RecordSchema]:
    """Return a strategy for the schemas of `record_classes`."""
    nested = _schemas(_fields() | _nested(_schemas(_fields(), 3)), 2)
    return _schemas(_fields() | _nested(nested), 5)


def _schemas(fields: SearchStrategy[FieldSchema | NestedSchema], most: int) -> SearchStrategy[RecordSchema]:
    schemas = st.builds(
        RecordSchema,
        name=_record_names,
        fields=st.lists(fields, min_size=1, max_size=most, unique_by=(_attribute, _name)).map(tuple),
        doc=_docs,
    )
    return schemas.filter(lambda schema: not any(schema.definition_problems()))


def _attribute(field: FieldSchema | NestedSchema) -> str:
    return field.attribute


def _name(field: FieldSchema | NestedSchema) -> str:
    return field.name


@st.composite
def _nested(draw: DrawFn, records: SearchStrategy[RecordSchema]) -> NestedSchema:
    record, attribute, optional = draw(records), draw(_attributes), draw(_rarely)
    defaults: tuple[Value | None, ...] | None = ()
    if draw(st.booleans()):
        defaults = None if optional else tuple(_default(draw, column) for column in record.columns)
    return NestedSchema(
        attribute=attribute,
        name=draw(st.just(attribute) | field_names()),
        record=record,
        optional=optional,
        defaults=defaults,
        aliases=tuple(draw(st.lists(field_names(), max_size=1))),
        doc=draw(_docs),
        deprecated=draw(_rarely),
    )


def _default(draw: DrawFn, column: FieldSchema) -> Value | None:
    return None if column.optional or column.within else draw(column_values(column))


@st.composite
def _fields(draw: DrawFn) -> FieldSchema:
    attribute = draw(_attributes)
    kind: KindName = draw(st.sampled_from(["int", "float", "str"]))
    constraints = {"int": _of_int(), "float": _of_float(), "str": _of_str()}[kind]
    unconstrained: dict[str, Any] = {}
    column = FieldSchema(
        attribute=attribute,
        name=draw(st.just(attribute) | field_names()),
        kind=kind,
        optional=draw(_rarely),
        aliases=tuple(draw(st.lists(field_names(), max_size=2, unique=True))),
        doc=draw(_docs),
        deprecated=draw(_rarely),
        **draw(st.just(unconstrained) | constraints),
    )
    if draw(st.booleans()):
        return column
    return attrs.evolve(column, default=_default(draw, column))


@st.composite
def _of_int(draw: DrawFn) -> dict[str, Any]:
    """Return the constraints of an `int`: choices, or such that at least one value keeps them."""
    if draw(_rarely):
        return {"choices": tuple(draw(st.lists(st.integers(MIN_INT, _MAX_BOUND), min_size=1, max_size=4, unique=True)))}
    step = draw(st.integers(1, 1000))
    kept = draw(st.integers(-(2**50), 2**50)) * step
    bounds = {
        "ge": st.integers(MIN_INT, kept),
        "gt": st.integers(MIN_INT, kept - 1),
        "le": st.integers(kept, _MAX_BOUND),
        "lt": st.integers(kept + 1, _MAX_BOUND),
        "multiple_of": st.just(step),
    }
    return {name: draw(bounds[name]) for name in draw(_some_bounds())}


@st.composite
def _of_float(draw: DrawFn) -> dict[str, Any]:
    """Return the constraints of a `float`, such that at least one value keeps them."""
    step = draw(st.sampled_from([0.1, 0.25, 3.0]) | st.floats(1e-9, 1e9))
    kept = draw(st.floats(-_FINITE, _FINITE))
    names = draw(_some_bounds())
    if "multiple_of" in names:
        kept = step * draw(st.sampled_from([-8.0, -1.0, 0.0, 1.0, 1024.0]))  # exact
    bounds = {
        "ge": st.floats(max_value=kept, allow_infinity=False),
        "gt": st.floats(max_value=kept, allow_infinity=False, exclude_max=True),
        "le": st.floats(min_value=kept, allow_infinity=False),
        "lt": st.floats(min_value=kept, allow_infinity=False, exclude_min=True),
        "multiple_of": st.just(step),
    }
    return {name: draw(bounds[name]) for name in names}


def _some_bounds() -> SearchStrategy[list[str]]:
    lower, upper, step = (st.sampled_from(names) for names in (["", "ge", "gt"], ["", "le", "lt"], ["", "multiple_of"]))
    return st.tuples(lower, upper, step).map(lambda names: [name for name in names if name])


@st.composite
def _of_str(draw: DrawFn) -> dict[str, Any]:
    """Return the constraints of a `str`: choices, a pattern, or lengths."""
    if draw(_rarely):
        return {"choices": tuple(draw(st.lists(strs(), min_size=1, max_size=4, unique=True)))}
    if draw(_rarely):
        return {"pattern": draw(st.sampled_from(_PATTERNS))}
    lengths = sorted(draw(st.tuples(*[st.integers(0, 40) | st.integers(0, 1024)] * 2)))
    names = draw(st.sampled_from([("min_length", "max_length"), ("min_length",), ("max_length",), ()]))
    return {name: length for name, length in zip(("min_length", "max_length"), lengths, strict=True) if name in names}
