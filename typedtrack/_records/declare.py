"""`record` and `field`: an application's result, declared as a class.

A record class is an attrs class (frozen, slotted, keyword-only) that carries its `RecordType`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Final, TypeVar, cast, dataclass_transform, overload
from weakref import WeakSet

import attrs
from msgspec import Meta

from typedtrack._records.annotations import Annotation, Leaf, annotation_of, read_annotation, read_leaf
from typedtrack._records.classes import Attribute, caller_names, define, is_plain
from typedtrack._records.constraints import DEPRECATED
from typedtrack._records.generated_functions import emit_init
from typedtrack._records.record_type import HOOK, RECORD_TYPE, Member, RecordType, absent, record_type
from typedtrack._results.keys import KEY_CLASS
from typedtrack._schema.docstrings import uncleaned
from typedtrack._schema.records import MISSING, FieldSchema, NestedSchema, RecordSchema
from typedtrack.errors import Problem, RecordDefinitionError, shown

__all__ = ["field", "for_each_record", "record", "record_class", "schema_of"]

R = TypeVar("R")
T = TypeVar("T")

_DECLARATION: Final = "typedtrack"
"""The key of a `_Declaration` in the metadata that attrs keeps of a field."""

_NOT_GIVEN: Final[Any] = object()

_declared: Final[WeakSet[type]] = WeakSet()
_listeners: Final[list[Callable[[type], None]]] = []


@attrs.frozen
class _Declaration:
    """The arguments of `field`; `None` for one that was not given."""

    name: str | None = None
    aliases: tuple[str, ...] | None = None
    doc: str | None = None


@overload
def field(*, name: str | None = None, aliases: Sequence[str] | None = None, doc: str | None = None) -> Any: ...
@overload
def field(
    *, default: T, name: str | None = None, aliases: Sequence[str] | None = None, doc: str | None = None
) -> T: ...
@overload
def field(
    *, factory: Callable[[], T], name: str | None = None, aliases: Sequence[str] | None = None, doc: str | None = None
) -> T: ...
def field(
    *,
    default: Any = attrs.NOTHING,
    factory: Callable[[], Any] | None = None,
    name: str | None = None,
    aliases: Sequence[str] | None = None,
    doc: str | None = None,
) -> Any:
    """Declare the parts of a record's field that its annotation cannot have.

    Args:
        default: The value of the field where neither the constructor nor a stored result has it.
        factory: A function that returns the default. It is called when the class is declared, and must always return
            the same value.
        name: The name on the wire, at most 256 bytes; by default that of the attribute.
        aliases: Names under which older results have the field.
        doc: The meaning of the field, and its unit.

    A field that is declared again in a subclass keeps the name, aliases and doc that are not given anew.

    >>> @record
    ... class Latency:
    ...     p99_ms: float = field(name="latency/p99", aliases=("p99",), doc="Milliseconds.", default=0.0)
    """
    if isinstance(aliases, str):
        raise TypeError(f"aliases are several names, not the str {aliases!r}; write ({aliases!r},)")
    if factory is not None and default is not attrs.NOTHING:
        raise TypeError("a field has a default or a factory, not both")
    if factory is not None:
        default = attrs.Factory(factory)
    declaration = _Declaration(
        name, None if aliases is None else tuple(aliases), None if doc is None else inspect.cleandoc(doc)
    )
    return attrs.field(default=default, metadata={_DECLARATION: declaration})


@overload
@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def record(cls: type[R], /) -> type[R]: ...
@overload
@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def record() -> Callable[[type[R]], type[R]]: ...
def record(cls: type[R] = _NOT_GIVEN, /) -> type[R] | Callable[[type[R]], type[R]]:
    """Make *cls* a record, the declared result of an application.

    It becomes an attrs class: frozen, slotted, keyword-only. Each annotation is a field: an `int`, `float`, `str`,
    `Literal`, `enum.IntEnum` or `enum.StrEnum`, or another record, whose names are flattened with a ``/``. Any of them
    may be ``| None``, and is then absent on the wire when it is `None`. ``Annotated[T, msgspec.Meta(...)]`` constrains
    an `int`, a `float` or a `str`; the constraints of `annotated_types`, and so of pydantic, do the same. A method
    ``__attrs_post_init__`` may check several fields together and raise `ValueError`.

    A record that exists is valid: its constructor raises `InvalidResultError`, which lists every problem. An `int`
    given for a `float` becomes one.

    Raises:
        RecordDefinitionError: *cls* cannot be a record; it names the class, the field and what is allowed.

    >>> @record
    ... class Latency:
    ...     p50_ms: Annotated[float, Meta(ge=0)]
    ...     p99_ms: float
    ...     host: str = ""
    ...
    ...     def __attrs_post_init__(self) -> None:
    ...         if self.p99_ms < self.p50_ms:
    ...             raise ValueError("p99_ms must not be below p50_ms")
    >>> Latency(p50_ms=2, p99_ms=9.5)
    Latency(p50_ms=2.0, p99_ms=9.5, host='')
    """
    names = caller_names()
    if cls is _NOT_GIVEN:  # written as ``@record()``
        return lambda cls: _record(cls, names)
    return _record(cls, names)


def _record(cls: type[R], names: Mapping[str, Any]) -> type[R]:
    if isinstance(cast("object", cls), type) and KEY_CLASS not in vars(cls) and hasattr(cls, KEY_CLASS):
        reason = "inherits from a key class, so it cannot be a record; decorate it with @key(template)"
        raise RecordDefinitionError(cls.__name__, None, reason)
    defined, attributes = define(cls, names, RECORD_TYPE)
    members: list[Member] = []
    fields: list[FieldSchema | NestedSchema] = []
    for attribute in attributes:
        try:
            member, schema = _member(defined, attribute)
        except ValueError as error:
            raise RecordDefinitionError(cls.__name__, attribute.field.name, str(error)) from error
        members.append(member)
        fields.append(schema)
    doc = inspect.cleandoc(cls.__dict__.get("__doc__") or "")
    described = RecordSchema(name=cls.__name__, fields=tuple(fields), doc=doc)
    for name, reason in described.definition_problems(nested=True):
        raise RecordDefinitionError(cls.__name__, name, reason)
    made = RecordType(defined, described, tuple(members))
    for name, value in ((RECORD_TYPE, made), ("__init__", emit_init(made))):
        setattr(defined, name, value)
    _declared.add(defined)
    for callback in _listeners:
        callback(defined)
    return defined


def for_each_record(callback: Callable[[type], None]) -> None:
    """Call *callback* with every record class declared so far, and with each that is declared later."""
    for cls in tuple(_declared):
        callback(cls)
    _listeners.append(callback)


def _member(cls: type, attribute: Attribute) -> tuple[Member, FieldSchema | NestedSchema]:
    """Return how *cls* holds *attribute*, and its schema.

    Raises:
        ValueError: it cannot be a field; the message says why.
    """
    name = attribute.field.name
    if attribute.base is not None and RECORD_TYPE in vars(attribute.base):
        return _of_base(cls, record_type(attribute.base), name)
    if not is_plain(attribute.field):
        raise ValueError("is an attrs.field; use typedtrack.field, and Annotated[..., msgspec.Meta(...)] for its rules")
    annotation = read_annotation(attribute.hint)
    known = _known(cls, attribute.field, annotation)
    default: Any = attribute.field.default
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]  # attrs types the class as a function
        default = _call_factory(default.factory)
    if annotation.bare is cls:
        raise ValueError("is the record itself, which would never end; store inner records under keys of their own")
    if not isinstance(annotation.bare, type) or RECORD_TYPE not in vars(annotation.bare):
        leaf = read_leaf(annotation, **known)
        if default is not attrs.NOTHING:
            default, _ = leaf.convert(default)  # the schema reports a default that the field refuses
            leaf = leaf.with_default(default)
        return Member(name, known["name"], leaf.python_type, annotation.optional, default, leaf), leaf.column
    nested: RecordType[Any] = record_type(annotation.bare)
    if annotation.constraints.bounds:
        raise ValueError("is a record, which takes no constraint; its own fields have them")
    defaults: tuple[Any, ...] | None = ()
    if default is None and annotation.optional:
        defaults = None
    elif default is not attrs.NOTHING:
        if type(default) is not nested.cls:
            reason = f"must be an instance of {nested.cls.__name__}, got {shown(default)}"
            raise ValueError(f"has a default that it refuses: {reason}")
        defaults = tuple(map(Leaf.to_wire, nested.leaves, nested.to_columns(default)))
    schema = NestedSchema(
        record=nested.schema,
        optional=annotation.optional,
        defaults=defaults,
        deprecated=annotation.constraints.deprecated,
        **known,
    )
    return Member(name, known["name"], nested.cls, annotation.optional, default, None), schema


def _of_base(cls: type, base: RecordType[Any], name: str) -> tuple[Member, FieldSchema | NestedSchema]:
    """Return how *cls* holds the attribute that it inherits from *base*, and its schema."""
    pairs = zip(base.members, base.schema.fields, strict=True)
    member, schema = next(pair for pair in pairs if pair[0].attribute == name)
    if member.leaf is not None and getattr(cls, HOOK, None) is not base.hook:  # `Accepted` is about that hook
        member = attrs.evolve(member, leaf=attrs.evolve(member.leaf, least=None))
    return member, schema


def _known(cls: type, field: attrs.Attribute[Any], annotation: Annotation) -> dict[str, Any]:
    """Return the name, aliases and doc of *field*, as it declares them, or else as a base of *cls* does."""
    declared: _Declaration = field.metadata.get(_DECLARATION, _Declaration())
    bases: Iterator[RecordType[Any]] = (record_type(base) for base in cls.__mro__[1:] if RECORD_TYPE in vars(base))
    inherited = (each for base in bases for each in base.schema.fields)
    before = next((each for each in inherited if each.attribute == field.name), None)
    names = declared.name, before and before.name, field.name
    aliases = declared.aliases, before and before.aliases, ()
    docs = declared.doc, annotation.constraints.doc or None, before and before.doc, ""
    first = [next(given for given in choices if given is not None) for choices in (names, aliases, docs)]
    return {"attribute": field.name, **dict(zip(("name", "aliases", "doc"), first, strict=True))}


def _call_factory(factory: Callable[[], Any]) -> Any:
    try:
        default, again = factory(), factory()
    except Exception as error:  # the factory may raise any error
        raise ValueError(f"has a factory that fails: {error}") from error
    if repr(default) != repr(again):
        raise ValueError("has a factory that returns another value at each call; give such a value to the constructor")
    return default


def _default(of: RecordType[R], schema: NestedSchema) -> R:
    """Return the default of the field *schema*, a record of the type *of*."""
    pairs = zip(of.leaves, schema.defaults or (), strict=True)
    columns = (absent(leaf.column) if value is None else leaf.convert(value)[0] for leaf, value in pairs)
    problems: list[Problem] = []
    default = of.from_columns(columns, problems)
    if problems:
        reason = f"has a default that it refuses: {problems[0].reason}"
        raise RecordDefinitionError(schema.record.name, schema.attribute, reason)
    return default


def schema_of(cls: type) -> RecordSchema:
    """Return the schema of the record class *cls*.

    Raises:
        RecordDefinitionError: *cls* is not a record class.

    >>> from typedtrack import Stat
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
    """Return a record class that has *schema*; it behaves like a declared one.

    *module* becomes its ``__module__``. *made* maps schemas to the classes that exist already, and takes the new ones.
    *annotation* returns the annotation that declares a field.

    Raises:
        RecordDefinitionError: no class can have this schema.
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
                declared["default"] = _default(record_type(nested), member)
        namespace[member.attribute] = field(**declared)
    made[schema] = _record(type(schema.name, (), namespace), {})
    return made[schema]
