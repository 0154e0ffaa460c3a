"""The wire format as its page specifies it: a program in JavaScript, written from the page alone, agrees in all."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

from tests.invalid_strategies import invalid_field_names, invalid_keys
from tests.node import Ask, answers
from tests.trackers import exact
from typedtrack import CorruptResultError, InvalidKeyError, Key, Result, open_tracker
from typedtrack._results.codec import encode
from typedtrack._results.keys import key_text
from typedtrack._results.values import Value
from typedtrack.testing.strategies import field_names, keys, results, values

_shared = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # one folder for all examples is meant


@pytest.fixture(scope="module")
def ask() -> Iterator[Ask]:
    """Node.js, one process for all results."""
    with answers(Path(__file__).with_name("server.mjs")) as asked:
        yield asked


def written(value: Value) -> tuple[str, str]:
    """Return *value* as `server.mjs` has it: its kind and its text, a float as its 64 bits."""
    if isinstance(value, float):
        return "float", struct.pack(">d", value).hex()
    return ("int" if isinstance(value, int) else "str"), str(value)


def read(kind: str, text: str) -> Value:
    """Return the value that `written` has written."""
    if kind == "float":
        return float(struct.unpack(">d", bytes.fromhex(text))[0])
    return int(text) if kind == "int" else text


def put(ask: Ask, base: Path, key: object, result: Result) -> None:
    """Let the other program put *result*."""
    fields = [(name, *written(value)) for name, value in result.items()]
    answer = ask({"call": "put", "base": str(base), "key": str(key), "fields": fields})
    assert "error" not in answer, answer["error"]


def get(ask: Ask, base: Path, key: object) -> Result | None:
    """Return the result that the other program finds; `None`: nothing is there.

    Raises:
        ValueError: it finds no result there.
    """
    answer: dict[str, Any] = ask({"call": "get", "base": str(base), "key": str(key)})
    if "error" in answer:
        raise ValueError(answer["error"])
    return None if answer["fields"] is None else {name: read(*value) for name, *value in answer["fields"]}


@_shared
@given(keys(), results())
@example("k", {"a": 1, "b": 1.0, "c": "1", "1": -0.0, "0": 2**64 - 1})
@example("k", {"a": float("nan"), "b": float("inf"), "c": -float("inf"), "d": "NaN", "e": ": NaN,\n"})
@example("k", {"a": 1e16, "b": 1e21, "c": 1e-7, "d": 5e-324, "e": -(2**63)})
def test_every_result_crosses_both_ways(ask: Ask, tmp_path: Path, key: Key, result: Result) -> None:
    """The order of fields, ints and floats, and every bit survive."""
    tracker = open_tracker(tmp_path)
    tracker[key] = result
    found = get(ask, tmp_path, key)
    assert found is not None
    assert (exact(found), list(found)) == (exact(result), list(result))
    del tracker[key]
    assert get(ask, tmp_path, key) is None

    put(ask, tmp_path, key, result)
    assert (exact(tracker[key]), list(tracker[key])) == (exact(result), list(result))
    assert tracker.get_bytes(key).endswith(b"\n}\n")
    del tracker[key]


_LAYOUTS: list[dict[str, Any]] = [
    {"separators": (",", ":")},
    {"indent": "\t"},
    {"indent": 4, "ensure_ascii": False},
    {"separators": (" ,\r\n", "\t: ")},
]
_NUMBERS = st.sampled_from(
    [
        *["0", "-0", "-0.0", "1.0", "1e3", "1E+3", "-2.50e-1", "1.0e0", "1e400", "-1e400", "1e-400", f"0.{'1' * 400}"],
        *[
            "01",
            "1.",
            ".5",
            "+1",
            "1e",
            "0x1",
            "1_0",
            "--1",
            "1,",
            "NaN",
            "-NaN",
            "nan",
            "inf",
            "Infinity",
            "-Infinity",
        ],
        *["18446744073709551615", "18446744073709551616", "-9223372036854775808", "-9223372036854775809", "9" * 400],
    ]
)
_ESCAPES = [r"\ud83d\ude00", r"\ud83d", r"\ude00\ud83d", r"\u00E9\/\b\f\n\r\t\\\"", r"\x41", r"\u12", r"\'", r"\u0000"]
_CHARACTERS = ["a\tb", "a\nb", "\x7f", "\u2028", "\ufeff", "", "x" * 1024, "é" * 513]
_STRINGS = st.sampled_from([f'"{text}"' for text in (*_ESCAPES, *_CHARACTERS)] + ['"', "'a'"])
_OTHERS = st.sampled_from(["true", "false", "null", "[]", "{}", '{"a": 1}', "[1]", "undefined", "", "1 2", "/**/1"])
_texts = st.one_of(_NUMBERS, _STRINGS, _OTHERS, values().map(lambda value: json.dumps(value, ensure_ascii=False)))
_names = st.one_of(
    field_names().map(json.dumps),
    invalid_field_names().filter(lambda name: isinstance(name, str)).map(json.dumps),
    st.sampled_from(['"a"', '"b"', r'"\u0063"', "a", "'a'", "1", '""', '"a\n"', r'"\n"', r'"\ud800"', "", '"a":"b"']),
)


@st.composite
def documents(draw: st.DrawFn) -> bytes:
    """Files that are nearly results: each member, the layout and the ends may break a rule."""
    if draw(st.booleans()):
        return json.dumps(draw(results()), **draw(st.sampled_from(_LAYOUTS))).encode()
    drawn = draw(st.lists(st.tuples(_names, _texts), max_size=3, unique_by=lambda member: member[0]))
    members = [f"{name}: {text}" for name, text in drawn]
    start, separator, end = (
        draw(st.sampled_from(ways))
        for ways in (
            ["{"] * 6 + ["", "[", "\ufeff{", "\u00a0{", " \t\r\n{", "{,"],
            [", "] * 6 + ["", ";", ",,", "\x0b,", "\n,\n"],
            ["}"] * 6 + ["", "]", ",}", "}}", "} x", "}\n\n \t\r", "}\x00", "}\u00a0"],
        )
    )
    data = f"{start}{separator.join(members)}{end}".encode()
    return data + draw(st.sampled_from([b""] * 6 + [b"\xff", b"\xed\xa0\x80", b"\n" * 2**20]))


@_shared
@given(documents())
@example(b'{"a": "x", "b": 1, "a": 2.0}')
@example(b'{"a": null, "b": 1, "a": 2.0}')
@example(b'{"a": x\\, "b": 1}')
@example(b'{"a": "%s"}' % (b"x" * 1025))
@example('\ufeff{"a": 1}'.encode())
def test_what_one_refuses_the_other_refuses(ask: Ask, tmp_path: Path, data: bytes) -> None:
    """Whatever is in a file, both programs find the same result in it, or both an error."""
    Path(tmp_path, "k").write_bytes(data)
    try:
        result = open_tracker(tmp_path).get("k")
    except CorruptResultError:
        event("refused")
        with pytest.raises(ValueError, match=r"not|^SyntaxError"):
            get(ask, tmp_path, "k")
    else:
        event("read")
        found = get(ask, tmp_path, "k")
        assert found is not None
        assert exact(found) == exact(result)


@given(invalid_keys())
def test_keys_that_one_refuses_the_other_refuses(ask: Ask, key: object) -> None:
    """A key that breaks a rule reaches no file."""
    with pytest.raises(InvalidKeyError):
        key_text(key)
    if isinstance(key, str):
        with pytest.raises(ValueError, match="not"):
            get(ask, Path("/nowhere"), key)


def test_a_result_at_the_limit(ask: Ask, tmp_path: Path) -> None:
    """Both take a file of 1 MiB, and refuse one of a byte more."""
    size = len(encode({"a": "", "b": 1}))
    padding = b" " * (2**20 - size)
    for extra in (b"", b" "):
        Path(tmp_path, "k").write_bytes(encode({"a": "", "b": 1}) + padding + extra)
        if extra:
            with pytest.raises(ValueError, match="too large"):
                get(ask, tmp_path, "k")
            with pytest.raises(CorruptResultError, match="larger than the limit"):
                open_tracker(tmp_path).get("k")
        else:
            assert get(ask, tmp_path, "k") == open_tracker(tmp_path)["k"] == {"a": "", "b": 1}


def test_what_is_absent(ask: Ask, tmp_path: Path) -> None:
    """A missing folder and a folder of results hold no result themselves."""
    open_tracker(tmp_path)["a/b"] = {"n": 1}

    assert [get(ask, tmp_path, key) for key in ("a", "a/b", "a/b/c", "b/c")] == [None, {"n": 1}, None, None]
