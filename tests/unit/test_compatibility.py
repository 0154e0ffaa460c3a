"""Compatibility: a table of changes with the rules they break, the sentences, and the modes over a history."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from fractions import Fraction
from typing import Any, Literal, cast, get_args

import attrs
import pytest

from typedtrack import FieldSchema, RecordSchema
from typedtrack._schema.records import NestedSchema
from typedtrack.schemas import (
    MODES,
    RULES,
    Incompatibility,
    Mode,
    check,
    check_history,
    history_warnings,
    matches,
    warnings_of,
)
from typedtrack.schemas import rules as rules_module
from typedtrack.schemas.extremes import extremes
from typedtrack.schemas.matches import conditions, readable_kinds


def field(name: str = "x", kind: str = "float", **known: Any) -> FieldSchema:
    """Return a field with the same name on the wire and in Python; its kind is float by default."""
    return FieldSchema(attribute=name, name=name, kind=cast("Any", kind), **known)


def run(*fields: FieldSchema) -> RecordSchema:
    """Return a record of *fields* and one field that never changes."""
    return RecordSchema(name="Run", fields=(field("always", "int"), *fields))


def rules(found: list[Incompatibility]) -> list[str]:
    """Return the ids of the broken rules."""
    return [incompatibility.rule for incompatibility in found]


_STAYS: list[str] = []

CHANGES: list[tuple[str, list[FieldSchema], list[FieldSchema], list[str], list[str]]] = [
    # the change, the old and the new fields, the rules broken backward (new reads old) and forward (old reads new)
    ("add a field with a default", [], [field(default=0.0)], _STAYS, _STAYS),
    ("add a field that can be None", [], [field(optional=True)], _STAYS, _STAYS),
    ("add a required field", [], [field()], ["field-missing"], _STAYS),
    ("rename", [field()], [field("y")], ["field-missing"], ["field-missing"]),
    ("rename with an alias", [field()], [field("y", aliases=("x",))], _STAYS, ["field-missing"]),
    ("rename with a default", [field(default=0.0)], [field("y", aliases=("x",), default=0.0)], _STAYS, _STAYS),
    ("int to float", [field(kind="int")], [field()], _STAYS, ["kind"]),
    ("float to str", [field()], [field(kind="str")], ["kind"], ["kind"]),
    ("str to Literal", [field(kind="str")], [field(kind="str", choices=("a",))], ["choices"], _STAYS),
    ("drop a member", [field(kind="int", choices=(1, 2))], [field(kind="int", choices=(1,))], ["choices"], _STAYS),
    ("int to Literal", [field(kind="int", ge=1, le=2)], [field(kind="int", choices=(1, 2))], _STAYS, _STAYS),
    ("tighten a bound", [field(ge=0.0)], [field(gt=0.0)], ["bounds"], _STAYS),
    ("bound at all", [field()], [field(ge=-math.inf)], ["bounds"], _STAYS),
    ("bound below all", [field(kind="int", ge=1, multiple_of=5)], [field(kind="int", ge=5)], _STAYS, ["multiple"]),
    ("ask for multiples", [field(ge=0.0)], [field(ge=0.0, multiple_of=1.0)], ["multiple"], _STAYS),
    ("multiples of multiples", [field(multiple_of=1.5)], [field(multiple_of=0.5)], _STAYS, ["multiple"]),
    ("tighten a length", [field(kind="str")], [field(kind="str", min_length=1)], ["length"], _STAYS),
    ("a length beyond the bytes", [field(kind="str")], [field(kind="str", max_length=1024)], _STAYS, _STAYS),
    ("ask for a pattern", [field(kind="str")], [field(kind="str", pattern="^a*$")], ["pattern"], _STAYS),
    (
        "change a pattern",
        [field(kind="str", pattern="^a$")],
        [field(kind="str", pattern="^a+$")],
        ["pattern"],
        ["pattern"],
    ),
    (
        "a pattern that choices match",
        [field(kind="str", choices=("a", "aa"))],
        [field(kind="str", pattern="^a+$")],
        _STAYS,
        ["choices"],
    ),
    (
        "a length beside a pattern",
        [field(kind="str", pattern="^a$")],
        [field(kind="str", max_length=9)],
        ["length"],
        ["pattern"],
    ),
    ("T | None to T", [field(optional=True)], [field()], ["field-optional"], _STAYS),
    ("T | None to a default", [field(optional=True)], [field(default=0.0)], _STAYS, _STAYS),
    ("drop a default", [field(default=0.0)], [field()], _STAYS, _STAYS),
    ("two names in one", [field(), field("y")], [field(aliases=("y",))], ["field-twice"], ["field-missing"]),
]


@pytest.mark.parametrize(("change", "old", "new", "backward", "forward"), CHANGES)
def test_changes(
    change: str, old: list[FieldSchema], new: list[FieldSchema], backward: list[str], forward: list[str]
) -> None:
    """Each change breaks the expected rules in each direction."""
    assert (rules(check(run(*new), run(*old))), rules(check(run(*old), run(*new)))) == (backward, forward), change


def stat_of(optional: bool, **columns: dict[str, Any]) -> NestedSchema:
    """Return the field ``s``, a nested record of *columns*; if it is *optional*, it can be `None`."""
    record = RecordSchema(name="Stat", fields=tuple(field(name, **said) for name, said in columns.items()))
    return NestedSchema(attribute="s", name="s", record=record, optional=optional)


PARTS: list[tuple[str, NestedSchema | None, NestedSchema | None, list[str], list[str]]] = [
    # the change, the old and the new nested record, the rules broken backward and forward
    ("add one", None, stat_of(True, a={}), _STAYS, _STAYS),
    ("let it be None", stat_of(False, a={}, b={}), stat_of(True, a={}, b={}), _STAYS, ["field-optional"] * 2),
    ("need more of it", stat_of(True, a={}), stat_of(True, a={}, b={}), ["field-missing"], _STAYS),
    (
        "need all of it",
        stat_of(True, a={}, b={"optional": True}),
        stat_of(True, a={}, b={}),
        ["field-optional"],
        _STAYS,
    ),
    ("rename in it", stat_of(True, a={}, b={}), stat_of(True, a={}, c={}), ["field-missing"], ["field-missing"]),
    ("default in it", stat_of(True, a={}), stat_of(True, a={}, b={"default": 0.0}), _STAYS, _STAYS),
]


@pytest.mark.parametrize(("change", "old", "new", "backward", "forward"), PARTS, ids=[change for change, *_ in PARTS])
def test_changes_of_a_nested_record(
    change: str, old: NestedSchema | None, new: NestedSchema | None, backward: list[str], forward: list[str]
) -> None:
    """An optional nested record needs its required fields only in results that store some of its fields."""
    always = field("always", "int")
    one, other = (
        RecordSchema(name="Run", fields=(always,) if within is None else (always, within)) for within in (old, new)
    )
    assert rules(check(other, one)) == backward
    assert rules(check(one, other)) == forward


def test_the_sentence_says_when_a_field_is_needed() -> None:
    """The sentence names another field of the same nested record."""
    old, new = (RecordSchema(name="Run", fields=(field("x"), part)) for part in (PARTS[2][1], PARTS[2][2]) if part)
    assert (
        check(new, old)[0].sentence == "the reader requires it when 's/a' is stored, but the writer does not store it"
    )


def test_a_closed_reader() -> None:
    """A reader that refuses unknown fields refuses a new field, and accepts that a field is removed."""
    assert rules(check(run(), run(field()), unknown="error")) == ["field-unknown"]
    assert rules(check(run(field(default=0.0)), run(), unknown="error")) == []


def test_sentences() -> None:
    """An incompatibility says what happens, with an example, and what to do."""
    (found,) = check(run(field(kind="int", le=100)), run(field(kind="int", ge=0)))

    assert found.example == 2**64 - 1
    assert str(found) == (
        "field 'x': the writer may store 18446744073709551615, which the reader refuses: must be <= 100; "
        "keep the reader's bounds as wide as every writer's (bounds)"
    )
    (found,) = check(run(field()), run(field(kind="str", pattern="^7$")))
    assert (found.sentence, found.example) == ("the reader expects float, but the writer stores str", None)
    (found,) = check(run(field(kind="str", max_length=2)), run(field(kind="str", pattern="^a$")))
    assert found.sentence.startswith("apart from its pattern, the writer may store 'aaa")
    assert found.example is None
    (found,) = check(run(field(kind="str", pattern="(?s).*")), run(field(kind="str", pattern="^a$")))
    assert found.sentence == "the writer may store a str that does not match the reader's pattern '(?s).*'"


def test_warnings() -> None:
    """A value that is read as another value is a warning, not an incompatibility."""
    (found,) = warnings_of(run(field()), run(field(kind="int")))
    assert (found.rule, found.field, found.example) == ("int-as-float", "x", 2**64 - 1)
    assert found.sentence == "the writer may store 18446744073709551615, which is read as 1.8446744073709552e+19"
    assert warnings_of(run(field()), run(field(kind="int", ge=0, le=2**53))) == []

    new = run(field("y", aliases=("x",)))
    (found,) = warnings_of(run(field(default=0.0)), new, direction="forward")
    assert found.sentence == "the writer stores it as 'y', so the reader uses its default"
    assert warnings_of(run(field(default=0.0)), run()) == []


REMOVED, ALIAS, REUSED, DEFAULT = "field-removed", "alias-missing", "name-reused", "default-changed"

LOSSES: list[tuple[str, list[FieldSchema], list[FieldSchema], list[str], list[str]]] = [
    # the change, the old and the new fields, the warnings backward (new reads old) and forward (old reads new)
    ("remove a field", [field()], [], [REMOVED], _STAYS),
    ("add a field", [], [field(default=0.0)], _STAYS, _STAYS),
    ("rename with an alias", [field(default=0.0)], [field("y", aliases=("x",), default=0.0)], _STAYS, ["renamed"]),
    ("rename without an alias", [field()], [field("y", default=0.0)], [ALIAS], _STAYS),
    ("rename to another kind", [field()], [field("y", "str", default="")], [REMOVED], _STAYS),
    ("int renamed to float", [field(kind="int")], [field("y", default=0.0)], [ALIAS], _STAYS),
    ("undo a rename", [field("y", aliases=("x",))], [field(default=0.0)], [ALIAS], _STAYS),
    ("drop an alias", [field(aliases=("old",))], [field()], [ALIAS], _STAYS),
    ("move an alias", [field(aliases=("old",)), field("y")], [field(), field("y", aliases=("old",))], [REUSED], _STAYS),
    ("reuse an alias", [field(aliases=("old",))], [field(), field("old", default=0.0)], [REUSED], _STAYS),
    ("change a default", [field(default=0.0)], [field(default=1.0)], [DEFAULT], _STAYS),
    ("change the sign of zero", [field(default=0.0)], [field(default=-0.0)], [DEFAULT], _STAYS),
    ("keep NaN", [field(default=math.nan)], [field(default=math.nan)], _STAYS, _STAYS),
    ("int default to float", [field(kind="int", default=1)], [field(default=1.0)], ["int-as-float"], _STAYS),
    ("drop a default", [field(default=0.0)], [field()], [DEFAULT], _STAYS),
    ("add a default", [field()], [field(default=0.0)], _STAYS, _STAYS),
    ("None to a default", [field(optional=True)], [field(default=0.0)], [DEFAULT], _STAYS),
    ("a default to None", [field(default=0.0)], [field(optional=True)], [DEFAULT], [DEFAULT]),
    (
        "rename and change the default",
        [field(default=0.0)],
        [field("y", aliases=("x",), default=1.0)],
        [DEFAULT],
        ["renamed"],
    ),
]


@pytest.mark.parametrize(("change", "old", "new", "backward", "forward"), LOSSES, ids=[change for change, *_ in LOSSES])
def test_losses(
    change: str, old: list[FieldSchema], new: list[FieldSchema], backward: list[str], forward: list[str]
) -> None:
    """A change that loses a stored value, or gives absence another meaning, warns; the verdict stays."""
    assert rules(warnings_of(run(*new), run(*old))) == backward
    assert rules(warnings_of(run(*old), run(*new), direction="forward")) == forward
    closed = warnings_of(run(*new), run(*old), unknown="error")
    assert not {REMOVED, ALIAS} & {each.rule for each in closed if each.field not in {f.name for f in new}}


def test_a_swapped_attribute_is_a_reused_name() -> None:
    """If the attribute of a field moves to another name, its old name belongs to another field."""
    loss, validation = field("loss"), field("loss/validation")
    old = run(loss, validation)
    moved = [attrs.evolve(loss, name="loss/train", default=0.0), attrs.evolve(validation, name="loss")]
    (found, unread) = warnings_of(run(*moved), old)
    assert str(found) == (
        "field 'loss': the writer's 'loss' has this name; the reader stores it as 'loss/train'; "
        "choose a name that no field has had (name-reused)"
    )
    assert (unread.rule, unread.field) == (ALIAS, "loss/validation")


def test_a_name_that_comes_back_is_reused() -> None:
    """A history shows that a name was removed in between; the latest version alone does not."""
    history = [run(field()), run(), run()]
    (found,) = history_warnings(run(field(default=0.0)), history)
    assert found.version == 0
    assert (found.incompatibility.rule, found.incompatibility.field) == (REUSED, "x")
    assert "a schema between the two did not read it" in found.incompatibility.sentence
    assert history_warnings(run(field(default=0.0)), [history[0]]) == []
    renamed = [run(field()), run(field("y", aliases=("x",)))]
    assert history_warnings(run(field("y", aliases=("x",))), renamed) == []


PART_LOSSES: list[tuple[str, NestedSchema | None, NestedSchema, list[str], list[str]]] = [
    # the change, the old and the new nested record, the warnings backward and forward
    ("let the record be None", stat_of(False, a={}), stat_of(True, a={}), _STAYS, _STAYS),
    ("remove a field of it", stat_of(True, a={}, b={}), stat_of(True, a={}), [REMOVED], _STAYS),
    (
        "change a default in it",
        stat_of(True, a={}, b={"default": 0.0}),
        stat_of(True, a={}, b={"default": 1.0}),
        [DEFAULT],
        _STAYS,
    ),
    ("None to a default record", stat_of(True, a={}), stat_of(False, a={"default": 1.0}), [DEFAULT], _STAYS),
    ("a default record to None", stat_of(False, a={"default": 1.0}), stat_of(True, a={}), [DEFAULT], [DEFAULT]),
    ("add it", None, stat_of(True, a={}), _STAYS, _STAYS),
]


@pytest.mark.parametrize(("change", "old", "new", "backward", "forward"), PART_LOSSES, ids=[c for c, *_ in PART_LOSSES])
def test_losses_of_a_nested_record(
    change: str, old: NestedSchema | None, new: NestedSchema, backward: list[str], forward: list[str]
) -> None:
    """The default of a field in an optional record counts only in results that store some of the record."""
    always = field("always", "int")
    older = RecordSchema(name="Run", fields=(always,) if old is None else (always, old))
    newer = RecordSchema(name="Run", fields=(always, new))
    assert rules(warnings_of(newer, older)) == backward
    assert rules(warnings_of(older, newer, direction="forward")) == forward


def test_sentences_of_losses() -> None:
    """Each names the field by its stored name, and says what happens to the value."""
    old = run(field(default=0.0, aliases=("older",)))
    unread = "the writer stores it, but no field of the reader reads it"
    absent = "a result without it means 0.0 to the writer, but is"
    expected: list[tuple[list[FieldSchema], str]] = [
        ([], unread),
        ([field("y", default=0.0)], f"{unread}; 'y' may be its new name"),
        ([field(default=0.0)], "older results store it as 'older', which the reader does not read"),
        ([field(default=1.0, aliases=("older",))], f"{absent} read as 1.0 by the reader"),
        ([field(aliases=("older",))], f"{absent} refused by the reader"),
    ]
    for fields, sentence in expected:
        (found,) = warnings_of(run(*fields), old)
        assert (found.field, found.sentence, found.example) == ("x", sentence, None)
    (found,) = warnings_of(run(field("older", default=0.0), field(default=0.0)), old)
    assert (found.field, found.sentence) == ("older", "results from before the writer store 'x' under this name")


def test_the_check_of_large_schemas_is_linear(monkeypatch: pytest.MonkeyPatch) -> None:
    """No field is compared with each other one, even within an optional record, and even if all names differ."""
    calls: Counter[str] = Counter()
    names: Any = FieldSchema.__dict__["names"]

    def count_names(column: FieldSchema) -> object:
        calls["names"] += 1
        return names.fget(column)

    def count_conditions(column: FieldSchema) -> frozenset[str]:
        calls["conditions"] += 1
        return conditions(column)

    def count_kinds(column: FieldSchema) -> tuple[str, ...]:
        calls["kinds"] += 1
        return readable_kinds(column)

    monkeypatch.setattr(FieldSchema, "names", property(count_names))
    for module in (matches, rules_module):
        monkeypatch.setattr(module, "conditions", count_conditions)
        monkeypatch.setattr(module, "readable_kinds", count_kinds)
    size = 200
    columns: dict[str, dict[str, Any]] = {f"a{number}": {} for number in range(size)}
    old = run(*(field(f"b{number}", "int") for number in range(size)))
    new = RecordSchema(name="Run", fields=(field("always", "int"), stat_of(True, **columns)))
    for reader, writer in itertools.product((old, new), repeat=2):
        calls.clear()
        check(reader, writer)
        warnings_of(reader, writer)
        assert max(calls.values()) < 20 * size, calls


def test_rules_are_a_table() -> None:
    """Each rule has a unique id, a purpose and a remedy."""
    ids = [rule.id for rule in RULES]
    assert len(set(ids)) == len(ids)
    assert all(rule.purpose.endswith(".") and rule.remedy for rule in RULES)
    assert [rule.id for rule in RULES if rule.warns] == ["int-as-float", "renamed", REMOVED, ALIAS, REUSED, DEFAULT]


HISTORY = [run(field("y")), run(field("y"), field("z", default=0.0)), run(field("z", default=0.0))]

EXPECTED: dict[Mode, list[tuple[int, str, str]]] = {
    "backward": [(2, "backward", "field-missing")],
    "backward_transitive": [(place, "backward", "field-missing") for place in range(3)],
    "forward": [],
    "forward_transitive": [(0, "forward", "field-missing"), (1, "forward", "field-missing")],
    "full": [(2, "backward", "field-missing")],
    "full_transitive": [
        (0, "backward", "field-missing"),
        (0, "forward", "field-missing"),
        (1, "backward", "field-missing"),
        (1, "forward", "field-missing"),
        (2, "backward", "field-missing"),
    ],
}


@pytest.mark.parametrize("mode", get_args(Mode))
def test_modes(mode: Mode) -> None:
    """Each mode checks its directions, against the latest schema or against all."""
    found = check_history(run(field()), HISTORY, mode)

    assert [(version, direction, about.rule) for version, direction, about in found] == EXPECTED[mode]


def test_the_default_mode() -> None:
    """By default the new schema must read everything that was ever stored. Nothing conflicts with an empty history."""
    assert check_history(run(field()), HISTORY) == check_history(run(field()), HISTORY, "backward_transitive")
    assert check_history(run(field()), []) == []
    assert check_history(run(), [run(field())], unknown="error") != []


def test_an_unknown_mode_is_refused() -> None:
    """The error lists the modes."""
    with pytest.raises(ValueError, match=f"mode must be one of {', '.join(MODES)}, not 'sideways'"):
        check_history(run(), [], cast("Any", "sideways"))


UNKNOWN: tuple[Literal["ignore", "error"], ...] = ("ignore", "error")


@pytest.mark.parametrize("unknown", UNKNOWN)
def test_the_same_schema(unknown: Literal["ignore", "error"]) -> None:
    """A schema reads its own results."""
    assert check(HISTORY[1], HISTORY[1], unknown=unknown) == []


def test_extremes_of_coarse_multiples() -> None:
    """Extremes are decimal multiples of the step, even where multiples or doubles are far apart."""
    step = 0.3
    highest = max(value for value in extremes(field(multiple_of=step)) if isinstance(value, float))
    assert (Fraction(repr(highest)) / Fraction(repr(step))).denominator == 1
    assert highest > 1e308

    assert list(extremes(field(ge=1e300, le=2e300, multiple_of=3e300))) == []
    assert set(extremes(field(ge=-5.0, le=5.0, multiple_of=1e300))) == {0.0}
    assert set(extremes(field(ge=1.75e308, multiple_of=1e308))) == set()
    assert set(extremes(field(kind="str", max_length=0), 5)) == {""}
    assert len(set(extremes(field(kind="str", min_length=1024), 500))) > 500
