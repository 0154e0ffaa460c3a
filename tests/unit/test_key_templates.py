"""`key`: typed keys, their templates, and what is refused."""

from __future__ import annotations

import copy
import enum
import pickle
from typing import Annotated, Any, Final, Literal, cast

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from typedtrack import FsspecResultTracker, InvalidKeyError, KeyTemplate, RecordDefinitionError, Stat, field, key


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
    """Return a key class, declared as a class statement would."""
    return key(template)(type("Declared", (), {"__annotations__": annotations, "__module__": __name__}))


def test_a_key_becomes_text_and_is_read_back() -> None:
    """`str` and `parse` are inverses."""
    assert str(TrialKey("resnet", 7)) == "resnet/trial_7"
    assert TrialKey.parse("resnet/trial_7") == TrialKey(experiment="resnet", trial=7)
    run = RunKey(name="x-1_2", seed=-3, split=Split.TEST, kind="a.b")
    assert str(run) == "runs/v2/test_set--3_x-1_2.a.b"
    assert RunKey.parse(str(run)) == run
    assert RunKey.parse("runs/v2/train-0_n.a").split is Split.TRAIN


def test_a_class_of_its_own_gets_both() -> None:
    """Without inheriting from `KeyTemplate`, too."""
    made: Any = Undeclared
    assert str(made(3)) == "3"
    assert made.parse("3") == made(3)


def test_it_is_a_frozen_attrs_class() -> None:
    """It compares, sorts, hashes, pickles, matches and evolves as one."""
    trials = [TrialKey("b", 1), TrialKey("a", 10), TrialKey("a", 2)]
    assert [key.trial for key in sorted(trials)] == [2, 10, 1]
    assert len({*trials, TrialKey("b", 1)}) == 3
    assert pickle.loads(pickle.dumps(trials)) == copy.deepcopy(trials) == trials
    evolve: Any = attrs.evolve  # to mypy, a typed key is no attrs class
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
    """A key is refused when it is made, or its text is read back as the same key, and is nobody else's."""
    try:
        made = RunKey(name, seed, split, kind)
    except InvalidKeyError:
        return
    assert RunKey.parse(str(made)) == made
    assert str(RunKey.parse(str(made))) == str(made)


@given(st.from_regex(r"(runs/v2/)?(train|test_set|x)-(-?[0-9]{1,3}|é)_[a-z._-]{0,4}\.?(a|a\.b|c)?", fullmatch=True))
def test_what_is_parsed_is_written_the_same(text: str) -> None:
    """A text is refused, or it is that of the key that it is read as."""
    try:
        made = RunKey.parse(text)
    except InvalidKeyError:
        return
    assert str(made) == text


@pytest.mark.parametrize(
    ("experiment", "trial", "reason"),
    [
        ("", 1, "a key has no empty segment"),
        ("a/b", 1, "would not be read back as the same key"),
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
    """The template is not ambiguous, these values are."""
    Pair = declare("{x}_{y}", x=Literal["a", "a_b"], y=str)  # noqa: N806  # it is a class
    assert str(Pair("a", "b_c")) == "a_b_c"
    with pytest.raises(InvalidKeyError, match="'a_b_c' would not be read back as the same key"):
        Pair("a_b", "c")


def test_values_of_other_types_are_taken_where_nothing_is_lost() -> None:
    """As in a record."""
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
    with pytest.raises(InvalidKeyError, match=r"is no TrialKey, which is written '{experiment}/trial_{trial}'"):
        TrialKey.parse(text)


def test_a_text_that_would_be_another_key_is_refused() -> None:
    """A field's constraints hold for what is parsed."""
    with pytest.raises(InvalidKeyError):
        RunKey.parse("runs/v2/train--6_n.a")


_NO_KEYS: Final[list[tuple[str, dict[str, Any], str | None, str]]] = [
    ("{x}", {"x": float}, "x", "has the type float; allowed in a key are int, str, Literal, IntEnum and StrEnum"),
    ("{x}", {"x": int | None}, "x", "has the type … | None; allowed in a key are"),
    ("{x}", {"x": bool}, "x", "has the type bool; allowed in a key are"),
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
    ("{x:03d}", {"x": int}, "x", "has a format in the template"),
    ("{x!r}", {"x": int}, "x", "has a format in the template"),
    ("{x}{y}", {"x": int, "y": int}, "y", "follows 'x' so that nothing tells where one ends"),
    ("{x}_{y}", {"x": str, "y": str}, "y", "is a str in one segment with 'x'; put a / between them"),
    ("{x}_{z}_{y}", {"x": str, "z": int, "y": str}, "y", "is a str in one segment with 'x'"),
]


@pytest.mark.parametrize(("template", "annotations", "field", "reason"), _NO_KEYS)
def test_a_class_that_cannot_be_a_key_is_refused(
    template: str, annotations: dict[str, Any], field: str | None, reason: str
) -> None:
    """It fails where it is declared; the error names class and field."""
    with pytest.raises(RecordDefinitionError) as caught:
        declare(template, **annotations)
    assert (caught.value.cls, caught.value.field) == ("Declared", field)
    assert reason in caught.value.reason


@pytest.mark.parametrize("option", [field(name="y"), field(doc="X."), attrs.field(alias="y"), attrs.field(eq=str)])
def test_a_field_of_a_key_has_no_options(option: Any) -> None:
    """What `field` or attrs would say of it beyond its annotation and default is refused, never ignored."""
    body = {"__annotations__": {"x": int}, "x": option}
    with pytest.raises(RecordDefinitionError, match=r"Declared\.x: takes no field\(\.\.\.\)"):
        key("{x}")(type("Declared", (), body))


@pytest.mark.parametrize(
    ("hint", "default"), [(int, "x"), (Annotated[int, Meta(ge=0)], -1), (Literal["train"], "bad"), (int, None)]
)
def test_a_default_that_its_field_refuses_is_refused(hint: Any, default: object) -> None:
    """Where the class is declared, not where a key is made."""
    body = {"__annotations__": {"x": hint}, "x": default}
    with pytest.raises(RecordDefinitionError, match=r"Declared\.x: has a default that it refuses"):
        key("{x}")(type("Declared", (), body))


@pytest.mark.parametrize("name", ["__str__", "parse"])
def test_what_the_template_makes_is_not_defined(name: str) -> None:
    """A class that has its own of it would be overwritten, or would not be read back."""
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
    """Every value that its fields take."""
    made: Any = declare(template, **hints)
    numbers, texts = st.integers(-1000, 1000), st.text("ab1-_", min_size=1, max_size=6)
    of = {int: numbers, str: texts}
    key_ = made(**{name: data.draw(of.get(hint, st.integers(0, 1000))) for name, hint in hints.items()})
    assert made.parse(str(key_)) == key_


def test_a_field_of_a_key_may_have_a_default() -> None:
    """As an annotation has it."""
    body = {"__annotations__": {"x": int}, "x": 3}
    made: Any = key("k/{x}")(type("Declared", (), body))
    assert str(made()) == "k/3"


@pytest.mark.parametrize("template", ["a/../{x}", "/{x}", "a//{x}", ".a/{x}", "a\\{x}", "{x}/"])
def test_a_template_of_which_no_key_can_be_is_refused(template: str) -> None:
    """What the template has fixed breaks the rules of a key."""
    with pytest.raises(RecordDefinitionError, match="has a template of which no key can be"):
        declare(template, x=int)


def test_braces_can_be_in_a_key() -> None:
    """Doubled, as `str.format` has them."""
    made = declare("{{a}}/{x}", x=int)
    assert str(made(1)) == "{a}/1"
    assert made.parse("{a}/1") == made(1)


@pytest.mark.parametrize("thing", [int, Stat, 3])
def test_only_a_key_class_types_keys(thing: Any) -> None:
    """What is not declared by `key` is named."""
    with pytest.raises(RecordDefinitionError, match="is not a key class; decorate it with @key"):
        FsspecResultTracker("memory://keys/none").typed(Stat, key=thing)


def test_only_a_class_can_be_a_key() -> None:
    """What is no class is named."""
    with pytest.raises(RecordDefinitionError, match="is not a class"):
        key("{x}")(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # it must refuse


def test_a_key_without_a_template_is_refused() -> None:
    """The decorator is called with it."""
    with pytest.raises(RecordDefinitionError, match="without a template"):
        key(cast("str", _NoTemplate))  # as ``@key`` alone does


class _NoTemplate:
    number: int


def test_what_is_no_text_is_not_parsed() -> None:
    """It is no key."""

    @key("k/{number}")
    class Numbered(KeyTemplate):
        number: int

    with pytest.raises(InvalidKeyError):
        Numbered.parse(cast("str", 5))  # which a type checker refuses
