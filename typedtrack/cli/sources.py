"""What arguments of commands stand for: record classes of a module, schemas at a place."""

from __future__ import annotations

import errno
import importlib
import importlib.util
import sys
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
from typedtrack.schemas import read_committed, read_schemas

__all__ = ["names_file", "record_classes", "record_schemas", "schemas_at"]


def record_classes(target: str) -> list[type[object]]:
    """Return the record classes that *target* names: ``MODULE:Class``, or ``MODULE`` for all that it defines.

    ``MODULE`` is a dotted name, which may be in the current folder, or the path of a ``.py`` file.

    Raises:
        click.BadParameter: there is no such module or no such record class, or the module cannot be imported.
    """
    name, colon, cls = target.partition(":")
    module = _imported(name)
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
        schema_of(value)  # type: ignore[arg-type]  # which refuses all but record classes
    except RecordDefinitionError:
        return False
    return True


def record_schemas(target: str) -> list[RecordSchema]:
    """Return the schemas of the `record_classes` that *target* names.

    Raises:
        click.BadParameter: as there.
    """
    return [schema_of(cls) for cls in record_classes(target)]


def _imported(name: str) -> ModuleType:
    path = Path(name)
    folder = str(path.parent) if path.suffix == ".py" else ""
    if folder not in sys.path:
        sys.path.insert(0, folder)  # as for `python path/to/module.py` and `python -m module`
    try:
        with redirect_stdout(sys.stderr):  # what the module prints is no answer of the command
            return _loaded(path) if path.suffix == ".py" else importlib.import_module(name)
    except (Exception, SystemExit) as error:  # whatever the module raises, be it the wish to end
        raise click.BadParameter(f"cannot import {name}: {type(error).__name__}: {error}") from error


def _loaded(path: Path) -> ModuleType:
    name = path.stem
    taken: str | None = getattr(sys.modules.get(name), "__file__", None)
    if name in sys.modules and (taken is None or Path(taken).resolve() != path.resolve()):
        name = str(path.resolve())  # no import finds it under that
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None  # for a name that ends with .py
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # annotations are looked up there
    spec.loader.exec_module(module)
    return module


def schemas_at(place: str, *, beside: str | None = None) -> dict[str, RecordSchema]:
    """Return the schemas at *place*, by where each is from: a file, a folder, a URL, or ``git:REF``.

    ``git:REF`` is what the path *beside* held as of that commit, branch or tag.

    Raises:
        click.BadParameter: there is none.
        SchemaError: one is not a supported document.
    """
    if not place:
        raise click.BadParameter("schemas are at a path or a URL, which is not empty")
    try:
        if beside is not None and place.startswith("git:"):
            if (path := local_path(beside)) is None:
                reason = f"it is what NEW held then, and {beside} is a URL; name a file, a folder or a URL instead"
                raise click.BadParameter(f"no schema at {place}: {reason}")
            return read_committed(Path(_from_here(path)), place.removeprefix("git:"))
        return {_from_here(source): schema for source, schema in read_schemas(place).items()}
    except FileNotFoundError as error:
        reason = "it does not exist" if error.errno == errno.ENOENT else str(error)
        raise click.BadParameter(f"no schema at {place}: {reason}") from error


def names_file(place: str, schemas: Mapping[str, RecordSchema]) -> bool:
    """Return whether *place*, where *schemas* are from, is one file rather than a folder, be it of one file."""
    return [source.replace(":", "/").rpartition("/")[2] for source in schemas] == [Path(place).name]


def _from_here(source: str) -> str:
    here = Path.cwd()
    return Path(source).relative_to(here).as_posix() if Path(source).is_relative_to(here) else source
