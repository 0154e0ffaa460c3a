"""Arbitrary bytes are a valid result or corrupt, whatever they are, at a cost that their size bounds."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.trackers import exact
from typedtrack import CorruptResultError, Result, ResultTracker, open_tracker
from typedtrack._results.codec import (
    _decode_json,
    _decode_large,
    _decode_marked,
    decode,
    decode_fast,
    decode_slow,
    encode,
)
from typedtrack._results.values import MAX_INT, MAX_RESULT_BYTES, MIN_INT, problems_of
from typedtrack.testing.strategies import field_names, results, values

_NUMBERS = st.from_regex(rb"-?[0-9]{1,25}(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?", fullmatch=True)
_WORDS = st.sampled_from([b"NaN", b"Infinity", b"-Infinity", b"true", b"false", b"null", b"[]", b"{}", b"-", b"01"])
_STRINGS = st.text(max_size=20).map(lambda text: json.dumps(text).encode()) | st.from_regex(
    rb'"(\\(["\\/bfnrt]|u[dD]?[0-9a-fA-F]{3,4})|[ -!#-\[\]-~]|[\x80-\xff]){0,8}"', fullmatch=True
)
_SPACES = st.text(" \t\r\n\v\0", max_size=2).map(str.encode)


@st.composite
def _nearly_json(draw: st.DrawFn) -> bytes:
    """Draw an object whose parts are spelt in every way that a writer might try."""
    values_ = st.one_of(_NUMBERS, _WORDS, _STRINGS)
    parts = draw(st.lists(st.tuples(_SPACES, _STRINGS, _SPACES, values_), max_size=4))
    body = b",".join(space + name + b":" + more + value for space, name, more, value in parts)
    return draw(_SPACES) + b"{" + body + b"}" + draw(_SPACES)


@st.composite
def _damaged(draw: st.DrawFn) -> bytes:
    """Draw a stored result that was cut, or whose bytes were changed in places."""
    data = bytearray(encode(draw(results(3))))
    if draw(st.booleans()):
        return bytes(data[: draw(st.integers(0, len(data)))])
    for _ in range(draw(st.integers(1, 3))):
        data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    return bytes(data)


_TOKENS = [b"NaN", b"Infinity", b"-Infinity"]
_MARKS = [b"%d" % (limit + place) for limit in (MIN_INT, MAX_INT) for place in range(-1, 5)]


@st.composite
def _lines(draw: st.DrawFn) -> bytes:
    """Draw an object in the layout of `encode`, in which names may be repeated and values be too large."""
    written = st.one_of(st.sampled_from(_TOKENS), st.sampled_from(_MARKS), _NUMBERS, _STRINGS)
    names = st.sampled_from([b'"a"', b'"b"', b'"N"', b'"\\u0061"', b'"a\\": NaN"'])
    lines = draw(st.lists(st.tuples(names, written), min_size=1, max_size=5))
    end = draw(st.sampled_from([b",\n  ", b",\n", b", "]))
    return b"{\n  " + end.join(b": ".join(line) for line in lines) + b"\n}\n"


def any_bytes() -> st.SearchStrategy[bytes]:
    """Return arbitrary bytes: random, nearly JSON, damaged results, lines with tokens that JSON lacks."""
    return st.one_of(st.binary(max_size=200), _nearly_json(), _damaged(), _lines())


def _got(tracker: ResultTracker) -> Result | CorruptResultError:
    try:
        return tracker["k"]
    except CorruptResultError as error:
        return error.with_traceback(None)


def _outcome(read: Callable[[], dict[str, int | float | str]]) -> object:
    try:
        return exact(read())
    except CorruptResultError as error:
        return (error.file, error.field, error.reason)


@settings(max_examples=500, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(any_bytes())
@example(b"")
@example(b"{}")
@example(b'{"a": 1, "a": {}}')
@example(b'{"a": {}, "a": 1}')
def test_any_bytes_are_a_result_or_corrupt(tmp_path: Path, data: bytes) -> None:
    """A get returns a result that keeps every rule, or raises `CorruptResultError`; the bytes can be had unread."""
    (tmp_path / "k").write_bytes(data)
    tracker = open_tracker(tmp_path)
    result = _got(tracker)
    if isinstance(result, CorruptResultError):
        assert result.file == f"{tmp_path}/k"
        assert len(str(result)) < 1000
    else:
        assert problems_of(result) == []
        assert exact(result) == exact(json.loads(data.decode()))
    assert tracker.get_bytes("k") == data
    assert "k" in tracker
    assert list(tracker) == ["k"]


def _returned(read: Callable[[bytes], Result | None], data: bytes) -> object:
    """Return what *read* returns, exactly; `None` where it leaves *data* to a slower path."""
    result = read(data)
    return None if result is None else exact(result)


@settings(max_examples=1000)
@given(any_bytes())
@example(b'{"a": NaN, "b": ": NaN,"}')
@example(b'{\n  "a": NaN,\n  "b": -Infinity\n}\n')
@example(b'{\n  "a": ": NaN,\n  "b": Infinity\n}\n')
@example(b'{\n  "a": "x\\": NaN,\n"\n}\n')
@example(b'{\n  "a": NaN,\n  "a": 1,\n  "b": NaN\n}\n')
@example(b'{\n  "a": NaN,\n  "b": -9223372036854775807\n}\n')
@example(b'{\n  "a": NaN,\n  "b": -9.223372036854775807e18\n}\n')
@example(b'{\n  "a": NaN,\n  "b": 9223372036854775808\n}\n')
def test_every_path_of_decoding_agrees(data: bytes) -> None:
    """Each faster path returns the same as the slowest one, or leaves the bytes to it."""
    slowest = _outcome(lambda: _decode_json(data, "f"))
    assert _outcome(lambda: decode(data, "f")) == _outcome(lambda: decode_slow(data, "f")) == slowest
    for faster in (decode_fast, _decode_marked, _decode_large):
        assert _returned(faster, data) in (None, slowest)


@settings(max_examples=300)
@given(results(4), st.sampled_from([*map(float, ("nan", "inf", "-inf"))]))
@example({"a": MIN_INT + 1, "b": MIN_INT + 2, "c": MIN_INT + 3}, float("nan"))
@example({"a": MAX_INT, "b": MIN_INT}, float("inf"))
@example({"a": 1e16, "b": -1e-5}, float("nan"))
@example({"a": -1e16}, float("nan"))
@example({"a": 9.999999999999998e15, "b": -1e-4, "c": -0.0, "d": 5e-324}, float("-inf"))
def test_every_path_of_encoding_agrees(result: Result, number: float) -> None:
    """A result with a number that JSON lacks is stored as the standard library's `json` writes it."""
    stored = {**result, "x": number, "y": number}
    assert encode(stored) == json.dumps(stored, indent=2, ensure_ascii=False).encode() + b"\n"
    assert (
        encode({"x": number, **result})
        == json.dumps({"x": number, **result}, indent=2, ensure_ascii=False).encode() + b"\n"
    )


@given(results(3), st.sampled_from(["NaN", "Infinity", "-Infinity"]))
def test_tokens_within_a_str_are_text(result: Result, token: str) -> None:
    """A token in a str stays text, and so do a line that ends in one and the mark that stands for one."""
    mark = token.ljust(1025)
    texts = {"a": token, "b": f'": {token}', "c": f": {token},\n", "d": mark[:1024], "e": f'"{token}"'}
    stored = {**result, **texts, "f": float(token)}
    data = encode(stored)
    assert exact(json.loads(data)) == exact(stored)
    assert exact(decode(data, "k")) == exact(stored)
    assert exact(_decode_json(data, "k")) == exact(stored)
    with pytest.raises(CorruptResultError):
        decode(json.dumps({"a": mark, "b": float(token)}, indent=2).encode(), "k")


@given(st.lists(st.tuples(field_names(), values()), min_size=2, max_size=5))
def test_the_last_of_a_repeated_name_wins(pairs: list[tuple[str, int | float | str]]) -> None:
    """Repetition is allowed, and every path takes the last value."""
    data = b"{" + b",".join(json.dumps(n).encode() + b":" + json.dumps(v).encode() for n, v in pairs * 2) + b"}"
    assert exact(decode(data, "f")) == exact(dict(pairs))
    assert exact(_decode_json(data, "f")) == exact(dict(pairs))


def _filled(start: bytes, repeated: bytes, end: bytes = b"") -> bytes:
    return start + repeated * ((MAX_RESULT_BYTES - len(start) - len(end)) // len(repeated)) + end


_BOMBS = {
    "open lists": _filled(b"", b"["),
    "open objects": _filled(b"", b'{"a":'),
    "a list of lists": _filled(b'{"a":[', b"[],", b"0]}"),
    "a list of objects": _filled(b'{"a":[', b'{"":0},', b"0]}"),
    "a list of numbers": _filled(b'{"a":[', b"1,", b"0]}"),
    "one number": _filled(b'{"a":', b"9", b"}"),
    "one fraction": _filled(b'{"a":0.', b"1", b"}"),
    "one exponent": _filled(b'{"a":1e', b"0", b"1}"),
    "one text": _filled(b'{"a":"', b"x", b'"}'),
    "one text of escapes": _filled(b'{"a":"', b"\\u0041", b'"}'),
    "one name": _filled(b'{"', b"x", b'":1}'),
    "spaces": _filled(b"", b" "),
    "invalid UTF-8 at the end": _filled(b'{"a":"', "é".encode(), b"\xff"),
    "deep, then a bomb": b'{"a":' + b"[" * 900 + b"]" * 900 + b"}",
    "many names": b"{" + b",".join(b'"%d":1' % n for n in range(90_000)) + b"}",
    "many bad names": b"{" + b",".join(b'"\\n%d":1' % n for n in range(70_000)) + b"}",
    "too large": b" " * (MAX_RESULT_BYTES * 8),
}


@pytest.mark.parametrize("bomb", _BOMBS.values(), ids=_BOMBS)
def test_memory_is_bounded(tmp_path: Path, bomb: bytes) -> None:
    """No mebibyte of input takes more than 100 of memory on its way to a result or an error, which stays short."""
    (tmp_path / "k").write_bytes(bomb)
    tracker = open_tracker(tmp_path)
    tracemalloc.start()
    try:
        result = _got(tracker)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 100 * 2**20
    assert not isinstance(result, CorruptResultError) or len(str(result)) < 1000
