"""Hypothesis strategies for schemas of records, and for record classes with such schemas.

As in `typedtrack.testing.strategies`, strategies that depend on no draw are built once, at import.
"""

from __future__ import annotations

import enum
import keyword
import string
from typing import Annotated, Any, Final

import attrs
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy
from msgspec import Meta

from typedtrack._records.annotations import annotation_of
from typedtrack._records.constraints import DEPRECATED
from typedtrack._records.declare import record_class
from typedtrack._results.values import KINDS_BY_NAME, MAX_INT64, MAX_STR_BYTES, MIN_INT, KindName, Value
from typedtrack._schema.multiples import least_multiple
from typedtrack._schema.records import FieldSchema, NestedSchema, RecordSchema
from typedtrack.testing.record_strategies import column_values
from typedtrack.testing.strategies import field_names, strs

__all__ = ["record_classes", "record_schemas"]

_FINITE: Final = 1e300  # leaves room for bounds between it and the largest double
_NOT_ATTRIBUTES: Final = frozenset({"self", "int", "float", "str", "field", "record", *keyword.kwlist})
_PATTERNS: Final = [(r"^[a-z]+$", 40), (r"^v[0-9]+\.[0-9]+$", 4), ("x", 3), ("^(train|test)$", 5), ("é", 1)]
"""Each with the length of one of the texts that match it."""


def _identifiers(first: str, others: str) -> SearchStrategy[str]:
    return st.tuples(st.sampled_from(first), st.text(others, max_size=7)).map("".join)


_attributes: Final = _identifiers(string.ascii_lowercase, string.ascii_lowercase + string.digits + "_").filter(
    lambda name: name not in _NOT_ATTRIBUTES
)
_record_names: Final = _identifiers(string.ascii_uppercase, string.ascii_letters + string.digits).filter(
    lambda name: name not in keyword.kwlist
)
_docs: Final = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n\t"), max_size=20)
_booleans: Final = st.booleans()
_rarely: Final = st.sampled_from([False, False, True])
_names: Final = field_names()
_one_alias: Final = st.lists(_names, max_size=1).map(tuple)
_two_aliases: Final = st.lists(_names, max_size=2, unique=True).map(tuple)
_kinds: Final = st.sampled_from(tuple(KINDS_BY_NAME))

_int_choices: Final = st.lists(st.integers(MIN_INT, MAX_INT64), min_size=1, max_size=4, unique=True).map(tuple)
_str_choices: Final = st.lists(strs(), min_size=1, max_size=4, unique=True).map(tuple)
_patterns: Final = st.sampled_from(_PATTERNS)
_lengths: Final = st.tuples(*[st.integers(0, 40) | st.integers(0, MAX_STR_BYTES)] * 2).map(sorted)
_used_lengths: Final = st.sampled_from([("min_length", "max_length"), ("min_length",), ("max_length",), ()])
_used_bounds: Final = st.tuples(
    *(st.sampled_from(names) for names in (["", "ge", "gt"], ["", "le", "lt"], ["", "multiple_of"]))
).map(lambda names: [name for name in names if name])
_int_steps: Final = st.integers(1, 1000)
_int_factors: Final = st.integers(-(2**50), 2**50)
_float_steps: Final = st.sampled_from([0.1, 0.25, 3.0]) | st.floats(1e-9, 1e9)
_float_factors: Final = st.sampled_from([-8.0, -1.0, 0.0, 1.0, 1024.0])  # their products with a step are exact
_finite: Final = st.floats(-_FINITE, _FINITE)


@st.composite
def _int_constraints(draw: DrawFn) -> dict[str, Any]:
    """Draw choices, or bounds that at least one `int` keeps."""
    if draw(_rarely):
        return {"choices": draw(_int_choices)}
    step = draw(_int_steps)
    kept = draw(_int_factors) * step
    bounds = {
        "ge": st.integers(MIN_INT, kept),
        "gt": st.integers(MIN_INT, kept - 1),
        "le": st.integers(kept, MAX_INT64),
        "lt": st.integers(kept + 1, MAX_INT64),
        "multiple_of": st.just(step),
    }
    return {name: draw(bounds[name]) for name in draw(_used_bounds)}


@st.composite
def _float_constraints(draw: DrawFn) -> dict[str, Any]:
    """Draw bounds that at least one `float` keeps."""
    step, kept, names = draw(_float_steps), draw(_finite), draw(_used_bounds)
    if "multiple_of" in names:
        kept = least_multiple(step * draw(_float_factors), step) or 0.0
    bounds = {
        "ge": st.floats(max_value=kept, allow_infinity=False),
        "gt": st.floats(max_value=kept, allow_infinity=False, exclude_max=True),
        "le": st.floats(min_value=kept, allow_infinity=False),
        "lt": st.floats(min_value=kept, allow_infinity=False, exclude_min=True),
        "multiple_of": st.just(step),
    }
    return {name: draw(bounds[name]) for name in names}


@st.composite
def _str_constraints(draw: DrawFn) -> dict[str, Any]:
    """Draw choices, or a pattern and bounds of the length that at least one `str` keeps."""
    if draw(_rarely):
        return {"choices": draw(_str_choices)}
    names, lengths = draw(_used_lengths), draw(_lengths)
    constraints: dict[str, Any] = {}
    if draw(_rarely):
        constraints["pattern"], kept = draw(_patterns)
        lengths = [min(lengths[0], kept), max(lengths[1], kept)]
    bounds = zip(("min_length", "max_length"), lengths, strict=True)
    return {**constraints, **{name: length for name, length in bounds if name in names}}


_constraints: Final = {"int": _int_constraints(), "float": _float_constraints(), "str": _str_constraints()}


@st.composite
def _draw_field(draw: DrawFn) -> FieldSchema:
    attribute, kind = draw(_attributes), draw(_kinds)
    column = FieldSchema(
        attribute=attribute,
        name=draw(_names) if draw(_booleans) else attribute,
        kind=kind,
        optional=draw(_rarely),
        aliases=draw(_two_aliases),
        doc=draw(_docs),
        deprecated=draw(_rarely),
        **(draw(_constraints[kind]) if draw(_booleans) else {}),
    )
    if draw(_booleans):
        return column
    return attrs.evolve(column, default=_default(draw, column))


@st.composite
def _draw_nested(draw: DrawFn, records: SearchStrategy[RecordSchema]) -> NestedSchema:
    record, attribute = draw(records), draw(_attributes)
    optional = draw(_rarely) and not record.can_be_empty
    defaults: tuple[Value | None, ...] | None = ()
    if draw(_booleans):
        defaults = None if optional else tuple(_default(draw, column) for column in record.columns)
    return NestedSchema(
        attribute=attribute,
        name=draw(_names) if draw(_booleans) else attribute,
        record=record,
        optional=optional,
        defaults=defaults,
        aliases=draw(_one_alias),
        doc=draw(_docs),
        deprecated=draw(_rarely),
    )


def _default(draw: DrawFn, column: FieldSchema) -> Value | None:
    return None if column.optional or column.within else draw(column_values(column))


def _attribute(field: FieldSchema | NestedSchema) -> str:
    return field.attribute


def _name(field: FieldSchema | NestedSchema) -> str:
    return field.name


def _schemas(
    fields: SearchStrategy[FieldSchema | NestedSchema], most: int, *, nested: bool = False
) -> SearchStrategy[RecordSchema]:
    schemas = st.builds(
        RecordSchema,
        name=_record_names,
        fields=st.lists(fields, min_size=1, max_size=most, unique_by=(_attribute, _name)).map(tuple),
        doc=_docs,
    )
    return schemas.filter(lambda schema: not any(schema.definition_problems(nested=nested)))


_fields: Final = _draw_field()
_innermost: Final = _schemas(_fields, 3, nested=True)
_inner: Final = _schemas(_fields | _draw_nested(_innermost), 2, nested=True)
_record_schemas: Final = _schemas(_fields | _draw_nested(_inner), 5)


def record_schemas() -> SearchStrategy[RecordSchema]:
    """Return a strategy for the schemas of records: of one to five fields, up to two levels of nested records."""
    return _record_schemas


@st.composite
def _draw_class(draw: DrawFn, schema: RecordSchema) -> type[object]:
    def annotation(column: FieldSchema) -> Any:
        if not column.choices or draw(_booleans):
            return annotation_of(column)
        members = {f"MEMBER_{number}": choice for number, choice in enumerate(column.choices)}
        enumerations: dict[KindName, Any] = {"int": enum.IntEnum, "str": enum.StrEnum}  # a call makes an enumeration
        hint: Any = enumerations[column.kind]("Choice", members)
        hint = hint | None if column.optional else hint
        return Annotated[hint, Meta(**DEPRECATED)] if column.deprecated else hint

    return record_class(schema, "typedtrack.testing", annotation=annotation)


# Not one composite strategy: Hypothesis prepares the parts of this one before the first draw, and not within it.
_record_classes: Final = _record_schemas.flatmap(_draw_class)


def record_classes() -> SearchStrategy[type[object]]:
    """Return a strategy for record classes: every kind, constraint and default, nested records, odd names.

    A field with choices is declared as a `Literal` or as an enumeration.
    """
    return _record_classes
