"""`key`: typed keys, declared as a class and a template."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Generic, Protocol, Self, cast, dataclass_transform, get_args, get_origin

import attrs

from typedtrack._records.annotations import Leaf, read_annotation, read_leaf
from typedtrack._records.classes import HOOK, Attribute, caller_names, declared_as, define, evaluate, is_plain
from typedtrack._records.record_type import record_type
from typedtrack._records.templates import Template
from typedtrack._results.keys import KEY_CLASS, is_key, key_text, listed_key
from typedtrack._results.values import Value
from typedtrack._schema.fields import FieldSchema
from typedtrack.errors import InvalidKeyError, RecordDefinitionError, expected_instance, shown

if TYPE_CHECKING:
    from typing_extensions import TypeVar  # whose default only type checkers need
else:
    from typing import TypeVar

__all__ = ["KeyClass", "KeyTemplate", "NoRecord", "PlainKeys", "TemplateKeys", "key", "pair", "template_keys"]

K = TypeVar("K")
K_co = TypeVar("K_co", covariant=True)


class PlainKeys:
    """Keys that are an `int` or a `str`, and are read back as a `str`."""

    prefix = ""
    """The whole segments with which every key begins: a listing needs no others."""
    argument = ""
    """The argument that shows the keys in the ``repr`` of a view."""
    fields: Mapping[str, FieldSchema] = {}
    """The fields of a key, by their names."""

    def values(self, key: object) -> tuple[Value, ...]:
        """Return the values of the fields of *key*; its text, where it has no fields."""
        return (key_text(key),)

    to_text = staticmethod(key_text)
    to_key = staticmethod(listed_key)


class TemplateKeys(Generic[K]):
    """The keys of one class; it has the methods of `PlainKeys`."""

    def __init__(self, cls: type[K], template: str, leaves: dict[str, Leaf], record: type | None) -> None:
        self.cls = cls
        self.leaves = leaves
        """The fields, by name, in order."""
        self.record = record
        """The record that the keys carry, if they do."""
        self._template = Template(cls.__name__, template, leaves)
        self.prefix = self._template.prefix
        self.argument = f", key={cls.__name__}"

    @property
    def fields(self) -> Mapping[str, FieldSchema]:
        """The fields of a key, by their names."""
        return {name: leaf.column for name, leaf in self.leaves.items()}

    def values(self, key: object) -> tuple[Value, ...]:
        """Return the values of the fields of *key*, as they are in its text."""
        wires = (leaf.to_wire(getattr(key, name)) for name, leaf in self.leaves.items())
        return tuple(wire for wire in wires if wire is not None)  # for type checkers: fields of keys are not optional

    def check(self, key: object) -> None:
        """Check *key*, which has just been constructed, and convert its values.

        Raises:
            InvalidKeyError: a value is refused, or the text of the key is not a key or would be read as another one.
        """
        for name, leaf in self.leaves.items():
            value = getattr(key, name)
            converted, refused = leaf.convert(value)
            if refused is None and isinstance(converted, str) and "/" in converted:
                refused = "must not hold a /, which would begin a new segment; replace it, for example by -"
            if refused is not None:
                raise InvalidKeyError(shown(key), f"field {name!r} {refused}, got {shown(value)}")
            object.__setattr__(key, name, converted)  # it is frozen
        text = key_text(str(key))
        found = self._template.read(text)
        if found is None or any(found[name] != getattr(key, name) for name in self.leaves):
            raise InvalidKeyError(shown(key), f"its text {shown(text)} would not be read back as the same key")

    def to_text(self, key: object) -> str:
        """Return the text of *key*, or raise `InvalidKeyError`."""
        if type(key) is not self.cls:
            raise InvalidKeyError(shown(key), f"a key here is {expected_instance(self.cls, key)}")
        return self._template.write({name: leaf.to_wire(getattr(key, name)) for name, leaf in self.leaves.items()})

    def to_key(self, text: str) -> K | None:
        """Return the key that *text* is, or `None` if it is not one of these keys."""
        fields = self._template.read(text) if is_key(text) else None
        return None if fields is None else self.cls(**fields)

    def parse(self, text: str) -> K:
        """Return the key that *text* is, or raise `InvalidKeyError`."""
        found = self.to_key(text) if isinstance(cast("object", text), str) else None
        if found is None:
            reason = f"does not follow {self._template.text!r}, the template of {self.cls.__name__}"
            raise InvalidKeyError(shown(text), reason)
        return found


class NoRecord:
    """The record of a `KeyTemplate` without one, for type checkers: ``tracker.typed(TrialKey)`` needs a record."""


if TYPE_CHECKING:
    R_co = TypeVar("R_co", covariant=True, default=NoRecord)
else:
    R_co = TypeVar("R_co", covariant=True)


class KeyTemplate(Generic[R_co]):
    """The base of key classes, so that type checkers know the methods that `key` adds; it may carry a record.

    With the base ``KeyTemplate[EvalResult]``, the class carries the record of its results: ``tracker.typed(TrialKey)``
    has both, and nobody can pair these keys with another record.

    >>> from typedtrack import Stat, open_tracker
    >>> @key("{experiment}/trial_{trial:03d}")
    ... class TrialKey(KeyTemplate[Stat]):
    ...     experiment: str
    ...     trial: int
    >>> str(TrialKey("resnet", 7)), TrialKey.parse("resnet/trial_007").trial
    ('resnet/trial_007', 7)
    >>> view = open_tracker("memory://docs/key_template").typed(TrialKey)
    >>> view[TrialKey("resnet", 7)] = Stat(mean=0.5, sem=0.1)
    """

    __slots__ = ()

    def __str__(self) -> str:
        """Return the key as text."""
        return template_keys(type(self)).to_text(self)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the key that *text* is.

        Raises:
            InvalidKeyError: *text* does not follow the template.
        """
        return template_keys(cls).parse(text)

    if TYPE_CHECKING:  # how a checker finds the record of a class

        @classmethod
        def _record(cls) -> type[R_co]: ...


setattr(KeyTemplate, KEY_CLASS, None)  # so that a class without the decorator is known as a key, too


class KeyClass(Protocol[K_co, R_co]):
    """A key class that carries a record, as type checkers know it: by the methods of `KeyTemplate`."""

    def parse(self, text: str, /) -> K_co:
        """Return the key that *text* is."""
        ...

    def _record(self, /) -> type[R_co]: ...


@dataclass_transform(frozen_default=True, order_default=True)
def key(template: str, /) -> Callable[[type[K]], type[K]]:
    """Make a class a typed key: a frozen attrs class that is written as *template* and read back exactly.

    The template has each field of the class once, in braces, as `str.format` reads it. A field is an `int`, a `str`, a
    `Literal` or an enumeration of either. An `int` may be padded with zeros, ``{trial:05d}``, so that keys sort. No
    `str` holds a ``/``. The text between two fields must tell them apart: ``{name}-{seed}`` needs a *seed* with
    ``Meta(ge=0)``, since ``a--1`` could be read in two ways.

    A key that exists is valid: its text keeps the rules of a key, and is read back as the same key. Its constructor
    raises `InvalidKeyError` otherwise.

    Raises:
        RecordDefinitionError: (when the class is declared) it cannot be a key, or the template is ambiguous.

    >>> @key("{experiment}/trial_{trial}")
    ... class TrialKey:
    ...     experiment: str
    ...     trial: int
    >>> str(TrialKey("resnet", 7))
    'resnet/trial_7'
    """
    if not isinstance(cast("object", template), str):  # used as a decorator without one
        name = getattr(template, "__name__", shown(template))
        raise RecordDefinitionError(name, None, 'is declared without a template; write @key("…/{field}")')
    names = caller_names()

    def declare(cls: type[K]) -> type[K]:
        generated = ("__str__", "parse", HOOK)
        defined, attributes = define(cls, names, KEY_CLASS, generated=generated, check=_check)
        if KeyTemplate not in defined.__mro__:
            defined.__str__ = KeyTemplate.__str__  # type: ignore[assignment]  # its self is then of this class
            defined.parse = classmethod(KeyTemplate.parse.__func__)  # type: ignore[attr-defined]  # for who inherits
        leaves: dict[str, Leaf] = {}
        for attribute in attributes:
            try:
                leaves[attribute.field.name] = _leaf(attribute)
            except ValueError as error:
                raise RecordDefinitionError(cls.__name__, attribute.field.name, str(error)) from error
        record = _carried(defined, names)
        setattr(defined, KEY_CLASS, TemplateKeys(defined, template, leaves, record))
        return defined

    return declare


def _carried(cls: type, names: Mapping[str, Any]) -> type | None:
    """Return the record that is the argument of `KeyTemplate` in the bases of *cls*, if it has one."""
    bases = (origin for base in cls.__mro__ for origin in vars(base).get("__orig_bases__", ()))
    arguments = (argument for base in bases if get_origin(base) is KeyTemplate for argument in get_args(base))
    argument = next(arguments, None)
    if argument is None:
        return None
    try:
        record = evaluate(cls, argument, names)
    except Exception as error:  # an annotation may raise any error
        reason = f"carries {argument}, which cannot be evaluated: {error}; declare or import it above the class"
        raise RecordDefinitionError(cls.__name__, None, reason) from error
    try:
        return record_type(record).cls
    except RecordDefinitionError as error:
        raise RecordDefinitionError(cls.__name__, None, f"carries {shown(record)}, which {error.reason}") from error


def _leaf(attribute: Attribute) -> Leaf:
    """Return the field that *attribute* of a key class declares.

    Raises:
        ValueError: it cannot be a field of a key; the message says why.
    """
    field = attribute.field
    if attribute.base is not None and KEY_CLASS in vars(attribute.base):
        return template_keys(attribute.base).leaves[field.name]
    if field.metadata or not is_plain(field):
        raise ValueError("takes no field(...); write a default as `= value`, and the name of the field in the template")
    allowed = "allowed in a key are int, str, Literal, IntEnum and StrEnum, the first two Annotated with msgspec.Meta"
    try:
        leaf = read_leaf(read_annotation(attribute.hint), attribute=field.name, name=field.name)
    except ValueError as error:
        said, _, of_records = str(error).partition("; allowed are ")
        raise ValueError(f"{said}; {allowed}" if of_records else said) from error
    if leaf.column.kind == "float" or leaf.column.optional:
        raise ValueError(f"has the type {'float' if leaf.column.kind == 'float' else '… | None'}; {allowed}")
    if any("/" in str(choice) for choice in leaf.column.choices):
        raise ValueError("allows a value with a /, which would be two segments")
    if field.default is not attrs.NOTHING:
        leaf = leaf.with_default(leaf.convert(field.default)[0])
    for reason in leaf.column.definition_problems():
        raise ValueError(reason)
    return leaf


def template_keys(cls: type[K]) -> TemplateKeys[K]:
    """Return the `TemplateKeys` of *cls*.

    Raises:
        RecordDefinitionError: *cls* is not a key class.
    """
    found: TemplateKeys[K] = declared_as(cls, KEY_CLASS, "a key class; decorate it with @key(template)")
    return found


def pair(record: type[Any], key: type[Any] | None) -> tuple[type[Any], type[Any] | None]:
    """Return the record and the key class of ``typed(record, key=key)``, where *record* may be a key class alone.

    Raises:
        RecordDefinitionError: the key class carries no record, or another one.
    """
    if key is None:
        is_key_class = isinstance(cast("object", record), type) and hasattr(record, KEY_CLASS)
        return (_carried_by(record), record) if is_key_class else (record, None)
    carried = template_keys(key).record
    if carried is not None and carried is not record:
        reason = f"carries the record {carried.__name__}, so it cannot be paired with {shown(record)}"
        raise RecordDefinitionError(key.__name__, None, reason)
    return record, key


def _carried_by(key: type[Any]) -> type[Any]:
    record = template_keys(key).record
    if record is None:
        remedy = f"inherit from KeyTemplate[Record], or call typed(Record, key={key.__name__})"
        raise RecordDefinitionError(key.__name__, None, f"does not carry a record; {remedy}")
    return record


def _check(instance: object) -> None:
    template_keys(type(instance)).check(instance)
