"""The rules of compatibility: a table of the purpose, the remedy and the check of each rule.

A rule that does not warn fires exactly when the writer may store a result that the reader refuses to decode. Patterns
are the exception: no check can decide whether one pattern implies another, so different patterns are incompatible.
A rule that warns fires when a result decodes, but a stored value is lost or read as another one. Checks and table stay
in one module, so that each rule is in one place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeAlias

import attrs

from typedtrack._results.values import Value
from typedtrack._schema.fields import CONSTRAINTS, MISSING, FieldSchema, Missing
from typedtrack.errors import shown
from typedtrack.schemas.extremes import extremes
from typedtrack.schemas.matches import Match, conditions, readable_kinds

__all__ = ["RULES", "Rule"]


Finding: TypeAlias = tuple[str, Value | None]
"""A sentence and an example value."""


@attrs.frozen
class Rule:
    """One rule of compatibility: its purpose, its remedy and its check."""

    id: str
    """The name of the rule, such as ``field-missing``."""
    purpose: str
    """The condition that the rule checks."""
    remedy: str
    """A change that mends a breach."""
    find: Callable[[Match], Finding | None]
    """The check of one field of the reader."""
    warns: bool = False
    """Whether the reader decodes the result all the same."""


def _missing(match: Match) -> Finding | None:
    if match.writers or (when := _lacking(match)) is None:
        return None
    return f"the reader requires it{when}, but the writer does not store it", None


def _may_be_absent(match: Match) -> Finding | None:
    if not match.writers or (when := _lacking(match)) is None:
        return None
    return f"the reader requires it{when}, but the writer leaves it out when it is None", None


def _lacking(match: Match) -> str | None:
    """Return when the reader lacks a field that it needs: ``""`` for always, a field beside it, or `None` for never."""
    if match.reader is None or not match.reader.needed:
        return None
    stored_unless = [conditions(writer) for writer in match.writers]
    if match.siblings is None:
        return None if frozenset() in stored_unless else ""
    for sibling, name in match.siblings.items():
        if not any(needed <= sibling for needed in stored_unless):
            return f" when {name!r} is stored"
    return None


def _twice(match: Match) -> Finding | None:
    if len(match.writers) < 2:
        return None
    names = " and ".join(repr(writer.name) for writer in match.writers)
    return f"the writer stores both {names}, but the reader reads them as one field", None


def _unknown(match: Match) -> Finding | None:
    if match.reader is not None or not match.pair.closed:
        return None
    return "the writer stores it, but the reader does not know it and refuses unknown fields", None


def _kind(match: Match) -> Finding | None:
    for reader, writer in _pairs(match, same_kind=False):
        if writer.kind not in readable_kinds(reader):
            example = next((value for value in extremes(writer) if writer.problem(value) is None), None)
            return f"the reader expects {reader.kind}, but the writer stores {writer.kind}", example
    return None


def _check_constraints(*constraints: str) -> Callable[[Match], Finding | None]:
    """Return a check that the writer's values keep these *constraints* of the reader; it ignores all others."""
    ignored: dict[str, Any] = {name: None for name in CONSTRAINTS if name not in constraints}
    if "choices" not in constraints:
        ignored["choices"] = ()

    def find(match: Match) -> Finding | None:
        for reader, writer in _pairs(match):
            alone = attrs.evolve(reader, **ignored)
            for example in extremes(writer, len(reader.choices) + 1) if alone.constrained else ():
                if (reason := alone.problem(example)) is not None:
                    return _refused(writer, example, reason)
        return None

    return find


def _refused(writer: FieldSchema, example: Value, reason: str) -> Finding:
    sentence = f"the writer may store {shown(example)}, which the reader refuses: {reason}"
    if writer.problem(example) is not None:
        return f"apart from its pattern, {sentence}", None
    return sentence, example


def _pattern(match: Match) -> Finding | None:
    for reader, writer in _pairs(match):
        if reader.pattern in (None, writer.pattern):
            continue
        alone = attrs.evolve(reader, min_length=None, max_length=None)
        for example in extremes(writer):
            if (reason := alone.problem(example)) is not None:
                return _refused(writer, example, reason)
        if not writer.choices:
            return f"the writer may store a str that does not match the reader's pattern {reader.pattern!r}", None
    return None


def _inexact(match: Match) -> Finding | None:
    for reader, writer in _pairs(match):
        if reader.kind == "float" and writer.kind == "int":
            for example in extremes(writer):
                if float(example) != example:
                    return f"the writer may store {example}, which is read as {float(example)!r}", example
    return None


def _renamed(match: Match) -> Finding | None:
    if match.pair.backward or match.writers or not match.renamed or _lacking(match) is not None:
        return None
    return f"the writer stores it as {match.renamed[0].name!r}, so the reader uses its default", None


def _removed(match: Match) -> Finding | None:
    if not _is_unread(match) or _successors(match):
        return None
    return "the writer stores it, but no field of the reader reads it", None


def _without_alias(match: Match) -> Finding | None:
    if _is_unread(match) and (successors := _successors(match)):
        names = " or ".join(repr(field.name) for field in successors[:3])
        return f"the writer stores it, but no field of the reader reads it; {names} may be its new name", None
    if match.reader is not None and match.pair.backward:
        for alias in (alias for writer in match.writers for alias in writer.aliases):
            if alias not in match.pair.owners:
                return f"older results store it as {alias!r}, which the reader does not read", None
    return None


def _is_unread(match: Match) -> bool:
    return match.reader is None and match.pair.backward and not match.pair.closed


def _successors(match: Match) -> Sequence[FieldSchema]:
    """Return the reader's fields that may replace the writer's: by attribute, by an older name, or by their kind."""
    (writer,), pair = match.writers, match.pair
    known = (pair.attributes.get(writer.attribute), *(pair.owners.get(alias) for alias in writer.aliases))
    for successor in known:
        if successor is not None and writer.kind in readable_kinds(successor):
            return (successor,)
    return pair.unfed[writer.kind]


def _reused(match: Match) -> Finding | None:
    reader, pair = match.reader, match.pair
    if reader is None or not pair.backward:
        return None
    for other in match.renamed:
        if other not in match.writers and other.name in pair.owners:
            return f"results from before the writer store {other.name!r} under this name", None
    for writer in match.writers:
        moved = pair.attributes.get(writer.attribute, reader)
        if moved.name != reader.name:
            return f"the writer's {writer.attribute!r} has this name; the reader stores it as {moved.name!r}", None
        if writer.name in pair.lapsed:
            return f"the writer stores {writer.name!r}, and a schema between the two did not read it", None
    return None


def _default_changed(match: Match) -> Finding | None:
    for reader, writer in _pairs(match):
        if not match.pair.backward and not conditions(writer):
            continue  # the newer schema stores it in every result
        for read_if_absent in (_default_of_all, _default_of_one)[: 2 if match.pair.backward else 1]:
            before, now = read_if_absent(writer), read_if_absent(reader)
            if before is MISSING or (before is None and now is MISSING) or _same(before, now, reader):
                continue
            read = "refused" if now is MISSING else f"read as {shown(now)}"
            return f"a result without it means {shown(before)} to the writer, but is {read} by the reader", None
    return None


def _default_of_all(field: FieldSchema) -> Value | Missing | None:
    """Return the value of *field* in a result that stores nothing of its record."""
    return None if field.within else _default_of_one(field)


def _default_of_one(field: FieldSchema) -> Value | Missing | None:
    """Return the value of *field* in a result that stores the rest of its record."""
    return None if field.optional else field.default


def _same(before: Value | Missing | None, now: Value | Missing | None, reader: FieldSchema) -> bool:
    if reader.kind == "float" and isinstance(before, int):
        before = float(before)
    return repr(before) == repr(now)  # NaN equals NaN, and -0.0 differs from 0.0


def _pairs(match: Match, *, same_kind: bool = True) -> Iterator[tuple[FieldSchema, FieldSchema]]:
    if (reader := match.reader) is not None:
        for writer in match.writers:
            if not same_kind or writer.kind in readable_kinds(reader):
                yield reader, writer


RULES: Final = (
    Rule(
        "field-missing",
        "The writer stores every field that the reader requires.",
        "give the field a default in the reader",
        _missing,
    ),
    Rule(
        "field-optional",
        "The writer never leaves out a field that the reader requires.",
        "allow None in the reader, or give the field a default there",
        _may_be_absent,
    ),
    Rule(
        "field-twice",
        "The reader never reads two stored fields as one.",
        "remove the alias from the reader, or the second field from the writer",
        _twice,
    ),
    Rule(
        "field-unknown",
        "A reader that refuses unknown fields knows every stored field.",
        'add the field to the reader with a default, or read with unknown="ignore"',
        _unknown,
    ),
    Rule(
        "kind",
        "A field has the same kind for the reader and the writer. A float field may also read an int.",
        "keep the kind, and add a field with a new name for the new kind",
        _kind,
    ),
    Rule(
        "choices",
        "The reader allows every value that the writer may store.",
        "keep every choice, and add new choices to the readers first",
        _check_constraints("choices"),
    ),
    Rule(
        "bounds",
        "The reader's bounds include every number that the writer may store. No bounds include NaN.",
        "keep the reader's bounds as wide as every writer's",
        _check_constraints("gt", "ge", "lt", "le"),
    ),
    Rule(
        "multiple",
        "Every number that the writer may store is a multiple of the reader's multiple_of.",
        "keep the writer's multiple_of a multiple of the reader's",
        _check_constraints("multiple_of"),
    ),
    Rule(
        "length",
        "The reader allows the length of every str that the writer may store. Patterns do not count here.",
        "keep the reader's lengths as wide as every writer's",
        _check_constraints("min_length", "max_length"),
    ),
    Rule(
        "pattern",
        "The reader has no pattern, or the writer's pattern. No check can decide whether one pattern implies another.",
        "keep the pattern, or remove it from the reader",
        _pattern,
    ),
    Rule(
        "int-as-float",
        "A float field reads every stored int exactly. Some ints beyond 2**53 are rounded.",
        "bound the int, or keep the field an int",
        _inexact,
        warns=True,
    ),
    Rule(
        "renamed",
        "The reader knows the new name of a field. If it does not, it uses its default instead.",
        "update the readers before the writers",
        _renamed,
        warns=True,
    ),
    Rule(
        "field-removed",
        "The newer schema reads every field that the older one stores.",
        "keep the field if the stored values still matter",
        _removed,
        warns=True,
    ),
    Rule(
        "alias-missing",
        "A field that gets a new name keeps all its older names as aliases.",
        "add the older name to the aliases of the field",
        _without_alias,
        warns=True,
    ),
    Rule(
        "name-reused",
        "A name or an alias of one field never becomes the name or an alias of another.",
        "choose a name that no field has had",
        _reused,
        warns=True,
    ),
    Rule(
        "default-changed",
        "A result without the field means the same to both. Older results rely on the old default.",
        "keep the default, or read older results with the older schema",
        _default_changed,
        warns=True,
    ),
)
