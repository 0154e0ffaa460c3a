"""Inference: stored results → a proposed schema, and a list of the results that do not fit it.

The proposal claims only what results can show. A field that every result has is required, and a field that some
results lack can be `None`. It sets no bounds and no choices, because no number of results proves them. Two rules of
records need more: a record has a required field, and its results stay below the size limit. So where no field is in
every result, the most frequent one becomes required; and where a result could be too large, strings get a length.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

import attrs

from typedtrack._results.values import KINDS, MAX_RESULT_BYTES, KindName, Value
from typedtrack._schema.identifiers import attribute_names, identifier_problem
from typedtrack._schema.records import MISSING, FieldSchema, RecordSchema
from typedtrack.errors import BulkError, CorruptResultError, SchemaError, shown

__all__ = ["Inference", "Outlier", "corrupt_results", "infer"]

_EXAMPLES: Final = 3
_LEAST_BOUND: Final = 16


class Outlier(NamedTuple):
    """Results that do not fit the proposal, for one reason."""

    field: str | None
    """The name on the wire; `None` if the stored bytes are not a result."""
    reason: str
    """Why they do not fit."""
    results: int
    """The number of such results."""
    keys: tuple[str, ...]
    """Their first keys, at most three."""

    def __str__(self) -> str:
        keys = ", ".join(self.keys) + (", …" if self.results > len(self.keys) else "")
        if self.field is None:
            return f"{self.reason}: {self.results} stored ({keys})"
        return f"field {shown(self.field)}: {self.reason}: {self.results} of the results ({keys})"


class Inference(NamedTuple):
    """A proposed schema, the number of results behind it, and the results that do not fit it."""

    schema: RecordSchema
    """The proposal."""
    results: int
    """The number of results behind it."""
    outliers: tuple[Outlier, ...]
    """The results that do not fit it."""


@attrs.define
class _Seen:
    """The values of one field in the results read so far."""

    counts: Counter[KindName] = attrs.field(factory=Counter[KindName])
    keys: dict[KindName, list[str]] = attrs.field(factory=dict[KindName, list[str]])
    absent_keys: list[str] = attrs.field(factory=list[str])
    inexact: int = 0
    """The number of ints that no float equals."""
    inexact_keys: list[str] = attrs.field(factory=list[str])
    longest: int = 0
    """The length in characters of the longest `str`."""
    group: int = 0
    """The number of its cooccurrence group: the fields that were in exactly the same results. 0 before the first."""

    def add(self, key: str, value: Value) -> None:
        kind = KINDS[type(value)].name
        self.counts[kind] += 1
        _add_example(self.keys.setdefault(kind, []), key)
        if isinstance(value, str):
            self.longest = max(self.longest, len(value))
        elif kind == "int" and float(value) != value:
            self.inexact += 1
            _add_example(self.inexact_keys, key)

    @property
    def kind(self) -> KindName:
        """The kind of most values, str or number; a number is a `float` if any value is one."""
        numbers = self.counts["int"] + self.counts["float"]
        if self.counts["str"] > numbers:
            return "str"
        return "float" if self.counts["float"] else "int"

    @property
    def max_length(self) -> int:
        """A length that fits every stored `str`, rounded up to a power of two to leave room for longer ones."""
        return max(_LEAST_BOUND, 1 << (self.longest - 1).bit_length())


def _add_example(keys: list[str], key: str) -> None:
    if len(keys) < _EXAMPLES:
        keys.append(key)


@attrs.define
class _Results:
    """The fields of the results read so far."""

    fields: dict[str, _Seen] = attrs.field(factory=dict[str, _Seen])
    count: int = 0
    keys: list[str] = attrs.field(factory=list[str])
    """The first keys, in which a field that comes later is absent."""
    few_absent: set[str] = attrs.field(factory=set[str])
    """The fields that need further keys in which they are absent. Others are not looked at, so time stays linear."""
    groups: Iterator[int] = attrs.field(factory=lambda: itertools.count(1))

    def add(self, key: str, result: Mapping[str, Value]) -> None:
        split: dict[int, int] = {}  # from each group to the new group of those of its fields that are in this result
        for name, value in result.items():
            if name not in self.fields:
                self.fields[name] = _Seen(absent_keys=self.keys.copy())
                self.few_absent.add(name)
            seen = self.fields[name]
            seen.add(key, value)
            seen.group = split.setdefault(seen.group, next(self.groups))
        for name in self.few_absent - result.keys():
            keys = self.fields[name].absent_keys
            _add_example(keys, key)
            if len(keys) == _EXAMPLES:
                self.few_absent.remove(name)
        _add_example(self.keys, key)
        self.count += 1

    @property
    def required(self) -> dict[str, _Seen]:
        """The most frequent field (the first by name of several), and the fields that are in the same results."""
        first = min(self.fields, key=lambda name: (-self.fields[name].counts.total(), name))
        # No other result has a field of this group: that field would be more frequent than the first one.
        group = self.fields[first].group
        return {name: seen for name, seen in self.fields.items() if seen.group == group}


def infer(items: Iterable[tuple[object, Mapping[str, Value]]], name: str) -> Inference | None:
    """Return the schema that the results of *items*, pairs of key and result, suggest; `None` if there are none.

    *name* is the name of the record. *items* are read once; memory is bounded by the number of field names.

    - A field that some results lack is optional. If no field is in every result, the most frequent one is required
      (of several, the first by name), with those in the same results; results without them are outliers.
    - An `int` field becomes a `float` if any result has a float there. Ints that no float equals are outliers.
    - If a field is a number in some results and a `str` in others, the majority decides. The others are outliers.
    - If a result could be larger than 1 MiB, each `str` field gets a ``max_length``: that of its longest value,
      rounded up to a power of two, and at least 16.
    - A field whose name cannot be an attribute, or is already taken, gets ``field_`` in front or a number behind.

    Raises:
        BulkError: reading *items* failed other than by corrupt results, or every result is corrupt.
        SchemaError: a record cannot have that name, or so many fields; lists every reason.

    >>> stored = [("a", {"loss": 1, "note": "ok"}), ("b", {"loss": 0.5})]
    >>> inference = infer(stored, "Run")
    >>> [(field.name, field.kind, field.optional) for field in inference.schema.columns]
    [('loss', 'float', False), ('note', 'str', True)]
    """
    if (problem := identifier_problem(name)) is not None:
        raise SchemaError("to infer", (("/title", f"cannot name the record: {problem}"),))
    stored = _Results()
    corrupt: Outlier | None = None
    try:
        for key, result in items:
            stored.add(str(key), result)
    except BulkError as error:
        corrupt = corrupt_results(error)
        if corrupt is None or not stored.count:
            raise
    if not stored.fields:
        return None
    schema = _propose(name, stored)
    outliers = [outlier for field, seen in stored.fields.items() for outlier in _outliers(field, seen)]
    outliers += (
        Outlier(field, "is absent", absent, tuple(seen.absent_keys))
        for field, seen in stored.required.items()
        if (absent := stored.count - seen.counts.total())
    )
    if corrupt is not None:
        outliers.append(corrupt)
    return Inference(schema, stored.count, tuple(outliers))


def corrupt_results(error: BulkError) -> Outlier | None:
    """Return the corrupt results that *error* names as an outlier; `None` if it has errors of another type."""
    if not all(isinstance(each, CorruptResultError) for each in error.exceptions):
        return None
    keys = tuple(map(str, error.errors))
    return Outlier(None, "is not a result", len(keys), keys[:_EXAMPLES])


def _propose(name: str, stored: _Results) -> RecordSchema:
    """Return the record *name*, with bounded strings if it would be too large without."""
    schema = _record(name, stored, bounded=False)
    if schema.most_bytes > MAX_RESULT_BYTES:
        schema = _record(name, stored, bounded=True)
    problems = tuple(("", reason) for _, reason in schema.definition_problems())
    if schema.most_bytes > MAX_RESULT_BYTES:
        reason = f"can be up to {schema.most_bytes:,} bytes encoded, over the limit of {MAX_RESULT_BYTES:,} bytes"
        remedy = "infer from results of one kind, or store fewer fields in each"
        problems = (("", f"{reason}, even with strings no longer than those stored; {remedy}"),)
    if problems:
        raise SchemaError(f"inferred from {stored.count} results", problems)
    return schema


def _record(name: str, stored: _Results, *, bounded: bool) -> RecordSchema:
    attributes, required = attribute_names(stored.fields, [name]), stored.required
    fields = (
        FieldSchema(
            attribute=attributes[field],
            name=field,
            kind=seen.kind,
            optional=field not in required,
            max_length=seen.max_length if bounded and seen.kind == "str" else None,
            default=MISSING if field in required else None,
        )
        for field, seen in stored.fields.items()
    )
    return RecordSchema(name=name, fields=tuple(fields))


def _outliers(name: str, seen: _Seen) -> Iterator[Outlier]:
    for kind, count in seen.counts.items():
        if "str" in (kind, seen.kind) and kind != seen.kind:
            yield Outlier(name, f"is {kind}, not {seen.kind}", count, tuple(seen.keys[kind]))
    if seen.kind == "float" and seen.inexact:
        yield Outlier(name, "is an int that no float equals", seen.inexact, tuple(seen.inexact_keys))
