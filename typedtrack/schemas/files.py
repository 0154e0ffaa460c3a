"""Schema files: one document each, in a folder of them; and record classes made of them at run time."""

from __future__ import annotations

import errno
import inspect
import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NoReturn

from typedtrack._bases import local_path
from typedtrack._records.declare import record_class, schema_of
from typedtrack._records.stat import Stat
from typedtrack._schema.records import FieldSchema, RecordSchema
from typedtrack.errors import SchemaError

__all__ = ["SUFFIX", "document_text", "file_name", "load_schemas", "parse_document", "read_schemas"]

SUFFIX: Final = ".schema.json"
"""What the name of a schema file in a folder ends with."""

_MAX_BYTES: Final = 16 * 2**20  # of one file: more than the schema of any result takes
_CAPITALS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def file_name(name: str) -> str:
    """Return the name of the file that the schema of the record *name* is kept in.

    >>> file_name("HTTPEvalResult")
    'http_eval_result.schema.json'
    """
    return _CAPITALS.sub("_", name).lower() + SUFFIX


def document_text(schema: RecordSchema) -> str:
    """Return the text of the file of *schema*: the same for the same schema, ending in a newline."""
    return json.dumps(schema.to_json_schema(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def parse_document(data: bytes, source: str) -> RecordSchema:
    """Return the schema in *data*, the bytes of a schema file; *source* names it in an error.

    Raises:
        SchemaError: *data* are not a supported document.
    """
    try:
        document = json.loads(data.decode("utf-8-sig"), object_pairs_hook=_object, parse_constant=_refuse_constant)
    except RecursionError:
        reason = "is nested too deeply"
    except UnicodeDecodeError as error:
        reason = f"is not UTF-8 (byte {error.start})"
    except ValueError as error:
        reason = f"is not JSON: {error}"
    else:
        return RecordSchema.from_json_schema(document, source)
    raise SchemaError(source, (("", reason),))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the name {next(name for name in names if names.count(name) > 1)!r} is repeated")
    return found


def _refuse_constant(token: str) -> NoReturn:
    raise ValueError(f"{token} is no number of JSON")


def read_schemas(
    path_or_url: str | os.PathLike[str], *, storage_options: Mapping[str, object] | None = None
) -> dict[str, RecordSchema]:
    """Return the schemas at *path_or_url*, by the path or URL of their files.

    It is one file, or a folder: of that its ``*.schema.json``. *storage_options* go to the filesystem of a URL.

    Raises:
        FileNotFoundError: there is none.
        SchemaError: a file is not a supported document.
    """
    path = local_path(path_or_url)
    remote = os.fspath(path_or_url)
    files = _read_remote(remote, storage_options or {}) if path is None else _read_local(Path(path))
    schemas = {source: parse_document(data, source) for source, data in files}
    if not schemas:
        raise FileNotFoundError(f"no *{SUFFIX} in {remote}")
    return schemas


def _read_local(path: Path) -> Iterator[tuple[str, bytes]]:
    files = sorted(path.glob(f"*{SUFFIX}")) if path.is_dir() else [path]
    for file in (file for file in files if not file.is_dir()):
        with file.open("rb") as stream:
            yield str(file), _bounded(stream.read(_MAX_BYTES + 1), str(file))


def _read_remote(url: str, storage_options: Mapping[str, object]) -> Iterator[tuple[str, bytes]]:
    from fsspec.core import url_to_fs  # here, because a local path needs none of it

    filesystem, path = url_to_fs(url, **storage_options)
    paths = [path]
    if filesystem.isdir(path):
        paths = sorted(found for found in filesystem.ls(path, detail=False) if found.endswith(SUFFIX))
    for found in paths:
        source = url if found == path else f"{url.rstrip('/')}/{found.rpartition('/')[2]}"
        try:
            data = filesystem.cat_file(found, 0, _MAX_BYTES + 1)
        except FileNotFoundError as error:  # of which each filesystem says something else
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), source) from error
        yield source, _bounded(data, source)


def _bounded(data: bytes, source: str) -> bytes:
    if len(data) > _MAX_BYTES:
        raise SchemaError(source, (("", f"is larger than {_MAX_BYTES:,} bytes"),))
    return data


def load_schemas(
    path_or_url: str | os.PathLike[str], *, storage_options: Mapping[str, object] | None = None
) -> dict[str, type]:
    """Return record classes made of the schemas at *path_or_url*, by their names, those of nested records among them.

    It is one file, or a folder of ``*.schema.json``; local or any fsspec URL, to whose filesystem *storage_options* go.
    The classes behave as declared ones, and are from the module that calls this: bind them there to pickle them. A
    nested record that is `Stat` is `typedtrack.Stat`.

    Raises:
        FileNotFoundError: there is no schema.
        SchemaError: a file is not a supported document, or two records share a name.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as schemas:
    ...     written = Path(schemas, file_name("Stat")).write_text(document_text(schema_of(Stat)))
    ...     records = load_schemas(schemas)
    >>> records["Stat"](mean=0.5, sem=0.1)
    Stat(mean=0.5, sem=0.1)
    """
    frame = inspect.currentframe()
    caller = frame and frame.f_back
    module: str = caller.f_globals.get("__name__", __name__) if caller else __name__
    made: dict[RecordSchema, type] = {schema_of(Stat): Stat}
    named: dict[str, RecordSchema] = {}
    for source, schema in read_schemas(path_or_url, storage_options=storage_options).items():
        for record in _with_nested(schema):
            if named.setdefault(record.name, record) != record:
                raise SchemaError(
                    source,
                    (("", f"has a record {record.name} unlike another of that name; give one of them another title"),),
                )
        record_class(schema, module, made)
    return {name: made[schema] for name, schema in named.items()}


def _with_nested(schema: RecordSchema) -> Iterator[RecordSchema]:
    for field in schema.fields:
        if not isinstance(field, FieldSchema):
            yield from _with_nested(field.record)
    yield schema
