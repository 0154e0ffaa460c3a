"""Hypothesis strategies for schemas, and for the results that fit them."""

from __future__ import annotations

import math
import operator
import string
import sys
from functools import cache
from typing import Any

import attrs
from hypothesis import assume
from hypothesis import strategies as st

from typedtrack._results.values import (
    KINDS_BY_NAME,
    MAX_INT,
    MAX_INT64,
    MIN_INT,
    KindName,
    Result,
    Value,
    name_problem,
    value_problem,
)
from typedtrack._schema.fields import CONSTRAINTS, MISSING, FieldSchema
from typedtrack._schema.identifiers import attribute_name, attribute_problem
from typedtrack._schema.multiples import least_multiple
from typedtrack._schema.records import NestedSchema, RecordSchema

_HOSTILE = [
    "key",
    "self",
    "record",
    "a/b",
    "~1~0",
    "50 %",
    "#/$defs",
    "$ref",
    "'",
    "{x}",
    "größe",
    "\u2028",
    "class",
    "2d",
]

_PATTERNS = [  # each with a str that it matches, and one that it does not
    ("^[a-z]+$", "resnet", "7"),
    (r"\d", "v2", "v"),
    ("^$", "", "x"),
    (r"^\"'\\{}$", "\"'\\{}", "'"),
    ("ü|\n", "ü", "u"),
]


@cache
def names() -> st.SearchStrategy[str]:
    """Field names: common ones, hostile ones, and any that the rules allow."""
    anything = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)
    everyday = st.text("abcxyz/_.", min_size=1, max_size=6)
    return st.one_of(everyday, st.sampled_from(_HOSTILE), anything).filter(lambda name: name_problem(name) is None)


@cache
def attributes() -> st.SearchStrategy[str]:
    """Names that an attribute of a record may have."""
    head, tail = st.sampled_from(string.ascii_letters), st.text(string.ascii_letters + string.digits + "_", max_size=6)
    return st.tuples(head, tail).map("".join).filter(lambda name: attribute_problem(name) is None)


@cache
def docs() -> st.SearchStrategy[str]:
    """Documentation, some of it hostile to generated code."""
    hostile = st.sampled_from(['"""', "\\", "'''\\", "{x}\n\n  y", "\\N{DIGIT ONE}"])
    anything = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n"), max_size=20)
    return st.one_of(st.just(""), anything, hostile)


@cache
def texts() -> st.SearchStrategy[str]:
    """Values of the kind `str`."""
    return st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@cache
def floats() -> st.SearchStrategy[float]:
    """Values of the kind `float`, NaN and the infinities too, extremes often."""
    extremes = [math.nan, math.inf, -math.inf, 0.0, -0.0, 5e-324, sys.float_info.max, 2.0**53, 1.0, 0.1]
    return st.sampled_from(extremes) | st.floats()


@cache
def ints() -> st.SearchStrategy[int]:
    """Values of the kind `int`, extremes often."""
    extremes = [MIN_INT, MAX_INT, 2**63 - 1, 2**63, 2**53, 2**53 + 1, 0, 1, -1]
    return st.sampled_from(extremes) | st.integers(-10, 10) | st.integers(MIN_INT, MAX_INT)


@st.composite
def _int_constraints(draw: st.DrawFn) -> tuple[dict[str, Any], Value]:
    value = draw(ints())
    constraints: dict[str, Any] = {}
    if draw(st.booleans()):
        constraints["multiple_of"] = step = draw(st.integers(1, 12) | st.integers(1, MAX_INT64))
        value -= value % step
        value += step * (value < MIN_INT)
        assume(value <= MAX_INT)
    lower = draw(st.sampled_from(["ge", "gt", None]))
    if lower is not None and value > MIN_INT:
        below = min(value - (lower == "gt"), MAX_INT64 - 1)
        constraints[lower] = draw(st.just(below) | st.integers(MIN_INT, below))
    upper = draw(st.sampled_from(["le", "lt", None]))
    if upper is not None and value < MAX_INT64:
        above = value + (upper == "lt")
        constraints[upper] = draw(st.just(above) | st.integers(above, MAX_INT64))
    return constraints, value


@st.composite
def _float_constraints(draw: st.DrawFn) -> tuple[dict[str, Any], Value]:
    value = draw(st.floats(allow_nan=False, allow_infinity=False))
    constraints: dict[str, Any] = {}
    if draw(st.booleans()):
        steps = st.sampled_from([1.0, 0.5, 2.0, 3.0, 0.1]) | st.floats(5e-324, sys.float_info.max)
        constraints["multiple_of"] = step = draw(steps)
        value = least_multiple(max(step * draw(st.integers(-10, 10)), -sys.float_info.max), step) or 0.0
    lower = draw(st.sampled_from(["ge", "gt", None]))
    if lower is not None and value > -sys.float_info.max:
        below = value if lower == "ge" else math.nextafter(value, -math.inf)
        constraints[lower] = draw(st.just(below) | st.floats(max_value=below, allow_infinity=False))
    upper = draw(st.sampled_from(["le", "lt", None]))
    if upper is not None and value < sys.float_info.max:
        above = value if upper == "le" else math.nextafter(value, math.inf)
        constraints[upper] = draw(st.just(above) | st.floats(min_value=above, allow_infinity=False))
    return constraints, value


@st.composite
def _str_constraints(draw: st.DrawFn) -> tuple[dict[str, Any], Value]:
    value = draw(texts())
    constraints: dict[str, Any] = {}
    if draw(st.booleans()):
        constraints["pattern"], value, _ = draw(st.sampled_from(_PATTERNS))
    if draw(st.booleans()):
        constraints["min_length"] = draw(st.just(len(value)) | st.integers(0, len(value)))
    if draw(st.booleans()):
        constraints["max_length"] = draw(st.just(len(value)) | st.integers(len(value), 2000))
    return constraints, value


@cache
def _constraints(kind: KindName) -> st.SearchStrategy[tuple[dict[str, Any], Value]]:
    """Return constraints of *kind* and a value that keeps them."""
    none: st.SearchStrategy[dict[str, Any]] = st.just({})
    if kind == "int":
        return st.tuples(none, ints()) | _int_constraints()
    if kind == "float":
        return st.tuples(none, floats()) | _float_constraints()
    return st.tuples(none, texts()) | _str_constraints()


@st.composite
def _choices(draw: st.DrawFn, kind: KindName) -> tuple[dict[str, Any], Value]:
    numbers: st.SearchStrategy[Value] = st.integers(-3, 3) | st.integers(MIN_INT, MAX_INT64)
    choices = draw(st.lists(numbers if kind == "int" else texts(), min_size=1, max_size=4, unique=True))
    return {"choices": tuple(choices)}, draw(st.sampled_from(choices))


@st.composite
def field_schemas(draw: st.DrawFn) -> FieldSchema:
    """Fields of one value: every kind, constraints that some values keep, optional or not, with a default or not."""
    kind: KindName = draw(st.sampled_from(list(KINDS_BY_NAME)))
    chosen = kind != "float" and draw(st.integers(0, 3)) == 0
    constraints, value = draw(_choices(kind) if chosen else _constraints(kind))
    optional = draw(st.integers(0, 3)) == 0
    defaults = [MISSING, None if optional else value]
    return FieldSchema(
        attribute="x",
        name="x",
        kind=kind,
        optional=optional,
        default=draw(st.sampled_from(defaults)),
        doc=draw(docs()),
        deprecated=draw(st.booleans()),
        **constraints,
    )


@st.composite
def record_schemas(draw: st.DrawFn, depth: int = 2, nested: bool = False) -> RecordSchema:
    """Records that can be declared: up to *depth* records within one another, hostile names and docs.

    A *nested* one may be a record whose fields are all optional.
    """
    fields: list[FieldSchema | NestedSchema] = []
    all_names = draw(st.lists(names(), min_size=1, max_size=5, unique=True))
    free = draw(st.lists(attributes(), min_size=len(all_names), max_size=len(all_names), unique=True))
    while all_names:
        name, attribute = all_names.pop(), free.pop()
        aliases = (all_names.pop(),) if all_names and draw(st.integers(0, 3)) == 0 else ()
        if depth > 0 and draw(st.integers(0, 3)) == 0:
            inner = draw(_nested_schemas(depth - 1))
            fields.append(attrs.evolve(inner, attribute=attribute, name=name, aliases=aliases))
        else:
            by_rule = attribute_name(name)
            if attribute_problem(by_rule) is None and by_rule not in free and draw(st.booleans()):
                attribute = by_rule
            fields.append(attrs.evolve(draw(field_schemas()), attribute=attribute, name=name, aliases=aliases))
    name = draw(attributes()).capitalize()
    schema = RecordSchema(name=name, fields=tuple(fields), doc=draw(docs()))
    assume(len({field.attribute for field in fields}) == len(fields))
    assume(not list(schema.definition_problems(nested=nested)))
    return schema


@st.composite
def _nested_schemas(draw: st.DrawFn, depth: int) -> NestedSchema:
    record = draw(record_schemas(depth=depth, nested=True))
    optional = not record.can_be_empty and draw(st.booleans())
    defaults: tuple[Value | None, ...] | None = ()
    if draw(st.booleans()):
        result = draw(results_of(record))
        given = (None if column.within else result.get(column.name) for column in record.columns)
        defaults = None if optional else tuple(given)
    return NestedSchema(
        attribute="x",
        name="x",
        record=record,
        optional=optional,
        defaults=defaults,
        doc=draw(docs()),
        deprecated=draw(st.booleans()),
    )


def values_of(column: FieldSchema) -> st.SearchStrategy[Value]:
    """Values that *column* accepts, often those at its limits."""
    strategy: st.SearchStrategy[Any]
    if column.choices:
        strategy = st.sampled_from(column.choices)
    elif column.kind == "str":
        strategy = _strs_of(column)
    elif column.kind == "int":
        strategy = _ints_of(column)
    else:
        strategy = _floats_of(column)
    return strategy.filter(lambda value: column.problem(value) is None)


def _strs_of(column: FieldSchema) -> st.SearchStrategy[str]:
    if column.pattern is not None:
        known = next(match for pattern, match, _ in _PATTERNS if pattern == column.pattern)
        return st.just(known) | st.from_regex(column.pattern).filter(lambda text: value_problem(text) is None)
    least = column.min_length or 0
    most = min(1024, column.max_length or 1024 if column.max_length != 0 else 0)
    extremes = st.sampled_from(["a" * least, "a" * most, "\n" * least])
    return extremes | st.text(st.characters(exclude_categories=["Cs"]), min_size=least, max_size=min(most, least + 40))


def _ints_of(column: FieldSchema) -> st.SearchStrategy[int]:
    step = int(column.multiple_of or 1)
    lower = [MIN_INT, *(bound for bound in (column.gt, column.ge) if bound is not None)]
    upper = [MAX_INT, *(bound for bound in (column.lt, column.le) if bound is not None)]
    first, last = -(-int(max(lower)) // step), int(min(upper)) // step
    return (st.sampled_from([first, first + 1, last - 1, last]) | st.integers(first, last)).map(lambda k: k * step)


def _floats_of(column: FieldSchema) -> st.SearchStrategy[float]:
    bounds = [bound for bound in (column.gt, column.ge, column.lt, column.le) if bound is not None]
    near = [math.nextafter(bound, end) for bound in bounds for end in (-math.inf, math.inf)]
    lowest = max((bound for bound in (column.gt, column.ge) if bound is not None), default=-math.inf)
    highest = min((bound for bound in (column.lt, column.le) if bound is not None), default=math.inf)
    within = st.floats(lowest, highest) | st.sampled_from([*map(float, bounds), *near, math.inf, -math.inf, 0.0])
    if column.multiple_of is None:
        return within if bounds else floats()
    step = column.multiple_of
    some = within.filter(math.isfinite) | st.integers(-10, 10).map(lambda k: k * step).filter(math.isfinite)
    multiples = some.map(lambda value: least_multiple(value, step) or 0.0)
    return multiples | multiples.map(operator.neg) | st.sampled_from([0.0, float(step), -float(step)])


@st.composite
def results_of(draw: st.DrawFn, schema: RecordSchema, whole: bool = False) -> Result:
    """Results that a record of *schema* stores: fields that can be `None` may be absent, unless it is *whole*."""
    result: Result = {}
    there: dict[str, bool] = {"": True}
    for column in schema.columns:
        outer = ""
        for path in column.within:
            if path not in there:
                there[path] = whole or (there[outer] and draw(st.booleans()))
            outer = path
        if there[outer] and (whole or not column.optional or draw(st.booleans())):
            result[column.name] = draw(values_of(column))
    return result


@st.composite
def schema_pairs(draw: st.DrawFn) -> tuple[RecordSchema, RecordSchema]:
    """Two versions of one record: fields added, removed, renamed, given another kind, constraint or default."""
    old = draw(record_schemas(depth=1))
    fields: list[FieldSchema | NestedSchema] = []
    for field in old.fields:
        change = draw(st.sampled_from(["none", "none", "remove", "rename", "alias", "swap", "default", "evolve"]))
        if change == "default" and isinstance(field, NestedSchema):
            fields.append(attrs.evolve(field, optional=not field.optional, defaults=()))
        elif change == "none" or (isinstance(field, NestedSchema) and change not in ("remove", "rename", "alias")):
            fields.append(field)
        elif change in ("rename", "alias"):
            aliases = (field.name,) if change == "alias" else ()
            fields.append(attrs.evolve(field, name=draw(names()), aliases=aliases))
        elif isinstance(field, FieldSchema) and change != "remove":
            fields.append(draw(_changed(field, change)))
    if draw(st.booleans()):
        fields.append(attrs.evolve(draw(field_schemas()), attribute="added", name=draw(names())))
    new = attrs.evolve(old, fields=tuple(fields))
    assume(not list(new.definition_problems()))
    return draw(st.sampled_from([(old, new), (new, old)]))


@st.composite
def _changed(draw: st.DrawFn, field: FieldSchema, change: str) -> FieldSchema:
    if change == "default":
        default = draw(values_of(field))
        optional = draw(st.booleans())
        return attrs.evolve(field, optional=optional, default=None if optional else default)
    if change == "swap":
        other = draw(field_schemas())
        return attrs.evolve(other, attribute=field.attribute, name=field.name, aliases=field.aliases)
    constraints, _ = draw(_constraints(field.kind))
    if draw(st.booleans()) and not field.choices:  # one bound moved a little, the others as they were
        kept = {name: getattr(field, name) for name in CONSTRAINTS}
        moved = [name for name in ("ge", "le", "gt", "lt") if kept[name] is not None]
        if moved:
            name = draw(st.sampled_from(moved))
            step = draw(st.sampled_from([-1, 1]))
            bound = kept[name]
            kept[name] = bound + step if field.kind == "int" else math.nextafter(bound, step * math.inf)
        constraints = kept
    return attrs.evolve(
        field, **{**dict.fromkeys(CONSTRAINTS), "choices": (), **constraints}, optional=field.optional, default=MISSING
    )
