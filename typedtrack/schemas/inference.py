"""Stored results to the schema that they suggest, and what among them does not fit it.

The proposal is a cautious one: what is always there is required, what is sometimes absent can be `None`, and nothing is
said of bounds or of the only values allowed, which no number of results can prove. But a record needs a required
field, which is the one that most results have where none is in all; and it may not be too large, so that strings are
bounded where it would be.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

import attrs

from typedtrack._results.values import MAX_RESULT_BYTES, Value
from typedtrack._schema.identifiers import attribute_names, identifier_problem
from typedtrack._schema.records import MISSING, FieldSchema, KindName, RecordSchema
from typedtrack._schema.words import PYTHON
from typedtrack.errors import BulkError, CorruptResultError, SchemaError, shown

__all__ = ["Inference", "Outlier", "corrupt_results", "infer"]

_EXAMPLES: Final = 3
_EXACT_IN_DOUBLES: Final = 2**53
_LEAST_BOUND: Final = 16
_WORDS: Final = PYTHON._replace(
    bound="so many fields fit no record, even with strings no longer than those seen; infer from results of one sort, "
    "or store less in each"
)


class Outlier(NamedTuple):
    """Results that do not fit the proposal, for one reason."""

    field: str | None
    """The name on the wire; `None` where what is stored is no result."""
    reason: str
    results: int
    """How many."""
    keys: tuple[str, ...]
    """The first of them, three at most."""

    def __str__(self) -> str:
        keys = ", ".join(self.keys) + (", …" if self.results > len(self.keys) else "")
        if self.field is None:
            return f"{self.reason}: {self.results} stored ({keys})"
        return f"field {shown(self.field)}: {self.reason}: {self.results} of the results ({keys})"


class Inference(NamedTuple):
    """A proposal, how many results it is made from, and which of them do not fit it."""

    schema: RecordSchema
    results: int
    outliers: tuple[Outlier, ...]


@attrs.define
class _Seen:
    """What one field was in the results read so far."""

    counts: Counter[KindName] = attrs.field(factory=Counter[KindName])
    keys: dict[KindName, list[str]] = attrs.field(factory=dict[KindName, list[str]])
    absent_keys: list[str] = attrs.field(factory=list[str])
    inexact: int = 0
    inexact_keys: list[str] = attrs.field(factory=list[str])
    longest: int = 0
    """The characters of the longest `str`."""
    company: int = 0
    """A number that it shares with those fields alone that were in the same results; 0 before it was in any."""

    def add(self, key: str, value: Value) -> None:
        kind: KindName = "str" if isinstance(value, str) else "float" if isinstance(value, float) else "int"
        self.counts[kind] += 1
        _note(self.keys.setdefault(kind, []), key)
        if isinstance(value, str):
            self.longest = max(self.longest, len(value))
        if isinstance(value, int) and abs(value) > _EXACT_IN_DOUBLES and int(float(value)) != value:
            self.inexact += 1
            _note(self.inexact_keys, key)

    @property
    def kind(self) -> KindName:
        """What most of its values are: a number or a `str`; a `float` where one number is."""
        numbers = self.counts["int"] + self.counts["float"]
        if self.counts["str"] > numbers:
            return "str"
        return "float" if self.counts["float"] else "int"

    @property
    def max_length(self) -> int:
        """A bound that every `str` kept: the next power of two, for there may be longer ones."""
        return max(_LEAST_BOUND, 1 << (self.longest - 1).bit_length())


def _note(keys: list[str], key: str) -> None:
    if len(keys) < _EXAMPLES:
        keys.append(key)


@attrs.define
class _Results:
    """What was in the results read so far."""

    fields: dict[str, _Seen] = attrs.field(factory=dict[str, _Seen])
    count: int = 0
    keys: list[str] = attrs.field(factory=list[str])
    companies: Iterator[int] = attrs.field(factory=lambda: itertools.count(1))

    def add(self, key: str, result: Mapping[str, Value]) -> None:
        moved: dict[int, int] = {}  # those that kept company so far, and are here: they go on together
        for name, value in result.items():
            if name not in self.fields:
                self.fields[name] = _Seen(absent_keys=self.keys.copy())
            found = self.fields[name]
            found.add(key, value)
            found.company = moved.setdefault(found.company, next(self.companies))
        for name in self.fields.keys() - result.keys():
            _note(self.fields[name].absent_keys, key)
        _note(self.keys, key)
        self.count += 1

    @property
    def required(self) -> dict[str, _Seen]:
        """The field that the most results have, the first in alphabetical order of several, and what is in the same."""
        first = min(self.fields, key=lambda name: (-self.fields[name].counts.total(), name))
        company = self.fields[first].company  # what is in all of its results is in no other, or it would be in more
        return {name: found for name, found in self.fields.items() if found.company == company}


def infer(items: Iterable[tuple[object, Mapping[str, Value]]], name: str) -> Inference | None:
    """Return the schema that the results of *items*, pairs of key and result, suggest; `None` where there are none.

    It is that of a record *name*, an identifier. A field whose name makes no attribute, or one that is another's, is
    given one, by ``field_`` in front or a number behind. An `int` field is a `float` where some result has a float
    there. Where a field is a number in some results and a `str` in others, it is what most have, and the others are
    outliers; so are ints that a float field cannot hold exactly, and what is stored but is no result. Where no field is
    in every result, required is the one that most have, the first in alphabetical order of several, and what is in the
    same results; those without are outliers. Where a result could be over 1 MiB, each `str` field is bounded: by the
    length of the longest value, rounded up to a power of two, 16 at least. *items* are read once, in memory bounded by
    the names of fields.

    Raises:
        BulkError: *items* raised it, for more than corrupt results, or after no other result.
        SchemaError: no record can have that name, or so many fields; lists every reason.

    >>> stored = [("a", {"loss": 1, "note": "ok"}), ("b", {"loss": 0.5})]
    >>> inference = infer(stored, "Run")
    >>> [(field.name, field.kind, field.optional) for field in inference.schema.columns]
    [('loss', 'float', False), ('note', 'str', True)]
    """
    if (problem := identifier_problem(name)) is not None:
        raise SchemaError("to infer", (("/title", f"is the name of the record, and {problem}"),))
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
    schema = _proposal(name, stored)
    outliers = [outlier for field, found in stored.fields.items() for outlier in _outliers(field, found)]
    outliers += (
        Outlier(field, "is absent", absent, tuple(found.absent_keys))
        for field, found in stored.required.items()
        if (absent := stored.count - found.counts.total())
    )
    if corrupt is not None:
        outliers.append(corrupt)
    return Inference(schema, stored.count, tuple(outliers))


def corrupt_results(error: BulkError) -> Outlier | None:
    """Return what *error* says is stored and is no result; `None` if it is about anything else, too."""
    if not all(isinstance(each, CorruptResultError) for each in error.exceptions):
        return None
    keys = tuple(map(str, error.errors))
    return Outlier(None, "is no result", len(keys), keys[:_EXAMPLES])


def _proposal(name: str, stored: _Results) -> RecordSchema:
    """Return the record *name*; its strings are bounded if it is too large otherwise."""
    schema = _record(name, stored, bounded=False)
    if schema.most_bytes > MAX_RESULT_BYTES:
        schema = _record(name, stored, bounded=True)
    if problems := tuple(("", flaw.reason) for _, flaw in schema.flaws(_WORDS)):
        raise SchemaError(f"inferred from {stored.count} results", problems)
    return schema


def _record(name: str, stored: _Results, *, bounded: bool) -> RecordSchema:
    attributes, required = attribute_names(stored.fields, [name]), stored.required
    fields = (
        FieldSchema(
            attribute=attributes[field],
            name=field,
            kind=found.kind,
            optional=field not in required,
            max_length=found.max_length if bounded and found.kind == "str" else None,
            default=MISSING if field in required else None,
        )
        for field, found in stored.fields.items()
    )
    return RecordSchema(name=name, fields=tuple(fields))


def _outliers(name: str, found: _Seen) -> Iterator[Outlier]:
    for kind, count in found.counts.items():
        if "str" in (kind, found.kind) and kind != found.kind:
            yield Outlier(name, f"is {kind}, not {found.kind}", count, tuple(found.keys[kind]))
    if found.kind == "float" and found.inexact:
        yield Outlier(name, "is an int that no float equals", found.inexact, tuple(found.inexact_keys))
