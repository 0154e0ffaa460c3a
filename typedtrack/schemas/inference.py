"""Stored results to the schema that they suggest, and what among them does not fit it.

The proposal is a cautious one: what is always there is required, what is sometimes absent can be `None`, and nothing is
said of bounds or of the only values allowed, which no number of results can prove. As a record needs a required field,
one that most results have is that where no field is in all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

import attrs

from typedtrack._identifiers import attribute_names, identifier_problem
from typedtrack._schema import MISSING, FieldSchema, KindName, RecordSchema
from typedtrack._values import Value
from typedtrack.errors import BulkError, CorruptResultError, SchemaError, shown

__all__ = ["Inference", "Outlier", "corrupt_results", "infer"]

_EXAMPLES: Final = 3
_EXACT_IN_DOUBLES: Final = 2**53


class Outlier(NamedTuple):
    """Results that do not fit the proposal, for one reason."""

    field: str | None
    """The name on the wire; `None` where the result as a whole does not fit."""
    reason: str
    results: int
    """How many."""
    keys: tuple[str, ...]
    """The first of them, three at most."""

    def __str__(self) -> str:
        where = "" if self.field is None else f"field {shown(self.field)}: "
        more = ", …" if self.results > len(self.keys) else ""
        return f"{where}{self.reason}: {self.results} of the results ({', '.join(self.keys)}{more})"


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

    def add(self, key: str, value: Value) -> None:
        kind: KindName = "str" if isinstance(value, str) else "float" if isinstance(value, float) else "int"
        self.counts[kind] += 1
        _note(self.keys.setdefault(kind, []), key)
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


def _note(keys: list[str], key: str) -> None:
    if len(keys) < _EXAMPLES:
        keys.append(key)


def infer(items: Iterable[tuple[object, Mapping[str, Value]]], name: str) -> Inference | None:
    """Return the schema that the results of *items*, pairs of key and result, suggest; `None` where there are none.

    It is that of a record *name*, an identifier. A field whose name makes no attribute, or one that is another's, is
    given one, by ``field_`` in front or a number behind. An `int` field is a `float` where some result has a float
    there. Where a field is a number in some results and a `str` in others, it is what most have, and the others are
    outliers; so are ints that a float field cannot hold exactly, and what is stored but is no result. Where no field is
    in every result, those that the most have, more than half, are required, and results without them are outliers.
    *items* are read once, in memory bounded by the names of fields.

    Raises:
        BulkError: *items* raised it, for more than corrupt results, or after no other result.
        SchemaError: no record can have these fields, or that name; lists every reason.

    >>> stored = [("a", {"loss": 1, "note": "ok"}), ("b", {"loss": 0.5})]
    >>> inference = infer(stored, "Run")
    >>> [(field.name, field.kind, field.optional) for field in inference.schema.columns]
    [('loss', 'float', False), ('note', 'str', True)]
    """
    if (problem := identifier_problem(name)) is not None:
        raise SchemaError("to infer", (("/title", f"is the name of the record, and {problem}"),))
    seen: dict[str, _Seen] = {}
    first: list[str] = []
    results = 0
    corrupt: Outlier | None = None
    try:
        for key, result in items:
            for field, value in result.items():
                if field not in seen:
                    seen[field] = _Seen(absent_keys=first.copy())
                seen[field].add(str(key), value)
            for field in seen.keys() - result.keys():
                _note(seen[field].absent_keys, str(key))
            _note(first, str(key))
            results += 1
    except BulkError as error:
        corrupt = corrupt_results(error)
        if corrupt is None or not results:
            raise
    if not results:
        return None
    most = max(found.counts.total() for found in seen.values())
    needed = most if most * 2 > results else results
    attributes = attribute_names(seen, [name])
    fields = (_proposed(field, attributes[field], found, needed) for field, found in seen.items())
    schema = RecordSchema(name=name, fields=tuple(fields))
    if problems := tuple(("", reason) for _, reason in schema.definition_problems()):
        raise SchemaError(f"inferred from {results} results", problems)
    outliers = [outlier for field, found in seen.items() for outlier in _outliers(field, found)]
    outliers += (
        Outlier(field, "is absent", results - most, tuple(found.absent_keys))
        for field, found in seen.items()
        if needed <= found.counts.total() < results
    )
    if corrupt is not None:
        outliers.append(corrupt)
    return Inference(schema, results, tuple(outliers))


def corrupt_results(error: BulkError) -> Outlier | None:
    """Return what *error* says is stored and is no result; `None` if it is about anything else, too."""
    if not all(isinstance(each, CorruptResultError) for each in error.exceptions):
        return None
    keys = tuple(map(str, error.errors))
    return Outlier(None, "is stored, and is no result", len(keys), keys[:_EXAMPLES])


def _proposed(name: str, attribute: str, found: _Seen, needed: int) -> FieldSchema:
    optional = found.counts.total() < needed
    return FieldSchema(
        attribute=attribute,
        name=name,
        kind=found.kind,
        optional=optional,
        default=None if optional else MISSING,
    )


def _outliers(name: str, found: _Seen) -> Iterator[Outlier]:
    for kind, count in found.counts.items():
        if "str" in (kind, found.kind) and kind != found.kind:
            yield Outlier(name, f"is {kind}, not {found.kind}", count, tuple(found.keys[kind]))
    if found.kind == "float" and found.inexact:
        yield Outlier(name, "is an int that no float equals", found.inexact, tuple(found.inexact_keys))
