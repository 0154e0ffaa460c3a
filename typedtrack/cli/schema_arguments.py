"""Arguments of commands: record classes of a module, schemas at a place."""

from __future__ import annotations

import errno
import importlib
import importlib.util
import sys
import traceback
from collections.abc import Mapping
from contextlib import redirect_stdout
from pathlib import Path
from types import ModuleType
from typing import TypeGuard

import click

from typedtrack._bases import local_path
from typedtrack._records.declare import schema_of
from typedtrack._schema.records import RecordSchema
from typedtrack.errors import RecordDefinitionError
from typedtrack.schemas import Older, read_committed, read_schemas

__all__ = ["names_file", "older_schemas", "record_classes", "schemas_at"]


def record_classes(target: str) -> list[type[object]]:
    """Return the record classes that *target* names: ``MODULE:Class``, or ``MODULE`` for all that it defines.

    ``MODULE`` is a dotted name, found in the current folder, too, or the path of a ``.py`` file.

    Raises:
        click.BadParameter: the module or the record class does not exist, or importing the module fails.
    """
    name, colon, cls = target.partition(":")
    module = _import(name)
    if colon:
        found: object = getattr(module, cls, None)
        if not _is_record_class(found):
            raise click.BadParameter(f"{name} has no record class {cls or 'without a name'}")
        return [found]
    classes = [each for each in vars(module).values() if _is_record_class(each) and each.__module__ == module.__name__]
    if not classes:
        raise click.BadParameter(f"{name} defines no record class")
    return classes


def _is_record_class(value: object) -> TypeGuard[type[object]]:
    try:
        schema_of(value)  # type: ignore[arg-type]  # it refuses everything but record classes
    except RecordDefinitionError:
        return False
    return True


def _import(name: str) -> ModuleType:
    path = Path(name)
    folder = str(path.parent) if path.suffix == ".py" else ""
    if folder not in sys.path:
        sys.path.insert(0, folder)  # as `python path/to/module.py` and `python -m module` do
    try:
        with redirect_stdout(sys.stderr):  # the output of the module is not the output of the command
            return _load(path) if path.suffix == ".py" else importlib.import_module(name)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a module may raise anything, also to end the process
        (*_, reason) = traceback.format_exception_only(error)
        raise click.BadParameter(f"cannot import {name}: {reason.strip()}") from error


def _load(path: Path) -> ModuleType:
    name = path.stem
    taken: str | None = getattr(sys.modules.get(name), "__file__", None)
    if name in sys.modules and (taken is None or Path(taken).resolve() != path.resolve()):
        name = str(path.resolve())  # no import statement finds it by this name
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None  # for a name that ends with .py
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # annotations are evaluated there
    spec.loader.exec_module(module)
    return module


def schemas_at(place: str) -> dict[str, RecordSchema]:
    """Return the schemas at *place*, a file, a folder or a URL, by the paths or URLs of their files.

    Raises:
        click.BadParameter: *place* has no schema.
        SchemaError: a file is not a supported document.
    """
    if not place:
        raise click.BadParameter("a path or URL of schemas is empty")
    try:
        return {_from_here(source): schema for source, schema in read_schemas(place).items()}
    except FileNotFoundError as error:
        raise _missing(place, error) from error


def older_schemas(place: str, new: str, alone: bool) -> Older:
    """Return the schemas at *place*, which may also be ``git:REF`` or ``git:REF:PATH`` in the repository of *new*.

    *alone* says that *new* is a single file. Then its schema is compared with the one of a single older file, even if
    their names differ.

    Raises:
        click.BadParameter: *place* has no schema, and is not ``git:REF``.
        SchemaError: a file is not a supported document.
    """
    revision = place.removeprefix("git:")
    if revision == place:
        schemas = schemas_at(place)
        return Older(schemas, alone and names_file(place, schemas))
    if (path := local_path(new)) is None:
        reason = f"git finds the repository by NEW, and {new} is a URL; name a file, a folder or a URL instead"
        raise click.BadParameter(f"no schema at {place}: {reason}")
    try:
        schemas = read_committed(Path(_from_here(path)), revision)
    except FileNotFoundError as error:
        raise _missing(place, error) from error
    return Older(schemas, alone and names_file(revision.partition(":")[2] or new, schemas))


def _missing(place: str, error: FileNotFoundError) -> click.BadParameter:
    reason = "it does not exist" if error.errno == errno.ENOENT else str(error)
    return click.BadParameter(f"no schema at {place}: {reason}")


def names_file(place: str, schemas: Mapping[str, RecordSchema]) -> bool:
    """Return whether *place*, the source of *schemas*, is a file and not a folder, even a folder of one file."""
    return [source.replace(":", "/").rpartition("/")[2] for source in schemas] == [Path(place).name]


def _from_here(source: str) -> str:
    here = Path.cwd()
    return Path(source).relative_to(here).as_posix() if Path(source).is_relative_to(here) else source
