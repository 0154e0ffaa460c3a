"""Records to bytes and back.

Each record class has a twin, a `msgspec.Struct` of its columns, which msgspec encodes and decodes at once. The twin
accepts only what plainly is such a record; all else (an unknown field, an alias, NaN, a value near its limits) is
decoded again as a plain result and taken column by column, which decides, and lists every problem.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from functools import lru_cache
from types import MethodType
from typing import Any, Final, Generic, TypeVar, cast

import attrs
import msgspec

from typedtrack._records.annotations import Leaf, annotation_of
from typedtrack._records.compiled import Source
from typedtrack._records.record_type import PLACES, RecordType, absent
from typedtrack._results.codec import decode, encode, encode_twin
from typedtrack._results.values import MAX_RESULT_BYTES, MAX_STR_BYTES, MIN_INT, Result
from typedtrack._schema.records import MISSING, FieldSchema
from typedtrack.errors import MISSING_FIELD, Problem, SchemaMismatchError, shown

__all__ = ["RecordCodec", "record_codec"]

R = TypeVar("R")

_NO_MORE_MEMBERS: Final = cast("MethodType", enum.Enum._missing_).__func__  # the classmethod of enum itself
_PLAIN_MAX_INT: Final = 2**63 - 1  # the largest bound that msgspec takes


class RecordCodec(Generic[R]):
    """Encodes and decodes the records of one class."""

    def __init__(self, record_type: RecordType[R]) -> None:
        self._record_type = record_type
        columns = record_type.schema.columns
        names = {PLACES(number): column.name for number, column in enumerate(columns)}
        encoded_twin = msgspec.defstruct(
            "Encoded",
            [(place, Any, None) for place in names],  # of no default but None is anything omitted
            rename=names,
            omit_defaults=True,
            gc=False,
        )
        self._twin = self._twin_maker(encoded_twin)
        decoded_twin = msgspec.defstruct(
            "Decoded",
            [_decoded_field(place, leaf) for place, leaf in zip(names, record_type.leaves, strict=True)],
            rename=names,
            kw_only=True,
            forbid_unknown_fields=True,
            gc=False,
        )
        self.glance = self._glancer(decoded_twin)
        """Return the record that the argument, bytes, plainly holds, `None` if it does not; `decode` tells."""
        self._known = frozenset(name for column in columns for name in column.names)

    def _twin_maker(self, twin: type[msgspec.Struct]) -> Callable[[R], msgspec.Struct]:
        """Return what makes of a record the *twin* that is encoded."""
        source = Source("record")
        source.add(f"return {source.name(twin)}({', '.join(self._record_type.accesses)})")
        return source.function()

    def _glancer(self, twin: type[msgspec.Struct]) -> Callable[[bytes], R | None]:
        """Return `glance`, which decodes as *twin*."""
        source = Source("data")
        fits = f"len(data) <= {MAX_RESULT_BYTES}"
        if not any(column.required for column in self._record_type.schema.columns):
            fits += """ and b'"' in data"""  # the twin would take {}, which is no result
        with source.block(f"if {fits}:"):
            with source.block("try:"):
                source.add(f"columns = {source.name(msgspec.json.Decoder(twin).decode)}(data)")
                source.add(f"return {self._record_type.assembly(source, 'columns')}")
            with source.block("except (ValueError, RecursionError):"):
                source.add("pass")
        source.add("return None")
        return source.function()

    def encode(self, instance: R) -> bytes:
        """Return *instance*, which is valid, as the bytes of one stored result."""
        data = encode_twin(self._twin(instance))
        return self._encode_closely(instance) if data is None else data

    def _encode_closely(self, instance: R) -> bytes:
        columns = self._record_type.columns(instance)
        wires = {
            leaf.column.name: leaf.wire(value) for leaf, value in zip(self._record_type.leaves, columns, strict=True)
        }
        return encode({name: wire for name, wire in wires.items() if wire is not None})

    def decode(self, data: bytes, file: str, *, closed: bool = False) -> R:
        """Return the record that *data* hold; *file* names them in an error; *closed* refuses unknown fields.

        Raises:
            CorruptResultError: *data* are not a result.
            SchemaMismatchError: the result is not such a record; lists every problem.
        """
        record = self.glance(data)
        return self.of_result(decode(data, file), file, closed=closed) if record is None else record

    def of_result(self, result: Result, file: str, *, closed: bool = False) -> R:
        """Return the record that *result* is, column by column; the rest is as for `decode`.

        Raises:
            SchemaMismatchError: as `decode`.
        """
        schema = self._record_type.schema
        stored = {column.name: [name for name in column.names if name in result] for column in schema.columns}
        present = {path for column in schema.columns if stored[column.name] for path in column.within}
        problems: list[Problem] = []
        values: list[object] = []
        for leaf in self._record_type.leaves:
            column = leaf.column
            names = stored[column.name]
            if not names:
                values.append(leaf.default if present.issuperset(column.within) else absent(column))
                if values[-1] is MISSING and present.issuperset(column.within):
                    problems.append(Problem(column.name, MISSING_FIELD, None, column.attribute))
            elif len(names) > 1:
                several = f"is stored under more than one name: {', '.join(map(repr, names))}"
                problems.append(Problem(column.name, several, None, column.attribute))
            else:
                value, reason = leaf.taken(result[names[0]])
                values.append(value)
                if reason is not None:
                    problems.append(Problem(names[0], reason, shown(value), column.attribute))
        if closed:
            unknown = f"is no field of {schema.name}"
            problems.extend(Problem(name, unknown) for name in result if name not in self._known)
        if problems:
            raise SchemaMismatchError(schema.name, file, tuple(problems))
        return self._record_type.of_columns(values)


@lru_cache(maxsize=256)
def record_codec(record_type: RecordType[R]) -> RecordCodec[R]:
    """Return the codec of *record_type*, made at its first use."""
    return RecordCodec(record_type)


def _decoded_field(place: str, leaf: Leaf) -> tuple[str, Any] | tuple[str, Any, Any]:
    hint: Any = leaf.enumeration or annotation_of(_plain(leaf.column))
    if leaf.enumeration is not None and cast("MethodType", leaf.enumeration._missing_).__func__ is not _NO_MORE_MEMBERS:
        hint = None  # which no value fits, for msgspec would ask `_missing_` for values that the schema refuses
    if leaf.column.within:
        return place, hint, absent(leaf.column)
    return (place, hint) if leaf.default is MISSING else (place, hint, leaf.default)


def _plain(column: FieldSchema) -> FieldSchema:
    """Return *column* with such bounds that what keeps them keeps every rule of a value, too."""
    column = attrs.evolve(column, optional=False)
    if column.choices:
        return column
    if column.kind == "str":
        most = MAX_STR_BYTES // 4  # characters, of 4 bytes at most
        return attrs.evolve(column, max_length=most if column.max_length is None else min(column.max_length, most))
    lowest: float = MIN_INT
    highest: float = _PLAIN_MAX_INT
    if column.kind == "float":  # of which msgspec takes any int: half of it, as one out of range may be rounded to it
        lowest, highest = lowest / 2, highest / 2
    if column.gt is None or column.gt < lowest:
        column = attrs.evolve(column, gt=None, ge=lowest if column.ge is None else max(column.ge, lowest))
    if column.lt is None or column.lt > highest:
        column = attrs.evolve(column, lt=None, le=highest if column.le is None else min(column.le, highest))
    return column
