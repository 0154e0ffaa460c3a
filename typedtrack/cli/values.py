"""Fields of a result as text on the command line, and back."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

import click

from typedtrack._results.values import Value
from typedtrack.cli.output import print_error

__all__ = ["parse_fields", "parse_line", "parse_object", "result_text", "value_text"]

_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_TOKENS: Final = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_CONSTANTS: Final = {"true": "write 1", "false": "write 0", "null": "leave the field out"}
_MAX_DIGITS: Final = 1000  # of an int: Python refuses to parse more than 4,300


def parse_fields(arguments: Iterable[str], texts: Iterable[str]) -> dict[str, Value]:
    """Return the fields that *arguments* and *texts* assign, each as ``NAME=VALUE``.

    In *arguments* a value that is a JSON scalar is read as that, and any other is text. In *texts* each value is text.

    Raises:
        click.UsageError: an assignment has no ``=``, or two have one name, or a value is a JSON scalar that no field
            can hold.
    """
    fields: dict[str, Value] = {}
    for are_texts, assignments in ((False, arguments), (True, texts)):
        for assignment in assignments:
            name, equals, text = assignment.partition("=")
            if not equals:
                raise click.UsageError(f"expected NAME=VALUE, got: {assignment}")
            if name in fields:
                raise click.UsageError(f"field {name!r} is given twice")
            fields[name] = text if are_texts else _parse_value(name, text)
    return fields


def _parse_value(name: str, text: str) -> Value:
    if (number := _NUMBER.fullmatch(text)) is not None:
        return _parse_float(text) if number.lastindex else _parse_int(text)
    if text in _TOKENS:
        return _TOKENS[text]
    if text in _CONSTANTS:
        raise click.UsageError(f"{name}={text}: {_CONSTANTS[text]}; for the text: --str {name}={text}")
    if text.startswith('"'):
        import json

        try:
            return str(json.loads(text))
        except ValueError:
            return text
    if not text or _is_like_a_number(text):
        meant = _number_text(text)
        remedy = f"; write {meant} for the number" if meant else ""
        print_error(f"warning: {name}={text} is stored as text; if that is meant: --str {name}={text}{remedy}")
    return text


def _is_like_a_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _number_text(text: str) -> str | None:
    """Return *text*, which is like a number, as a number is written; `None` if it is empty or beyond all limits."""
    try:
        return str(int(text))
    except ValueError:
        value = float(text or "inf")
    return None if math.isinf(value) and "inf" not in text.lower() else value_text(value)


def _parse_int(text: str) -> int:
    if len(text) > _MAX_DIGITS:
        raise click.UsageError(f"a number of {len(text):,} digits is beyond the limits of int and float")
    return int(text)


def _parse_float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise click.UsageError(f"the number {text} is beyond the limits of float; infinity is written Infinity")
    return value


def parse_object(data: bytes, source: str) -> dict[str, Any]:
    """Return the JSON object in *data*, with NaN and the infinities as the wire format writes them.

    Raises:
        click.UsageError: *data*, which *source* names, is not one, or has a name twice.
    """
    import json

    def fields_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        for name, value in pairs:
            if name in fields:
                raise click.UsageError(f"{source}: field {name!r} is given twice")
            fields[name] = value
        return fields

    try:
        document: object = json.loads(data, parse_int=_parse_int, parse_float=_parse_float, object_pairs_hook=fields_of)
    except RecursionError:
        raise click.UsageError(f"{source}: is nested too deeply") from None
    except ValueError as error:
        raise click.UsageError(f"{source}: is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise click.UsageError(f"{source}: is JSON, but not an object")
    return cast("dict[str, Any]", document)  # JSON's names are text


def parse_line(data: bytes, source: str) -> tuple[Any, dict[str, Any]]:
    """Return the key and the fields in *data*, a line as an archive has it.

    That is ``{"key": …, field: value, …}``, or ``{"key": …, "result": {…}}`` for a result with a field ``key``.

    Raises:
        click.UsageError: *data*, which *source* names, is not such a line.
    """
    fields = parse_object(data, source)
    if "key" not in fields:
        raise click.UsageError(f"{source}: has no key")
    key = fields.pop("key")
    nested: object = fields.get("result")
    return key, cast("dict[str, Any]", nested) if isinstance(nested, dict) and len(fields) == 1 else fields


def value_text(value: Value) -> str:
    """Return *value* as text: a `float` as the wire format writes it, a `str` as it is."""
    if isinstance(value, float) and not math.isfinite(value):
        return next(token for token, meant in _TOKENS.items() if repr(meant) == repr(value))
    return str(value)


def result_text(result: Mapping[str, Value]) -> str:
    """Return *result* for people, on one line."""
    return ", ".join(f"{name}={value_text(value)}" for name, value in result.items())
