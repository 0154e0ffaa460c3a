"""Lines of an archive: one result or failure with its key, as one line of JSON.

A line is ``{"key": …, field: value, …}``. A result that has a field named ``key`` itself is nested:
``{"key": …, "result": {…}}``, which no flat result can be. Values are written as in the wire format.
"""

from __future__ import annotations

import json
import math
from operator import lt
from typing import Any, Final, cast

import msgspec

from typedtrack._results.codec import decode_lines
from typedtrack._results.keys import are_keys, is_key
from typedtrack._results.values import Result
from typedtrack.errors import CorruptResultError

__all__ = ["ARCHIVE_AGAIN", "are_lines", "line_of", "results_on", "split_line"]

ARCHIVE_AGAIN: Final = "copy the archive again, or archive its base again"
"""The advice of errors about an archive in which no key can be found, so that `get_bytes` would not help."""

_KEY: Final = "key"
_RESULT: Final = "result"
_BEGINS: Final = b'{"key":"'
_NESTED: Final = b',"result":{'

_encode = msgspec.json.Encoder().encode


def line_of(key: str, result: Result) -> bytes:
    r"""Return the line that holds *key* and *result*, which keeps the rules.

    >>> line_of("run/1", {"loss": 0.5})
    b'{"key":"run/1","loss":0.5}\n'
    """
    document: dict[str, object] = {_KEY: key, _RESULT: result} if _KEY in result else {_KEY: key, **result}
    if all(type(value) is not float or math.isfinite(value) for value in result.values()):
        return _encode(document) + b"\n"
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def results_on(lines: bytes) -> list[tuple[str, Result]] | None:
    """Return the keys and results on *lines*, or `None` where only `split_line` can tell.

    `are_lines` checks the keys.
    """
    results = decode_lines(lines)
    if results is None:
        return None
    try:
        keys = [result.pop(_KEY) for result in results]
    except KeyError:
        return None
    if not all(results) or not all(isinstance(key, str) for key in keys):
        return None
    return list(zip(cast("list[str]", keys), results, strict=True))


def are_lines(lines: bytes, keys: list[str], before: str) -> bool:
    """Return whether each of *lines* is one object, and their *keys* are valid, sorted and greater than *before*.

    *keys* are those of all JSON objects in *lines*; the objects do not nest.
    """
    # No line begins within a str, and no object within an object. So an object begins on each line, and nowhere else.
    return (
        lines.startswith(_BEGINS)
        and lines.count(b"\n" + _BEGINS) == len(keys) - 1 == lines.removesuffix(b"\n").count(b"\n")
        and before < keys[0]
        and all(map(lt, keys, keys[1:]))
        and are_keys(keys)
    )


def split_line(line: bytes, file: str) -> tuple[str, bytes]:
    """Return the key of *line*, without its newline, and the JSON of its result, not decoded yet.

    Raises:
        CorruptResultError: the line is not a JSON object with a valid key; *file* names the line.

    >>> split_line(b'{"key":"run/1","loss":0.5}', "sweep.ndjson:1")
    ('run/1', b'{"loss":0.5}')
    """
    if line.startswith(_BEGINS):
        end = line.find(b'"', len(_BEGINS))
        if end > 0 and line[end - 1] != 0x5C and line[end + 1 : end + 2] == b",":  # no escape: nearly every key
            key = line[len(_BEGINS) : end].decode(errors="surrogateescape")  # no key holds such a surrogate
            if is_key(key) and line.find(b'"key":', end) < 0:  # of a repeated name the last value counts
                nested = line.startswith(_NESTED, end + 1)
                return key, line[end + len(_NESTED) : -1] if nested else b"{" + line[end + 2 :]
    return _split_slow(line, file)


def _split_slow(line: bytes, file: str) -> tuple[str, bytes]:
    try:
        document: object = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise CorruptResultError(file, None, f"is not JSON: {error}", ARCHIVE_AGAIN) from None
    if not isinstance(document, dict):
        raise CorruptResultError(file, None, "is JSON, but not an object", ARCHIVE_AGAIN)
    fields = cast("dict[str, Any]", document)
    key = fields.pop(_KEY, None)
    if not isinstance(key, str) or not is_key(key):
        raise CorruptResultError(file, _KEY, "is missing, or is not a key", ARCHIVE_AGAIN)
    result = fields[_RESULT] if fields.keys() == {_RESULT} and isinstance(fields[_RESULT], dict) else fields
    return key, json.dumps(result, ensure_ascii=False).encode(errors="surrogatepass")
