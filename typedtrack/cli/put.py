"""``typedtrack put``: stores results, checked against a record if one is named."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Any

import click

from typedtrack._open import open_tracker
from typedtrack._results.codec import encode
from typedtrack._results.keys import Key, key_text
from typedtrack._tracker.untyped import ResultTracker
from typedtrack.cli.output import print_error
from typedtrack.cli.places import base_and_key, base_or_environment, environment_place
from typedtrack.cli.values import parse_fields, parse_line, parse_object
from typedtrack.errors import BulkError, InvalidResultError, SchemaMismatchError, TypedtrackError

if TYPE_CHECKING:
    from typedtrack._tracker.typed import TypedTracker

__all__ = ["put"]


@click.command()
@click.argument("arguments", metavar="[BASE KEY] [NAME=VALUE]...", nargs=-1)
@click.option("--str", "texts", metavar="NAME=TEXT", multiple=True, help="A field that is text: --str name=007.")
@click.option("--json", "object_file", type=click.File("rb"), help="Read the fields from a file; - is standard input.")
@click.option("--lines", "lines_file", type=click.File("rb"), help="Read many results: a line each, with its key.")
@click.option("--create", is_flag=True, help="Replace nothing: exit with 1 if the key holds another result.")
@click.option("--record", metavar="MODULE:CLASS", help="Refuse what is not such a record.")
@click.option("--schema", metavar="FILE", help="Refuse what is not a record of this schema.")
def put(
    arguments: tuple[str, ...],
    texts: tuple[str, ...],
    object_file: IO[bytes] | None,
    lines_file: IO[bytes] | None,
    create: bool,
    record: str | None,
    schema: str | None,
) -> int:
    """Store a result, or many.

    A VALUE that is a JSON scalar (0.5, 7, "7", NaN) is stored as that, any other as text.
    """
    cls = _record_class(record, schema)
    if lines_file is not None:
        if len(arguments) > 1 or texts or object_file:
            raise click.UsageError("--lines takes the place of KEY and fields: typedtrack put BASE --lines FILE")
        tracker = open_tracker(base_or_environment(arguments[0] if arguments else None))
        return _put_lines(tracker if cls is None else tracker.typed(cls), lines_file, cls, create=create)

    place, assignments = _split(arguments)
    base, key = base_and_key(place)
    if object_file is None:
        fields: dict[str, Any] = parse_fields(assignments, texts)
    elif assignments or texts:
        raise click.UsageError("--json takes the place of the fields: typedtrack put BASE KEY --json FILE")
    else:
        fields = parse_object(object_file.read(), _name(object_file))
    tracker = open_tracker(base)
    if cls is None:
        (tracker.create if create else tracker.put)(key, fields)
    else:
        view = tracker.typed(cls)
        (view.create if create else view.put)(key, _to_record(cls, key, fields))
    return 0


def _split(arguments: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return base and key, and the assignments; all are assignments if they may be, and the environment has a place."""
    if environment_place() is not None and all("=" in argument for argument in arguments):
        return (), arguments
    return arguments[:2], arguments[2:]


def _name(file: IO[bytes]) -> str:
    return "standard input" if file.name == "<stdin>" else file.name


def _record_class(record: str | None, schema: str | None) -> type[object] | None:
    if record is None and schema is None:
        return None
    if record is not None and schema is not None:
        raise click.UsageError("--record and --schema exclude each other")

    from typedtrack._records.declare import record_class  # here: an untyped put needs no attrs
    from typedtrack.cli.sources import record_classes, schemas_at

    if record is not None:
        found = record_classes(record)
    else:
        found = [record_class(each) for each in schemas_at(schema or "").values()]
    if len(found) > 1:
        names = ", ".join(cls.__name__ for cls in found)
        raise click.UsageError(f"{record or schema} has {len(found)} records; name one of {names}")
    return found[0]


def _to_record(cls: type[object], key: object, fields: dict[str, Any]) -> Any:
    from typedtrack._records.codec import record_codec
    from typedtrack._records.record_type import record_type

    text = key_text(key)
    try:
        return record_codec(record_type(cls)).decode(encode(fields, text), text, closed=True)
    except SchemaMismatchError as error:
        raise InvalidResultError(error.problems, text, error.record) from None


def _put_lines(
    target: ResultTracker | TypedTracker[Key, Any], file: IO[bytes], cls: type[object] | None, *, create: bool
) -> int:
    refused = False

    def results() -> Iterator[tuple[Any, Any]]:
        nonlocal refused
        for number, line in enumerate(file, 1):
            if line.isspace():
                continue
            source = f"{_name(file)}, line {number}"
            try:
                key, fields = parse_line(line, source)
                result = fields if cls is None else _to_record(cls, key, fields)
            except click.UsageError as error:
                print_error(error.message)
                refused = True
            except TypedtrackError as error:
                print_error(f"{source}: {error}")
                refused = True
            else:
                yield key, result

    if create:
        errors: dict[object, Exception] = {}
        for key, result in results():
            try:
                target.create(key, result)
            except Exception as error:
                errors[key] = error
        if errors:
            raise BulkError(errors)
    else:
        target.put_many(results())
    return 2 if refused else 0
