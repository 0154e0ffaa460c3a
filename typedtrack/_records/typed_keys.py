"""`key`: typed keys, declared as a class and a template; they become text and are read back from it exactly."""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Generic, Self, TypeVar, cast, dataclass_transform

import attrs

from typedtrack._records.annotations import Leaf, leaf, read_annotation
from typedtrack._records.classes import caller_names, define, is_plain
from typedtrack._results.keys import is_key, key_text
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

    def to_text(self, key: object) -> str:
        """Return the text of *key*, or raise `InvalidKeyError`."""
        return key_text(key)

    def to_key(self, text: str) -> str | None:
        """Return the key that *text* is, `None` if it is none of these keys."""
        return text if is_key(text) else None


class TemplateKeys(Generic[K]):
    """Keys of one class, and the template that their text is made by: `PlainKeys` for typed keys."""

    def __init__(self, cls: type[K], template: str, leaves: dict[str, Leaf]) -> None:
        self._cls = cls
        self._template = template
        self._leaves = leaves
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

    def check(self, key: object) -> None:
        """Hold *key*, just constructed, to its rules.

        Raises:
            InvalidKeyError: a field's value is refused, the text is no key, or it would be read back as another one.
        """
        for name, leaf_ in self._leaves.items():
            value = getattr(key, name)
            taken, refused = leaf_.taken(value)
            if refused is not None:
                raise InvalidKeyError(shown(key), f"field {name!r} {refused}, got {shown(value)}")
            object.__setattr__(key, name, taken)  # it is frozen, and not yet anyone's
        text = key_text(str(key))
        found = self._fields_of(text)
        if found is None or any(found[name] != getattr(key, name) for name in self._leaves):
            raise InvalidKeyError(shown(key), f"its text {shown(text)} would not be read back as the same key")

    def __reduce__(self) -> tuple[Callable[[type[K]], TemplateKeys[K]], tuple[type[K]]]:
        return template_keys, (self._cls,)

    def to_text(self, key: object) -> str:
        """Return the text of *key*, or raise `InvalidKeyError`."""
        if type(key) is not self._cls:
            raise InvalidKeyError(shown(key), f"a key here is {not_one(self._cls, key)}")
        return self._template.format(**{name: leaf_.wire(getattr(key, name)) for name, leaf_ in self._leaves.items()})

    def to_key(self, text: str) -> K | None:
        """Return the key that *text* is, `None` if it is none of these keys."""
        fields = self._fields_of(text) if is_key(text) else None
        return None if fields is None else self._cls(**fields)

    def parse(self, text: str) -> K:
        """Return the key that *text* is, or raise `InvalidKeyError`."""
        found = self.to_key(text) if isinstance(cast("object", text), str) else None
        if found is None:
            raise InvalidKeyError(shown(text), f"is no {self._cls.__name__}, which is written {self._template!r}")
        return found

    def _fields_of(self, text: str) -> dict[str, object] | None:
        match = self._match(text)
        if match is None:
            return None
        fields: dict[str, object] = {}
        for name, leaf_ in self._leaves.items():
            taken, reason = leaf_.taken(int(match[name]) if leaf_.column.kind == "int" else match[name])
            if reason is not None:
                return None
            fields[name] = taken
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
        defined, attributes = define(cls, _check, names, kw_only=False, made=("__str__", "parse"))
        if not issubclass(defined, KeyTemplate):
            defined.__str__ = KeyTemplate.__str__  # type: ignore[assignment]  # its self is then of this class
            defined.parse = classmethod(KeyTemplate.parse.__func__)  # type: ignore[attr-defined]  # for who inherits
        leaves: dict[str, Leaf] = {}
        for attribute, hint in attributes:
            if attribute.metadata or not is_plain(attribute):
                reason = "takes no field(...): its name in the template is its own, a default is written `= value`"
                raise RecordDefinitionError(cls.__name__, attribute.name, reason)
            try:
                leaves[attribute.name] = _leaf(attribute, hint)
            except ValueError as error:
                raise RecordDefinitionError(cls.__name__, attribute.name, str(error)) from error
        setattr(defined, _TEMPLATE, TemplateKeys(defined, template, leaves))
        return defined

    return declare


def _leaf(attribute: attrs.Attribute[Any], hint: Any) -> Leaf:
    """Return the field of a key that *attribute*, annotated as *hint*, is.

    Raises:
        ValueError: it cannot be one; the message says why.
    """
    allowed = "allowed in a key are int, str, Literal, IntEnum and StrEnum, the first two Annotated with msgspec.Meta"
    try:
        found = leaf(read_annotation(hint), attribute=attribute.name, name=attribute.name)
    except ValueError as error:
        said, _, of_records = str(error).partition("; allowed are ")
        raise ValueError(f"{said}; {allowed}" if of_records else said) from error
    if found.column.kind == "float" or found.column.optional:
        raise ValueError(f"has the type {'float' if found.column.kind == 'float' else '… | None'}; {allowed}")
    if any("/" in str(choice) for choice in found.column.choices):
        raise ValueError("allows a value with a /, which would be two segments")
    if attribute.default is not attrs.NOTHING:
        found = found.with_default(attribute.default)
    for reason in found.column.definition_problems():
        raise ValueError(reason)
    return found


def template_keys(cls: type[K]) -> TemplateKeys[K]:
    """Return what `key` made of *cls*.

    Raises:
        RecordDefinitionError: *cls* is not a key class.
    """
    found = vars(cls).get(_TEMPLATE) if hasattr(cls, "__dict__") else None
    if found is None:
        raise RecordDefinitionError(
            getattr(cls, "__name__", shown(cls)), None, "is not a key class; decorate it with @key(template)"
        )
    return cast("TemplateKeys[K]", found)  # set by `key` alone


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
