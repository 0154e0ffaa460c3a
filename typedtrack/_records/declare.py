"""`record`, `field`, `Stat`: what an application returns, declared as a class.

A record class is an attrs class (frozen, slotted, keyword-only) that carries its `RecordType`: the schema, and how its
attributes become the columns of a stored result and back.
"""

from __future__ import annotations

import inspect
import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, Final, TypeGuard, TypeVar, dataclass_transform, overload
from weakref import WeakSet

import attrs
from msgspec import Meta

from typedtrack._records.annotations import DEPRECATED, Annotation, annotation_of, leaf, read_annotation, read_metas
from typedtrack._records.classes import CHECK, caller_names, define, is_plain
from typedtrack._records.record_type import RECORD_TYPE, Member, RecordType, absent, record_type
from typedtrack._results.values import normalised
from typedtrack._schema.docstrings import uncleaned
from typedtrack._schema.records import MISSING, FieldSchema, NestedSchema, RecordSchema
from typedtrack.errors import InvalidResultError, Problem, RecordDefinitionError, shown

__all__ = ["Stat", "field", "for_each_record", "record", "record_class", "schema_of"]

R = TypeVar("R")
T = TypeVar("T")

_DECLARATION: Final = "typedtrack"  # the key of a field's declaration in its attrs metadata

_MAX_FLOAT: Final = sys.float_info.max

_declared: Final[WeakSet[type]] = WeakSet()
_listeners: Final[list[Callable[[type], None]]] = []


@attrs.frozen
class _Declaration:
    name: str | None
    aliases: tuple[str, ...]
    doc: str


@overload
def field(*, name: str | None = None, aliases: Sequence[str] = (), doc: str = "") -> Any: ...
@overload
def field(*, default: T, name: str | None = None, aliases: Sequence[str] = (), doc: str = "") -> T: ...
@overload
def field(*, factory: Callable[[], T], name: str | None = None, aliases: Sequence[str] = (), doc: str = "") -> T: ...
def field(
    *,
    default: Any = attrs.NOTHING,
    factory: Callable[[], Any] | None = None,
    name: str | None = None,
    aliases: Sequence[str] = (),
    doc: str = "",
) -> Any:
    """Declare what the annotation of a record's field does not say.

    *name* is its name on the wire (by default that of the attribute), *aliases* are names that older results have it
    under, *doc* says what it is and its unit. *default* (or what *factory* returns, the same at each call) is what the
    field has when neither the constructor nor a stored result gives it.

    >>> @record
    ... class Latency:
    ...     p99_ms: float = field(name="latency/p99", aliases=("p99",), doc="Milliseconds.", default=0.0)
    """
    if isinstance(aliases, str):
        raise TypeError(f"aliases are several names, not the str {aliases!r}; write ({aliases!r},)")
    declaration = _Declaration(name, tuple(aliases), inspect.cleandoc(doc))
    if factory is not None and default is not attrs.NOTHING:
        raise TypeError("a field has a default or a factory, not both")
    if factory is not None:
        default = attrs.Factory(factory)
    return attrs.field(default=default, metadata={_DECLARATION: declaration})


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def record(cls: type[R], /) -> type[R]:
    """Make *cls* a record: what an application returns, declared.

    It becomes an attrs class: frozen, slotted, keyword-only. Each annotation is a field: an `int`, `float`, `str`,
    `Literal`, `enum.IntEnum` or `enum.StrEnum`, any of them also ``| None`` (absent on the wire when `None`) and the
    first three constrained by ``Annotated[T, msgspec.Meta(...)]``; or another record, also ``| None``, whose names are
    flattened with a ``/``. A record that exists is valid: its constructor raises `InvalidResultError` with every
    problem. An `int` given for a `float` becomes one.

    Raises:
        RecordDefinitionError: *cls* cannot be a record; names the class, the field and what is allowed.

    >>> @record
    ... class EvalResult:
    ...     accuracy: Annotated[float, Meta(ge=0, le=1)]
    ...     l2norm: Stat
    ...     split: str = "test"
    >>> EvalResult(accuracy=1, l2norm=Stat(mean=0.5, sem=0.1))
    EvalResult(accuracy=1.0, l2norm=Stat(mean=0.5, sem=0.1), split='test')
    """
    return _record(cls, caller_names())


def _record(cls: type[R], names: Mapping[str, Any]) -> type[R]:
    defined, attributes = define(cls, _check_closely, names, kw_only=True)
    members: list[Member] = []
    fields: list[FieldSchema | NestedSchema] = []
    for attribute, hint in attributes:
        try:
            member, schema = _member(defined, attribute, read_annotation(hint))
        except ValueError as error:
            raise RecordDefinitionError(cls.__name__, attribute.name, str(error)) from error
        members.append(member)
        fields.append(schema)
    doc = inspect.cleandoc(cls.__dict__.get("__doc__") or "")
    described = RecordSchema(name=cls.__name__, fields=tuple(fields), doc=doc)
    for name, reason in described.definition_problems():
        raise RecordDefinitionError(cls.__name__, name, reason)
    made = RecordType(defined, described, tuple(members))
    setattr(defined, RECORD_TYPE, made)
    setattr(defined, CHECK, made.checker(_check_closely))
    _declared.add(defined)
    for tell in _listeners:
        tell(defined)
    return defined


def for_each_record(tell: Callable[[type], None]) -> None:
    """Call *tell* with every record class that there is, and with each that is still to come."""
    for cls in tuple(_declared):
        tell(cls)
    _listeners.append(tell)


def _check_closely(instance: object) -> None:
    record_type(type(instance)).check_closely(instance)


def _member(
    cls: type, attribute: attrs.Attribute[Any], annotation: Annotation
) -> tuple[Member, FieldSchema | NestedSchema]:
    """Return how *cls* holds *attribute*, and its schema.

    Raises:
        ValueError: it cannot be a field; the message says why.
    """
    declaration = attribute.metadata.get(_DECLARATION, _Declaration(None, (), ""))
    if not is_plain(attribute):
        raise ValueError("is an attrs.field; use typedtrack.field, and Annotated[..., msgspec.Meta(...)] for its rules")
    default: Any = attribute.default
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]  # attrs types the class as a function
        default = _made_by(default.factory)
    known: dict[str, Any] = {
        "attribute": attribute.name,
        "name": attribute.name if declaration.name is None else declaration.name,
        "aliases": declaration.aliases,
        "doc": declaration.doc,
    }
    put = getattr(cls, attribute.name).__set__
    nested = annotation.bare.__dict__.get(RECORD_TYPE) if isinstance(annotation.bare, type) else None
    if nested is None:
        found = leaf(annotation, **known)
        if default is not attrs.NOTHING:
            found = found.with_default(default)
        column = found.column
        return Member(attribute.name, column.name, found, found.python_type, column.optional, put), column
    if read_metas(annotation, known):
        raise ValueError("is a record, which takes no constraint; its own fields have them")
    optional = annotation.optional
    defaults: tuple[Any, ...] | None = ()
    if default is None and optional:
        defaults = None
    elif default is not attrs.NOTHING:
        if type(default) is not annotation.bare:
            raise ValueError(
                f"has a default that it refuses: must be a {annotation.bare.__name__}, got {shown(default)}"
            )
        defaults = tuple(getattr(value, "value", value) for value in nested.columns(default))
    schema = NestedSchema(record=nested.schema, optional=optional, defaults=defaults, **known)
    return Member(attribute.name, known["name"], nested, annotation.bare, optional, put), schema


def _made_by(factory: Callable[[], Any]) -> Any:
    try:
        default, again = factory(), factory()
    except Exception as error:  # whatever it may raise
        raise ValueError(f"has a factory that fails: {error}") from error
    if repr(default) != repr(again):
        reason = "has a factory that does not return the same at each call, as a default must; give such a value to"
        raise ValueError(f"{reason} the constructor")
    return default


def schema_of(cls: type) -> RecordSchema:
    """Return the schema of the record class *cls*.

    Raises:
        RecordDefinitionError: *cls* is not a record class.

    >>> [column.name for column in schema_of(Stat).columns]
    ['mean', 'sem']
    """
    return record_type(cls).schema


def record_class(
    schema: RecordSchema,
    module: str = __name__,
    made: dict[RecordSchema, type[object]] | None = None,
    annotation: Callable[[FieldSchema], Any] = annotation_of,
) -> type[object]:
    """Return a record class, made now, whose schema is *schema*; it behaves as a declared one.

    *module* is the name of the module that it says it is from. *made* has the classes that there are already, for this
    schema and those nested in it, and takes up the new ones. *annotation* returns one that declares a field.

    Raises:
        RecordDefinitionError: no class can be made of it.
    """
    made = {} if made is None else made
    if schema in made:
        return made[schema]
    annotations: dict[str, Any] = {}
    namespace: dict[str, Any] = {
        "__annotations__": annotations,
        "__module__": module,
        "__doc__": uncleaned(schema.doc) or None,
    }
    for member in schema.fields:
        declared: dict[str, Any] = {"name": member.name, "aliases": member.aliases, "doc": uncleaned(member.doc)}
        if isinstance(member, FieldSchema):
            annotations[member.attribute] = annotation(member)
            if member.default is not MISSING:
                declared["default"] = member.default
        else:
            nested = record_class(member.record, module, made, annotation)
            hint: Any = nested | None if member.optional else nested
            annotations[member.attribute] = Annotated[hint, Meta(**DEPRECATED)] if member.deprecated else hint
            if member.defaults is None:
                declared["default"] = None
            elif member.defaults:
                of = record_type(nested)
                columns = zip(of.leaves, member.defaults, strict=True)
                declared["default"] = of.of_columns(
                    absent(leaf.column) if default is None else leaf.taken(default)[0] for leaf, default in columns
                )
        namespace[member.attribute] = field(**declared)
    made[schema] = _record(type(schema.name, (), namespace), {})
    return made[schema]


@record
class Stat:
    """A mean and the standard error of it: stored as ``<field>/mean`` and ``<field>/sem``."""

    mean: float
    sem: Annotated[float, Meta(ge=0)]

    @classmethod
    def of(cls, samples: Iterable[float]) -> Stat:
        """Return the mean of *samples* and its standard error: their sample standard deviation over √n.

        Raises:
            InvalidResultError: there are fewer than two samples, or one is not finite.

        >>> Stat.of([1.0, 2.0, 3.0])
        Stat(mean=2.0, sem=0.5773502691896258)
        """
        values = [normalised(sample) for sample in samples]
        count = len(values)
        if count < 2:
            reason = f"a standard error takes two samples or more, not {count}; store a float instead"
            raise InvalidResultError((Problem("sem", reason),), None, cls.__name__)
        numbers = [float(value) for value in values if _is_finite(value)]
        if len(numbers) < count:
            odd = next(value for value in values if not _is_finite(value))
            problem = Problem("mean", "every sample is a finite int or float", shown(odd))
            raise InvalidResultError((problem,), None, cls.__name__)
        scale = math.frexp(max(map(abs, numbers)))[1]  # by powers of two, exactly: no sum or square is beyond a double
        scaled = [math.ldexp(number, -scale) for number in numbers]
        mean = math.fsum(scaled) / count
        mean += math.fsum(number - mean for number in scaled) / count  # what the sum and the division rounded off
        sem = math.hypot(*(number - mean for number in scaled)) / math.sqrt(count * (count - 1))
        return cls(mean=math.ldexp(mean, scale), sem=math.ldexp(sem, scale))


def _is_finite(sample: object) -> TypeGuard[int | float]:
    return (type(sample) is float and math.isfinite(sample)) or (type(sample) is int and abs(sample) <= _MAX_FLOAT)
