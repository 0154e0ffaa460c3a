"""A class to a frozen attrs class: the part that records and typed keys share.

Every part of the class has an effect; a part without an effect is refused with a remedy.
"""

from __future__ import annotations

import inspect
import operator
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, Final, NamedTuple, TypeVar, cast

import attrs

from typedtrack._records.constraints import ATTRS_FIELD
from typedtrack._schema.identifiers import attribute_problem
from typedtrack.errors import RecordDefinitionError, shown

__all__ = ["HOOK", "Attribute", "caller_names", "declared_as", "define", "evaluate", "is_plain"]

T = TypeVar("T")

HOOK: Final = "__attrs_post_init__"
"""The method of an attrs class that runs at the end of its ``__init__``."""

_ATTRIBUTES: Final = "__attrs_attrs__"
_GENERATED: Final = ("__init__", "__attrs_init__", "__slots__")
_NEVER_RUN: Final = ("__new__", "__post_init__", "__attrs_pre_init__")
_DECORATED: Final = {"__dataclass_fields__": "a dataclass", _ATTRIBUTES: "an attrs class, a record or a key"}
_OTHER_KINDS: Final = {"__pydantic_fields__": "a pydantic model", "__struct_fields__": "a msgspec.Struct"}
_FIELDS_OF_OTHERS: Final = {("dataclasses", "Field"), ("pydantic", "FieldInfo"), ("msgspec", "Field")}
_options: Final = operator.attrgetter("validator", "converter", "eq_key", "hash", "init", "repr", "eq")
_NO_OPTIONS: Final = (None, None, None, None, True, True, True)


class Attribute(NamedTuple):
    """One field of a class."""

    field: attrs.Attribute[Any]
    hint: Any
    """Its annotation, evaluated; `None` if the decorator of *base* has evaluated it."""
    base: type | None
    """The base that it is inherited from; `None` where the class declares it."""


def caller_names() -> Mapping[str, Any]:
    """Return the local names at the call of the function that calls this; annotations may use them."""
    frame = inspect.currentframe()
    for _ in range(2):
        frame = frame and frame.f_back
    return frame.f_locals if frame else {}


def declared_as(cls: type, attribute: str, remedy: str) -> Any:
    """Return the value of *attribute*, which its decorator gave to *cls*.

    Raises:
        RecordDefinitionError: *cls* is not decorated (*remedy* says how), or another decorator has changed it since.
    """
    found = vars(cls).get(attribute) if hasattr(cls, "__dict__") else None
    if found is None:
        raise RecordDefinitionError(getattr(cls, "__name__", shown(cls)), None, f"is not {remedy}")
    if found.cls is not cls or "__dataclass_fields__" in vars(cls):
        raise RecordDefinitionError(cls.__name__, None, "has another decorator above; remove it: one makes the class")
    return found


def define(
    cls: type[T],
    names: Mapping[str, Any],
    marker: str,
    *,
    generated: tuple[str, ...] = (),
    check: Callable[[T], None] | None = None,
) -> tuple[type[T], list[Attribute]]:
    """Make *cls* a frozen attrs class; return it and its fields.

    Args:
        cls: The class.
        names: Names that annotations may use, besides those of the module.
        marker: The attribute that the caller gives to its classes. Fields that such a class hands down have no hint.
        generated: The methods that the caller generates.
        check: A function that ``__init__`` calls at its end: attrs generates ``__init__``, and the class has an order.
            Without it, the fields are keyword-only, and the caller generates ``__init__``.

    Raises:
        RecordDefinitionError: *cls* cannot be such a class.
    """
    _check_kind(cls)
    _check_body(cls, (*_GENERATED, *generated))
    _check_bases(cls, marker, generated)
    _check_values(cls)
    if check is not None:
        setattr(cls, HOOK, check)
    try:
        has_init = check is not None
        defined = attrs.frozen(auto_attribs=True, kw_only=not has_init, init=has_init, order=has_init)(cls)
    except Exception as error:  # attrs may raise any error
        raise RecordDefinitionError(cls.__name__, None, f"cannot be declared: {error}") from error
    if not has_init:
        delattr(defined, "__attrs_init__")  # attrs makes it in place of __init__, and it would check nothing
    return defined, list(_attributes(defined, names, marker))


def _check_kind(cls: type) -> None:
    if not isinstance(cls, type):  # pyright: ignore[reportUnnecessaryIsInstance]  # a caller need not check types
        raise RecordDefinitionError(shown(cls), None, "is not a class")
    for marker, kind in _DECORATED.items():
        if marker in vars(cls):
            reason = f"is {kind} already; remove the other decorator, because this one makes the whole class"
            raise RecordDefinitionError(cls.__name__, None, reason)
    for marker, kind in _OTHER_KINDS.items():
        if hasattr(cls, marker):
            raise RecordDefinitionError(cls.__name__, None, f"is {kind}; decorate a class without that base")


def _check_body(cls: type, generated: tuple[str, ...]) -> None:
    annotated = _annotated(cls)
    for name in annotated:
        problem = f"{name!r} is generated" if name in generated else attribute_problem(name)
        if problem is not None:
            raise RecordDefinitionError(cls.__name__, name, f"cannot be a field: {problem}")
    for name in generated:
        if name in vars(cls):
            raise RecordDefinitionError(cls.__name__, None, f"defines {name}, which is generated from its fields")
    for name in _NEVER_RUN:
        if name in vars(cls):
            raise RecordDefinitionError(
                cls.__name__, None, f"defines {name}, which would never run; {_place_of_checks(generated)}"
            )
    for name, value in vars(cls).items():
        package = type(value).__module__.partition(".")[0]
        if (package, type(value).__name__) in _FIELDS_OF_OTHERS:
            reason = f"has a field of {package} as its default; write `= value`, or use typedtrack.field in a record"
            raise RecordDefinitionError(cls.__name__, name, reason)
        if isinstance(value, ATTRS_FIELD) and name not in annotated:
            raise RecordDefinitionError(cls.__name__, name, f"has no annotation; write `{name}: type = field(...)`")


def _place_of_checks(generated: tuple[str, ...]) -> str:
    return "rules of a key stand in its annotations" if HOOK in generated else f"checks across fields go into {HOOK}"


def _check_bases(cls: type, marker: str, generated: tuple[str, ...]) -> None:
    annotated = _annotated(cls)
    inherited = {name for base in cls.__mro__[1:] for name in _fields(base)}
    for name, value in vars(cls).items():
        if name in inherited and name not in annotated:
            reason = f"is an inherited field; annotate it to change its default: `{name}: type = {shown(value)}`"
            raise RecordDefinitionError(cls.__name__, name, reason)
    for base in cls.__mro__[1:-1]:
        if base.__module__ == "builtins":
            reason = f"inherits from {base.__name__}, which has content of its own; a record or key has only fields"
            raise RecordDefinitionError(cls.__name__, None, reason)
        decorated = _ATTRIBUTES in vars(base)
        for name in () if decorated else _annotated(base):
            if name not in annotated and name not in inherited:
                reason = f"is annotated in {base.__name__}, which is not decorated; declare it here, or decorate that"
                raise RecordDefinitionError(cls.__name__, name, reason)
        never_run = [*_NEVER_RUN]
        if not (decorated or getattr(base, "_is_protocol", False)):  # attrs and typing generate an __init__
            never_run.append("__init__")
        if HOOK in generated and marker not in vars(base):
            never_run.append(HOOK)
        for name in never_run:
            if name in vars(base):
                reason = f"inherits {name} of {base.__name__}, which would never run; {_place_of_checks(generated)}"
                raise RecordDefinitionError(cls.__name__, None, reason)


def _check_values(cls: type) -> None:
    """Refuse a value in the body of *cls* that seems to be a field, but has no annotation."""
    annotated = inspect.get_annotations(cls)
    for name, value in vars(cls).items():
        if name in annotated or name.startswith("_") or name.isupper():
            continue
        if not callable(value) and not hasattr(value, "__get__"):  # neither a method nor a property
            declared = f"`{name}: type = {shown(value)}` for a field, or `{name}: ClassVar = …` for a constant"
            reason = f"has no annotation, so it would not be a field; write {declared}"
            raise RecordDefinitionError(cls.__name__, name, reason)


def _annotated(cls: type) -> dict[str, Any]:
    """Return the annotations that *cls* itself has, without those of class variables."""
    return {name: hint for name, hint in inspect.get_annotations(cls).items() if not _is_class_variable(hint)}


def _is_class_variable(annotation: object) -> bool:
    return str(annotation).strip("'\"").partition("[")[0].endswith("ClassVar")


def _attributes(cls: type, names: Mapping[str, Any], marker: str) -> Iterator[Attribute]:
    names = {**names, cls.__name__: cls}
    annotations = cache(inspect.get_annotations)  # copied once for each class, not for each field
    for field in attrs.fields(cast("type[attrs.AttrsInstance]", cls)):  # attrs.frozen has made it one
        slot = next((vars(base)[field.name] for base in cls.__mro__ if field.name in vars(base)), None)
        if not isinstance(slot, (types.MemberDescriptorType, types.NoneType)):
            reason = f"is hidden by {shown(slot)} of another base; rename one of the two"
            raise RecordDefinitionError(cls.__name__, field.name, reason)
        base = next((base for base in cls.__mro__[1:] if field.inherited and field.name in _fields(base)), None)
        if base is not None and marker in vars(base):
            yield Attribute(field, None, base)
            continue
        owner = cls if base is None else next(owner for owner in base.__mro__ if field.name in _annotated(owner))
        try:
            hint = evaluate(owner, annotations(owner)[field.name], names)
        except Exception as error:  # an annotation may raise any error
            reason = f"has an annotation that cannot be evaluated: {error}; declare or import its names above the class"
            raise RecordDefinitionError(cls.__name__, field.name, reason) from error
        yield Attribute(field, hint, base)


def _fields(cls: type) -> set[str]:
    return {field.name for field in vars(cls).get(_ATTRIBUTES, ())}


def evaluate(owner: type, annotation: Any, names: Mapping[str, Any]) -> Any:
    """Return *annotation*, evaluated with *names* and those of the module of *owner*.

    Raises:
        Exception: the evaluation raises it.
    """
    alone = {"__annotations__": {"alone": annotation}, "__module__": owner.__module__}
    return typing.get_type_hints(type(owner.__name__, (), alone), localns=dict(names), include_extras=True)["alone"]


def is_plain(attribute: attrs.Attribute[Any]) -> bool:
    """Return whether *attribute* uses no option of attrs, besides a default."""
    return attribute.alias == attribute.name and _options(attribute) == _NO_OPTIONS
