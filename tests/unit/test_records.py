"""Record classes: their fields, the values that they accept and refuse, and their behaviour as classes."""

from __future__ import annotations

import copy
import datetime
import decimal
import enum
import gc
import json
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Literal, NewType, cast

import attrs
import numpy as np
import pytest
from msgspec import Meta
from typing_extensions import TypeAliasType

from typedtrack import (
    CorruptResultError,
    FieldSchema,
    InvalidResultError,
    Problem,
    RecordDefinitionError,
    RecordSchema,
    SchemaMismatchError,
    Stat,
    as_result,
    evolve,
    field,
    load_schemas,
    record,
    schema_of,
)
from typedtrack._records.codec import record_codec
from typedtrack._records.declare import record_class
from typedtrack._records.record_type import record_type
from typedtrack._schema.records import NestedSchema
from typedtrack.schemas import document_text, file_name

Seconds = NewType("Seconds", float)
Rate = TypeAliasType("Rate", Annotated[float, Meta(ge=0)])


class Split(enum.StrEnum):
    """A part of a data set."""

    TRAIN = "train"
    TEST = "test"


class Size(enum.IntEnum):
    """A size of a model."""

    SMALL = 1
    LARGE = 2


@record
class EvalResult:
    """One evaluation of one checkpoint.

    It has every type of field.
    """

    accuracy: Annotated[float, Meta(ge=0, le=1)]
    steps: int
    l2norm: Stat
    split: Literal["train", "test"] = "test"
    checkpoint: str | None = None
    p99_ms: float = field(name="latency/p99", aliases=("p99",), doc="  Milliseconds.\n", default=0.0)
    size: Size = Size.SMALL
    part: Split | None = None


@record
class Outer:
    """A record with a nested record that may be `None`."""

    n: int = 3
    note: str | None = None
    s: Stat | None = None


@record
class Outermost:
    """A record with nested records that may be `None`, one of them without a default."""

    x: int
    outer: Outer | None = None
    stat: Stat | None
    certain: Outer = Outer(n=7)


@record
class Timed:
    """The base of a record."""

    seconds: float
    name: str = "x"


@record
class Trained(Timed):
    """A record that inherits fields."""

    loss: float
    seconds: Annotated[float, Meta(ge=0)]


def an_eval_result(**changes: Any) -> EvalResult:
    """Return a valid record; *changes* replace its values."""
    values: dict[str, Any] = {"accuracy": 0.5, "steps": 3, "l2norm": Stat(mean=1.0, sem=0.1), **changes}
    return EvalResult(**values)


def declare(
    annotations: dict[str, Any], *bases: type, body: dict[str, Any] | None = None, name: str = "Declared"
) -> type[Any]:
    """Return a record class, declared as by a class statement."""
    return record(type(name, bases, {"__annotations__": annotations, "__module__": __name__, **(body or {})}))


@pytest.fixture
def records(form: Callable[..., list[Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a test on the classes above, and again on the classes that `load_schemas` makes from their schemas."""
    for cls in form(EvalResult, Outer, Outermost, Timed, Trained, AllDefaults, Phased):
        monkeypatch.setattr(sys.modules[__name__], cls.__name__, cls)


# -- what the class is ------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("records")
def test_it_is_a_frozen_slotted_keyword_only_attrs_class() -> None:
    """Nobody can set, add or delete an attribute, or give an argument without its name."""
    instance = an_eval_result()
    assert attrs.has(EvalResult)
    assert not hasattr(instance, "__dict__")
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        instance.steps = 4  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]  # frozen
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        del instance.steps  # pyright: ignore[reportAttributeAccessIssue]  # frozen
    with pytest.raises(TypeError, match="fields as keyword arguments"):
        Stat(1.0, 2.0)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # keyword-only
    with pytest.raises(TypeError, match="missing the field sem"):
        Stat(mean=1.0)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # missing


@pytest.mark.usefixtures("records")
def test_the_repr_is_the_call_that_makes_the_record(is_loaded: bool) -> None:
    """A loaded class has a `Literal` where the declared class has an enumeration."""
    chosen = "size=1, part='test'" if is_loaded else "size=<Size.SMALL: 1>, part=<Split.TEST: 'test'>"
    assert repr(an_eval_result(part="test")) == (
        "EvalResult(accuracy=0.5, steps=3, l2norm=Stat(mean=1.0, sem=0.1), split='test', checkpoint=None, p99_ms=0.0, "
        f"{chosen})"
    )


@pytest.mark.usefixtures("records")
def test_equal_records_have_one_hash() -> None:
    """Records are equal if their class and their values are."""
    assert {an_eval_result(), an_eval_result()} == {an_eval_result()}
    assert an_eval_result() != an_eval_result(steps=4)
    assert Outer(n=1) != declare({"n": int, "note": str | None, "s": Stat | None})(n=1, note=None, s=None)


@pytest.mark.usefixtures("records")
def test_a_copy_may_be_changed() -> None:
    """`evolve`, `attrs.evolve` and `copy.replace` make a copy, which is checked like any new record."""
    instance = an_eval_result()
    attrs_evolve: Any = attrs.evolve  # to mypy, a record is not an attrs class
    for changed in (evolve(instance, steps=4), attrs_evolve(instance, steps=4)):
        assert changed == an_eval_result(steps=4)
    assert evolve(instance) == copy.copy(instance) == copy.deepcopy(instance) == instance
    assert evolve(instance, l2norm=evolve(instance.l2norm, sem=3)).l2norm.sem == 3
    with pytest.raises(InvalidResultError, match="steps"):
        evolve(instance, steps="4")
    with pytest.raises(TypeError, match=r"EvalResult\(\) has no field 'step'; did you mean 'steps'\?"):
        evolve(instance, step=4)
    if sys.version_info >= (3, 13):
        assert copy.replace(instance, steps=4) == an_eval_result(steps=4)
        with pytest.raises(InvalidResultError, match="steps"):
            copy.replace(instance, steps="4")


@pytest.mark.usefixtures("records")
def test_a_record_becomes_a_dict_of_attributes_or_the_map_that_is_stored() -> None:
    """`attrs.asdict` nests attributes. `as_result` has the names on the wire, without the fields that are `None`."""
    instance = an_eval_result(part="train")
    assert attrs.asdict(instance)["l2norm"] == {"mean": 1.0, "sem": 0.1}  # type: ignore[arg-type]  # an attrs class
    result = as_result(instance)
    assert result == json.loads(record_codec(record_type(EvalResult)).encode(instance))
    assert [*result] == ["accuracy", "steps", "l2norm/mean", "l2norm/sem", "split", "latency/p99", "size", "part"]
    assert {type(value) for value in result.values()} == {int, float, str}
    with pytest.raises(RecordDefinitionError, match="int: is not a record class"):
        as_result(3)


@pytest.mark.usefixtures("records")
def test_a_match_statement_reads_attributes() -> None:
    """Patterns name the attributes of a record and of a nested one."""
    match an_eval_result(steps=7):
        case EvalResult(steps=7, l2norm=Stat(mean=mean)):
            assert mean == 1.0
        case other:
            pytest.fail(f"not matched: {other}")


@pytest.mark.usefixtures("records")
@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_it_pickles(protocol: int) -> None:
    """The class is found by its module and name, also in a module that calls `load_schemas`."""
    instance = an_eval_result(size=2, part="train")
    assert pickle.loads(pickle.dumps(instance, protocol)) == instance


def test_a_class_made_at_run_time_pickles_if_a_module_holds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is found there by its name."""
    made: Any = record_class(schema_of(Stat), __name__)
    monkeypatch.setattr(sys.modules[__name__], "Stat", made)
    instance = made(mean=1, sem=2)
    assert pickle.loads(pickle.dumps(instance)) == instance


def test_a_loaded_class_has_only_what_its_schema_says(tmp_path: Path) -> None:
    """It lacks methods, class variables, bases and enumerations. It belongs to the module that loads it."""

    @record
    class Run(Timed):
        unit: ClassVar[str] = "s"
        size: Size = Size.SMALL

        def minutes(self) -> float:
            return self.seconds / 60

    (tmp_path / file_name("Run")).write_text(document_text(schema_of(Run)))
    loaded: Any = load_schemas(tmp_path)["Run"]
    assert (loaded.__name__, loaded.__module__, loaded.__bases__) == ("Run", __name__, (object,))
    assert not hasattr(loaded, "minutes")
    assert not hasattr(loaded, "unit")
    assert type(loaded(seconds=60).size) is int
    assert loaded(seconds=60) != Run(seconds=60)
    assert Run(seconds=60).minutes() == 1


@pytest.mark.usefixtures("records")
def test_an_undecorated_subclass_is_refused() -> None:
    """Its constructor asks for the decorator, because a subclass may have other fields."""

    class Sub(Outer):
        pass

    with pytest.raises(RecordDefinitionError, match="Sub: is not a record class; decorate it with @record"):
        Sub(n=1)


def test_an_unused_class_is_collected(tmp_path: Path) -> None:
    """The library does not keep a class alive that no view has used, whether declared or loaded."""
    before = {id(cls) for cls in object.__subclasses__()}
    # Hypothesis keeps the classes of every module but this one, once typedtrack.testing is imported.
    declared = declare({"x": int}, body={"__module__": "typedtrack.testing"}, name="LetGo")
    (tmp_path / file_name("LetGo")).write_text(document_text(schema_of(declared)))
    made: dict[str, Any] = {"__name__": "typedtrack.testing", "load_schemas": load_schemas, "folder": tmp_path}
    exec("loaded = load_schemas(folder)['LetGo']", made)
    assert (made["loaded"].__module__, made["loaded"](x=1).x) == ("typedtrack.testing", 1)
    del declared, made
    gc.collect()
    assert not [cls for cls in object.__subclasses__() if cls.__name__ == "LetGo" and id(cls) not in before]


# -- fields -----------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("records")
def test_columns_follow_the_declaration() -> None:
    """Every field is a column under its wire name. Fields of nested records are flattened."""
    schema = schema_of(EvalResult)
    assert [(column.attribute, column.name, column.kind) for column in schema.columns] == [
        ("accuracy", "accuracy", "float"),
        ("steps", "steps", "int"),
        ("l2norm.mean", "l2norm/mean", "float"),
        ("l2norm.sem", "l2norm/sem", "float"),
        ("split", "split", "str"),
        ("checkpoint", "checkpoint", "str"),
        ("p99_ms", "latency/p99", "float"),
        ("size", "size", "int"),
        ("part", "part", "str"),
    ]
    assert schema.name == "EvalResult"
    assert schema.doc == "One evaluation of one checkpoint.\n\nIt has every type of field."
    p99 = schema.columns[6]
    assert (p99.aliases, p99.doc, p99.default, p99.required) == (("p99",), "Milliseconds.", 0.0, False)
    assert [column.name for column in schema.columns if column.required] == [
        "accuracy",
        "steps",
        "l2norm/mean",
        "l2norm/sem",
    ]
    assert schema.columns[7].choices == (1, 2)


@pytest.mark.usefixtures("records")
def test_fields_are_inherited() -> None:
    """A record has the fields of its base. A field that it declares again comes last, with its new constraint."""
    assert [column.name for column in schema_of(Trained).columns] == ["name", "loss", "seconds"]
    assert Trained(loss=1, seconds=2) == Trained(loss=1.0, seconds=2.0, name="x")
    with pytest.raises(InvalidResultError, match="seconds"):
        Trained(loss=1, seconds=-1)
    assert Timed(seconds=-1).seconds == -1.0


def test_a_plain_base_may_bring_methods() -> None:
    """The record itself declares the fields that the base annotates."""

    class Percent:
        accuracy: float

        def percent(self) -> float:
            return 100 * self.accuracy

    @record
    class Percentage(Percent):
        accuracy: float

    assert Percentage(accuracy=0.5).percent() == 50.0


def test_annotations_may_use_local_names() -> None:
    """They are strings here, and name a class of the function around them."""

    class Local(enum.IntEnum):
        ONE = 1

    @record
    class Here:
        x: Local

    assert Here(x=Local.ONE).x is Local.ONE


_TAKEN: Final[list[tuple[Any, object, object]]] = [
    (float, 1, 1.0),
    (float, np.float64(1.5), 1.5),
    (float, np.float32(1.5), 1.5),
    (float, np.array(1.5), 1.5),
    (int, np.int64(3), 3),
    (int, 2**64 - 1, 2**64 - 1),
    (int, Size.LARGE, 2),
    (str, Split.TEST, "test"),
    (str, np.str_("é"), "é"),
    (str, "é" * 512, "é" * 512),
    (Seconds, 2, 2.0),
    (Rate, 2, 2.0),
    (Literal["a", None], None, None),
    (Literal["test"], Split.TEST, "test"),
    (Annotated[int | None, Meta(ge=3)], 3, 3),
    (Annotated[Annotated[float | None, Meta(gt=0)], Meta(lt=1)], 0.5, 0.5),
    (Annotated[float, Meta(multiple_of=0.25)], 0.75, 0.75),
    (Annotated[int, Meta(multiple_of=3)], -9, -9),
    (Annotated[str, Meta(pattern="^a+$", max_length=3)], "aaa", "aaa"),
    (Annotated[str, Meta(min_length=2)], "éé", "éé"),
    (Size, 2, Size.LARGE),
    (Size, np.int8(2), Size.LARGE),
    (Size | None, None, None),
    (Split, "train", Split.TRAIN),
]


@pytest.mark.parametrize(("hint", "value", "kept"), _TAKEN)
def test_a_value_is_converted_if_nothing_is_lost(
    hint: Any, value: object, kept: object, is_loaded: bool, form: Callable[..., list[Any]]
) -> None:
    """The attribute has exactly the declared type.

    Where that is an enumeration, a loaded class has a `Literal`, and so the value of the member.
    """
    [made] = form(declare({"x": hint, "y": int}))
    found = made(x=value, y=0).x
    wanted = kept.value if is_loaded and isinstance(kept, enum.Enum) else kept
    assert (found, type(found)) == (wanted, type(wanted))


_BROKEN: Final[list[tuple[Any, object, str]]] = [
    (float, True, "must be a float, not bool"),
    (int, np.bool_(True), "must be an int, not bool"),
    (int, 1.0, "must be an int, not float"),
    (float, "1", "must be a float, not str"),
    (str, b"x", "must be a str, not bytes"),
    (int, None, "must be an int, not NoneType"),
    (int, 2**64, "an int is from -2**63 to 2**64-1; store it as a float or a str"),
    (float, 2**64, "an int is from -2**63 to 2**64-1; store it as a float or a str"),
    (str, "a\ud800", "the str is not valid Unicode: lone surrogate at position 1"),
    (str, "é" * 513, "the str is 1,026 bytes of UTF-8; the limit is 1,024 bytes"),
    (Annotated[str, Meta(max_length=5)], "a\ud800", "the str is not valid Unicode: lone surrogate at position 1"),
    (Literal["a", "b"], "c", "must be one of 'a', 'b'"),
    (Literal[1, 2], True, "must be an int, not bool"),
    (Literal[1, 2], 1.0, "must be an int, not float"),
    (Size, 3, "must be one of 1, 2"),
    (Size, "1", "must be an int, not str"),
    (Split, Size.SMALL, "must be a str, not int"),
    (Annotated[float, Meta(gt=0)], 0.0, "must be > 0.0"),
    (Annotated[float, Meta(ge=0)], -5e-324, "must be >= 0.0"),
    (Annotated[float, Meta(lt=0)], 0, "must be < 0.0"),
    (Annotated[float, Meta(le=0)], 5e-324, "must be <= 0.0"),
    (Annotated[float, Meta(le=0)], float("nan"), "must be <= 0.0"),
    (Annotated[float, Meta(multiple_of=0.1)], 0.1 + 0.2, "must be a multiple of 0.1"),
    (Annotated[float, Meta(multiple_of=0.5)], float("inf"), "must be a multiple of 0.5"),
    (Annotated[int, Meta(multiple_of=2)], 3, "must be a multiple of 2"),
    (Annotated[str, Meta(min_length=2)], "é", "must have at least 2 characters, has 1"),
    (Annotated[str, Meta(max_length=2)], "abc", "must have at most 2 characters, has 3"),
    (Annotated[str, Meta(pattern="^a+$")], "b", "must match the pattern '^a+$'"),
    (Stat, 1.0, "must be an instance of Stat, not float"),
    (Stat, None, "must be an instance of Stat, not NoneType"),
]


@pytest.mark.parametrize(("hint", "value", "reason"), _BROKEN)
def test_a_value_that_breaks_a_rule_is_refused(
    hint: Any, value: object, reason: str, form: Callable[..., list[Any]]
) -> None:
    """The error names the field and the rule."""
    [made] = form(declare({"x": hint}))
    with pytest.raises(InvalidResultError) as caught:
        made(x=value)
    assert [(problem.field, problem.attribute) for problem in caught.value.problems] == [("x", "x")]
    assert caught.value.problems[0].reason.removeprefix("must be an int, not bool_") in (reason, "")


_REMEDIES: Final[list[tuple[object, str | None]]] = [
    (True, "store int(x)"),
    (decimal.Decimal(1), "store float(x)"),
    ([1.0], "store one field per element"),
    (datetime.datetime(2026, 1, 1), "store x.isoformat()"),
    (None, "annotate the field with `| None` to leave it out"),
    ("1", None),
    (Split.TEST, None),
    (object(), None),
]


@pytest.mark.parametrize(("value", "remedy"), _REMEDIES)
def test_a_value_of_a_refused_type_has_a_remedy(value: Any, remedy: str | None) -> None:
    """The remedy is that of an untyped put, except for `None`."""
    with pytest.raises(InvalidResultError) as caught:
        an_eval_result(p99_ms=value)
    (problem,) = caught.value.problems
    assert problem.remedy == remedy
    assert str(problem).endswith(f"; {remedy}") == (remedy is not None)


def test_a_nested_record_has_no_remedy_of_a_value() -> None:
    """Only a record fits there."""
    with pytest.raises(InvalidResultError) as caught:
        an_eval_result(l2norm=[1.0])
    assert caught.value.problems[0].remedy is None


@pytest.mark.usefixtures("records")
def test_all_problems_are_reported_at_once() -> None:
    """Each problem has the wire name and the attribute."""
    with pytest.raises(InvalidResultError) as caught:
        an_eval_result(accuracy=2, steps=None, p99_ms="x")
    assert caught.value.record == "EvalResult"
    assert caught.value.problems == (
        Problem("accuracy", "must be <= 1.0", "2", "accuracy"),
        Problem(
            "steps", "must be an int, not NoneType", "None", "steps", "annotate the field with `| None` to leave it out"
        ),
        Problem("latency/p99", "must be a float, not str", "'x'", "p99_ms"),
    )
    assert str(caught.value).startswith("invalid EvalResult: 3 problems\n")


def test_a_factory_gives_the_default(form: Callable[..., list[Any]]) -> None:
    """A factory returns the default, which may be a record."""
    body = {"x": field(factory=lambda: 3), "s": field(factory=lambda: Stat(mean=0, sem=0), name="stat")}
    [made] = form(declare({"x": int, "s": Stat}, body=body))
    assert made() == made(x=3, s=Stat(mean=0, sem=0))
    assert [(column.name, column.default) for column in schema_of(made).columns] == [
        ("x", 3),
        ("stat/mean", 0.0),
        ("stat/sem", 0.0),
    ]


def test_a_class_variable_is_not_a_field() -> None:
    """An annotation with `typing.ClassVar` declares no column."""
    made = declare({"x": int, "unit": ClassVar[str]}, body={"unit": "ms"})
    assert (made(x=1).unit, [column.name for column in schema_of(made).columns]) == ("ms", ["x"])


def test_a_description_documents_the_field(form: Callable[..., list[Any]]) -> None:
    """The description of a `msgspec.Meta` is the doc, unless `field` gives one. Deprecation is kept."""
    meta = Meta(description="Seconds.", extra_json_schema={"deprecated": True})
    [made] = form(declare({"x": Annotated[float, meta], "y": Annotated[float, meta]}, body={"y": field(doc="Ours.")}))
    assert [(column.doc, column.deprecated) for column in schema_of(made).columns] == [
        ("Seconds.", True),
        ("Ours.", True),
    ]


# -- refused by a read and by a constructor ---------------------------------------------------------------------


@record
class AllDefaults:
    """A record whose fields all have defaults."""

    a: int = 1
    b: str | None = None


@pytest.mark.usefixtures("records")
@pytest.mark.parametrize("data", [b"{}", b"{}\n", b" { \n } "])
def test_an_empty_object_is_refused(data: bytes) -> None:
    """An empty result could not be told from an absent one."""
    codec = record_codec(record_type(AllDefaults))
    assert codec.decode_fast(data) is None
    with pytest.raises(CorruptResultError, match="has no field"):
        codec.decode(data, "f")
    assert codec.decode_fast(b'{"a": 2}') == AllDefaults(a=2)


class _CaseInsensitive(enum.StrEnum):
    @classmethod
    def _missing_(cls, value: object) -> _CaseInsensitive | None:
        return next((member for member in cls if member.value == str(value).lower()), None)


class Phase(_CaseInsensitive):
    """An enumeration that inherits a conversion of other values."""

    TRAIN = "train"


class Color(enum.Enum):
    """An enumeration whose members are neither int nor str."""

    RED = "red"
    ONE = 1


@record
class Phased:
    """A record with a field of each kind, and one of an enumeration."""

    phase: Phase = Phase.TRAIN
    text: str = ""
    number: int = 0
    share: float = 0.0
    chosen: Literal["red"] = "red"


@pytest.mark.usefixtures("records")
def test_an_enumeration_that_converts_values_accepts_only_its_members() -> None:
    """A read and the constructor refuse a value that ``_missing_`` would convert."""
    with pytest.raises(InvalidResultError, match="must be one of 'train'"):
        Phased(phase="TRAIN")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # it must refuse
    with pytest.raises(SchemaMismatchError, match="must be one of 'train'"):
        record_codec(record_type(Phased)).decode(b'{"phase": "TRAIN"}', "f")
    assert record_codec(record_type(Phased)).decode(b'{"phase": "train"}', "f") == Phased()


@pytest.mark.usefixtures("records")
@pytest.mark.parametrize(
    "given_values",
    [{"text": Color.RED}, {"number": Color.ONE}, {"share": Color.ONE}, {"chosen": Color.RED}, {"phase": Color.RED}],
)
def test_a_member_that_is_neither_int_nor_str_is_refused(given_values: dict[str, Any]) -> None:
    """The untyped tracker refuses it too."""
    with pytest.raises(InvalidResultError, match="not Color"):
        Phased(**given_values)


# -- records that may be None ------------------------------------------------------------------------------------------


_PARTS: Final[list[tuple[Callable[[], dict[str, Any]], dict[str, Any]]]] = [
    (lambda: {"stat": None}, {}),
    (lambda: {"stat": Stat(mean=1, sem=0)}, {"stat/mean": 1.0, "stat/sem": 0.0}),
    (lambda: {"stat": None, "outer": Outer()}, {"outer/n": 3}),
    (lambda: {"stat": None, "outer": Outer(note="q")}, {"outer/n": 3, "outer/note": "q"}),
    (
        lambda: {"stat": None, "outer": Outer(s=Stat(mean=2, sem=1))},
        {"outer/n": 3, "outer/s/mean": 2.0, "outer/s/sem": 1.0},
    ),
]


@pytest.mark.usefixtures("records")
@pytest.mark.parametrize(("parts", "stored"), _PARTS)
def test_nothing_is_stored_for_a_record_that_is_none(
    parts: Callable[[], dict[str, Any]], stored: dict[str, Any]
) -> None:
    """Where none of its fields is stored, it is read as `None`, on the fast path and on the slow path."""
    instance = Outermost(x=1, **parts())
    codec = record_codec(record_type(Outermost))
    data = codec.encode(instance)
    assert json.loads(data) == {"x": 1, **stored, "certain/n": 7}
    assert codec.decode_fast(data) == instance
    assert codec.decode(json.dumps({**json.loads(data), "unknown": 1}).encode(), "f") == instance


@pytest.mark.usefixtures("records")
@pytest.mark.parametrize(
    ("stored", "missing"),
    [
        ({"stat/mean": 1.0}, {"stat/sem"}),
        ({"outer/s/sem": 1.0}, {"outer/s/mean"}),
        ({"outer/s/sem": 1.0, "stat/sem": 1}, {"outer/s/mean", "stat/mean"}),
    ],
)
def test_a_nested_record_is_stored_whole_or_not_at_all(stored: dict[str, Any], missing: set[str]) -> None:
    """Where only some of its fields are stored, the error names the missing ones."""
    with pytest.raises(SchemaMismatchError) as caught:
        record_codec(record_type(Outermost)).decode(json.dumps({"x": 1, **stored}).encode(), "f")
    assert {problem.field for problem in caught.value.problems} == missing
    assert {problem.reason for problem in caught.value.problems} == {"is missing"}


@pytest.mark.usefixtures("records")
def test_an_absent_field_of_a_nested_record_has_its_default() -> None:
    """Another field of the nested record is stored, so the record is there."""
    codec = record_codec(record_type(Outermost))
    assert codec.decode(b'{"x": 1, "outer/note": "q"}', "f") == Outermost(x=1, outer=Outer(n=3, note="q"), stat=None)


@pytest.mark.usefixtures("records")
def test_a_nested_record_may_be_given_as_none() -> None:
    """Without a default it must be given, as `None` or as a record of its class."""
    assert Outermost(x=1, stat=None).outer is None
    with pytest.raises(TypeError, match="stat"):
        Outermost(x=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # it must refuse
    with pytest.raises(InvalidResultError, match="field 'stat': must be an instance of Stat, not dict"):
        Outermost(x=1, stat={"mean": 1.0})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # as above


def test_the_fingerprint_depends_on_which_records_may_be_none(form: Callable[..., list[Any]]) -> None:
    """The fingerprint does not depend on names in Python."""

    def fingerprint(**annotations: Any) -> str:
        [made] = form(declare({"x": int, **annotations}))
        return schema_of(made).fingerprint

    assert fingerprint(s=Stat) != fingerprint(s=Stat | None)
    again = {"__annotations__": {"x": int, "other": Stat | None}, "other": field(name="s"), "__module__": __name__}
    assert schema_of(record(type("Again", (), again))).fingerprint == fingerprint(s=Stat | None)


def test_an_error_tells_classes_of_one_name_apart() -> None:
    """It names their modules. A declared class and the one loaded from its schema share a name."""
    other = declare({"n": int}, body={"__module__": "elsewhere"}, name="Outer")
    with pytest.raises(InvalidResultError, match=rf"must be an instance of {__name__}\.Outer, not elsewhere\.Outer,"):
        Outermost(x=1, stat=None, outer=other(n=1))


# -- refused declarations ------------------------------------------------------------------------------------------


class _Empty(enum.IntEnum):
    pass


class _Odd(int, enum.Enum):
    def __new__(cls, value: str) -> _Odd:
        member = int.__new__(cls, 1)
        member._value_ = value
        return member

    A = "a"


class _Doubled(enum.IntEnum):
    def __new__(cls, value: int) -> _Doubled:
        member = int.__new__(cls, 2 * value)
        member._value_ = value
        return member

    ONE = 1


class _Shouted(enum.StrEnum):
    def __new__(cls, value: str) -> _Shouted:
        member = str.__new__(cls, value.upper())
        member._value_ = value
        return member

    A = "a"


class _Plain(enum.Enum):
    A = "a"


class _Numbers(enum.Enum):
    A = 1


_Pair: Final = enum.Enum("_Pair", {"A": (1, 2)})
_Flags: Final = enum.IntFlag("_Flags", "A B")


_NO_TYPES: Final[list[tuple[Any, str]]] = [
    (bool, "has the type bool; declare an int that is 0 or 1; allowed are int, float, str, Literal"),
    (list[int], "has the type list[int]; declare a field for each element; allowed are"),
    (dict[str, float], "has the type dict[str, float]; declare a field for each entry, or another record; allowed are"),
    (datetime.datetime, "has the type datetime.datetime; declare a str, by .isoformat(); allowed are"),
    (bytes, "has the type bytes; declare a str, by .decode() or .hex(); allowed are"),
    (decimal.Decimal | None, "has the type decimal.Decimal; declare a float or a str; allowed are"),
    (_Plain, "has the type _Plain, whose members are not str; make it a StrEnum; allowed are"),
    (_Numbers, "has the type _Numbers, whose members are not int; make it an IntEnum; allowed are"),
    (enum.Enum, "has the type Enum, an enumeration of other values; allowed are"),
    (None, "has the type NoneType; allowed are"),
    (int | str, "has the type int | str; allowed are"),
    (Any, "has the type Any; allowed are"),
    (Final[int], "has the type Final[int]; allowed are"),
    (_Pair, "has the type _Pair, an enumeration of other values; allowed are"),
    (_Flags, "has the type _Flags, an enumeration of other values; allowed are"),
    (_Empty, "has the type _Empty, an enumeration without a member"),
    (enum.StrEnum, "has the type StrEnum, an enumeration without a member"),
    (_Odd, "has the type _Odd, whose members do not equal their values; allowed are"),
    (_Doubled, "has the type _Doubled, whose members do not equal their values; allowed are"),
    (_Shouted | None, "has the type _Shouted, whose members do not equal their values; allowed are"),
    (Annotated[int, field(name="y")], "has field(...) within Annotated, where nothing reads it"),
    (Annotated[float, Meta(gt=0.1, lt=0.2, multiple_of=0.1)], "has constraints that no value can keep"),
    (Literal[1, "a"], "has values that are neither all int nor all str in a Literal"),
    (Literal[True], "has values that are neither all int nor all str in a Literal"),
    (Literal[Split.TEST], "has values that are neither all int nor all str in a Literal"),
    (Literal["x" * 1025], "the str is 1,025 bytes of UTF-8"),
    (Literal[2**63], "cannot allow 9223372036854775808: a choice is from -2**63 to 2**63-1"),
    (Annotated[Literal[1], Meta(ge=0)], "lists its choices, so it takes no other constraint"),
    (Annotated[Stat, Meta(ge=0)], "is a record, which takes no constraint; its own fields have them"),
    (Annotated[Stat, Meta(examples=[1])], "has examples in Annotated"),
    (Annotated[int, Meta(ge=0), Meta(ge=1)], "has the constraint ge twice"),
    (Annotated[int, Meta(ge=0), Meta(gt=1)], "has two bounds on one side, > and >=; keep one"),
    (Annotated[int, Meta(ge=0.5)], "cannot be bounded by >= 0.5: the bounds of an int are ints from -2**63 to 2**63-1"),
    (Annotated[int, Meta(le=2**63)], "cannot be bounded by <= 9223372036854775808: the bounds of an int are ints"),
    (Annotated[float, Meta(multiple_of=0.5)] | int, "has the type"),
    (Annotated[int, Meta(min_length=1)], "takes no min_length: it is an int"),
    (Annotated[str, Meta(ge=1)], "takes no ge: it is a str"),
    (Annotated[int, Meta(gt=1, lt=2)], "has constraints that no value can keep"),
    (Annotated[int, Meta(ge=1, le=4, multiple_of=5)], "has constraints that no value can keep"),
    (Annotated[float, Meta(gt=0, lt=5e-324)], "has constraints that no value can keep"),
    (Annotated[float, Meta(ge=1, lt=1)], "has constraints that no value can keep"),
    (Annotated[str, Meta(min_length=3, max_length=2)], "has constraints that no value can keep"),
    (Annotated[str, Meta(min_length=1025)], "has constraints that no value can keep"),
    (
        Annotated[int, Meta(title="X")],
        "has title in Annotated, which has no effect here; an annotation may have gt, ge, lt, le",
    ),
    (Annotated[int, Meta(examples=[1])], "has examples in Annotated"),
    (Annotated[int, Meta(extra_json_schema={"x": 1, "deprecated": True})], "has x in Annotated"),
    (
        "Nowhere",
        "has an annotation that cannot be evaluated: name 'Nowhere' is not defined; declare or import its names",
    ),
    ("list[", "has an annotation that cannot be evaluated: Forward reference must be an expression"),
]


@pytest.mark.parametrize(("hint", "reason"), _NO_TYPES)
def test_a_type_outside_the_list_is_refused(hint: Any, reason: str) -> None:
    """The error names the class, the field and the types that are allowed."""
    with pytest.raises(RecordDefinitionError) as caught:
        declare({"x": hint})
    assert caught.value.cls == "Declared"
    assert reason in str(caught.value)
    assert caught.value.field == "x"


def test_an_inherited_annotation_that_cannot_be_evaluated_is_named() -> None:
    """The base is an attrs class. The error names the field whose annotation is wrong."""
    body = {"__annotations__": {"y": int, "z": "Nowhere"}, "__module__": __name__}
    base = attrs.frozen(auto_attribs=True, kw_only=True)(type("Base", (), body))
    with pytest.raises(RecordDefinitionError, match=r"Declared\.z: has an annotation that cannot be evaluated"):
        declare({"x": int}, base)


class _RefusedError(TypeError):
    pass


def _fail() -> int:
    raise _RefusedError("no default today")


_counter = iter(range(1_000))


_NO_RECORDS: Final[list[tuple[dict[str, Any], dict[str, Any], str | None, str]]] = [
    ({}, {}, None, "needs a field that cannot be None (null): a result has at least one"),
    (
        {"x": int, "y": int},
        {"y": field(name="x")},
        "x",
        "has the name 'x' on the wire, and so has another field or alias",
    ),
    ({"x": int}, {"x": field(aliases=["x"])}, "x", "has the name 'x' on the wire, and so has another field or alias"),
    ({"s": Stat, "y": int}, {"y": field(aliases=["s/sem"])}, "s.sem", "has the name 's/sem' on the wire"),
    ({"x": int}, {"x": field(name='a"b')}, "x", "cannot be named 'a\"b' on the wire"),
    ({"x": int}, {"x": field(aliases=[""])}, "x", "cannot be named '' on the wire: a field name is not empty"),
    ({"s": Stat}, {"s": field(name="n" * 253)}, "s.mean", "the field name is 258 bytes of UTF-8"),
    ({"x": Annotated[int, Meta(ge=3)]}, {"x": 2}, "x", "has a default that it refuses: must be >= 3, got 2"),
    ({"x": int}, {"x": True}, "x", "has a default that it refuses: must be an int, not bool"),
    ({"x": Size}, {"x": 3}, "x", "has a default that it refuses: must be one of 1, 2"),
    ({"s": Stat}, {"s": 3}, "s", "has a default that it refuses: must be an instance of Stat, got 3"),
    ({"s": Stat}, {"s": None}, "s", "has a default that it refuses: must be an instance of Stat, got None"),
    (
        {"g": declare({"s": Stat | None}) | None, "y": int},
        {},
        "g.s.mean",
        "can be None, and so can all of its fields; stored results do not tell the two apart",
    ),
    ({"s": Stat | None, "y": int}, {"s": Stat(mean=1, sem=0)}, "s.mean", "its default can only be None"),
    ({"o": Outer, "y": int}, {"o": Outer(n=1, s=Stat(mean=1, sem=0))}, "o.s.mean", "its default can only be None"),
    ({"x": int | None, "y": int}, {"x": 3}, "x", "its default can only be None"),
    ({"x": int}, {"x": field(factory=_fail)}, "x", "has a factory that fails: no default today"),
    (
        {"x": int},
        {"x": field(factory=lambda: next(_counter))},
        "x",
        "has a factory that returns another value at each call",
    ),
    ({"x": int}, {"x": attrs.field(converter=int)}, "x", "is an attrs.field; use typedtrack.field"),
    ({"x": int}, {"x": attrs.field(init=False)}, "x", "is an attrs.field; use typedtrack.field"),
    ({"_x": int}, {}, "_x", "cannot be a field: '_x' begins with an underscore"),
    ({"x": int}, {"x": attrs.field(alias="y")}, "x", "is an attrs.field; use typedtrack.field"),
    ({"x": int}, {"x": attrs.field(eq=str)}, "x", "is an attrs.field; use typedtrack.field"),
    ({"self": int}, {}, "self", "cannot be a field: 'self' names the record itself"),
    ({"x": int}, {"y": field()}, "y", "has no annotation; write `y: type = field(...)`"),
    ({"x": int}, {"__init__": print}, None, "defines __init__, which is generated from its fields"),
    ({f"f{n}": str for n in range(171)}, {}, None, "can be up to 1,052,908 bytes encoded, over the limit of 1,048,576"),
]


@pytest.mark.parametrize(("annotations", "body", "field_", "reason"), _NO_RECORDS)
def test_a_class_that_cannot_be_a_record_is_refused(
    annotations: dict[str, Any], body: dict[str, Any], field_: str | None, reason: str
) -> None:
    """The declaration fails, with an error that names the class and the field."""
    with pytest.raises(RecordDefinitionError) as caught:
        declare(annotations, body=body)
    assert (caught.value.cls, caught.value.field) == ("Declared", field_)
    assert reason in caught.value.reason


@pytest.mark.parametrize("base", [dict, Exception, int])
def test_a_builtin_base_is_refused(base: type) -> None:
    """A builtin class has content that is not a field."""
    with pytest.raises(
        RecordDefinitionError, match=f"Declared: inherits from {base.__name__}, which has content of its own"
    ):
        declare({"x": int}, base)


@pytest.mark.parametrize("thing", [3, "Stat", len])
def test_only_a_class_can_be_a_record(thing: Any) -> None:
    """The error shows the object that was decorated."""
    with pytest.raises(RecordDefinitionError, match="is not a class"):
        record(thing)


def test_a_record_is_declared_once() -> None:
    """A second decorator is refused."""
    with pytest.raises(RecordDefinitionError, match="Stat: is an attrs class, a record or a key already"):
        record(Stat)


@pytest.mark.parametrize("thing", [int, 3, Stat(mean=1, sem=1)])
def test_only_a_record_class_has_a_schema(thing: Any) -> None:
    """The error names the class, and the decorator that it lacks."""
    with pytest.raises(RecordDefinitionError, match="is not a record class; decorate it with @record"):
        schema_of(thing)


def test_aliases_are_several_names() -> None:
    """A single `str` is refused, because its letters would become the aliases."""
    with pytest.raises(TypeError, match=r"write \('p99',\)"):
        field(aliases="p99")


def test_an_optional_field_in_a_default_is_none(form: Callable[..., list[Any]]) -> None:
    """The default of a nested record reads back only if its optional fields are `None`."""
    inner = declare({"a": int, "b": int | None}, body={"b": None}, name="Inner")
    made, made_inner = form(declare({"x": inner}, body={"x": inner(a=1)}), inner)
    assert made().x == made_inner(a=1)
    with pytest.raises(RecordDefinitionError, match="its default can only be None") as caught:
        declare({"x": inner}, body={"x": inner(a=1, b=2)})
    assert caught.value.field == "x.b"


def test_an_absent_optional_field_without_a_default_is_none(form: Callable[..., list[Any]]) -> None:
    """A put stores no `None`, so a get reads it back as one, though the constructor demands the field."""
    [made] = form(declare({"x": int | None, "y": int}))
    codec = record_codec(record_type(made))
    assert codec.decode_fast(b'{"y": 1}') == codec.decode(b'{"y": 1, "unknown": 2}', "f") == made(x=None, y=1)


def test_a_default_of_a_schema_takes_the_type_of_its_column() -> None:
    """A document may say ``1`` for a `float`, also in a nested record."""
    stat = NestedSchema(attribute="s", name="s", record=schema_of(Stat), defaults=(1, 2))
    loss = FieldSchema(attribute="loss", name="loss", kind="float", default=3)
    made: Any = record_class(RecordSchema(name="Made", fields=(stat, loss)))
    assert repr(made()) == "Made(s=Stat(mean=1.0, sem=2.0), loss=3.0)"


# -- schemas that no annotation can declare ----------------------------------------------------------------

_NO_FIELDS: Final[list[tuple[dict[str, Any], str]]] = [
    ({"kind": "float", "le": float("inf")}, "cannot be bounded by <= inf: the bounds of a float are finite"),
    ({"kind": "int", "ge": 1, "gt": 1}, "has two bounds on one side, > and >=; keep one"),
    ({"kind": "int", "multiple_of": 0}, "cannot be bounded by a multiple of 0: it must be above 0"),
    ({"kind": "str", "min_length": -1}, "takes a length from 0 to 2**63-1, not -1"),
    (
        {"kind": "str", "pattern": "("},
        "has a pattern that Python's re cannot compile: missing ), unterminated subpattern",
    ),
]


@pytest.mark.parametrize(("declared", "reason"), _NO_FIELDS)
def test_a_schema_that_no_class_can_have_is_refused(declared: dict[str, Any], reason: str) -> None:
    """The problem says why."""
    (problem,) = FieldSchema(attribute="x", name="x", **declared).definition_problems()
    assert problem.startswith(reason)


def test_a_record_of_one_field_has_one_column(form: Callable[..., list[Any]]) -> None:
    """A single column is a list too."""
    [made] = form(declare({"x": int}))
    assert record_type(made).to_columns(made(x=1)) == [1]


def test_a_default_and_a_factory_exclude_each_other() -> None:
    """Neither is ignored silently."""
    with pytest.raises(TypeError, match="not both"):
        cast("Any", field)(default=1, factory=int)  # which a type checker refuses


def test_a_problem_names_a_nested_record_as_on_the_wire(form: Callable[..., list[Any]]) -> None:
    """A problem has the wire name and the attribute."""
    [made] = form(declare({"a": int, "s": Stat}, body={"s": field(name="wire/s")}))
    with pytest.raises(InvalidResultError) as caught:
        made(a=1, s=3)
    assert [(problem.field, problem.attribute) for problem in caught.value.problems] == [("wire/s", "s")]
