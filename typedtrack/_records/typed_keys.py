"""`key`: typed keys, declared as a class and a template; they become text and are read back from it exactly."""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterator, Mapping
from typing import Final, Generic, Self, TypeVar, cast, dataclass_transform

import attrs

from typedtrack._records.annotations import Leaf, read_annotation, read_leaf
from typedtrack._records.classes import HOOK, Attribute, caller_names, declared_as, define, is_plain
from typedtrack._results.keys import is_key, key_text
from typedtrack._results.values import Value
from typedtrack._schema.fields import FieldSchema
from typedtrack.errors import InvalidKeyError, RecordDefinitionError, not_one, shown

__all__ = ["KeyTemplate", "PlainKeys", "TemplateKeys", "key", "template_keys"]

K = TypeVar("K")

_TEMPLATE: Final = "__typedtrack_key__"  # the class attribute that holds the TemplateKeys
_INT_PATTERN: Final = "0|-?[1-9][0-9]*"  # as `str` writes an int, so that no two texts are the same key
_STR_PATTERN: Final = "[^/]+"


class PlainKeys:
    """Keys that are an `int` or a `str`: their text is read back as a `str`."""

    prefix = ""
    """The whole segments that every key begins with; listing needs to look at no others."""
    argument = ""
    """How the ``repr`` of a view shows its keys."""
    fields: Mapping[str, FieldSchema] = {}
    """The fields of a key, by their names."""

    def values(self, key: object) -> tuple[Value, ...]:
        """Return the values of the fields of *key*; its text, where it has no fields."""
        return (key_text(key),)

    def to_text(self, key: object) -> str:
        """Return the text of *key*, or raise `InvalidKeyError`."""
        return key_text(key)

    def to_key(self, text: str) -> str | None:
        """Return the key that *text* is, `None` if it is none of these keys."""
        return text if is_key(text) else None


class TemplateKeys(Generic[K]):
    """Keys of one class, and the template that their text is made by: `PlainKeys` for typed keys."""

    def __init__(self, cls: type[K], template: str, leaves: dict[str, Leaf]) -> None:
        self.cls = cls
        self._template = template
        self.leaves = leaves
        parts = list(_parts(cls.__name__, template, leaves))
        try:
            key_text("".join(literal if name is None else f"{literal}0" for literal, name in parts))
        except InvalidKeyError as error:
            raise RecordDefinitionError(
                cls.__name__, None, f"has a template of which no key can be: {error.reason}"
            ) from None
        self._match = re.compile("".join(_pattern(literal, name, leaves) for literal, name in parts)).fullmatch
        self.prefix = parts[0][0].rpartition("/")[0]
        self.argument = f", key={cls.__name__}"

    @property
    def fields(self) -> Mapping[str, FieldSchema]:
        """The fields of a key, by their names."""
        return {name: leaf.column for name, leaf in self.leaves.items()}

    def values(self, key: object) -> tuple[Value, ...]:
        """Return the values of the fields of *key*, as they are in its text."""
        wires = (leaf.to_wire(getattr(key, name)) for name, leaf in self.leaves.items())
        return tuple(wire for wire in wires if wire is not None)  # none is: no field of a key is optional

    def check(self, key: object) -> None:
        """Hold *key*, just constructed, to its rules.

        Raises:
            InvalidKeyError: a field's value is refused, the text is no key, or it would be read back as another one.
        """
        for name, leaf in self.leaves.items():
            value = getattr(key, name)
            converted, refused = leaf.convert(value)
            if refused is not None:
                raise InvalidKeyError(shown(key), f"field {name!r} {refused}, got {shown(value)}")
            object.__setattr__(key, name, converted)  # it is frozen, and not yet anyone's
        text = key_text(str(key))
        found = self._fields_of(text)
        if found is None or any(found[name] != getattr(key, name) for name in self.leaves):
            raise InvalidKeyError(shown(key), f"its text {shown(text)} would not be read back as the same key")

    def __reduce__(self) -> tuple[Callable[[type[K]], TemplateKeys[K]], tuple[type[K]]]:
        return template_keys, (self.cls,)

    def to_text(self, key: object) -> str:
        """Return the text of *key*, or raise `InvalidKeyError`."""
        if type(key) is not self.cls:
            raise InvalidKeyError(shown(key), f"a key here is {not_one(self.cls, key)}")
        return self._template.format(**{name: leaf.to_wire(getattr(key, name)) for name, leaf in self.leaves.items()})

    def to_key(self, text: str) -> K | None:
        """Return the key that *text* is, `None` if it is none of these keys."""
        fields = self._fields_of(text) if is_key(text) else None
        return None if fields is None else self.cls(**fields)

    def parse(self, text: str) -> K:
        """Return the key that *text* is, or raise `InvalidKeyError`."""
        found = self.to_key(text) if isinstance(cast("object", text), str) else None
        if found is None:
            raise InvalidKeyError(shown(text), f"is no {self.cls.__name__}, which is written {self._template!r}")
        return found

    def _fields_of(self, text: str) -> dict[str, object] | None:
        match = self._match(text)
        if match is None:
            return None
        fields: dict[str, object] = {}
        for name, leaf in self.leaves.items():
            value, reason = leaf.convert(int(match[name]) if leaf.column.kind == "int" else match[name])
            if reason is not None:
                return None
            fields[name] = value
        return fields


class KeyTemplate:
    """What `key` gives a class; inherit from it for a type checker to know of `parse`.

    >>> @key("{experiment}/trial_{trial}")
    ... class TrialKey(KeyTemplate):
    ...     experiment: str
    ...     trial: int
    >>> str(TrialKey("resnet", 7)), TrialKey.parse("resnet/trial_7").trial
    ('resnet/trial_7', 7)
    """

    __slots__ = ()

    def __str__(self) -> str:
        """Return the key as text."""
        return template_keys(type(self)).to_text(self)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the key that *text* is.

        Raises:
            InvalidKeyError: it is of another form.
        """
        return template_keys(cls).parse(text)


@dataclass_transform(frozen_default=True, order_default=True)
def key(template: str, /) -> Callable[[type[K]], type[K]]:
    """Make a class a typed key, written as *template*: a frozen attrs class that becomes text and is read back exactly.

    The template has each field of the class once, in braces, as `str.format` reads it. A field is an `int` or a `str`
    (or a `Literal` or an enumeration of either); a `str` does not span segments. What stands between two fields must
    tell them apart: ``{name}-{seed}`` takes a seed with ``Meta(ge=0)``, for of ``a--1`` there would be two readings. A
    key that exists is valid: its text keeps the rules of a key and is read back as the same key, or its constructor
    raises `InvalidKeyError`.

    Raises:
        RecordDefinitionError: (when the class is declared) it cannot be a key, or the template is ambiguous.
    """
    if not isinstance(cast("object", template), str):  # used as a decorator without one
        name = getattr(template, "__name__", shown(template))
        raise RecordDefinitionError(name, None, 'is declared without a template; write @key("…/{field}")')
    names = caller_names()

    def declare(cls: type[K]) -> type[K]:
        generated = ("__str__", "parse", HOOK)
        defined, attributes = define(cls, names, _TEMPLATE, generated=generated, check=_check)
        if not issubclass(defined, KeyTemplate):
            defined.__str__ = KeyTemplate.__str__  # type: ignore[assignment]  # its self is then of this class
            defined.parse = classmethod(KeyTemplate.parse.__func__)  # type: ignore[attr-defined]  # for who inherits
        leaves: dict[str, Leaf] = {}
        for attribute in attributes:
            try:
                leaves[attribute.field.name] = _leaf(attribute)
            except ValueError as error:
                raise RecordDefinitionError(cls.__name__, attribute.field.name, str(error)) from error
        setattr(defined, _TEMPLATE, TemplateKeys(defined, template, leaves))
        return defined

    return declare


def _leaf(attribute: Attribute) -> Leaf:
    """Return the field of a key that *attribute* declares.

    Raises:
        ValueError: it cannot be one; the message says why.
    """
    field = attribute.field
    if attribute.base is not None and _TEMPLATE in vars(attribute.base):
        return template_keys(attribute.base).leaves[field.name]
    if field.metadata or not is_plain(field):
        raise ValueError("takes no field(...): its name in the template is its own, a default is written `= value`")
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
    """Return what `key` made of *cls*.

    Raises:
        RecordDefinitionError: *cls* is not a key class.
    """
    found: TemplateKeys[K] = declared_as(cls, _TEMPLATE, "a key class; decorate it with @key(template)")
    return found


def _check(instance: object) -> None:
    template_keys(type(instance)).check(instance)


def _parts(cls: str, template: str, leaves: Mapping[str, Leaf]) -> Iterator[tuple[str, str | None]]:
    """Yield the parts of *template*: a literal, and the name of the field after it (`None` at the end).

    Raises:
        RecordDefinitionError: it does not have every field once, or two keys could have one text.
    """
    try:
        parts = list(string.Formatter().parse(template))
    except ValueError as error:
        raise RecordDefinitionError(cls, None, f"has a template that cannot be read: {error}") from error
    names = [name for _, name, _, _ in parts if name is not None]
    for name in names:
        if name not in leaves:
            raise RecordDefinitionError(cls, None, f"has no field {name!r}, which its template names")
    for name in leaves:
        if names.count(name) != 1:
            raise RecordDefinitionError(cls, name, f"must be in the template {template!r} once")
    if not names:
        raise RecordDefinitionError(cls, None, "has no field; a key without one is a plain str")
    before: str | None = None  # the field before this part, in the same segment
    open_text: str | None = None  # a str field before this part, in the same segment
    for literal, field, spec, conversion in parts:
        if spec or conversion:
            raise RecordDefinitionError(cls, field, "has a format in the template; a field is written as `str` does")
        if "/" in literal:
            before = open_text = None
        if field is not None:
            if before is not None and _runs_on(leaves[before], literal, leaves[field]):
                raise RecordDefinitionError(cls, field, f"follows {before!r} so that nothing tells where one ends")
            is_open = leaves[field].column.kind == "str" and not leaves[field].column.choices
            if is_open and open_text is not None:
                raise RecordDefinitionError(
                    cls, field, f"is a str in one segment with {open_text!r}; put a / between them"
                )
            before = field
            open_text = field if is_open else open_text
        yield literal, field


def _runs_on(before: Leaf, literal: str, after: Leaf) -> bool:
    """Return whether *literal* between two fields could be of the one as well as of the other."""
    if not literal:
        return True
    if after.column.kind == "str" or after.column.choices or before.column.choices:
        return False
    if before.column.kind == "int":
        return literal.isascii() and literal.isdigit()
    lowest, _ = after.column.bounds
    return not literal.strip("0123456789-" if lowest < 0 else "0123456789")


def _pattern(literal: str, name: str | None, leaves: Mapping[str, Leaf]) -> str:
    if name is None:
        return re.escape(literal)
    column = leaves[name].column
    pattern = _INT_PATTERN if column.kind == "int" else _STR_PATTERN
    if column.choices:
        pattern = "|".join(re.escape(str(choice)) for choice in column.choices)
    return f"{re.escape(literal)}(?P<{name}>{pattern})"
