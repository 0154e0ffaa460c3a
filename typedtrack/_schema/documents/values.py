"""The second stage: the subschema of a property to a field of one value."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final, cast

import attrs

from typedtrack._results.values import KINDS, KINDS_BY_NAME, MAX_STR_BYTES, KindName
from typedtrack._schema.documents.keywords import KEYWORDS, Role
from typedtrack._schema.documents.pointers import pointer
from typedtrack._schema.documents.problems import Problems, shown_keyword
from typedtrack._schema.documents.references import Resolved
from typedtrack._schema.documents.terms import KINDS_BY_JSON_TYPE, NON_FINITE
from typedtrack._schema.fields import MISSING, FieldSchema
from typedtrack._schema.identifiers import attribute_name, attribute_problem
from typedtrack.errors import shown

__all__ = ["Member", "finite", "non_finite", "of_kind", "read_value"]

_OF_VALUES: Final = frozenset({Role.ANYWHERE, Role.FIELD, Role.VALUE})
_ROLES: Final[Mapping[KindName, frozenset[Role]]] = {
    kind.name: _OF_VALUES | {Role.NUMBER if kind.is_number else Role.TEXT} for kind in KINDS.values()
}
_KEYWORDS_OF: Final[dict[str, tuple[str, ...]]] = {
    **{row.constraint: (keyword,) for keyword, row in KEYWORDS.items() if row.constraint},
    "pattern": ("pattern", "x-typedtrack-pattern"),
    "attribute": ("x-typedtrack-attribute",),
    "aliases": ("x-typedtrack-aliases",),
    "choices": ("enum", "const"),
    "default": ("default", "x-typedtrack-default"),
}
"""Attribute of `FieldSchema` to the keywords that may tell it."""
_INTEGER_FORMATS: Final[dict[str, tuple[int | None, int | None]]] = {
    **{f"int{bits}": (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for bits in (8, 16, 32)},
    **{f"uint{bits}": (0, 2**bits - 1) for bits in (8, 16, 32)},
    "byte": (0, 255),
    **dict.fromkeys(("int", "int64", "long"), (None, None)),  # an int has 64 bits in any case
    **dict.fromkeys(("uint", "uint64", "ulong"), (0, None)),
}
"""The least and the greatest integer of the formats that generators write."""
_FLOAT_FORMATS: Final = frozenset({"float", "float32", "float64", "double", "decimal", "decimal128"})
_REMEDIES: Final = {
    "boolean": "; store 0 or 1 as an integer, or an enum of two strings",
    "array": "; give each element a property of its own",
    "null": "; leave the property out",
    "absent": "; write one of these",
}


@attrs.frozen(eq=False)
class Member:
    """A field of an object: of one value, or a nested record."""

    name: str
    required: bool
    resolved: Resolved
    """The subschema of its property."""
    declared: bool = False
    """Whether ``x-typedtrack-nested`` declares it: its columns are properties beside it."""
    value: FieldSchema | None = None
    """The field, if it is one of one value."""

    @property
    def aliases(self) -> tuple[str, ...]:
        """The older names."""
        return self.resolved.keywords.get("x-typedtrack-aliases", ())

    @property
    def attribute(self) -> str:
        """The Python attribute: the one given, or the one by rule."""
        return self.resolved.keywords.get("x-typedtrack-attribute", attribute_name(self.name))

    @property
    def where(self) -> str:
        """The JSON Pointer of the property."""
        return self.resolved.node.pointer

    def place(self, part: str, index: int | None = None) -> str:
        """Return the JSON Pointer of *part*, an attribute of `FieldSchema`; of an element of it, by *index*."""
        keywords = {**self.resolved.keywords}
        keyword = next((keyword for keyword in _KEYWORDS_OF.get(part, ()) if keyword in keywords), None)
        if keyword is None:
            return self.where
        value = keywords[keyword]
        if index is None or not isinstance(value, tuple):
            return self.resolved.place(keyword)
        elements = cast("tuple[object, ...]", value)
        indices = [number for number, each in enumerate(elements) if each is not None]
        return self.resolved.element_place(keyword, indices[index])

    def default_place(self, name: str) -> str:
        """Return the JSON Pointer of the default of the column *name* of a nested record."""
        for keyword in ("default", "x-typedtrack-default"):
            values = {**self.resolved.keywords}.get(keyword)
            if isinstance(values, Mapping) and name in values:
                return self.resolved.place(keyword) + pointer(name)
        return self.place("default")

    def check_attribute(self, problems: Problems) -> None:
        """Add a problem if a record cannot have the attribute."""
        if (reason := attribute_problem(self.attribute)) is not None:
            reason = f"as a Python attribute, {reason}; name another by x-typedtrack-attribute"
            problems.add(self.place("attribute"), reason)


def read_value(member: Member, problems: Problems) -> Member | None:
    """Return *member*, which is not an object, with its field; `None` if its kind is not clear."""
    resolved, keywords, before = member.resolved, member.resolved.keywords, problems.count
    choices = _choices(resolved, problems)
    kind = _kind(resolved, choices, problems)
    if kind is None:
        return None
    holder = f"the type {KINDS_BY_NAME[kind].json_type}"
    resolved.refuse_others(_ROLES[kind], holder, problems)
    resolved.refuse_others(_ROLES[kind], holder, problems, beside=True)
    if keywords.get("x-typedtrack-max-bytes", MAX_STR_BYTES) != MAX_STR_BYTES:
        place = resolved.place("x-typedtrack-max-bytes")
        problems.add(place, f"is always {MAX_STR_BYTES}; bound the string by maxLength")
    if {"pattern", "x-typedtrack-pattern"} <= keywords.keys():
        problems.add(resolved.place("x-typedtrack-pattern"), "does not apply beside pattern")
    least, greatest = _format(resolved, kind, problems)
    given = _default(resolved, kind, problems)
    if problems.count > before:
        return None
    constraints: dict[str, Any] = {
        row.constraint: of_kind(value, kind)
        for keyword, value in keywords.items()
        if (row := KEYWORDS[keyword]).constraint is not None
    }
    optional = resolved.nullable or (not member.required and given in (MISSING, None))
    if given is MISSING and optional and not member.required and not keywords.get("x-typedtrack-no-default"):
        given = None
    field = FieldSchema(
        attribute=member.attribute,
        name=member.name,
        kind=kind,
        optional=optional,
        choices=choices,
        default=cast("Any", given),  # the rules of fields refuse other objects
        aliases=member.aliases,
        doc=keywords.get("description", ""),
        deprecated=keywords.get("deprecated", False),
        **_tightened(constraints, least, greatest),
    )
    for flaw in field.flaws():
        problems.add(member.place(flaw.part, flaw.position), flaw.reason)
    return attrs.evolve(member, value=field)


def _tightened(constraints: dict[str, Any], least: int | None, greatest: int | None) -> dict[str, Any]:
    """Return *constraints* with one bound on each side, the tightest: *least* and *greatest* are bounds, too."""
    tight = dict(constraints)
    if least is not None:
        tight["ge"] = max(tight.get("ge", least), least)
    if greatest is not None:
        tight["le"] = min(tight.get("le", greatest), greatest)
    if {"ge", "gt"} <= tight.keys():
        del tight["ge" if tight["gt"] >= tight["ge"] else "gt"]
    if {"le", "lt"} <= tight.keys():
        del tight["le" if tight["lt"] <= tight["le"] else "lt"]
    return tight


def _choices(resolved: Resolved, problems: Problems) -> tuple[int | str, ...]:
    """Return the values that ``enum`` and ``const`` allow."""
    keywords = resolved.keywords
    keyword = "enum" if "enum" in keywords else "const"
    if keyword not in keywords:
        return ()
    place = resolved.place(keyword)
    choices: dict[int | str, None] = {}
    types: tuple[type, ...] = (int, str)
    before = problems.count
    for index, value in enumerate(keywords.get("enum", (keywords.get("const"),))):
        where = resolved.element_place(keyword, index) if keyword == "enum" else place
        choice = of_kind(value, "int")
        if choice is None:
            continue
        if type(choice) not in types:
            reason = f"allows {shown(value)}, but all values of a field are integers, or all are strings"
            problems.add(where, f"{reason}; write all as strings")
        elif choice in choices:
            problems.add(where, f"repeats {shown(choice)}")
        else:
            choices[cast("int | str", choice)] = None
            types = (type(choice),)
    if types == (int, str) and not problems.count > before:
        problems.add(place, "allows no integer and no string; list the values, or leave it out")
    if keyword == "enum" and "const" in keywords:
        only = of_kind(keywords["const"], "int")
        if type(only) in types and only in choices:  # JSON's true is not 1, though Python's is
            return tuple(choice for choice in choices if choice == only)
        problems.add(resolved.place("const"), "is not in the enum beside it")
    return tuple(choices)


def _kind(resolved: Resolved, choices: tuple[int | str, ...], problems: Problems) -> KindName | None:
    """Return the kind of the values; `None` if no field can have it."""
    chosen = next((KINDS[type(choice)].json_type for choice in choices), None)
    types = resolved.keywords.get("type", (chosen,) if chosen else ())
    if len(types) == 1 and types[0] in KINDS_BY_JSON_TYPE:
        if chosen in (None, types[0]) or (chosen, types[0]) == ("integer", "number"):
            return KINDS_BY_JSON_TYPE[chosen or types[0]].name
        problems.add(resolved.place("type"), f"has the type {types[0]}, but allows values of the type {chosen}")
    elif types or not {"enum", "const"} & resolved.keywords.keys():
        found = shown_keyword(types) if types else "absent"
        remedy = next((_REMEDIES[name] for name in types or ("absent",) if name in _REMEDIES), "")
        if not remedy and len(types) > 1:
            remedy = "; give each type a property of its own"
        problems.add(resolved.place("type"), f"is {found}: a field is integer, number or string, or an object{remedy}")
    return None


def _format(resolved: Resolved, kind: KindName, problems: Problems) -> tuple[int | None, int | None]:
    """Return the least and the greatest value that ``format`` allows; `None`: any."""
    name = resolved.keywords.get("format")
    if name is None or (kind == "float" and name in _FLOAT_FORMATS):
        return None, None
    if kind == "int" and name in _INTEGER_FORMATS:
        return _INTEGER_FORMATS[name]
    reason = f"is {shown(name)}, which some validators check and others do not; leave it out"
    problems.add(resolved.place("format"), f"{reason}, or say it by {'pattern' if kind == 'str' else 'bounds'}")
    return None, None


def _default(resolved: Resolved, kind: KindName, problems: Problems) -> object:
    """Return the default, or `MISSING`."""
    keywords, place = resolved.keywords, resolved.place("x-typedtrack-default")
    if "x-typedtrack-default" in keywords:
        if "default" in keywords:
            problems.add(place, "does not apply beside default")
        return non_finite(keywords["x-typedtrack-default"], place, problems)
    return of_kind(finite(keywords.get("default", MISSING), resolved.place("default"), problems), kind)


def finite(value: object, place: str, problems: Problems) -> object:
    """Return *value*, which ``default`` has at *place*."""
    if isinstance(value, float) and not math.isfinite(value):
        problems.add(place, f"is {value!r}, which JSON cannot express; write it as text in x-typedtrack-default")
    return value


def non_finite(value: object, place: str, problems: Problems) -> object:
    """Return the float whose name is *value*, which ``x-typedtrack-default`` has at *place*."""
    if isinstance(value, str) and value in NON_FINITE:
        return NON_FINITE[value]
    problems.add(place, f"must be {', '.join(NON_FINITE)}, not {shown(value)}")
    return MISSING


def of_kind(value: object, kind: KindName) -> object:
    """Return *value* as a number of *kind*, if they are equal: JSON does not tell 1 from 1.0."""
    try:
        if type(value) is int and kind == "float":
            return float(value) if float(value) == value else value
        if type(value) is float and kind == "int":
            return int(value) if value.is_integer() else value
    except OverflowError:
        pass
    return value
