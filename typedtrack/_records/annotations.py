"""Annotations to fields: the types that a field may have, and how it converts values to them."""

from __future__ import annotations

import enum
import inspect
import types
import typing
from typing import Annotated, Any, Final, Literal, NewType, Union, cast

import attrs

from typedtrack._records.constraints import DEPRECATED, Constraints, make_meta, read_constraints
from typedtrack._results.values import KINDS, KINDS_BY_NAME, Kind, Value, normalised
from typedtrack._schema.records import CONSTRAINTS, MISSING, FieldSchema

__all__ = ["Annotation", "Leaf", "annotation_of", "needs_decimals", "read_annotation", "read_leaf"]

_ALLOWED: Final = (
    "allowed are int, float, str, Literal, IntEnum, StrEnum and another @record class, each also `| None`; the first "
    "three Annotated with msgspec.Meta"
)
_INSTEAD: Final = {
    "bool": "an int that is 0 or 1",
    "list": "a field for each element",
    "tuple": "a field for each element",
    "set": "a field for each element",
    "frozenset": "a field for each element",
    "dict": "a field for each entry, or another record",
    "ndarray": "a field for each element",
    "bytes": "a str, by .decode() or .hex()",
    "datetime": "a str, by .isoformat()",
    "date": "a str, by .isoformat()",
    "time": "a str, by .isoformat()",
    "timedelta": "a float, by .total_seconds()",
    "Decimal": "a float or a str",
    "Fraction": "a float or a str",
    "complex": "a field for each of its parts",
    "Path": "a str",
    "UUID": "a str",
}
"""The remedy for a type that values cannot have, by the name of that type."""


@attrs.frozen
class Annotation:
    """The parts of an annotation."""

    bare: Any
    """The type."""
    optional: bool
    """Whether `None` is allowed."""
    constraints: Constraints
    """The extras of ``Annotated``."""


def read_annotation(hint: Any) -> Annotation:
    """Return the parts of *hint*, in which aliases, `NewType`, ``Annotated`` and ``| None`` may nest in any order.

    Raises:
        ValueError: ``Annotated`` adds something that has no effect here.
    """
    optional = False
    extras: list[object] = []
    while True:
        origin = typing.get_origin(hint)
        if origin is Annotated:
            hint, *inner = typing.get_args(hint)
            extras[:0] = inner
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
            return Annotation(hint, optional, read_constraints(extras))


@attrs.frozen
class Leaf:
    """A field of one value, as a class holds it: its schema, and the enumeration that its values are members of."""

    column: FieldSchema
    enumeration: type[enum.Enum] | None = None
    least: float | None = None
    """The hook of the record accepts this value and all greater ones: see `Accepted`."""

    @property
    def python_type(self) -> type:
        """The exact type of the attribute's value."""
        return self.enumeration or KINDS_BY_NAME[self.column.kind].type

    @property
    def default(self) -> object:
        """The value of the attribute where a result has no such field; `MISSING` if a result must have it."""
        default = self.column.default
        if default is MISSING and self.column.optional:
            return None
        return default if default in (MISSING, None) or self.enumeration is None else self.enumeration(default)

    def with_default(self, value: object) -> Leaf:
        """Return the same field with the default *value*, as the attribute holds it."""
        return attrs.evolve(self, column=attrs.evolve(self.column, default=self.to_wire(value)))

    def to_wire(self, value: object) -> Value | None:
        """Return *value* of the attribute as it is on the wire."""
        return cast("Value | None", value.value if isinstance(value, enum.Enum) else value)

    def convert(self, value: object) -> tuple[object, str | None]:
        """Return *value* as the attribute holds it, and the reason if the field refuses it."""
        column = self.column
        if value is None and column.optional:
            return None, None
        wire = normalised(self.to_wire(value) if type(value) is self.enumeration else value)
        if (reason := column.problem(wire)) is not None:
            return value, reason
        if self.enumeration is not None:
            return self.enumeration(wire), None
        return float(cast("float", wire)) if column.kind == "float" else wire, None


def needs_decimals(column: FieldSchema) -> bool:
    """Return whether *column* counts multiples in decimals. msgspec counts them in binary, so it cannot check them."""
    return column.kind == "float" and column.multiple_of is not None


def read_leaf(annotation: Annotation, **known: Any) -> Leaf:
    """Return the field that *annotation* declares; *known* are the parts of its schema that an annotation cannot have.

    Raises:
        ValueError: it does not declare a field of one value; the message says why.
    """
    bare: Any = annotation.bare
    if bare in KINDS:
        return Leaf(_field_schema(annotation, KINDS[bare], (), known), least=annotation.constraints.least)
    if typing.get_origin(bare) is Literal:
        kind = _only_kind(typing.get_args(bare), "a Literal")
        # `typing` caches ``Literal["a", "b"] | None``, and returns the first one declared for any order of its values.
        return Leaf(_field_schema(annotation, kind, tuple(sorted(typing.get_args(bare))), known))
    if isinstance(bare, type) and issubclass(bare, enum.Enum):
        if issubclass(bare, enum.Flag) or not issubclass(bare, (int, str)):
            raise ValueError(f"has the type {bare.__name__}, {_wrong_enumeration(bare)}; {_ALLOWED}")
        choices = tuple(member.value for member in bare)
        if not choices:
            raise ValueError(f"has the type {bare.__name__}, an enumeration without a member; {_ALLOWED}")
        kind = _only_kind(choices, bare.__name__)
        if any(normalised(member) != member.value for member in bare):  # a __new__ of its own may make them so
            raise ValueError(f"has the type {bare.__name__}, whose members do not equal their values; {_ALLOWED}")
        return Leaf(_field_schema(annotation, kind, choices, known), bare)
    name: str = getattr(typing.get_origin(annotation.bare) or annotation.bare, "__name__", "")
    instead = f"declare {_INSTEAD[name]}; " if name in _INSTEAD else ""
    raise ValueError(f"has the type {inspect.formatannotation(annotation.bare)}; {instead}{_ALLOWED}")


def _wrong_enumeration(cls: type[enum.Enum]) -> str:
    for kind, wanted in ((str, "a StrEnum"), (int, "an IntEnum")):
        if cls.__members__ and not issubclass(cls, enum.Flag) and all(type(member.value) is kind for member in cls):
            return f"whose members are not {kind.__name__}; make it {wanted}"
    return "an enumeration of other values"


def _only_kind(choices: tuple[Any, ...], holder: str) -> Kind:
    for kind in (int, str):
        if all(type(choice) is kind for choice in choices):
            return KINDS[kind]
    raise ValueError(f"has values that are neither all int nor all str in {holder}; {_ALLOWED}")


def _field_schema(annotation: Annotation, kind: Kind, choices: tuple[Any, ...], known: dict[str, Any]) -> FieldSchema:
    return FieldSchema(
        kind=kind.name,
        optional=annotation.optional,
        choices=choices,
        deprecated=annotation.constraints.deprecated,
        **annotation.constraints.bounds,
        **known,
    )


def annotation_of(column: FieldSchema) -> Any:
    """Return an annotation that declares *column*, the inverse of `read_annotation` and `read_leaf`."""
    hint: Any = KINDS_BY_NAME[column.kind].type
    if column.choices:
        hint = Literal[column.choices]
    constraints = {name: bound for name in CONSTRAINTS if (bound := getattr(column, name)) is not None}
    if column.deprecated:
        constraints.update(DEPRECATED)
    if constraints:
        hint = Annotated[hint, make_meta(constraints)]
    return hint | None if column.optional else hint
