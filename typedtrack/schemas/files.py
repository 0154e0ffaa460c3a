"""Schema files: one document per file, in a folder or at a URL; and record classes made from them at run time."""

from __future__ import annotations

import errno
import inspect
import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from typedtrack._bases import local_path
from typedtrack._records.declare import record_class, schema_of
from typedtrack._records.stat import Stat
from typedtrack._schema.documents.limits import MAX_BYTES
from typedtrack._schema.records import FieldSchema, RecordSchema
from typedtrack.errors import SchemaError

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

__all__ = ["SUFFIX", "check_size", "document_text", "file_name", "load_schemas", "parse_document", "read_schemas"]

SUFFIX: Final = ".schema.json"
"""The end of the name of a schema file in a folder."""

_CAPITALS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def file_name(name: str) -> str:
    """Return the name of the schema file of the record *name*.

    >>> file_name("HTTPEvalResult")
    'http_eval_result.schema.json'
    """
    return _CAPITALS.sub("_", name).lower() + SUFFIX


def document_text(schema: RecordSchema, *, open_content: bool = False) -> str:
    """Return the text of the schema file of *schema*, ending in a newline. Equal schemas give equal text.

    With *open_content* it is the file for generators of other languages, see `RecordSchema.to_json_schema`.
    """
    document = schema.to_json_schema(open_content=open_content)
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def parse_document(data: bytes, source: str) -> RecordSchema:
    """Return the schema in *data*, the bytes of a schema file; errors name it as *source*.

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
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"the name {name!r} is repeated")
        found[name] = value
    return found


def _refuse_constant(token: str) -> NoReturn:
    raise ValueError(f"{token} is not a JSON number")


def read_schemas(
    path_or_url: str | os.PathLike[str], *, storage_options: Mapping[str, object] | None = None
) -> dict[str, RecordSchema]:
    """Return the schemas at *path_or_url* by the path or URL of their files.

    *path_or_url* is a file or a folder of ``*.schema.json``; over HTTP it is a file, since HTTP has no folders. A file
    has at most 16 MiB. *storage_options* are passed to the filesystem of a URL.

    Raises:
        FileNotFoundError: *path_or_url* has no schema.
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
            data = stream.read(MAX_BYTES + 1)
        check_size(len(data), str(file))
        yield str(file), data


def _read_remote(url: str, storage_options: Mapping[str, object]) -> Iterator[tuple[str, bytes]]:
    from fsspec.core import url_to_fs  # here, because local paths do not need it
    from fsspec.implementations.cached import CachingFileSystem

    filesystem, path = url_to_fs(url, **storage_options)
    while isinstance(filesystem, CachingFileSystem):
        filesystem = filesystem.fs  # a cache would copy a file of any size
    over_http = path.startswith(("http://", "https://"))
    paths = [path]
    if not over_http and filesystem.isdir(path):  # over HTTP, isdir would look for links in the file
        paths = sorted(found for found in filesystem.ls(path, detail=False) if found.endswith(SUFFIX))
    for found in paths:
        source = url if found == path else f"{url.rstrip('/')}/{found.rpartition('/')[2]}"
        try:
            data = _read_http(filesystem, found) if over_http else filesystem.cat_file(found, 0, MAX_BYTES + 1)
        except FileNotFoundError as error:  # each filesystem words it differently
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), source) from error
        check_size(len(data), source)
        yield source, data


def _read_http(filesystem: AbstractFileSystem, url: str) -> bytes:
    """Return the file at an HTTP *url*, or the first bytes of it if it is too large.

    A compressed answer could unpack to any size. So we do not unpack it, and refuse it because it is not JSON.
    """
    from typedtrack.backends.http import read_at_most  # here, because local paths do not need it

    return read_at_most(filesystem, url, MAX_BYTES + 1, {"Accept-Encoding": "identity"}, auto_decompress=False)


def check_size(size: int, source: str) -> None:
    """Refuse a schema file of *size* bytes that is too large.

    Raises:
        SchemaError: it is larger than 16 MiB.
    """
    if size > MAX_BYTES:
        raise SchemaError(source, (("", f"is larger than {MAX_BYTES:,} bytes"),))


def load_schemas(
    path_or_url: str | os.PathLike[str], *, storage_options: Mapping[str, object] | None = None
) -> dict[str, type]:
    """Return record classes made from the schemas at *path_or_url*, by name, including nested records.

    *path_or_url* is a file or a folder of ``*.schema.json``, local or at any fsspec URL; over HTTP it is a file. A file
    has at most 16 MiB. *storage_options* are passed to the filesystem of a URL.

    The classes behave as declared ones. They belong to the module that calls this function: bind them there to pickle
    them. A nested record that equals `Stat` is `typedtrack.Stat`.

    Raises:
        FileNotFoundError: *path_or_url* has no schema.
        SchemaError: a file is not a supported document, or two different records have the same name.

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
                reason = f"has a record {record.name} that differs from another of that name; give one another title"
                raise SchemaError(source, (("", reason),))
        record_class(schema, module, made)
    return {name: made[schema] for name, schema in named.items()}


def _with_nested(schema: RecordSchema) -> Iterator[RecordSchema]:
    for field in schema.fields:
        if not isinstance(field, FieldSchema):
            yield from _with_nested(field.record)
    yield schema
