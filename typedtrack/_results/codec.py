"""Values to bytes and back: the wire format.

One result is a UTF-8 JSON object, indented by two spaces, ending in a newline. Encoding and decoding each have a fast
path, which is msgspec alone and handles nearly every result, and a slow path, which decides and finds the reason.

JSON lacks NaN and the infinities, and msgspec would write ``null`` for them. The wire format has the tokens that the
standard library's `json` writes. While msgspec encodes or decodes, a *mark* stands for each token: an int that no value
equals.

Both paths of both directions stand in this one module, so that a reader can compare them.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Final, NamedTuple, cast

import msgspec

from typedtrack._results.values import (
    FAILURE_TYPE,
    MAX_INT,
    MAX_INT64,
    MAX_PLAIN_STR,
    MAX_RESULT_BYTES,
    MAX_STR_BYTES,
    MIN_INT,
    Result,
    are_known,
    learn_names,
    normalised,
    problems_of,
    value_problem,
)
from typedtrack.errors import CorruptResultError, InvalidResultError, Problem, shown

__all__ = [
    "END",
    "decode",
    "decode_fast",
    "decode_lines",
    "decode_slow",
    "encode",
    "encode_twin",
    "holds_failure",
    "same_result",
    "too_large",
]

END: Final = b"}\n"
"""The end of every result that typedtrack wrote. Nothing before it is the same, so a read that ends so is complete."""

# All values of these types keep the rules.
_PlainInt = Annotated[int, msgspec.Meta(ge=MIN_INT, le=MAX_INT64)]
_PlainStr = Annotated[str, msgspec.Meta(max_length=MAX_PLAIN_STR)]

_MAX_DIGITS: Final = 100  # of an int: far more than a valid one has, far fewer than Python refuses to parse

_encode_json = msgspec.json.Encoder().encode
_decode_plain = msgspec.json.Decoder(dict[str, _PlainInt | float | _PlainStr]).decode
_decode_short = msgspec.json.Decoder(dict[str, _PlainInt | float | str]).decode
_decode_any = msgspec.json.Decoder(dict[str, int | float | str]).decode
_decode_lines = msgspec.json.Decoder(dict[str, _PlainInt | float | _PlainStr]).decode_lines
_indent = msgspec.json.format  # by two spaces, its default: to pass `indent` would double its time

_LOST: Final = "a loss of power soon after a put without fsync, or another program, left it so; `put` replaces it"


class _Token(NamedTuple):
    """A token that JSON lacks, its number, and the mark that stands for it."""

    number: float
    mark: int
    digits: bytes
    lines: tuple[tuple[bytes, bytes], ...]
    """The two ways in which a line ends with the token, each beside the same with the mark."""


def _token(text: bytes, number: float, mark: int) -> _Token:
    digits = b"%d" % mark
    return _Token(number, mark, digits, tuple((b": %b%b" % (text, end), b": %b%b" % (digits, end)) for end in _ENDS))


_ENDS: Final = (b",\n", b"\n")
_TOKENS: Final = ((b"NaN", math.nan), (b"Infinity", math.inf), (b"-Infinity", -math.inf))
# The marks of `encode` are too large to be values, so it takes no value for a mark. The marks of `decode` are ints that
# its fast path accepts, so `_decode_marked` first makes sure that their digits are not in the data.
_NAN, _INFINITY, _MINUS_INFINITY = (_token(*token, MAX_INT + place) for place, token in enumerate(_TOKENS, 1))
_READ_NAN, *_READ_INFINITIES = (_token(*token, MIN_INT + place) for place, token in enumerate(_TOKENS, 1))
_N, _I = b"NI"  # letters of the tokens, which few results have: a search for one byte takes the least time


def encode(values: dict[str, Any], key: str | None = None) -> bytes:
    """Return the bytes that store *values*, after checking every rule; *key* names them in an error.

    Raises:
        InvalidResultError: *values* breaks a rule, or its encoding is larger than the limit.
    """
    try:
        known = values and (are_known(values) or learn_names(values))
        data = (_encode_plain(values) or _encode_marked(values)) if known else None
    except (TypeError, UnicodeEncodeError):
        data = None
    if data is None:
        data = _encode_slow(values, key)
    if len(data) > MAX_RESULT_BYTES:
        reason = f"is {len(data):,} bytes encoded; the limit is {MAX_RESULT_BYTES:,} bytes"
        raise InvalidResultError((Problem(None, reason),), key)
    return data


def encode_twin(twin: msgspec.Struct) -> bytes | None:
    """Return the bytes that store the fields of *twin*, or `None` where only `encode` can write them."""
    data = _encode_json(twin)
    return _indent(data) + b"\n" if data.find(b"null") < 0 else None


def _encode_slow(values: dict[Any, Any], key: str | None) -> bytes:
    normal = {normalised(name): normalised(value) for name, value in values.items()}
    if problems_of(normal):
        from typedtrack._results.other_types import remedy  # here, because it is for other types alone

        raise InvalidResultError(tuple(problems_of(normal, remedy)), key)
    return cast("bytes", _encode_marked(normal))  # `None` would mean a problem


def _encode_plain(values: dict[Any, Any]) -> bytes | None:
    """Return the bytes that store *values* if msgspec writes each exactly. The names are valid.

    Raises:
        TypeError: a name is not exactly a str.
        UnicodeEncodeError: a short str has a lone surrogate.
    """
    for value in values.values():
        kind = type(value)  # pyright: ignore[reportUnknownVariableType]  # value is Any: its type is the question
        if kind is float:
            if value - value != 0.0:  # true of NaN and the infinities alone
                return None
        elif kind is int:
            if not MIN_INT <= value <= MAX_INT:
                return None
        elif kind is not str or (len(value) > MAX_PLAIN_STR and value_problem(value) is not None):
            return None
    return _indent(_encode_json(values)) + b"\n"


def _encode_marked(values: dict[Any, Any]) -> bytes | None:
    """Return the bytes that store *values* if each keeps the rules once it is normalised. The names are valid.

    Raises:
        TypeError, UnicodeEncodeError: as `_encode_plain`.
    """
    marked = values.copy()
    tokens: list[_Token] = []
    exponents: list[Any] = []  # the names of floats that JSON writes with one
    for name, value in values.items():
        kind = type(value)  # pyright: ignore[reportUnknownVariableType]  # as in `_encode_plain`
        if kind is float:
            if 1e-4 <= value < 1e16:  # nearly every float; of the others, JSON writes many with an exponent
                continue
            exact = value
        elif kind is int:
            if MIN_INT <= value <= MAX_INT:
                continue
            return None
        elif kind is str and len(value) <= MAX_PLAIN_STR:
            continue
        else:
            exact = normalised(value)
        if type(exact) is float:
            if 1e-4 <= exact < 1e16:
                pass
            elif exact - exact != 0.0:
                token = _NAN if exact != exact else _INFINITY if exact > 0.0 else _MINUS_INFINITY
                tokens.append(token)
                exact = token.mark
            elif exact != 0.0 and not -1e16 < exact <= -1e-4:
                exponents.append(name)
        elif value_problem(exact) is not None:
            return None
        marked[name] = exact
    # The standard library's `json` writes an exponent as e+20, msgspec as e20. Every release has written e+20 beside a
    # token: equal results stay equal files.
    for name in exponents if tokens else ():
        marked[name] = msgspec.Raw(repr(marked[name]).encode())
    data = _indent(_encode_json(marked)) + b"\n"
    for token in tokens:
        for line, marked_line in token.lines:
            data = data.replace(marked_line, line)  # not within a str, in which no line ends
    return data


def decode(data: bytes, file: str) -> Result:
    """Return the result that *data* holds; *file* names it in an error.

    Raises:
        CorruptResultError: *data* is not a result: not a JSON object, a rule broken, or larger than the limit.
    """
    return decode_fast(data) or decode_slow(data, file)


def decode_fast(data: bytes) -> Result | None:
    """Return the result that *data* holds, or `None` where only `decode_slow` can tell whether it holds one.

    It returns no failure: the field that marks one is never among the remembered names.
    """
    try:
        if len(data) <= MAX_STR_BYTES:  # no str in it can be too long
            values = _decode_short(data)
        elif len(data) <= MAX_RESULT_BYTES:
            values = _decode_plain(data)
        else:
            return None
    except (ValueError, RecursionError):
        return None
    return values if values and (are_known(values) or learn_names(values)) else None


def decode_lines(data: bytes) -> list[Result] | None:
    """Return the results that *data* holds one after the other, or `None` where only `decode` can tell of each.

    They may be on one line, or over several. None of them is a failure.
    """
    try:
        results = _decode_lines(data)
    except (ValueError, RecursionError):
        return None
    known = all(map(are_known, results)) or all(map(learn_names, results))
    return results if known and all(results) else None


def decode_slow(data: bytes, file: str) -> Result:
    """Return the same as `decode`, for a caller that has tried `decode_fast`.

    Raises:
        CorruptResultError: as `decode`.
    """
    if len(data) > MAX_RESULT_BYTES:
        raise too_large(file)
    values = _decode_marked(data) if _N in data or _I in data else None
    if values is None:
        values = _decode_large(data)
    return _decode_json(data, file) if values is None else values


def too_large(file: str) -> CorruptResultError:
    """Return the error for *file*, which is larger than a result may be."""
    reason = f"is larger than the limit of {MAX_RESULT_BYTES:,} bytes"
    return CorruptResultError(file, None, reason, "look at it with the tools of its store, or put a result there")


def _decode_marked(data: bytes) -> Result | None:
    """Return the result in *data* if it is plain but for tokens for NaN and the infinities.

    Only the layout that `encode` writes is marked, in which a line ends with such a token. A line cannot end within a
    str, so the token is not part of one.
    """
    marks: dict[object, float] = {}
    for token in (_READ_NAN, *_READ_INFINITIES) if _I in data else (_READ_NAN,):
        marked = data
        for line, marked_line in token.lines:
            marked = marked.replace(line, marked_line)
        if marked is not data:
            if data.find(token.digits) >= 0:  # perhaps as a value
                return None
            marks[token.mark] = token.number
            data = marked
    values = decode_fast(data) if marks else None
    if values is not None:
        for name, value in values.items():
            if value in marks:  # never a float: no double is equal to a mark
                values[name] = marks[value]
    return values


def _decode_large(data: bytes) -> Result | None:
    """Return the result in *data* if it is plain but for ints past those of 64 bits with a sign, and long strs."""
    try:
        values = _decode_any(data)
    except (ValueError, RecursionError):
        return None
    for value in values.values():
        if isinstance(value, float):
            continue
        if isinstance(value, str):
            if len(value) > MAX_PLAIN_STR and value_problem(value) is not None:
                return None
        elif not MIN_INT <= value <= MAX_INT:
            return None
    return values if values and (are_known(values) or learn_names(values)) else None


def _decode_json(data: bytes, file: str) -> Result:
    document = _parse(data, file)
    if not isinstance(document, dict):
        raise CorruptResultError(file, None, "is JSON, but not an object")
    values = cast("Result", document)  # the checks below raise where it is not one
    for field, value in values.items():
        if isinstance(value, _Beyond):
            raise CorruptResultError(file, field, f"the number {shown(value)} is beyond the limits of int and float")
    if not values:
        raise CorruptResultError(file, None, "has no field, as if absent", "delete the key, or put a result there")
    for problem in problems_of(values):
        got = "" if problem.value is None else f", got {problem.value}"
        raise CorruptResultError(file, problem.field, problem.reason + got)
    return values


def same_result(stored: bytes, data: bytes) -> bool:
    """Return whether *stored* and *data* hold equal results: the same values, types and bits, in any order."""
    if stored == data:
        return True
    try:
        found, given = decode(stored, ""), decode(data, "")
    except CorruptResultError:
        return False
    return {name: repr(value) for name, value in found.items()} == {name: repr(value) for name, value in given.items()}


def holds_failure(data: bytes) -> bool:
    """Return whether *data* holds a failure."""
    try:
        return FAILURE_TYPE in decode(data, "")
    except CorruptResultError:
        return False


def _parse(data: bytes, file: str) -> Any:
    import json  # here, because few results need it and its import takes time

    try:
        return json.loads(data.decode(), parse_float=_float, parse_int=_int)
    except UnicodeDecodeError as error:
        reason = f"is not UTF-8 (byte {error.start})"
    except RecursionError:
        reason = "is nested; a result is a flat object"
    except ValueError as error:
        reason = f"is not JSON: {error}"
        if not data.strip(b"\0"):
            reason = f"{'has only zero bytes' if data else 'is empty'}: {_LOST}"
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
