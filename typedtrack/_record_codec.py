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

from typedtrack._codec import decode, encode, encode_twin
from typedtrack._fields import Leaf, annotation_of
from typedtrack._record_types import PLACES, RecordType, absent
from typedtrack._schema import MISSING, FieldSchema
from typedtrack._values import MAX_RESULT_BYTES, MAX_STR_BYTES, MIN_INT
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
        self._encoded_twin = msgspec.defstruct(
            "Encoded",
            [(place, Any, None) for place in names],  # of no default but None is anything omitted
            rename=names,
            omit_defaults=True,
            gc=False,
        )
        decoded_twin = msgspec.defstruct(
            "Decoded",
            [_decoded_field(place, leaf) for place, leaf in zip(names, record_type.leaves, strict=True)],
            rename=names,
            kw_only=True,
            forbid_unknown_fields=True,
            gc=False,
        )
        decode_twin = msgspec.json.Decoder(decoded_twin).decode
        self.glance = _glance(decode_twin, record_type.assembled, empty_fits=not any(c.required for c in columns))
        """Return the record that the argument, bytes, plainly holds, `None` if it does not; `decode` tells."""
        self._known = frozenset(name for column in columns for name in column.names)

    def encode(self, instance: R) -> bytes:
        """Return *instance*, which is valid, as the bytes of one stored result."""
        columns = self._record_type.columns(instance)
        data = encode_twin(self._encoded_twin(*columns))
        if data is not None:
            return data
        return encode(
            {
                leaf.column.name: wire
                for leaf, value in zip(self._record_type.leaves, columns, strict=True)
                if (wire := leaf.wire(value)) is not None
            }
        )

    def decode(self, data: bytes, file: str, *, closed: bool = False) -> R:
        """Return the record that *data* hold; *file* names them in an error; *closed* refuses unknown fields.

        Raises:
            CorruptResultError: *data* are not a result.
            SchemaMismatchError: the result is not such a record; lists every problem.
        """
        record = self.glance(data)
        return self._decode_closely(data, file, closed=closed) if record is None else record

    def _decode_closely(self, data: bytes, file: str, *, closed: bool) -> R:
        result = decode(data, file)
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


def _glance(
    decode_twin: Callable[[bytes], object], assembled: Callable[[object], R], *, empty_fits: bool
) -> Callable[[bytes], R | None]:
    """Return `RecordCodec.glance`; *empty_fits* tells that the twin takes ``{}``, which is no result."""

    def glance(data: bytes) -> R | None:  # a method would look up both at each call
        if len(data) <= MAX_RESULT_BYTES and not (empty_fits and b'"' not in data):
            try:
                return assembled(decode_twin(data))
            except (ValueError, RecursionError):
                return None
        return None

    return glance


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
