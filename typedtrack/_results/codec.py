"""Values to bytes and back: the wire format, and the only importer of msgspec's codecs.

One result is a UTF-8 JSON object, indented by two spaces, ending in a newline. Encoding and decoding each have a fast
path, which is msgspec alone and handles nearly every result, and a slow path, which decides and finds the reason. NaN
and the infinities take the slow path: JSON lacks them and msgspec would write ``null``, so the standard library's
`json` writes them, and its tokens for them are part of the format.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Final, cast

import msgspec

from typedtrack._results.values import (
    FAILURE_TYPE,
    MAX_PLAIN_STR,
    MAX_RESULT_BYTES,
    MIN_INT,
    Result,
    Value,
    checked,
    known_names,
    names_at_a_glance,
    plain,
    problems_of,
)
from typedtrack.errors import CorruptResultError, InvalidResultError, Problem, shown

__all__ = ["END", "decode", "decode_fast", "decode_slow", "encode", "encode_twin", "holds_failure", "same_result"]

END: Final = b"}\n"
"""How every result ends that typedtrack wrote, and nothing before its end: a read that ends so needs no other read."""

# The fast path accepts only values that keep the rules whatever they are: a str of so few characters always fits.
_PlainInt = Annotated[int, msgspec.Meta(ge=MIN_INT, le=2**63 - 1)]
_PlainStr = Annotated[str, msgspec.Meta(max_length=MAX_PLAIN_STR)]

_MAX_DIGITS: Final = 100  # of an int: far more than a valid one has, far fewer than Python refuses to parse

_encode_json = msgspec.json.Encoder().encode
_decode_plain = msgspec.json.Decoder(dict[str, _PlainInt | float | _PlainStr]).decode
_indent = msgspec.json.format  # by two spaces, its default: to pass `indent` would double its time


def encode(values: dict[str, Any], key: str | None = None) -> bytes:
    """Return the bytes that store *values*, after checking every rule; *key* names them in an error.

    Raises:
        InvalidResultError: *values* breaks a rule, or its encoding is larger than the limit.
    """
    try:
        data = _indent(_encode_json(values)) + b"\n" if plain(values) else _encode_slow(values, key)
    except (TypeError, UnicodeEncodeError):
        data = _encode_slow(values, key)
    if len(data) > MAX_RESULT_BYTES:
        reason = f"is {len(data):,} bytes encoded; the limit is {MAX_RESULT_BYTES:,} bytes"
        raise InvalidResultError((Problem(None, reason),), key)
    return data


def encode_twin(twin: msgspec.Struct) -> bytes | None:
    """Return the bytes that store the fields of *twin*, or `None` where only `encode` can write them."""
    data = _encode_json(twin)
    return _indent(data) + b"\n" if data.find(b"null") < 0 else None


def _encode_slow(values: dict[str, Any], key: str | None) -> bytes:
    result = checked(values, key)
    if all(map(_is_finite, result.values())):
        return _indent(_encode_json(result)) + b"\n"

    import json  # here, because few results need it and its import takes time

    return json.dumps(result, indent=2, ensure_ascii=False).encode() + b"\n"


def _is_finite(value: Value) -> bool:
    return type(value) is not float or math.isfinite(value)


def decode(data: bytes, file: str) -> Result:
    """Return the result that *data* holds; *file* names it in an error.

    Raises:
        CorruptResultError: *data* is not a result: not a JSON object, a rule broken, or larger than the limit.
    """
    return decode_fast(data) or decode_slow(data, file)


def decode_fast(data: bytes) -> Result | None:
    """Return the result that *data* holds, or `None` where only `decode_slow` can tell whether it holds one."""
    if len(data) <= MAX_RESULT_BYTES:
        try:
            values = _decode_plain(data)
        except (ValueError, RecursionError):
            return None
        if values and (names_at_a_glance(values) or known_names(values)):
            return values
    return None


def decode_slow(data: bytes, file: str) -> Result:
    """Return the same as `decode`, for a caller that has tried `decode_fast`.

    Raises:
        CorruptResultError: as `decode`.
    """
    if len(data) > MAX_RESULT_BYTES:
        raise CorruptResultError(file, None, f"is larger than the limit of {MAX_RESULT_BYTES:,} bytes")
    document = _parse(data, file)
    if not isinstance(document, dict):
        raise CorruptResultError(file, None, "is JSON, but not an object")
    values = cast("Result", document)  # the checks below raise where it is not one
    for field, value in values.items():
        if isinstance(value, _Beyond):
            raise CorruptResultError(file, field, f"the number {shown(value)} is beyond the limits of int and float")
    for problem in problems_of(values):
        got = "" if problem.value is None else f", got {problem.value}"
        raise CorruptResultError(file, problem.field, problem.reason + got)
    return values


def holds_failure(data: bytes) -> bool:
    """Return whether *data* holds a failure."""
    try:
        return decode_fast(data) is None and FAILURE_TYPE in decode_slow(data, "")
    except CorruptResultError:
        return False


def same_result(stored: bytes, data: bytes) -> bool:
    """Return whether *stored* and *data* hold equal results: the same values, types and bits, in any order."""
    if stored == data:
        return True
    try:
        found, given = decode(stored, ""), decode(data, "")
    except CorruptResultError:
        return False
    return {name: repr(value) for name, value in found.items()} == {name: repr(value) for name, value in given.items()}


def _parse(data: bytes, file: str) -> Any:
    import json  # here for the same reason

    try:
        return json.loads(data.decode(), parse_float=_float, parse_int=_int)
    except UnicodeDecodeError as error:
        reason = f"is not UTF-8 (byte {error.start})"
    except RecursionError:
        reason = "is nested; a result is a flat object"
    except ValueError as error:
        reason = f"is not JSON: {error}" if data else "is empty"
    raise CorruptResultError(file, None, reason)


class _Beyond:
    """A JSON number that neither a float nor an int can hold, kept as it was written, for the error."""

    def __init__(self, digits: str) -> None:
        self._digits = digits

    def __repr__(self) -> str:
        return self._digits


def _float(digits: str) -> float | _Beyond:
    number = float(digits)
    return _Beyond(digits) if math.isinf(number) else number


def _int(digits: str) -> int | _Beyond:
    return int(digits) if len(digits) <= _MAX_DIGITS else _Beyond(digits)
