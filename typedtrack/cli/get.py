"""``typedtrack get``: prints a result, or one field of it."""

from __future__ import annotations

import click

from typedtrack._open import open_tracker
from typedtrack.cli.base_and_key import base_and_key, complete_file
from typedtrack.cli.output import json_option, print_error, print_json, print_table, print_text
from typedtrack.cli.values import value_text
from typedtrack.errors import ResultNotFoundError

__all__ = ["get"]


@click.command()
@click.argument("arguments", metavar="[BASE KEY] [FIELD]", nargs=-1, shell_complete=complete_file)
@json_option
def get(arguments: tuple[str, ...], as_json: bool) -> int:
    """Print a result, or the bare value of one field."""
    place, fields = (arguments[:2], arguments[2:]) if len(arguments) > 1 else ((), arguments)
    if len(fields) > 1:
        raise click.UsageError(f"expected BASE, KEY and one FIELD at most, got: {' '.join(arguments)}")
    base, key = base_and_key(place)
    tracker = open_tracker(base)
    result = tracker.get(key)
    if not result:
        raise ResultNotFoundError(key, repr(tracker))
    if not fields:
        if as_json:
            print_json(result, strict=False)
        else:
            print_table(("field", "value"), [(name, value_text(value)) for name, value in result.items()])
        return 0
    (field,) = fields
    if field not in result:
        print_error(f"key {key!r} has no field {field!r}; it has {', '.join(map(repr, result))}")
        return 1
    if as_json:
        print_json(result[field], strict=False)
    else:
        print_text(value_text(result[field]))
    return 0
