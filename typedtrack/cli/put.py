"""``typedtrack put``: stores results, checked against a record if one is named."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import IO, Any

import click

from typedtrack._open import open_tracker
from typedtrack._results.codec import encode
from typedtrack._results.keys import key_text
from typedtrack.cli.base_and_key import base_and_key, base_or_environment, complete_file, environment_place
from typedtrack.cli.output import print_error
from typedtrack.cli.values import parse_fields, parse_line, parse_object
from typedtrack.errors import BulkError, InvalidResultError, SchemaMismatchError, TypedtrackError

__all__ = ["put"]


_file = click.Path(exists=True, dir_okay=False, allow_dash=True)


@click.command()
@click.argument("arguments", metavar="[BASE KEY] [NAME=VALUE]...", nargs=-1, shell_complete=complete_file)
@click.option("--str", "texts", metavar="NAME=TEXT", multiple=True, help="A field that is text: --str name=007.")
@click.option("--json", "object_file", type=_file, help="Read the fields from a file; - is standard input.")
@click.option("--lines", "lines_file", type=_file, help="Read many results: a line each, with its key.")
@click.option("--create", is_flag=True, help="Replace nothing: exit with 1 if the key holds another result.")
@click.option("--record", metavar="MODULE:CLASS", help="Refuse a result that is not such a record.")
@click.option("--schema", metavar="FILE", help="Refuse a result that does not fit this schema.")
def put(
    arguments: tuple[str, ...],
    texts: tuple[str, ...],
    object_file: str | None,
    lines_file: str | None,
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
        target = _target(base_or_environment(arguments[0] if arguments else None), cls)
        with _reading(lines_file) as (lines, source):
            return _put_lines(target, lines, source, cls, create=create)

    place, assignments = _split(arguments)
    if len(place) == 2 and "=" in place[1] and not (assignments or texts or object_file):
        raise click.UsageError(f"KEY seems to be missing before {place[1]}: typedtrack put BASE KEY NAME=VALUE")
    base, key = base_and_key(place)
    if object_file is None:
        fields: dict[str, Any] = parse_fields(assignments, texts)
    elif assignments or texts:
        raise click.UsageError("--json takes the place of the fields: typedtrack put BASE KEY --json FILE")
    else:
        with _reading(object_file) as (file, source):
            fields = parse_object(file.read(), source)
    target = _target(base, cls)
    (target.create if create else target.put)(key, _result(cls, key_text(key), fields))
    return 0


def _split(arguments: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return base and key, and the assignments; the former may be left out where the environment has them."""
    may_be_left_out = environment_place() is not None and not (arguments and _is_base(arguments[0]))
    if may_be_left_out and all("=" in argument for argument in arguments):
        return (), arguments
    return arguments[:2], arguments[2:]


def _is_base(argument: str) -> bool:
    """Return whether *argument* is a base rather than an assignment, though it may hold a ``=``."""
    return "://" in argument.partition("=")[0] or argument.startswith(("/", "./", "../", "~"))


@contextmanager
def _reading(path: str) -> Generator[tuple[IO[bytes], str]]:
    """Open *path* or standard input; yield it with its name."""
    if path != "-":
        with open(path, "rb") as file:
            yield file, path
    elif sys.stdin is None:  # pyright: ignore[reportUnnecessaryComparison]  # it is None if closed before the start
        raise click.UsageError("standard input is closed")
    else:
        yield sys.stdin.buffer, "standard input"


def _record_class(record: str | None, schema: str | None) -> type[object] | None:
    if record is None and schema is None:
        return None
    if record is not None and schema is not None:
        raise click.UsageError("--record and --schema exclude each other")

    from typedtrack._records.declare import record_class  # here: an untyped put needs no attrs
    from typedtrack.cli.schema_arguments import record_classes, schemas_at

    if record is not None:
        found = record_classes(record)
    else:
        found = [record_class(each) for each in schemas_at(schema or "").values()]
    if len(found) > 1:
        names = ", ".join(cls.__name__ for cls in found)
        raise click.UsageError(f"{record or schema} has {len(found)} records; name one of {names}")
    return found[0]


def _target(base: str, cls: type[object] | None) -> Any:
    """Return the tracker of *base*, or the view of it that takes records of *cls*."""
    tracker = open_tracker(base)
    return tracker if cls is None else tracker.typed(cls)


def _result(cls: type[object] | None, key: str, fields: dict[str, Any]) -> Any:
    """Return *fields* as a record of *cls* stores them."""
    if cls is None:
        return fields

    from typedtrack._records.codec import record_codec
    from typedtrack._records.record_type import record_type

    try:
        return record_codec(record_type(cls)).decode(encode(fields, key), key, closed=True)
    except SchemaMismatchError as error:
        raise InvalidResultError(error.problems, key, error.record) from None


def _put_lines(target: Any, lines: IO[bytes], source: str, cls: type[object] | None, *, create: bool) -> int:
    refused = False
    seen: dict[str, int] = {}  # the line of each key

    def results() -> Iterator[tuple[str, Any]]:
        nonlocal refused
        for number, line in enumerate(lines, 1):
            if line.isspace():
                continue
            where = f"{source}, line {number}"
            try:
                key, fields = parse_line(line, where)
                text = key_text(key)
                if (first := seen.setdefault(text, number)) != number:
                    raise click.UsageError(f"{where}: key {text!r} is given twice, first on line {first}")
                result = _result(cls, text, fields)
            except click.UsageError as error:
                print_error(error.message)
                refused = True
            except TypedtrackError as error:
                print_error(f"{where}: {error}")
                refused = True
            else:
                yield text, result

    if create:
        errors: dict[str, Exception] = {}
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
