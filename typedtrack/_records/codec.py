"""Records to bytes and back.

Each record class has two twins, structs of msgspec whose fields are its columns: one is encoded, one is decoded. The
fast path accepts only bytes that plainly hold such a record. The slow path decodes anything else (an unknown field, an
alias, NaN, a value near its limits) as a plain result, converts it column by column, and lists every problem.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from functools import cached_property, lru_cache
from typing import Any, Generic, TypeVar

import attrs
import msgspec

from typedtrack._records.annotations import Leaf, annotation_of, needs_decimals
from typedtrack._records.generated_functions import (
    emit_decode,
    emit_decode_columns,
    emit_decode_lines,
    emit_decode_lines_to_columns,
    emit_encode,
)
from typedtrack._records.record_type import BROKEN, PLACES, RecordType, absent, record_type
from typedtrack._results.codec import decode, encode, encode_twin
from typedtrack._results.values import MAX_INT64, MAX_PLAIN_STR, MIN_INT, Result, Value
from typedtrack._schema.records import MISSING, NEEDS_A_FIELD, FieldSchema, RecordSchema
from typedtrack.errors import MISSING_FIELD, Problem, RecordDefinitionError, SchemaMismatchError, shown

__all__ = ["RecordCodec", "record_codec"]

R = TypeVar("R")


class RecordCodec(Generic[R]):
    """Encodes and decodes the records of one class."""

    decode_fast: Callable[[bytes], R | None]
    """Return the record that the argument holds, or `None` where only `decode` can tell whether it holds one."""

    decode_columns: Callable[[bytes], tuple[Value | None, ...] | None] | None
    """Return the columns (as `values` does) of the record that `decode_fast` decodes, or `None` if that returns `None`.

    It is `None` where a hook of the record decides which values are valid.
    """

    def __init__(self, of: RecordType[R]) -> None:
        self._record_type = of
        if of.schema.can_be_empty:
            reason = f"{NEEDS_A_FIELD}; without one, it can only be a field of another record"
            raise RecordDefinitionError(of.schema.name, None, reason)
        columns = of.schema.columns
        names = {PLACES(number): column.name for number, column in enumerate(columns)}
        encoded = msgspec.defstruct(
            "Encoded",
            [(place, Any, None) for place in names],  # with the default None, so that the encoder leaves only None out
            rename=names,
            omit_defaults=True,
            gc=False,
        )
        decoded = _decoded(of, names)
        decode_fast = emit_decode(of, decoded)  # mypy solves R wrongly where this is assigned to an attribute
        self.decode_fast = decode_fast
        self.decode_columns = emit_decode_columns(of, decoded)
        self._to_twin = emit_encode(of, encoded)
        self._names = tuple(column.names for column in columns)
        self._has_members = any(leaf.enumeration is not None for leaf in of.leaves)

    def __reduce__(self) -> tuple[Callable[[type[R]], RecordCodec[R]], tuple[type[R]]]:
        return _codec_of, (self._record_type.cls,)

    @property
    def schema(self) -> RecordSchema:
        """The schema of the records."""
        return self._record_type.schema

    @cached_property
    def decode_lines(self) -> Callable[[bytes], list[tuple[str, R]] | None] | None:
        """Return the keys and records on lines of an archive, or `None` where each line must be decoded by itself.

        It is `None` where a column has the name of the key, or no column is required.
        """
        twin = self._line
        return None if twin is None else emit_decode_lines(self._record_type, twin)

    @cached_property
    def decode_lines_to_columns(self) -> Callable[[bytes], list[tuple[str, tuple[Value | None, ...]]] | None] | None:
        """Return the same, with the columns (as `values` does) in place of the records."""
        twin = self._line
        return None if twin is None else emit_decode_lines_to_columns(self._record_type, twin, self.values)

    @property
    def _line(self) -> type[msgspec.Struct] | None:
        """The struct of a line of an archive, which has a key; `None` where msgspec cannot decode many at once."""
        names = {PLACES(number): column.name for number, column in enumerate(self.schema.columns)}
        if "key" in names.values() or not any(column.required for column in self.schema.columns):
            return None  # without a required column, msgspec would take a line without a field for a record
        return _decoded(self._record_type, names, ("key", str))

    def values(self, record: R) -> tuple[Value | None, ...]:
        """Return the values of the columns of *record* as they are on the wire; `None` where one is absent."""
        values: tuple[Any, ...] = msgspec.structs.astuple(self._to_twin(record))
        return tuple(getattr(value, "value", value) for value in values) if self._has_members else values

    def encode(self, record: R) -> bytes:
        """Return the bytes that store *record*, which is valid."""
        twin = self._to_twin(record)
        data = encode_twin(twin)
        return encode(self._record_type.to_result(msgspec.structs.astuple(twin))) if data is None else data

    def decode(self, data: bytes, file: str, *, closed: bool = False) -> R:
        """Return the record that *data* holds; *file* names it in an error, *closed* refuses unknown fields.

        Raises:
            CorruptResultError: *data* is not a result.
            SchemaMismatchError: the result is not such a record; it lists every problem.
        """
        record = self.decode_fast(data)
        return self.from_result(decode(data, file), file, closed=closed) if record is None else record

    def from_result(self, result: Result, file: str, *, closed: bool = False) -> R:
        """Return the record that the plain *result* is; *file* and *closed* are as for `decode`.

        Raises:
            SchemaMismatchError: as `decode`.
        """
        leaves = self._record_type.leaves
        found = [[name for name in names if name in result] for names in self._names]
        present = {path for leaf, names in zip(leaves, found, strict=True) if names for path in leaf.column.within}
        problems: list[Problem] = []
        values: list[object] = []
        for leaf, names in zip(leaves, found, strict=True):
            problem = None
            if len(names) == 1:
                value, reason = leaf.convert(result[names[0]])
                if reason is not None:
                    problem = Problem(names[0], reason, shown(result[names[0]]), leaf.column.attribute)
            else:
                value, problem = _without_one(leaf.column, names, leaf.default, present)
            if problem is not None:
                problems.append(problem)
            values.append(value if problem is None else BROKEN)
        if closed:
            known = {name for names in self._names for name in names}
            unknown = f"is not a field of {self._record_type.schema.name}"
            problems.extend(Problem(name, unknown) for name in result if name not in known)
        record = self._record_type.from_columns(values, problems)
        if problems:
            raise SchemaMismatchError(self._record_type.schema.name, file, tuple(problems))
        return record


def _without_one(
    column: FieldSchema, names: list[str], default: object, present: AbstractSet[str]
) -> tuple[object, Problem | None]:
    """Return the value of *column*, stored under no name or under several *names*, or the problem with it.

    *present* are the paths of the nested records that are not `None`.
    """
    if names:
        reason = f"is stored under more than one name: {', '.join(map(repr, names))}"
    elif not present >= set(column.within):
        return absent(column), None
    elif default is not MISSING:
        return default, None
    else:
        reason = MISSING_FIELD
    return BROKEN, Problem(column.name, reason, None, column.attribute)


@lru_cache(maxsize=256)
def record_codec(of: RecordType[R]) -> RecordCodec[R]:
    """Return the codec of the records *of* one class; the first call makes it."""
    return RecordCodec(of)


def _codec_of(cls: type[R]) -> RecordCodec[R]:
    return record_codec(record_type(cls))


def _decoded(of: RecordType[Any], names: dict[str, str], *more: tuple[str, Any]) -> type[msgspec.Struct]:
    """Return the struct whose fields are the columns of the records, under *names*, and *more*."""
    fields = [_decoded_field(place, leaf) for place, leaf in zip(names, of.leaves, strict=True)]
    return msgspec.defstruct(
        "Decoded", [*more, *fields], rename=names, kw_only=True, forbid_unknown_fields=True, gc=False
    )


def _decoded_field(place: str, leaf: Leaf) -> tuple[str, Any] | tuple[str, Any, Any]:
    column = leaf.column if leaf.least is None else attrs.evolve(leaf.column, ge=leaf.least)
    hint: Any = annotation_of(_plain(column))
    if column.within:
        return place, hint, absent(column)
    return (place, hint) if leaf.default is MISSING else (place, hint, leaf.to_wire(leaf.default))


def _plain(column: FieldSchema) -> FieldSchema:
    """Return *column* with bounds so tight that every value within them is valid."""
    column = attrs.evolve(column, optional=False)
    if column.choices:
        return column
    if needs_decimals(column):
        column = attrs.evolve(column, multiple_of=None)
    if column.kind == "str":
        return attrs.evolve(column, max_length=min(column.most_characters, MAX_PLAIN_STR))
    lowest: float = MIN_INT
    highest: float = MAX_INT64
    if column.kind == "float":  # msgspec takes any int there, and may round one that is out of range to the bound
        lowest, highest = lowest / 2, highest / 2
    if column.gt is None or column.gt < lowest:
        column = attrs.evolve(column, gt=None, ge=lowest if column.ge is None else max(column.ge, lowest))
    if column.lt is None or column.lt > highest:
        column = attrs.evolve(column, lt=None, le=highest if column.le is None else min(column.le, highest))
    return column
