"""Values to bytes and back: the wire format, and the only importer of msgspec's codecs.

One result is a UTF-8 JSON object, indented by two spaces, ending in a newline. What is plain (nearly everything)
passes through msgspec alone; NaN and the infinities, which JSON lacks and msgspec would turn into ``null``, go
through the standard library's `json`, whose tokens for them are part of the format. What does not plainly pass at a
glance is looked at closely, to tell what is wrong, if anything is; the closer look decides.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, cast

import msgspec

from typedtrack._results.values import (
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

__all__ = ["decode", "encode", "encode_twin", "glance", "same_result"]

# Only what plainly keeps the rules: ints that need no second look, strings that fit whatever their characters are.
_PlainInt = Annotated[int, msgspec.Meta(ge=MIN_INT, le=2**63 - 1)]
_PlainStr = Annotated[str, msgspec.Meta(max_length=MAX_PLAIN_STR)]

_MOST_DIGITS = 100  # of an int; far more than any that keeps the rules

_encode_json = msgspec.json.Encoder().encode
_decode_plain = msgspec.json.Decoder(dict[str, _PlainInt | float | _PlainStr]).decode
_indent = msgspec.json.format  # by two spaces, unless it is told otherwise, which takes it twice as long


def encode(values: dict[str, Any], key: str | None = None) -> bytes:
    """Return *values*, every rule checked, as the bytes of one stored result; *key* names it in an error.

    Raises:
        InvalidResultError: *values* break a rule, or the result is larger than 1 MiB encoded.
    """
    try:
        data = _indent(_encode_json(values)) + b"\n" if plain(values) else _encode_closely(values, key)
    except (TypeError, UnicodeEncodeError):
        data = _encode_closely(values, key)
    if len(data) > MAX_RESULT_BYTES:
        reason = f"is {len(data):,} bytes encoded; the limit is {MAX_RESULT_BYTES:,} bytes"
        raise InvalidResultError((Problem(None, reason),), key)
    return data


def encode_twin(twin: msgspec.Struct) -> bytes | None:
    """Return the columns of a record, which *twin* has as its fields, as `encode` does; `None` if it takes `encode`."""
    data = _encode_json(twin)
    return _indent(data) + b"\n" if data.find(b"null") < 0 else None


def _encode_closely(values: dict[str, Any], key: str | None) -> bytes:
    result = checked(values, key)
    if all(map(_is_finite, result.values())):
        return _indent(_encode_json(result)) + b"\n"

    import json  # here, because few results need it

    return json.dumps(result, indent=2, ensure_ascii=False).encode() + b"\n"


def _is_finite(value: Value) -> bool:
    return type(value) is not float or math.isfinite(value)


def glance(data: bytes) -> Result | None:
    """Return the result that *data* hold, `None` if they do not plainly hold one; `decode` tells."""
    if len(data) <= MAX_RESULT_BYTES:
        try:
            values = _decode_plain(data)
        except (ValueError, RecursionError):
            return None
        if values and (names_at_a_glance(values) or known_names(values)):
            return values
    return None


def decode(data: bytes, file: str) -> Result:
    """Return the result that *data* hold; *file* names them in an error.

    Raises:
        CorruptResultError: *data* are not a result: no JSON object, a rule broken, or larger than 1 MiB.
    """
    return glance(data) or _decode_closely(data, file)


def same_result(stored: bytes, data: bytes) -> bool:
    """Return whether *stored* hold the result that *data* do: the same values, types and bits, in any order."""
    if stored == data:
        return True
    try:
        found, given = decode(stored, ""), decode(data, "")
    except CorruptResultError:
        return False
    return {name: repr(value) for name, value in found.items()} == {name: repr(value) for name, value in given.items()}


def _decode_closely(data: bytes, file: str) -> Result:
    if len(data) > MAX_RESULT_BYTES:
        raise CorruptResultError(file, None, f"is larger than the limit of {MAX_RESULT_BYTES:,} bytes")
    document = _parse(data, file)
    if not isinstance(document, dict):
        raise CorruptResultError(file, None, "is JSON, but not an object")
    values = cast("Result", document)  # which is so if the following finds no fault
    for field, value in values.items():
        if isinstance(value, _Beyond):
            raise CorruptResultError(file, field, f"the number {shown(value)} is beyond the limits of int and float")
    for problem in problems_of(values):
        got = "" if problem.value is None else f", got {problem.value}"
        raise CorruptResultError(file, problem.field, problem.reason + got)
    return values


def _parse(data: bytes, file: str) -> Any:
    import json  # here, because few results need it

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
    """A number that no value can be: beyond a double, or of more digits than Python takes for an int."""

    def __init__(self, digits: str) -> None:
        self._digits = digits

    def __repr__(self) -> str:
        return self._digits


def _float(digits: str) -> float | _Beyond:
    number = float(digits)
    return _Beyond(digits) if math.isinf(number) else number


def _int(digits: str) -> int | _Beyond:
    return int(digits) if len(digits) <= _MOST_DIGITS else _Beyond(digits)
