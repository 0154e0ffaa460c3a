"""Key templates: fields to the text of a key, and back exactly."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from typedtrack._records.annotations import Leaf
from typedtrack._results.keys import key_text
from typedtrack._results.values import Value
from typedtrack.errors import InvalidKeyError, RecordDefinitionError

__all__ = ["Template"]

_INT_PATTERN: Final = "0|-?[1-9][0-9]*"  # `str` writes an int so: two texts are never one key
_STR_PATTERN: Final = "[^/]+"
_PADDING: Final = re.compile("0([1-9][0-9]{0,2})d?").fullmatch


class _Part(NamedTuple):
    """A literal of a template, and the field behind it (`None` at the end)."""

    literal: str
    field: str | None
    padding: str


class Template:
    """A template with a place for each of some fields, as `str.format` reads it."""

    def __init__(self, cls: str, text: str, leaves: Mapping[str, Leaf]) -> None:
        """Parse *text*, the template of the class named *cls*, which has the fields *leaves*.

        Raises:
            RecordDefinitionError: it does not have every field once, or two keys could have one text.
        """
        self.text = text
        self._leaves = leaves
        self._parts = list(_parts(cls, text, leaves))
        sample = "".join(
            part.literal if part.field is None else part.literal + format(0, part.padding) for part in self._parts
        )
        try:
            key_text(sample)
        except InvalidKeyError as error:
            raise RecordDefinitionError(cls, None, f"has a template that no key can follow: {error.reason}") from None
        self._match = re.compile("".join(_pattern(part, leaves) for part in self._parts)).fullmatch
        self.prefix = self._parts[0].literal.rpartition("/")[0]
        """The whole segments with which every key begins."""

    def write(self, values: Mapping[str, Value | None]) -> str:
        """Return the text of the key whose fields have *values*."""
        return self.text.format(**values)

    def read(self, text: str) -> dict[str, object] | None:
        """Return the fields of the key that *text* is, or `None` if it does not follow the template exactly."""
        match = self._match(text)
        if match is None:
            return None
        fields: dict[str, object] = {}
        for _, name, padding in self._parts:
            if name is None:
                continue
            found = match[name]
            stored = int(found) if self._leaves[name].column.kind == "int" else found
            value, reason = self._leaves[name].convert(stored)
            if reason is not None or (padding and format(stored, padding) != found):
                return None
            fields[name] = value
        return fields


def _parts(cls: str, template: str, leaves: Mapping[str, Leaf]) -> Iterator[_Part]:
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
        if "/" in literal:
            before = open_text = None
        if field is not None:
            _check_format(cls, field, spec or "", conversion, leaves[field])
            if before is not None and _runs_on(leaves[before], literal, leaves[field]):
                reason = f"follows {before!r} so that nothing tells where one ends; put a / or other text between them"
                raise RecordDefinitionError(cls, field, reason)
            is_open = leaves[field].column.kind == "str" and not leaves[field].column.choices
            if is_open and open_text is not None:
                reason = f"is a str in one segment with {open_text!r}; put a / between them"
                raise RecordDefinitionError(cls, field, reason)
            before = field
            open_text = field if is_open else open_text
        yield _Part(literal, field, spec or "")


def _check_format(cls: str, field: str, spec: str, conversion: str | None, leaf: Leaf) -> None:
    if conversion or (spec and not (leaf.column.kind == "int" and _PADDING(spec))):
        form = f"{'!' if conversion else ''}{conversion or ''}{':' if spec else ''}{spec}"
        reason = f"has the format {form!r} in the template; only an int has one, which pads it: {{{field}:05d}}"
        raise RecordDefinitionError(cls, field, reason)


def _runs_on(before: Leaf, literal: str, after: Leaf) -> bool:
    """Return whether *literal* between two fields could also be part of one of them."""
    if not literal:
        return True
    if after.column.kind == "str" or after.column.choices or before.column.choices:
        return False
    if before.column.kind == "int":
        return literal.isascii() and literal.isdigit()
    lowest, _ = after.column.bounds
    return not literal.strip("0123456789-" if lowest < 0 else "0123456789")


def _pattern(part: _Part, leaves: Mapping[str, Leaf]) -> str:
    literal, name, padding = part
    if name is None:
        return re.escape(literal)
    column = leaves[name].column
    pattern = _INT_PATTERN if column.kind == "int" else _STR_PATTERN
    if column.choices:
        pattern = "|".join(re.escape(format(choice, padding)) for choice in column.choices)
    elif padding:
        pattern = "-?[0-9]+"  # `read` compares it with the text that would be written
    return f"{re.escape(literal)}(?P<{name}>{pattern})"
