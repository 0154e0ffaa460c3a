"""Typed keys: their templates, the keys they make, and the records they carry."""

from __future__ import annotations

import copy
import enum
import pickle
import types
from typing import Annotated, Any, Final, Literal, cast

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from typedtrack import (
    FsspecResultTracker,
    InvalidKeyError,
    KeyTemplate,
    RecordDefinitionError,
    Stat,
    evolve,
    field,
    key,
    record,
)


class Split(enum.StrEnum):
    """A part of a data set."""

    TRAIN = "train"
    TEST = "test_set"


@key("{experiment}/trial_{trial}")
class TrialKey(KeyTemplate):
    """The key of a trial."""

    experiment: str
    trial: int


@key("runs/v2/{split}-{seed}_{name}.{kind}")
class RunKey(KeyTemplate):
    """A key with a fixed prefix, and every type of field."""

    name: str
    seed: Annotated[int, Meta(ge=-5)]
    split: Split
    kind: Literal["a", "a.b"] = "a"


@key("{x}")
class Undeclared:
    """A key class that does not inherit from `KeyTemplate`."""

    x: int


def declare(template: str, **annotations: Any) -> Any:
    """Return a key class, declared as by a class statement."""
    return key(template)(type("Declared", (), {"__annotations__": annotations, "__module__": __name__}))


def test_a_key_becomes_text_and_is_read_back() -> None:
    """`str` and `parse` are inverses."""
    assert str(TrialKey("resnet", 7)) == "resnet/trial_7"
    assert TrialKey.parse("resnet/trial_7") == TrialKey(experiment="resnet", trial=7)
    run = RunKey(name="x-1_2", seed=-3, split=Split.TEST, kind="a.b")
    assert str(run) == "runs/v2/test_set--3_x-1_2.a.b"
    assert RunKey.parse(str(run)) == run
    assert RunKey.parse("runs/v2/train-0_n.a").split is Split.TRAIN


def test_a_class_without_the_base_gets_the_same_methods() -> None:
    """The base `KeyTemplate` is for type checkers."""
    made: Any = Undeclared
    assert str(made(3)) == "3"
    assert made.parse("3") == made(3)


def test_it_is_a_frozen_attrs_class() -> None:
    """It compares, sorts, hashes, pickles, matches and evolves like other attrs classes."""
    trials = [TrialKey("b", 1), TrialKey("a", 10), TrialKey("a", 2)]
    assert [key.trial for key in sorted(trials)] == [2, 10, 1]
    assert len({*trials, TrialKey("b", 1)}) == 3
    assert pickle.loads(pickle.dumps(trials)) == copy.deepcopy(trials) == trials
    assert evolve(trials[0], trial=4) == TrialKey("b", 4)
    assert repr(trials[0]) == "TrialKey(experiment='b', trial=1)"
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        trials[0].trial = 2  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]  # frozen
    match trials[0]:
        case TrialKey("b", trial):
            assert trial == 1
        case _:
            pytest.fail("not matched")


@given(
    name=st.text(max_size=6) | st.from_regex("[a-c._-]{1,6}", fullmatch=True),
    seed=st.integers(),
    split=st.sampled_from(Split),
    kind=st.sampled_from(["a", "a.b"]),
)
def test_every_key_that_exists_is_read_back(name: str, seed: int, split: Split, kind: Any) -> None:
    """The constructor refuses a key, or its text is read back as the same key."""
    try:
        made = RunKey(name, seed, split, kind)
    except InvalidKeyError:
        return
    assert RunKey.parse(str(made)) == made
    assert str(RunKey.parse(str(made))) == str(made)


@given(st.from_regex(r"(runs/v2/)?(train|test_set|x)-(-?[0-9]{1,3}|é)_[a-z._-]{0,4}\.?(a|a\.b|c)?", fullmatch=True))
def test_a_parsed_text_is_written_the_same(text: str) -> None:
    """`parse` refuses a text, or returns the key that has this text."""
    try:
        made = RunKey.parse(text)
    except InvalidKeyError:
        return
    assert str(made) == text


@pytest.mark.parametrize(
    ("experiment", "trial", "reason"),
    [
        ("", 1, "a key has no empty segment"),
        (
            "a/b",
            1,
            "field 'experiment' must not hold a /, which would begin a new segment; replace it, for example by -",
        ),
        (".a", 1, "begins with a dot"),
        ("a\\b", 1, "a key has no \\"),
        ("x" * 256, 1, "the limit is 255 bytes"),
        ("a", "1", "field 'trial' must be an int, not str"),
        ("a", True, "field 'trial' must be an int, not bool"),
        ("a", 2**64, "field 'trial' an int is from -2**63"),
        (1, 1, "field 'experiment' must be a str, not int"),
        (None, 1, "field 'experiment' must be a str, not NoneType"),
    ],
)
def test_a_value_that_cannot_be_in_a_key_is_refused(experiment: Any, trial: Any, reason: str) -> None:
    """The error names the key and the rule."""
    with pytest.raises(InvalidKeyError) as caught:
        TrialKey(experiment, trial)
    assert reason in str(caught.value)


def test_values_that_would_be_read_back_as_others_are_refused() -> None:
    """Some values are ambiguous in a template that others are not ambiguous in."""
    Pair = declare("{x}_{y}", x=Literal["a", "a_b"], y=str)  # noqa: N806  # it is a class
    assert str(Pair("a", "b_c")) == "a_b_c"
    with pytest.raises(InvalidKeyError, match="'a_b_c' would not be read back as the same key"):
        Pair("a_b", "c")


def test_values_of_other_types_are_converted_if_nothing_is_lost() -> None:
    """A key converts values as a record does."""
    assert RunKey("n", Size.ONE, "train") == RunKey("n", 1, Split.TRAIN)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # taken when it runs


class Size(enum.IntEnum):
    """A number with a name."""

    ONE = 1


_OTHER_FORMS: Final[list[str]] = [
    "resnet",
    "resnet/trial_",
    "resnet/trial_07",
    "resnet/trial_+7",
    "resnet/trial_-0",
    "resnet/trial_\u0667",
    "a/b/trial_1",
    "resnet/trial_1/",
    "/trial_1",
    ".a/trial_1",
    "",
    "resnet/trial_1\n",
    f"resnet/trial_{2**64}",
    "r/trial_" + "9" * 5000,
]


@pytest.mark.parametrize("text", _OTHER_FORMS)
def test_a_text_of_another_form_is_refused(text: str) -> None:
    """The error names the text, the class and its template."""
    with pytest.raises(
        InvalidKeyError, match=r"does not follow '{experiment}/trial_{trial}', the template of TrialKey"
    ):
        TrialKey.parse(text)


def test_a_text_that_would_be_another_key_is_refused() -> None:
    """`parse` checks the constraints of each field."""
    with pytest.raises(InvalidKeyError):
        RunKey.parse("runs/v2/train--6_n.a")


_NO_KEYS: Final[list[tuple[str, dict[str, Any], str | None, str]]] = [
    ("{x}", {"x": float}, "x", "has the type float; allowed in a key are int, str, Literal, IntEnum and StrEnum"),
    ("{x}", {"x": int | None}, "x", "has the type … | None; allowed in a key are"),
    ("{x}", {"x": bool}, "x", "has the type bool; declare an int that is 0 or 1; allowed in a key are"),
    ("{x}", {"x": Literal["a/b"]}, "x", "allows a value with a /, which would be two segments"),
    ("{parse}", {"parse": str}, "parse", "cannot be a field: 'parse' is generated"),
    ("{x}1{y}", {"x": int, "y": int}, "y", "follows 'x' so that nothing tells where one ends"),
    ("{x}-{y}", {"x": str, "y": int}, "y", "follows 'x' so that nothing tells where one ends"),
    ("{x}0{y}", {"x": str, "y": Annotated[int, Meta(ge=0)]}, "y", "follows 'x' so that nothing tells"),
    ("{x}", {"x": Stat}, "x", "has the type"),
    ("{x}", {"x": Annotated[int, Meta(gt=1, lt=2)]}, "x", "has constraints that no value can keep"),
    ("{x}", {"_x": int}, "_x", "begins with an underscore"),
    ("{x", {"x": int}, None, "has a template that cannot be read"),
    ("{x}{y}", {"x": int}, None, "has no field 'y', which its template names"),
    ("{x.y}", {"x": int}, None, "has no field 'x.y', which its template names"),
    ("{}", {"x": int}, None, "has no field '', which its template names"),
    ("a", {"x": int}, "x", "must be in the template 'a' once"),
    ("{x}/{x}", {"x": int}, "x", "must be in the template '{x}/{x}' once"),
    ("a", {}, None, "has no field; a key without one is a plain str"),
    ("{x:3d}", {"x": int}, "x", "has the format ':3d' in the template; only an int has one, which pads it: {x:05d}"),
    ("{x!r}", {"x": int}, "x", "has the format '!r' in the template; only an int has one"),
    ("{x!s:05d}", {"x": int}, "x", "has the format '!s:05d' in the template"),
    ("{x:05d}", {"x": str}, "x", "has the format ':05d' in the template"),
    ("{x:05d}", {"x": Split}, "x", "has the format ':05d' in the template"),
    ("{x:+05d}", {"x": int}, "x", "has the format ':+05d' in the template"),
    ("{x:05x}", {"x": int}, "x", "has the format ':05x' in the template"),
    ("{x:00d}", {"x": int}, "x", "has the format ':00d' in the template"),
    ("{x:099999999999d}", {"x": int}, "x", "has the format ':099999999999d' in the template"),
    ("{x:0300d}", {"x": int}, None, "has a template that no key can follow"),
    ("{x:03d}{y:03d}", {"x": int, "y": int}, "y", "follows 'x' so that nothing tells where one ends"),
    ("{x}{y}", {"x": int, "y": int}, "y", "follows 'x' so that nothing tells where one ends"),
    ("{x}_{y}", {"x": str, "y": str}, "y", "is a str in one segment with 'x'; put a / between them"),
    ("{x}_{z}_{y}", {"x": str, "z": int, "y": str}, "y", "is a str in one segment with 'x'"),
]


@pytest.mark.parametrize(("template", "annotations", "field", "reason"), _NO_KEYS)
def test_a_class_that_cannot_be_a_key_is_refused(
    template: str, annotations: dict[str, Any], field: str | None, reason: str
) -> None:
    """The declaration fails, with an error that names the class and the field."""
    with pytest.raises(RecordDefinitionError) as caught:
        declare(template, **annotations)
    assert (caught.value.cls, caught.value.field) == ("Declared", field)
    assert reason in caught.value.reason


@pytest.mark.parametrize("option", [field(name="y"), field(doc="X."), attrs.field(alias="y"), attrs.field(eq=str)])
def test_a_field_of_a_key_has_no_options(option: Any) -> None:
    """A key class refuses every option of `field` and of attrs."""
    body = {"__annotations__": {"x": int}, "x": option}
    with pytest.raises(RecordDefinitionError, match=r"Declared\.x: takes no field\(\.\.\.\)"):
        key("{x}")(type("Declared", (), body))


@pytest.mark.parametrize(
    ("hint", "default"), [(int, "x"), (Annotated[int, Meta(ge=0)], -1), (Literal["train"], "bad"), (int, None)]
)
def test_a_default_that_its_field_refuses_is_refused(hint: Any, default: object) -> None:
    """The declaration of the class fails, not the construction of a key."""
    body = {"__annotations__": {"x": hint}, "x": default}
    with pytest.raises(RecordDefinitionError, match=r"Declared\.x: has a default that it refuses"):
        key("{x}")(type("Declared", (), body))


@pytest.mark.parametrize("name", ["__str__", "parse"])
def test_a_method_that_is_generated_cannot_be_defined(name: str) -> None:
    """The decorator would overwrite it."""
    body: dict[str, Any] = {"__annotations__": {"x": int}, name: print}
    with pytest.raises(RecordDefinitionError, match=f"Declared: defines {name}"):
        key("{x}")(type("Declared", (), body))


@pytest.mark.parametrize(
    ("template", "hints"),
    [
        ("{x}-{y}", {"x": str, "y": Annotated[int, Meta(ge=0)]}),
        ("{x}_{y}", {"x": str, "y": int}),
        ("{x}-{y}", {"x": int, "y": int}),
        ("{x}1-{y}", {"x": int, "y": int}),
        ("{x}-{y}", {"x": int, "y": str}),
    ],
)
@given(st.data())
def test_a_template_that_tells_its_fields_apart_reads_back(
    template: str, hints: dict[str, Any], data: st.DataObject
) -> None:
    """Every key is read back from its text."""
    made: Any = declare(template, **hints)
    numbers, texts = st.integers(-1000, 1000), st.text("ab1-_", min_size=1, max_size=6)
    of = {int: numbers, str: texts}
    key_ = made(**{name: data.draw(of.get(hint, st.integers(0, 1000))) for name, hint in hints.items()})
    assert made.parse(str(key_)) == key_


def test_a_field_of_a_key_may_have_a_default() -> None:
    """The default is written behind the annotation."""
    body = {"__annotations__": {"x": int}, "x": 3}
    made: Any = key("k/{x}")(type("Declared", (), body))
    assert str(made()) == "k/3"


@key("{name}_{trial:05d}/{size:02}")
class PaddedKey(KeyTemplate):
    """A key with padded numbers behind a text that may hold digits too."""

    name: str
    trial: Annotated[int, Meta(ge=0)]
    size: Literal[1, 10, 100]


def test_texts_with_padded_numbers_sort_as_their_keys() -> None:
    """`parse` reads padded names that exist already."""
    assert str(PaddedKey("a", 7, 1)) == "a_00007/01"
    assert PaddedKey.parse("a_00007/100") == PaddedKey("a", 7, 100)
    trials = [PaddedKey("a", trial, 1) for trial in (3, 20, 100)]
    assert sorted(map(str, trials)) == [str(trial) for trial in sorted(trials)]
    view = FsspecResultTracker("memory://keys/padded").typed(Stat, key=PaddedKey)
    view[trials[0]] = Stat(mean=0, sem=0)
    assert [*view] == trials[:1]


@given(st.integers(-(2**63), 2**64 - 1) | st.integers(-1000, 1000), st.integers(1, 30))
def test_a_padded_number_is_read_back(number: int, width: int) -> None:
    """The text is that of `format`, for every int and every width."""
    made = declare(f"{{x:0{width}d}}", x=int)
    text = format(number, f"0{width}d")
    assert str(made(number)) == text
    assert made.parse(text) == made(number)


@given(st.from_regex(r"-?[0-9]{1,6}", fullmatch=True), st.integers(1, 5))
def test_a_number_with_other_padding_is_refused(text: str, width: int) -> None:
    """`parse` accepts only the text that `str` writes."""
    made = declare(f"{{x:0{width}d}}", x=int)
    try:
        found = made.parse(text)
    except InvalidKeyError:
        assert format(int(text), f"0{width}d") != text
    else:
        assert str(found) == text


@given(st.text("ab1-_0", min_size=1, max_size=6), st.integers(0, 10**7))
def test_a_padded_template_tells_its_fields_apart(name: str, trial: int) -> None:
    """The name in front may end in digits, dashes and underscores."""
    made = PaddedKey(name, trial, 10)
    assert PaddedKey.parse(str(made)) == made


@pytest.mark.parametrize(
    "text", ["a_7/01", "a_000007/01", "a_00007/1", "a_00007/001", "a_-0007/01", "a_0007/01", "a_+0007/01"]
)
def test_a_text_with_other_padding_is_refused(text: str) -> None:
    """Two texts are never one key."""
    with pytest.raises(InvalidKeyError, match="the template of PaddedKey"):
        PaddedKey.parse(text)


# -- keys that carry their record --------------------------------------------------------------------------------------


@record
class Loss:
    """A record."""

    loss: float


@key("losses/{trial}")
class LossKey(KeyTemplate[Loss]):
    """A key that carries it."""

    trial: int


@key("losses/{trial}/{part}")
class PartKey(LossKey):
    """A key that inherits the record."""

    part: str = "a"


def test_a_key_carries_its_record() -> None:
    """``typed(LossKey)`` is the same view as ``typed(Loss, key=LossKey)``."""
    tracker = FsspecResultTracker("memory://keys/carried")
    view = tracker.typed(LossKey)
    view[LossKey(1)] = Loss(loss=0.5)
    assert tracker.typed(Loss, key=LossKey)[LossKey(1)] == view[LossKey(1)] == Loss(loss=0.5)
    assert repr(view) == repr(tracker.typed(Loss, key=LossKey))
    assert tracker.typed(LossKey, unknown="error")[LossKey(1)] == Loss(loss=0.5)
    parts = tracker.typed(PartKey)
    parts[PartKey(2)] = Loss(loss=0.25)
    assert tracker["losses/2/a"] == {"loss": 0.25}


def test_a_key_is_not_paired_with_another_record() -> None:
    """The error names the key class, its record and the other record."""
    tracker = FsspecResultTracker("memory://keys/carried")
    with pytest.raises(RecordDefinitionError) as caught:
        tracker.typed(Stat, key=LossKey)
    assert (
        str(caught.value)
        == "LossKey: carries the record Loss, so it cannot be paired with <class 'typedtrack._records.stat.Stat'>"
    )


@pytest.mark.parametrize("cls", [TrialKey, Undeclared])
def test_a_key_without_a_record_needs_one(cls: Any) -> None:
    """The error shows both ways to name one."""
    with pytest.raises(RecordDefinitionError) as caught:
        FsspecResultTracker("memory://keys/carried").typed(cls)
    remedy = f"inherit from KeyTemplate[Record], or call typed(Record, key={cls.__name__})"
    assert str(caught.value) == f"{cls.__name__}: does not carry a record; {remedy}"


def test_the_record_of_a_key_may_be_a_forward_reference() -> None:
    """The name may be a local one."""

    @record
    class Local:
        x: int

    @key("{n}")
    class Key(KeyTemplate["Local"]):
        n: int

    assert "Local, key=Key" in repr(FsspecResultTracker("memory://keys/carried").typed(Key))


@pytest.mark.parametrize(
    ("argument", "reason"),
    [
        (int, "carries <class 'int'>, which is not a record class; decorate it with @record"),
        (TrialKey, "which is not a record class"),
        ("Nowhere", "which cannot be evaluated: name 'Nowhere' is not defined; declare or import it above the class"),
    ],
)
def test_a_key_can_only_carry_a_record(argument: Any, reason: str) -> None:
    """The declaration of the class fails."""
    base: Any = KeyTemplate
    body = {"__annotations__": {"n": int}, "__module__": __name__}
    cls = types.new_class("Declared", (base[argument],), {}, lambda namespace: namespace.update(body))
    with pytest.raises(RecordDefinitionError) as caught:
        key("{n}")(cls)
    assert reason in caught.value.reason


@pytest.mark.parametrize("template", ["a/../{x}", "/{x}", "a//{x}", ".a/{x}", "a\\{x}", "{x}/"])
def test_a_template_that_no_key_can_follow_is_refused(template: str) -> None:
    """Its fixed text breaks the rules of a key."""
    with pytest.raises(RecordDefinitionError, match="has a template that no key can follow"):
        declare(template, x=int)


def test_braces_can_be_in_a_key() -> None:
    """The template doubles them, as `str.format` requires."""
    made = declare("{{a}}/{x}", x=int)
    assert str(made(1)) == "{a}/1"
    assert made.parse("{a}/1") == made(1)


@pytest.mark.parametrize("thing", [int, Stat, 3])
def test_only_a_key_class_types_keys(thing: Any) -> None:
    """The error names the class, and the decorator that it lacks."""
    with pytest.raises(RecordDefinitionError, match="is not a key class; decorate it with @key"):
        FsspecResultTracker("memory://keys/none").typed(Stat, key=thing)


class Undecorated(KeyTemplate[Stat]):
    """A key class whose decorator was forgotten."""

    x: int


def test_a_key_class_without_its_decorator_is_told_so() -> None:
    """Alone it would be taken for a record."""
    tracker = FsspecResultTracker("memory://keys/undecorated")
    with pytest.raises(
        RecordDefinitionError, match=r"Undecorated: is not a key class; decorate it with @key\(template"
    ):
        tracker.typed(Undecorated)


@pytest.mark.parametrize("base", [KeyTemplate[Stat], KeyTemplate, TrialKey])
def test_a_key_class_is_not_a_record(base: Any) -> None:
    """The wrong decorator is refused."""
    with pytest.raises(RecordDefinitionError, match=r"inherits from a key class.*@key\(template\)"):

        @record
        class Wrong(base):  # type: ignore[misc]  # a base that a test gives
            x: int


def test_an_untyped_tracker_tells_which_view_takes_a_typed_key() -> None:
    """A key that carries its record needs no other argument."""
    tracker = FsspecResultTracker("memory://keys/untyped")
    with pytest.raises(InvalidKeyError, match=r"use tracker.typed\(LossKey\), or str\(key\)"):
        tracker[LossKey(1)]  # type: ignore[index]  # the point
    name = TrialKey.__name__
    with pytest.raises(InvalidKeyError, match=rf"use tracker.typed\(\.\.\., key={name}\), or str\(key\)"):
        tracker[TrialKey("a", 1)]  # type: ignore[index]  # the point


def test_only_a_class_can_be_a_key() -> None:
    """The error shows the object that was decorated."""
    with pytest.raises(RecordDefinitionError, match="is not a class"):
        key("{x}")(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # it must refuse


def test_a_key_without_a_template_is_refused() -> None:
    """The decorator needs a template as its argument."""
    with pytest.raises(RecordDefinitionError, match="without a template"):
        key(cast("str", _NoTemplate))  # as ``@key`` alone does


class _NoTemplate:
    number: int


def test_only_a_str_is_parsed() -> None:
    """`parse` refuses an int, even if the int is a key."""

    @key("k/{number}")
    class Numbered(KeyTemplate):
        number: int

    with pytest.raises(InvalidKeyError):
        Numbered.parse(cast("str", 5))  # which a type checker refuses
