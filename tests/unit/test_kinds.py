"""Every kind of value has all its parts. A kind that lacks one fails the test that names the part."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, get_args

import pytest
from hypothesis import Phase, find, settings

from tests.trackers import exact
from typedtrack import FieldSchema, InvalidResultError, RecordSchema, SchemaMismatchError, record, schema_of
from typedtrack._records import annotations as annotated
from typedtrack._records.codec import record_codec
from typedtrack._records.record_type import record_type
from typedtrack._results.codec import decode_fast, decode_slow, encode
from typedtrack._results.values import KINDS, KINDS_BY_NAME, Kind, KindName, normalised, value_problem
from typedtrack._schema.documents import values as documents
from typedtrack.codegen import generate
from typedtrack.frame.columns import Extent, array_of, extent_of_type, type_of_field, values_of
from typedtrack.schemas import check, extremes, infer
from typedtrack.testing import record_schemas, records, values


def _sample(kind: Kind) -> Any:
    make: Any = kind.type
    return make(7)  # every kind has a value that is made of 7


def _schema(kind: Kind) -> RecordSchema:
    return RecordSchema(name="R", fields=(FieldSchema(attribute="x", name="x", kind=kind.name),))


def _record(kind: Kind) -> type[Any]:
    return record(type("R", (), {"__annotations__": {"x": kind.type}, "__module__": __name__}))


def _name(kind: Kind) -> None:
    assert kind.name in get_args(KindName)
    assert KINDS_BY_NAME[kind.name] is KINDS[kind.type] is kind


def _rule_for_values(kind: Kind) -> None:
    assert value_problem(_sample(kind)) is None


def _normalisation_of_subclasses(kind: Kind) -> None:
    subclass: Any = type("Sub", (kind.type,), {})
    assert type(normalised(subclass(7))) is kind.type


def _wire_format(kind: Kind) -> None:
    result = {"x": _sample(kind)}
    data = encode(result)
    for decoded in (decode_fast(data), decode_slow(data, "k")):
        assert decoded is not None
        assert exact(decoded) == exact(result)


def _annotation(kind: Kind) -> None:
    assert schema_of(_record(kind)) == _schema(kind)


def _constructor_and_codec_of_records(kind: Kind) -> None:
    cls = _record(kind)
    codec = record_codec(record_type(cls))
    found: Any = codec.decode(encode({"x": _sample(kind)}), "k")
    assert exact({"x": found.x}) == exact({"x": _sample(kind)})
    for other in [each for each in KINDS.values() if (each.name, kind.name) != ("int", "float") and each is not kind]:
        with pytest.raises(InvalidResultError):
            cls(x=_sample(other))
        with pytest.raises(SchemaMismatchError):
            codec.decode(encode({"x": _sample(other)}), "k")


def _json_schema(kind: Kind) -> None:
    document: Any = _schema(kind).to_json_schema()
    assert document["properties"]["x"]["type"] == kind.json_type
    assert RecordSchema.from_json_schema(document) == _schema(kind)


def _generated_code(kind: Kind) -> None:
    namespace: dict[str, Any] = {"__name__": "generated"}
    exec(generate([_schema(kind)]), namespace)
    assert schema_of(namespace["R"]) == _schema(kind)


def _compatibility(kind: Kind) -> None:
    assert {type(value) for value in extremes.extremes(_schema(kind).columns[0])} == {kind.type}
    assert check(_schema(kind), _schema(kind)) == []


def _inference(kind: Kind) -> None:
    inference = infer([("k", {"x": _sample(kind)})], "R")
    assert inference is not None
    assert inference.schema.columns[0].kind == kind.name


def _arrow_type(kind: Kind) -> None:
    arrow = Extent.of([_sample(kind)]).type
    assert extent_of_type(arrow).kinds == {kind.type}
    assert type_of_field(_schema(kind).columns[0]) == (None if kind.type is int else arrow)  # an int may need another
    found = values_of(array_of([_sample(kind), None], arrow), arrow)
    assert [type(value) for value in found] == [kind.type, type(None)]


def _strategies(kind: Kind) -> None:
    few = settings(max_examples=100, phases=[Phase.generate], database=None)
    find(values(), lambda value: type(value) is kind.type, settings=few)
    find(record_schemas(), lambda schema: any(column.kind == kind.name for column in schema.columns), settings=few)
    find(records(_record(kind)), lambda drawn: type(drawn.x) is kind.type, settings=few)


PARTS: Final[Mapping[str, Callable[[Kind], None]]] = {
    "name": _name,
    "rule for values": _rule_for_values,
    "normalisation of subclasses": _normalisation_of_subclasses,
    "wire format": _wire_format,
    "annotation": _annotation,
    "constructor and codec of records": _constructor_and_codec_of_records,
    "JSON Schema": _json_schema,
    "generated code": _generated_code,
    "compatibility": _compatibility,
    "inference": _inference,
    "Arrow type": _arrow_type,
    "strategies": _strategies,
}


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_a_kind_has_every_part(kind: Kind, part: str) -> None:
    """The id of a failing test names the kind and the part that it lacks."""
    PARTS[part](kind)


@pytest.mark.parametrize("part", PARTS)
def test_a_kind_that_lacks_a_part_fails(part: str) -> None:
    """`bytes` is not a kind, and has none of the parts."""
    kind: Any = Kind("bytes", bytes, "some bytes", "binary", is_number=False, problem=lambda value: "is refused")  # type: ignore[arg-type]  # the point
    with pytest.raises(Exception):  # noqa: B017, PT011  # each part fails in its own way
        PARTS[part](kind)


def test_a_kind_without_roles_of_keywords_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table that lacks a row fails the test of its part, and no other."""
    monkeypatch.setattr(documents, "_ROLES", {"int": documents._ROLES["int"]})
    assert _failing(KINDS[str]) == ["JSON Schema"]


def test_a_kind_without_sample_values_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compatibility compares kinds by sample values, from a table of its own."""
    candidates = {name: make for name, make in extremes._CANDIDATES.items() if name != "float"}
    monkeypatch.setattr(extremes, "_CANDIDATES", candidates)
    assert _failing(KINDS[float]) == ["compatibility"]


def test_a_kind_that_annotations_do_not_know_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every part that declares a record fails then, and the annotation among them."""
    monkeypatch.setattr(annotated, "KINDS", {int: KINDS[int]})
    assert "annotation" in _failing(KINDS[str])
    assert "wire format" not in _failing(KINDS[str])


def _failing(kind: Kind) -> list[str]:
    failing: list[str] = []
    for name, part in PARTS.items():
        if part is _strategies:  # takes seconds
            continue
        try:
            part(kind)
        except Exception:
            failing.append(name)
    return failing
