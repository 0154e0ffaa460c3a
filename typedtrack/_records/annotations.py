"""Annotations to fields: the types that a field may have, and how its values are taken."""

from __future__ import annotations

import enum
import inspect
import types
import typing
from typing import Annotated, Any, Final, Literal, NewType, Union, cast

import attrs
import msgspec

from typedtrack._records.compiled import Source
from typedtrack._results.values import KINDS, MAX_STR_BYTES, Value, normalised
from typedtrack._schema.records import CONSTRAINTS, MISSING, FieldSchema, KindName

__all__ = ["ATTRS_FIELD", "DEPRECATED", "Annotation", "Leaf", "annotation_of", "leaf", "read_annotation", "read_metas"]

_ALLOWED: Final = (
    "allowed are int, float, str, Literal, IntEnum, StrEnum and another @record class, each also `| None`; the first "
    "three Annotated with msgspec.Meta"
)
ATTRS_FIELD: Final = cast("type[object]", type(attrs.field()))  # whose stubs say Any
"""What stands for a field in a class until attrs has it."""

DEPRECATED: Final[dict[str, Any]] = {"extra_json_schema": {"deprecated": True}}
"""The arguments of `msgspec.Meta` that say so."""

_KIND_TYPES: Final[dict[KindName, type[Value]]] = {"int": int, "float": float, "str": str}


@attrs.frozen
class Annotation:
    """What an annotation says: the bare type, whether `None` is allowed, and the constraints."""

    bare: Any
    optional: bool
    metas: tuple[msgspec.Meta, ...]


def read_annotation(hint: Any) -> Annotation:
    """Take *hint* apart: aliases, `NewType`, ``Annotated`` and ``| None``, in any order.

    Raises:
        ValueError: the declaration of a field is in it.
    """
    optional = False
    metas: list[msgspec.Meta] = []
    while True:
        origin = typing.get_origin(hint)
        if origin is Annotated:
            hint, *extras = typing.get_args(hint)
            if any(isinstance(extra, ATTRS_FIELD) for extra in extras):
                raise ValueError("has field(...) within Annotated, where nothing reads it; write `= field(...)`")
            metas[:0] = [extra for extra in extras if isinstance(extra, msgspec.Meta)]
        elif origin in (Union, types.UnionType) and types.NoneType in typing.get_args(hint):
            optional = True
            hint = Union[tuple(arg for arg in typing.get_args(hint) if arg is not types.NoneType)]  # noqa: UP007
        elif origin is Literal and None in typing.get_args(hint):
            optional = True
            hint = Literal[tuple(arg for arg in typing.get_args(hint) if arg is not None)]
        elif isinstance(hint, NewType):
            hint = hint.__supertype__
        elif type(hint).__name__ == "TypeAliasType":
            hint = hint.__value__
        else:
            return Annotation(hint, optional, tuple(metas))


@attrs.frozen
class Leaf:
    """A field of one value, as a class has it: its schema, and the enumeration that its values become members of."""

    column: FieldSchema
    enumeration: type[enum.Enum] | None = None

    @property
    def python_type(self) -> type:
        """The exact type of the attribute's value."""
        return self.enumeration or _KIND_TYPES[self.column.kind]

    @property
    def default(self) -> object:
        """What the attribute holds where a result has no such field; `MISSING` if it must have one."""
        default = self.column.default
        if default is MISSING and self.column.optional:
            return None
        return default if default in (MISSING, None) or self.enumeration is None else self.enumeration(default)

    def with_default(self, value: object) -> Leaf:
        """Return the same field with the default *value*, as it is on the wire."""
        taken, _ = self.taken(value)  # what it refuses, the rules of a schema's definition report
        return attrs.evolve(self, column=attrs.evolve(self.column, default=self.wire(taken)))

    def wire(self, value: object) -> Value | None:
        """Return *value*, as the attribute holds it, as it is on the wire."""
        return cast("Value | None", value.value if isinstance(value, enum.Enum) else value)

    def taken(self, value: object) -> tuple[object, str | None]:
        """Return *value* as the attribute holds it, or the reason for which the field refuses it."""
        column = self.column
        if value is None and column.optional:
            return None, None
        wire = normalised(self.wire(value) if type(value) is self.enumeration else value)
        if (reason := column.problem(wire)) is not None:
            return value, reason
        if self.enumeration is not None:
            return self.enumeration(wire), None
        return float(cast("float", wire)) if column.kind == "float" else wire, None

    def glance(self, value: str, source: Source) -> str | None:
        """Return a test of the variable *value*, of exactly `python_type`, as source; `None` if all values pass.

        What does not pass may still be a value: `taken` decides.
        """
        column = self.column
        if self.enumeration is not None:
            return None
        if column.choices:
            return f"{value} in {source.name(frozenset(column.choices))}"
        given = {name for name in CONSTRAINTS if getattr(column, name) is not None}
        if given & {"multiple_of", "min_length", "pattern"}:
            return f"{source.name(column.problem)}({value}) is None"
        if column.kind == "str":
            longest = MAX_STR_BYTES if column.max_length is None else min(column.max_length, MAX_STR_BYTES)
            return f"len({value}) <= {longest} and {value}.isascii()"
        if column.kind == "float" and not given:
            return None
        lowest, highest = map(source.name, column.bounds)
        return f"{lowest} <= {value} <= {highest}"


def leaf(annotation: Annotation, **known: Any) -> Leaf:
    """Return the field that *annotation* declares; *known* are the attributes of its schema that it does not say.

    Raises:
        ValueError: there is no such field; the message says why.
    """
    bare: Any = annotation.bare
    if bare in KINDS:
        return Leaf(_field_schema(annotation, bare, (), known))
    if typing.get_origin(bare) is Literal:
        choices = typing.get_args(bare)
        return Leaf(_field_schema(annotation, _only_type(choices, "a Literal"), choices, known))
    if isinstance(bare, type) and issubclass(bare, enum.Enum):
        if issubclass(bare, enum.Flag) or not issubclass(bare, (int, str)):
            raise ValueError(f"has the type {bare.__name__}, an enumeration of other values; {_ALLOWED}")
        choices = tuple(member.value for member in bare)
        if not choices:
            raise ValueError(f"has the type {bare.__name__}, an enumeration without a member; {_ALLOWED}")
        kind = _only_type(choices, bare.__name__)
        if not issubclass(bare, kind):
            raise ValueError(f"has the type {bare.__name__}, whose values are not what its members are; {_ALLOWED}")
        return Leaf(_field_schema(annotation, kind, choices, known), bare)
    raise ValueError(f"has the type {inspect.formatannotation(annotation.bare)}; {_ALLOWED}")


def _only_type(choices: tuple[Any, ...], what: str) -> type:
    for kind in (int, str):
        if all(type(choice) is kind for choice in choices):
            return kind
    raise ValueError(f"has values that are neither all int nor all str in {what}; {_ALLOWED}")


def _field_schema(annotation: Annotation, kind: type, choices: tuple[Any, ...], known: dict[str, Any]) -> FieldSchema:
    constraints = read_metas(annotation, known)
    if kind is float:
        constraints = {name: float(bound) for name, bound in constraints.items()}
    return FieldSchema(
        kind=cast("KindName", kind.__name__),
        optional=annotation.optional,
        choices=choices,
        **constraints,
        **known,
    )


def read_metas(annotation: Annotation, known: dict[str, Any]) -> dict[str, Any]:
    """Return the constraints that *annotation* has; note in *known* what it says besides.

    Raises:
        ValueError: it says more than a field can keep.
    """
    constraints: dict[str, Any] = {}
    for meta in annotation.metas:
        for name in CONSTRAINTS:
            if (bound := getattr(meta, name)) is not None:
                if name in constraints:
                    raise ValueError(f"has the constraint {name} twice")
                constraints[name] = bound
        if meta.description and not known.get("doc"):
            known["doc"] = meta.description
        extra = {name: said for name in ("title", "examples") if (said := getattr(meta, name)) is not None}
        extra.update(meta.extra_json_schema or {})
        known["deprecated"] = extra.pop("deprecated", known.get("deprecated", False))
        if extra:
            raise ValueError(
                f"has {', '.join(extra)} in its Meta; only constraints, description and deprecated are kept"
            )
    return constraints


def annotation_of(column: FieldSchema) -> Any:
    """Return an annotation that declares *column*: what `read_annotation` and `leaf` take apart again."""
    hint: Any = _KIND_TYPES[column.kind]
    if column.choices:
        hint = Literal[column.choices]
    constraints = {name: bound for name in CONSTRAINTS if (bound := getattr(column, name)) is not None}
    if column.deprecated:
        constraints.update(DEPRECATED)
    if constraints:
        hint = Annotated[hint, msgspec.Meta(**constraints)]
    return hint | None if column.optional else hint
