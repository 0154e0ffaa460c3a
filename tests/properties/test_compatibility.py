"""Compatibility is what decoding does: sound, and but for patterns complete."""

from __future__ import annotations

from typing import Any, Literal

from hypothesis import event, given
from hypothesis import strategies as st

from tests.strategies.schemas import record_schemas, results_of, schema_pairs
from typedtrack._codec import decode, encode
from typedtrack._record_codec import RecordCodec, record_codec
from typedtrack._records import record_class, record_type
from typedtrack._schema import RecordSchema
from typedtrack._values import Result
from typedtrack.errors import SchemaMismatchError
from typedtrack.schemas.compatibility import Incompatibility, check
from typedtrack.schemas.extremes import extremes


def _codec(schema: RecordSchema) -> RecordCodec[Any]:
    cls: type[Any] = record_class(schema)
    return record_codec(record_type(cls))


def reads(schema: RecordSchema, result: Result, unknown: str) -> bool:
    """Return whether a record of *schema* is really read from *result*."""
    codec = _codec(schema)
    try:
        codec.decode(encode(result), "file", closed=unknown == "error")
    except SchemaMismatchError:
        return False
    return True


def stored(schema: RecordSchema, result: Result) -> Result:
    """Return *result* as a record of *schema* really stores it."""
    codec = _codec(schema)
    stored = decode(codec.encode(codec.decode(encode(result), "file")), "file")
    assert repr(sorted(stored.items())) == repr(sorted(result.items()))
    return stored


def broken(reader: RecordSchema, writer: RecordSchema, found: Incompatibility, result: Result) -> Result | None:
    """Return *result*, of *writer*, as *found* says that it may be; `None` if it is about a pattern, and cannot say."""
    names = next((column.names for column in reader.columns if column.name == found.field), (found.field,))
    columns = [column for column in writer.columns if column.name in names]
    if found.rule == "field-missing":
        return result
    if found.rule == "field-optional":
        return {name: value for name, value in result.items() if name not in names}
    if found.example is not None:
        assert columns[0].problem(found.example) is None
        return {**result, columns[0].name: found.example}
    if found.rule in ("field-twice", "field-unknown"):
        return {**{column.name: next(extremes(column)) for column in columns if column.pattern is None}, **result}
    assert any(column.pattern is not None for column in (*columns, *reader.columns))
    return None


@given(schema_pairs(), st.sampled_from(["ignore", "error"]), st.data())
def test_the_verdict_is_what_decoding_does(
    pair: tuple[RecordSchema, RecordSchema], unknown: Literal["ignore", "error"], data: st.DataObject
) -> None:
    """Compatible: everything that the writer stores is read. Incompatible: what each finding names is refused."""
    reader, writer = pair
    result = stored(writer, data.draw(results_of(writer)))
    found = check(reader, writer, unknown=unknown)

    event("compatible" if not found else found[0].rule)
    if not found:
        assert reads(reader, result, unknown)
    for incompatibility in found:
        refused = broken(reader, writer, incompatibility, result)
        if refused is not None:
            assert not reads(reader, stored(writer, refused), unknown), incompatibility


@given(record_schemas())
def test_every_schema_reads_what_it_writes(schema: RecordSchema) -> None:
    """A schema is compatible with itself, whatever it does with unknown fields."""
    assert check(schema, schema, unknown="error") == []
