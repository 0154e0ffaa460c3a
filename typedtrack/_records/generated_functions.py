"""The functions that are generated for each record class, with their source: to construct, to encode, to decode.

A loop over the fields would take several times as long. A generated function handles the common case, and leaves every
other case to a function written by hand. All source that is compiled is written in this one module.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from inspect import Parameter, Signature, getattr_static
from itertools import islice
from typing import Any, Final, TypeVar, cast

import attrs
import msgspec

from typedtrack._records.annotations import Leaf, needs_decimals
from typedtrack._records.record_type import PLACES, Member, RecordType, convert, refuse
from typedtrack._records.source_builder import SourceBuilder
from typedtrack._results.values import MAX_RESULT_BYTES, Value
from typedtrack._schema.records import CONSTRAINTS, MISSING

__all__ = [
    "emit_decode",
    "emit_decode_columns",
    "emit_decode_lines",
    "emit_decode_lines_to_columns",
    "emit_encode",
    "emit_init",
]

R = TypeVar("R")

_INLINE: Final = {
    "int": frozenset({"gt", "ge", "lt", "le"}),
    "float": frozenset({"gt", "ge", "lt", "le"}),
    "str": frozenset({"max_length"}),
}
"""The constraints that `_emit_rule` writes as source, by kind. For any other it calls the rule of the schema."""


class _Setters:
    """Functions that set the attributes of frozen records of one class: ``of_accuracy(record, value)``.

    They are made anew when they are unpickled. cloudpickle sends a slotted class by value, and the class that arrives
    has no slots.
    """

    def __init__(self, cls: type, attributes: tuple[str, ...]) -> None:
        self._of = cls, attributes
        for attribute in attributes:
            setattr(self, f"of_{attribute}", _setter(cls, attribute))

    def __reduce__(self) -> tuple[type[_Setters], tuple[type, tuple[str, ...]]]:
        return type(self), self._of


def _setter(cls: type, attribute: str) -> Callable[[object, object], None]:
    slot = getattr_static(cls, attribute, None)
    if isinstance(slot, types.MemberDescriptorType):
        return cast("Callable[[object, object], None]", slot.__set__)
    return lambda record, value: object.__setattr__(record, attribute, value)


def emit_init(of: RecordType[Any]) -> Callable[..., None]:
    """Return the ``__init__`` of the class of *of*.

    It accepts wrong arguments (positional, unexpected, missing), so that `convert` can explain them.
    """
    names = [member.attribute for member in of.members]
    source = SourceBuilder(
        "__init__", f"{of.cls.__name__}.__init__", f"self, /, *_positional, {', '.join(names)}, **_unexpected"
    )
    tests = [f"_type(self) is {source.name(of.cls, of.cls.__name__)}", "not _positional", "not _unexpected"]
    tests.extend(_emit_check(source, member) for member in of.members)
    values = f"{', '.join(names)},"
    with source.block(f"if not ({' and '.join(tests)}):"):
        source.add(f"{values} = {source.name(convert, 'convert')}(self, _positional, _unexpected, ({values}))")
    setters = source.name(_Setters(of.cls, tuple(names)), "setters")
    for name in names:
        source.add(f"_set = {setters}.of_{name}")
        source.add(f"_set(self, {name})")
    if of.hook is not None:
        with source.block("try:"):
            source.add(f"{source.name(of.hook, 'hook')}(self)")
        with source.block("except _ValueError as _error:"):
            source.add(f"{source.name(refuse, 'refuse')}(self, _error)")
    function = source.function()
    function.__kwdefaults__ = {member.attribute: member.default for member in of.members}
    function.__module__ = of.cls.__module__
    function.__signature__ = _signature(of)  # type: ignore[attr-defined]  # `inspect` reads it
    return function


def _signature(of: RecordType[Any]) -> Signature:
    """Return the parameters of a constructor as users call it."""
    parameters = [Parameter("self", Parameter.POSITIONAL_ONLY)]
    for member, field in zip(of.members, attrs.fields(of.cls), strict=True):
        default = Parameter.empty if member.default is attrs.NOTHING else member.default
        parameters.append(Parameter(member.attribute, Parameter.KEYWORD_ONLY, default=default, annotation=field.type))
    return Signature(parameters, return_annotation=None)


def emit_encode(of: RecordType[R], twin: type[msgspec.Struct]) -> Callable[[R], msgspec.Struct]:
    """Return the function that makes a *twin* of a record, which msgspec then encodes."""
    source = SourceBuilder("encode", f"encode {of.cls.__name__}", "record")
    source.add(f"return {source.name(twin, 'twin')}({', '.join(_emit_columns('record', of))})")
    return source.function()


def _emit_columns(record: str, of: RecordType[Any]) -> Iterator[str]:
    """Yield the source of each column of *record*; below a nested record that is `None`, all are `None`."""
    for member in of.members:
        value = f"{record}.{member.attribute}"
        if member.leaf is not None:
            yield value
            continue
        for column in _emit_columns(value, member.record):
            yield f"None if {value} is None else {column}" if member.optional else column


def emit_decode(of: RecordType[R], twin: type[msgspec.Struct]) -> Callable[[bytes], R | None]:
    """Return the function that decodes bytes as *twin* and makes the record of it.

    It returns `None` where only the slow path can tell whether the bytes hold such a record.
    """
    source = SourceBuilder("decode", f"decode {of.cls.__name__}", "data")
    with _emit_decoding(source, of, twin) as places:
        source.add(f"return {_emit_record(source, of, iter(places))}")
    return source.function()


def emit_decode_columns(
    of: RecordType[Any], twin: type[msgspec.Struct]
) -> Callable[[bytes], tuple[Value | None, ...] | None] | None:
    """Return the function that decodes bytes as *twin* to the values of the columns, and makes no record of them.

    It accepts the same bytes as the function of `emit_decode`. A record class whose hook decides which values are valid
    has no such function, since a hook takes a record.
    """
    if _needs_hook(of):
        return None
    source = SourceBuilder("decode_columns", f"decode columns of {of.cls.__name__}", "data")
    with _emit_decoding(source, of, twin) as places:
        source.add(f"return {', '.join(_emit_values(source, of, iter(places)))},")
    return source.function()


def emit_decode_lines(of: RecordType[R], twin: type[msgspec.Struct]) -> Callable[[bytes], list[tuple[str, R]] | None]:
    """Return the function that decodes bytes as several *twin*s, each with a ``key``, and makes the records of them.

    It returns `None` in the same cases as the function of `emit_decode`.
    """
    return _emit_lines(of, twin, lambda source, columns: _emit_record(source, of, columns))


def emit_decode_lines_to_columns(
    of: RecordType[R], twin: type[msgspec.Struct], values: Callable[[R], tuple[Value | None, ...]]
) -> Callable[[bytes], list[tuple[str, tuple[Value | None, ...]]] | None]:
    """Return such a function for the values of the columns; *values* takes them from a record that a hook must see."""

    def row(source: SourceBuilder, columns: Iterator[str]) -> str:
        if _needs_hook(of):
            return f"{source.name(values, 'values')}({_emit_record(source, of, columns)})"
        return f"({', '.join(_emit_values(source, of, columns))},)"

    return _emit_lines(of, twin, row)


def _emit_lines(
    of: RecordType[Any], twin: type[msgspec.Struct], row: Callable[[SourceBuilder, Iterator[str]], str]
) -> Callable[[bytes], list[tuple[str, Any]] | None]:
    source = SourceBuilder("decode_lines", f"decode lines of {of.cls.__name__}", "data")
    source.add("found = []")
    decode = source.name(msgspec.json.Decoder(twin).decode_lines, "decode")
    with source.block("try:"), source.block(f"for columns in {decode}(data):"):
        places = (f"columns.{PLACES(number)}" for number in range(len(of.leaves)))
        source.add(f"found.append((columns.key, {row(source, places)}))")
    with source.block("except Exception:"):  # a hook may raise any; the slow path names the field in a note
        source.add("return None")
    source.add("return found")
    return source.function()


@contextmanager
def _emit_decoding(source: SourceBuilder, of: RecordType[Any], twin: type[msgspec.Struct]) -> Generator[list[str]]:
    """Add the lines that decode ``data`` as *twin*, and yield the places of its columns for the lines that use them.

    Where those lines raise an exception, or the bytes are refused, the function returns `None`.
    """
    fits = f"len(data) <= {MAX_RESULT_BYTES}"
    if not any(column.required for column in of.schema.columns):
        fits += """ and b'"' in data"""  # msgspec would accept {}, which is not a result
    with source.block(f"if {fits}:"):
        with source.block("try:"):
            source.add(f"columns = {source.name(msgspec.json.Decoder(twin).decode, 'decode')}(data)")
            yield [f"columns.{PLACES(number)}" for number in range(len(of.leaves))]
        with source.block("except Exception:"):  # a hook may raise any; the slow path names the field in a note
            source.add("pass")
    source.add("return None")


def _needs_hook(of: RecordType[Any]) -> bool:
    """Return whether the hook of the record, or of one inside it, decides which values are valid."""
    return _has_own_rule(of) or any(member.leaf is None and _needs_hook(member.record) for member in of.members)


def _has_own_rule(of: RecordType[Any]) -> bool:
    """Return whether the record has a hook, and msgspec does not check the same, as it does for `Stat`."""
    return of.hook is not None and not any(member.leaf and member.leaf.least is not None for member in of.members)


def _emit_values(source: SourceBuilder, of: RecordType[Any], columns: Iterator[str]) -> Iterator[str]:
    """Yield the value of each of *columns* as it is on the wire, after the tests that msgspec cannot do."""
    for member in of.members:
        if member.leaf is not None:
            column = next(columns)
            _emit_decimals(source, member.leaf, column)
            yield column
            continue
        if not member.optional:
            yield from _emit_values(source, member.record, columns)
            continue
        places = [*islice(columns, len(member.record.leaves))]
        values = [source.variable(place) for place in places]
        with _emit_unless_absent(source, member.record, places, values):
            found = ", ".join([*_emit_values(source, member.record, iter(places))])
            source.add(f"{', '.join(values)}, = {found},")
        yield from values


def _emit_record(source: SourceBuilder, of: RecordType[Any], columns: Iterator[str]) -> str:
    """Add the lines that make the record of *columns*, which hold valid values; return the name of the record."""
    record = source.variable(of.cls.__name__)
    source.add(f"{record} = {source.name(object.__new__, 'new')}({source.name(of.cls, of.cls.__name__)})")
    for member in of.members:
        value = (
            _emit_nested(source, member, columns) if member.leaf is None else _emit_value(source, member.leaf, columns)
        )
        source.add(f"{source.name(_setter(of.cls, member.attribute), f'set_{member.attribute}')}({record}, {value})")
    if _has_own_rule(of):
        source.add(f"{source.name(of.hook, 'hook')}({record})")
    return record


def _emit_value(source: SourceBuilder, leaf: Leaf, columns: Iterator[str]) -> str:
    """Return the value of the next of *columns* as the attribute holds it, after the tests that msgspec cannot do."""
    column = next(columns)
    _emit_decimals(source, leaf, column)
    if leaf.enumeration is None:
        return column
    # msgspec could decode members itself, but would put a cache into the enumeration that no pickle takes.
    members = {member.value: member for member in leaf.enumeration}
    return f"{source.name({**members, None: None}, 'members')}[{column}]"


def _emit_decimals(source: SourceBuilder, leaf: Leaf, column: str) -> None:
    """Add the test for multiples as they are written in decimals, which msgspec cannot do, if *leaf* needs it."""
    if needs_decimals(leaf.column):
        with source.block(
            f"if {column} is not None and {source.name(leaf.column.problem, 'problem')}({column}) is not None:"
        ):
            source.add("raise ValueError")


def _emit_nested(source: SourceBuilder, member: Member, columns: Iterator[str]) -> str:
    """Add the lines that make the nested record of *member*; return the name of the record."""
    if not member.optional:
        return _emit_record(source, member.record, columns)
    nested = source.variable(member.attribute)
    places = [*islice(columns, len(member.record.leaves))]
    with _emit_unless_absent(source, member.record, places, [nested]):
        source.add(f"{nested} = {_emit_record(source, member.record, iter(places))}")
    return nested


@contextmanager
def _emit_unless_absent(
    source: SourceBuilder, of: RecordType[Any], places: list[str], names: list[str]
) -> Generator[None]:
    """Add the lines that set *names* to `None` if all columns at *places* are absent, else the lines of the ``with``.

    If only some of the columns are absent, and the record needs one of these, the lines raise `ValueError`.
    """
    missing = source.name(MISSING, "missing")
    pairs = [*zip(places, of.schema.columns, strict=True)]
    absent = (f"{place} is {'None' if column.optional else missing}" for place, column in pairs)
    lacking = (f"{place} is {missing}" for place, column in pairs if not (column.optional or column.within))
    with source.block(f"if {' and '.join(absent)}:"):
        source.add(f"{' = '.join(names)} = None")
    with source.block(f"elif {' or '.join(lacking)}:"):
        source.add("raise ValueError")
    with source.block("else:"):
        yield


def _emit_check(source: SourceBuilder, member: Member) -> str:
    """Return the test that the argument for *member* keeps the rules and needs no conversion."""
    value, python_type = member.attribute, source.name(member.python_type, member.python_type.__name__)
    rule = None if member.leaf is None else _emit_rule(source, member.leaf, value)
    test = f"_type({value}) is {python_type}" + ("" if rule is None else f" and {rule}")
    return f"({value} is None or {test})" if member.optional else test


def _emit_rule(source: SourceBuilder, leaf: Leaf, value: str) -> str | None:
    """Return the test that *value*, of the exact type, keeps the rules of *leaf*; `None` if every value does.

    A value that fails the test may still keep the rules. The slow path decides.
    """
    column = leaf.column
    if leaf.enumeration is not None:
        return None
    if column.choices:
        return f"{value} in {source.name(frozenset(column.choices), 'choices')}"
    given = {name for name in CONSTRAINTS if getattr(column, name) is not None}
    if given - _INLINE[column.kind]:
        return f"{source.name(column.problem, 'problem')}({value}) is None"
    if column.kind == "str":
        return f"_len({value}) <= {column.most_characters} and {value}.isascii()"
    if column.kind == "float" and not given:
        return None
    lowest, highest = column.bounds
    return f"{source.name(lowest, 'lowest')} <= {value} <= {source.name(highest, 'highest')}"
