"""The extras of ``Annotated`` to constraints: those of msgspec, of `annotated_types`, and so of pydantic's ``Field``.

Neither `annotated_types` nor pydantic is imported: classes are known by their names. An extra that could be a rule, and
is not understood here, is refused, because a rule that nobody applies is worse than none.
"""

from __future__ import annotations

import copyreg
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, cast

import attrs
import msgspec

from typedtrack._results.values import normalised
from typedtrack._schema.patterns import without_warnings
from typedtrack._schema.records import CONSTRAINTS
from typedtrack.errors import shown

__all__ = ["ATTRS_FIELD", "DEPRECATED", "Accepted", "Constraints", "make_meta", "read_constraints"]

ATTRS_FIELD: Final = cast("type[object]", type(attrs.field()))  # attrs' stubs say Any
"""The class of a field that attrs has not seen yet."""

DEPRECATED: Final[dict[str, Any]] = {"extra_json_schema": {"deprecated": True}}
"""The arguments of `msgspec.Meta` that mark a field as deprecated."""

_META: Final = (*CONSTRAINTS, "tz", "title", "description", "examples")
_ANNOTATED_TYPES: Final = {
    "Gt": "gt",
    "Ge": "ge",
    "Lt": "lt",
    "Le": "le",
    "MultipleOf": "multiple_of",
    "MinLen": "min_length",
    "MaxLen": "max_length",
}
_WANTED: Final[Mapping[str, tuple[tuple[type, ...], str]]] = {
    "pattern": ((str,), "a str"),
    "min_length": ((int,), "an int"),
    "max_length": ((int,), "an int"),
}
_NUMBER: Final = ((int, float), "a number")
_NOTES: Final = frozenset({"Doc", "DocInfo", "Unit"})
"""Classes of `typing_extensions` and `annotated_types` that describe a value and rule nothing."""
_ALWAYS_KEPT: Final = (("strict", True), ("allow_inf_nan", True))
"""Rules of pydantic that every record keeps, and their arguments."""
_KEPT: Final = f"an annotation may have {', '.join(CONSTRAINTS)}, description and deprecated"


def _reduce_meta(meta: msgspec.Meta) -> tuple[Callable[[dict[str, Any]], msgspec.Meta], tuple[dict[str, Any]]]:
    names = (*_META, "extra_json_schema", "extra")
    return make_meta, ({name: value for name in names if (value := getattr(meta, name)) is not None},)


def make_meta(arguments: dict[str, Any]) -> msgspec.Meta:
    """Return a `msgspec.Meta` with *arguments*, and compile its pattern without a warning."""
    with without_warnings():
        return msgspec.Meta(**arguments)


# cloudpickle sends a class of a script or notebook by value, with the annotations of its fields. Without this, a Meta
# cannot be pickled.
copyreg.pickle(msgspec.Meta, _reduce_meta)


@attrs.frozen
class Accepted:
    """The values of a field, from *least* on, with which ``__attrs_post_init__`` accepts every record.

    The fast path of decoding takes no others, and need not call the hook.
    """

    least: float


@attrs.frozen
class Constraints:
    """The constraints and documentation in the extras of one annotation."""

    bounds: dict[str, Any]
    """By the names of `CONSTRAINTS`."""
    doc: str
    deprecated: bool
    least: float | None


def read_constraints(extras: Sequence[object]) -> Constraints:
    """Return the constraints in the *extras* of an annotation.

    Raises:
        ValueError: an extra has no effect here, or two extras state the same constraint.
    """
    bounds: dict[str, Any] = {}
    doc, deprecated, refused = "", False, list[str]()
    least = next((extra.least for extra in extras if isinstance(extra, Accepted)), None)
    for name, value in (statement for extra in extras for statement in _statements(extra)):
        if value is None or (name, value) in _ALWAYS_KEPT:
            continue
        if name in bounds:
            raise ValueError(f"has the constraint {name} twice")
        if name in CONSTRAINTS:
            bounds[name] = _bound(name, value)
        elif name == "description":
            doc = doc or str(value)
        elif name == "deprecated":
            deprecated = bool(value)
        else:
            refused.append(name)
    if refused:
        raise ValueError(f"has {', '.join(refused)} in Annotated, which has no effect here; {_KEPT}")
    return Constraints(bounds, doc, deprecated, least)


def _statements(extra: Any) -> Iterator[tuple[str, object]]:
    """Yield the names and values that *extra* states; a value that is `None` states nothing."""
    if isinstance(extra, ATTRS_FIELD):
        raise ValueError("has field(...) within Annotated, where nothing reads it; write `= field(...)`")
    names = {f"{base.__module__.partition('.')[0]}.{base.__name__}" for base in type(extra).__mro__}
    known = [attribute for name, attribute in _ANNOTATED_TYPES.items() if f"annotated_types.{name}" in names]
    if isinstance(extra, msgspec.Meta):
        yield from ((name, getattr(extra, name)) for name in _META)
        yield from cast("Mapping[str, object]", extra.extra_json_schema or {}).items()
    elif extra is None or isinstance(extra, (str, Accepted)) or type(extra).__name__ in _NOTES:
        return
    elif known:
        yield from ((name, getattr(extra, name)) for name in known)
    elif getattr(extra, "__is_annotated_types_grouped_metadata__", False) is True:
        for part in extra:
            yield from _statements(part)
    elif "pydantic.FieldInfo" in names and getattr(extra, "metadata", None) is not None:  # that of pydantic 2
        yield from cast("Mapping[str, object]", extra._attributes_set).items()
        for part in extra.metadata:
            yield from _statements(part)
    elif "pydantic.PydanticMetadata" in names:
        yield from cast("Mapping[str, object]", vars(extra)).items()
    else:
        raise ValueError(f"has {shown(extra)} in Annotated, a rule that has no effect here; {_KEPT}")


def _bound(name: str, value: object) -> object:
    if isinstance(value, re.Pattern):
        pattern = cast("re.Pattern[str]", value)
        value = pattern.pattern if pattern.flags == re.UNICODE else pattern
    value = normalised(value)
    types, wanted = _WANTED.get(name, _NUMBER)
    if type(value) not in types:
        raise ValueError(f"takes {wanted} for {name}, not {shown(value)}")
    return value
