"""Ints on the wire, read as floats with bounds: the fast path and the slow path agree."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from msgspec import Meta

from typedtrack import CorruptResultError, SchemaMismatchError, record
from typedtrack._records.codec import RecordCodec, record_codec
from typedtrack._records.record_type import record_type


@record
class Wide:
    """A float with bounds beyond all ints."""

    x: Annotated[float, Meta(ge=-1e300, le=1e300)]


@record
class Open:
    """The same, with exclusive bounds."""

    x: Annotated[float, Meta(gt=-1e300, lt=1e300)]


@record
class Narrow:
    """A float with a bound that equals an int which floats confuse with its neighbour."""

    x: Annotated[float, Meta(ge=0, le=2.0**53)]


@pytest.mark.parametrize("cls", [Wide, Open])
@pytest.mark.parametrize("text", ["10000000000000000000000000", "-9223372036854775809"])
def test_an_int_out_of_range_is_refused(cls: type[Wide | Open], text: str) -> None:
    """An int beyond 64 bits is refused, even if the float field has room for it."""
    with pytest.raises(CorruptResultError, match=r"an int is from -2\*\*63 to 2\*\*64-1"):
        record_codec(record_type(cls)).decode(f'{{"x": {text}}}'.encode(), "file")


@pytest.mark.parametrize("cls", [Wide, Open])
def test_floats_beyond_the_ints_are_read(cls: type[Wide | Open]) -> None:
    """A float may lie beyond every int."""
    codec: RecordCodec[Any] = record_codec(record_type(cls))

    assert codec.decode(b'{"x": 1e299}', "file").x == 1e299


@pytest.mark.parametrize("more", ["", ', "unknown": 0'])
def test_an_int_is_held_to_bounds_as_a_float(more: str) -> None:
    """An int is held to the bounds as the float that it becomes, on the fast path and on the slow path."""
    codec: RecordCodec[Any] = record_codec(record_type(Narrow))

    assert codec.decode(f'{{"x": {2**53 + 1}{more}}}'.encode(), "file").x == 2.0**53
    with pytest.raises(SchemaMismatchError, match=r"must be <= 9007199254740992\.0"):
        codec.decode(f'{{"x": {2**53 + 2}{more}}}'.encode(), "file")
