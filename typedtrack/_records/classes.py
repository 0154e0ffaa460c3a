"""A class to a frozen attrs class: what records and typed keys share, whatever their fields are."""

from __future__ import annotations

import inspect
import operator
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeVar, cast

import attrs

from typedtrack._records.annotations import ATTRS_FIELD
from typedtrack.errors import RecordDefinitionError, shown

__all__ = ["CHECK", "caller_names", "define", "is_plain"]

T = TypeVar("T")

CHECK: Final = "__attrs_post_init__"
"""The method of an attrs class that attrs calls at the end of its ``__init__``."""

_MADE: Final = ("__init__", "__new__", "__attrs_init__", "__attrs_pre_init__", CHECK)
_options: Final = operator.attrgetter("validator", "converter", "eq_key", "hash", "init", "repr", "eq")
_PLAIN: Final = (None, None, None, None, True, True, True)


def caller_names() -> Mapping[str, Any]:
    """Return the local names where the function that calls this was called: annotations may use them."""
    frame = inspect.currentframe()
    for _ in range(2):
        frame = frame and frame.f_back
    return frame.f_locals if frame else {}


def define(
    cls: type[T], check: Callable[[T], None], names: Mapping[str, Any], *, kw_only: bool, made: tuple[str, ...] = ()
) -> tuple[type[T], list[tuple[attrs.Attribute[Any], Any]]]:
    """Make *cls* a frozen attrs class whose construction ends with *check*; return it, its attributes and their types.

    *names* are those that annotations may use besides the module's, *made* those that the class gets besides attrs'.

    Raises:
        RecordDefinitionError: it cannot be such a class.
    """
    if not isinstance(cls, type):  # pyright: ignore[reportUnnecessaryIsInstance]  # whoever does not check types
        raise RecordDefinitionError(shown(cls), None, "is no class")
    annotated = inspect.get_annotations(cls)
    for name in (*_MADE, *made):
        if name in annotated:
            raise RecordDefinitionError(cls.__name__, name, "cannot be a field: it is what the class is given")
        if name in cls.__dict__:
            raise RecordDefinitionError(cls.__name__, None, f"defines {name}, which is made from its fields")
    for name, value in vars(cls).items():
        if isinstance(value, ATTRS_FIELD) and name not in annotated:
            raise RecordDefinitionError(cls.__name__, name, "has no annotation, which says what it is")
    if "self" in annotated:
        raise RecordDefinitionError(cls.__name__, "self", "cannot be a field: methods call the object itself so")
    setattr(cls, CHECK, check)
    try:
        defined = attrs.frozen(kw_only=kw_only, auto_attribs=True, order=not kw_only)(cls)
    except Exception as error:  # whatever attrs may raise
        raise RecordDefinitionError(cls.__name__, None, f"cannot be declared: {error}") from error
    if defined.__new__ is not object.__new__:
        reason = "inherits from a class that is made by its own __new__; all that it holds are its fields"
        raise RecordDefinitionError(cls.__name__, None, reason)
    hints = _hints(defined, names)
    attributes = attrs.fields(cast("type[attrs.AttrsInstance]", defined))  # attrs.frozen has made it one
    for attribute in attributes:
        if attribute.name.startswith("_"):
            raise RecordDefinitionError(cls.__name__, attribute.name, "begins with an underscore; a field is public")
    return defined, [(attribute, hints[attribute.name]) for attribute in attributes]


def _hints(cls: type, names: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(cls, localns=dict(names), include_extras=True)
    except Exception as error:  # whatever evaluating an annotation may raise
        attribute = next((name for base in cls.__mro__ for name in _unreadable(base, names)), None)
        reason = f"has an annotation that cannot be evaluated: {error}; what it names must be there at run time, too"
        raise RecordDefinitionError(cls.__name__, attribute, reason) from error


def _unreadable(cls: type, names: Mapping[str, Any]) -> Iterator[str]:
    """Yield the attributes whose annotations in *cls* cannot be evaluated."""
    for name, annotation in inspect.get_annotations(cls).items():
        alone = type(cls.__name__, (), {"__annotations__": {name: annotation}, "__module__": cls.__module__})
        try:
            typing.get_type_hints(alone, localns=dict(names), include_extras=True)
        except Exception:  # as above
            yield name


def is_plain(attribute: attrs.Attribute[Any]) -> bool:
    """Return whether *attribute* is as an annotation makes it, alone or with a default: no option of attrs is used."""
    return attribute.alias == attribute.name and _options(attribute) == _PLAIN
