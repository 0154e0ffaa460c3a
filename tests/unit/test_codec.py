"""Values to bytes and back: the wire format, and the errors for bytes that are not a result."""

from __future__ import annotations

import json
import math

import pytest

from tests.trackers import exact
from typedtrack import CorruptResultError, InvalidResultError, Result
from typedtrack._results.codec import decode, encode, same_result
from typedtrack._results.values import MAX_RESULT_BYTES


def test_one_result_as_it_is_stored() -> None:
    """The wire format is indented JSON that ends in a newline, non-ASCII as itself."""
    data = encode({"accuracy": 0.5, "steps": 3, "name": "naïve", "l2norm/mean": -0.0})
    assert data.decode() == ('{\n  "accuracy": 0.5,\n  "steps": 3,\n  "name": "naïve",\n  "l2norm/mean": -0.0\n}\n')


def test_non_finite_numbers_as_they_are_stored() -> None:
    """NaN and the infinities are the tokens that Python's json writes, in the same layout."""
    data = encode({"a": math.nan, "b": math.inf, "c": -math.inf, "d": "naïve", "e": 1.0, "f": 1})
    assert data.decode() == (
        '{\n  "a": NaN,\n  "b": Infinity,\n  "c": -Infinity,\n  "d": "naïve",\n  "e": 1.0,\n  "f": 1\n}\n'
    )


def test_a_number_beyond_the_limits_is_not_read_as_nan() -> None:
    """While msgspec reads, this number stands for NaN. A stored result that holds it is too large all the same."""
    with pytest.raises(CorruptResultError) as caught:
        decode(b'{\n  "a": NaN,\n  "b": 18446744073709551616\n}\n', "f")
    assert caught.value.field == "b"


@pytest.mark.parametrize("number", range(-(2**63), -(2**63) + 5))
def test_a_small_number_is_read_beside_nan(number: int) -> None:
    """It may be one of those that stand for NaN and the infinities while a result is decoded."""
    result: Result = {"a": math.nan, "b": number, "c": math.inf, "d": -math.inf}
    assert exact(decode(encode(result), "f")) == exact(result)


def test_null_in_a_text_is_not_read_as_nan() -> None:
    """The word by which a non-finite number is found may be text."""
    assert exact(decode(encode({"null": "null"}), "f")) == exact({"null": "null"})


def test_at_most_one_mebibyte_encoded() -> None:
    """A result of exactly the limit is a result, one byte more is refused."""
    values: Result = {f"{n:06}": "x" * 1000 for n in range(1000)}
    room = MAX_RESULT_BYTES - len(encode(values))
    while room > 1000:
        values[f"{len(values):06}"] = "x" * 500
        room = MAX_RESULT_BYTES - len(encode(values))
    values["last"] = "x" * (room - len(',\n  "last": ""'))
    assert len(encode(values)) == MAX_RESULT_BYTES
    assert decode(encode(values), "f") == values
    values["000000"] = "x" * 1001
    with pytest.raises(InvalidResultError) as caught:
        encode(values, "k")
    assert "is 1,048,577 bytes encoded; the limit is 1,048,576 bytes" in str(caught.value)
    assert caught.value.key == "k"


@pytest.mark.parametrize(
    ("data", "result"),
    [
        (b'{"a":1}', {"a": 1}),
        (b' \t\r\n{"a" : 1}\n\n', {"a": 1}),
        (b'{"a": 1, "a": 2.0}', {"a": 2.0}),
        (b'{"a": -0, "b": -0.0, "c": 1e5, "d": 1E-400}', {"a": 0, "b": -0.0, "c": 100000.0, "d": 0.0}),
        (b'{"a": 18446744073709551615}', {"a": 2**64 - 1}),
        (b'{"a": NaN, "b": -Infinity, "c": Infinity}', {"a": math.nan, "b": -math.inf, "c": math.inf}),
        (b'{"a": "\\u00e9\\ud83d\\ude00\\u0000\\/"}', {"a": "é😀\0/"}),
    ],
)
def test_any_json_object_that_keeps_the_rules_is_read(data: bytes, result: dict[str, int | float | str]) -> None:
    """Another writer may lay out, repeat and spell fields in its own way."""
    assert exact(decode(data, "f")) == exact(result)


@pytest.mark.parametrize(
    ("data", "field", "reason"),
    [
        (b"", None, "is empty: a loss of power soon after a put without fsync"),
        (bytes(300), None, "has only zero bytes: a loss of power soon after a put without fsync"),
        (b"{}", None, "has no field, as if absent"),
        (b'{\n  "accuracy": 0.', None, "is not JSON: "),
        (b'{"a": 1} {}', None, "is not JSON: Extra data"),
        (b"\xef\xbb\xbf{}", None, "is not JSON: "),
        (b"\xff", None, "is not UTF-8 (byte 0)"),
        (b'{"a": "\xed\xa0\x80"}', None, "is not UTF-8 (byte 7)"),
        (b"[1, 2]", None, "is JSON, but not an object"),
        (b"null", None, "is JSON, but not an object"),
        (b"1e400", None, "is JSON, but not an object"),
        (b"NaN", None, "is JSON, but not an object"),
        (b'{"a": true}', "a", "a value is an int, a float or a str, not bool, got True"),
        (b'{"a": null}', "a", "a value is an int, a float or a str, not NoneType, got None"),
        (b'{"a": {"b": 1}}', "a", "a value is an int, a float or a str, not dict, got {'b': 1}"),
        (b'{"a": [1e999]}', "a", "a value is an int, a float or a str, not list, got "),
        (b'{"ok": 1, "a": 1e400}', "a", "the number 1e400 is beyond the limits of int and float"),
        (b'{"a": -' + b"9" * 5000 + b"}", "a", "the number -99999"),
        (b'{"a": 18446744073709551616}', "a", "an int is from -2**63 to 2**64-1"),
        (b'{"a": "\\ud800"}', "a", "the str is not valid Unicode"),
        (b'{"a": "' + b"x" * 1025 + b'"}', "a", "the str is 1,025 bytes of UTF-8"),
        (b'{"": 1}', "", "a field name is not empty"),
        (b'{"a\\nb": 1}', "a\nb", "a field name has no control character"),
        (b"[" * 100_000, None, "is nested; a result is a flat object"),
        (b'{"a":' * 100_000, None, "is nested; a result is a flat object"),
        (b" " * (MAX_RESULT_BYTES + 1), None, "is larger than the limit of 1,048,576 bytes"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_anything_else_is_corrupt(data: bytes, field: str | None, reason: str) -> None:
    """The error names the file, the field and the reason, in a few words."""
    with pytest.raises(CorruptResultError) as caught:
        decode(data, "/base/k")
    assert caught.value.file == "/base/k"
    assert caught.value.field == field
    assert caught.value.reason.startswith(reason)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("stored", "same"),
    [
        ({"a": 1, "b": "x", "c": math.nan}, True),
        ({"c": math.nan, "b": "x", "a": 1}, True),
        ({"a": 1.0, "b": "x", "c": math.nan}, False),
        ({"a": "1", "b": "x", "c": math.nan}, False),
        ({"a": 1, "b": "x"}, False),
        ({"a": 1, "b": "x", "d": math.nan}, False),
    ],
)
def test_same_result_means_same_values_types_and_bits(stored: dict[str, int | float | str], same: bool) -> None:
    """The order of fields and the layout do not matter, types do."""
    data = encode({"a": 1, "b": "x", "c": math.nan})
    assert same_result(json.dumps(stored).encode(), data) is same
    assert not same_result(b"torn", data)
    assert not same_result(encode({"z": 0.0}), encode({"z": -0.0}))


def test_same_result_of_a_compact_one_as_large_as_may_be() -> None:
    """A compact result of another writer is compared although it would be too large if indented."""
    values = {f"{n:07}": 1 for n in range(80_000)}
    compact = json.dumps(values, separators=(",", ":")).encode()
    assert len(compact) <= MAX_RESULT_BYTES
    assert not same_result(compact, encode({"a": 1}))


@pytest.mark.parametrize("number", [2**64, 2**64 + 1, 2**64 + 2, 2**64 + 3])
def test_a_number_that_is_too_large_is_refused_beside_nan(number: int) -> None:
    """The number may be one of those that stand for NaN and the infinities while a result is decoded."""
    for token in ("NaN", "Infinity", "-Infinity"):
        with pytest.raises(CorruptResultError, match="'y'"):
            decode(f'{{\n  "x": {token},\n  "y": {number}\n}}\n'.encode(), "file")
