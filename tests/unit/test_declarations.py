"""Nothing in the body or bases of a record or key class is without effect: it works, or is refused with a remedy."""

from __future__ import annotations

import dataclasses
import enum
import functools
import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Final, Generic, Protocol, TypeVar, cast

import attrs
import msgspec
import pydantic
import pytest
from msgspec import Meta

from typedtrack import (
    FsspecResultTracker,
    InvalidResultError,
    KeyTemplate,
    RecordDefinitionError,
    SchemaMismatchError,
    Stat,
    field,
    key,
    record,
    schema_of,
)
from typedtrack._records.codec import RecordCodec, record_codec
from typedtrack._records.declare import record_class
from typedtrack._records.record_type import record_type
from typedtrack._schema.records import NestedSchema

T = TypeVar("T")


@record
class Loss:
    """The base of other records."""

    loss: float = field(name="loss/train", aliases=("loss", "train_loss"), doc="Nats.", default=1.0)
    epochs: int = 3


@key("{name}")
class NameKey(KeyTemplate):
    """The base of other keys."""

    name: str


_DECORATORS: Final = [record, key("{x}")]


def body(**more: Any) -> dict[str, Any]:
    """Return the body of a class that has a field, and *more*."""
    return {"__annotations__": {"x": int}, "__module__": __name__, **more}


def decode(cls: type[T], data: str) -> T:
    """Return the record of *cls* that the JSON *data* holds."""
    codec: RecordCodec[T] = record_codec(record_type(cls))
    return codec.decode(data.encode(), "file")


def _method(_: object) -> None:
    """Do nothing."""


def _undecorated(cls: type) -> type:
    return cls


def refusal(decorate: Any, cls: Any) -> RecordDefinitionError:
    """Return the error with which *decorate* refuses *cls*."""
    with pytest.raises(RecordDefinitionError) as caught:
        decorate(cls)
    return caught.value


# -- methods that would never run ------------------------------------------------------------------------------------


@pytest.mark.parametrize("inherited", [False, True])
@pytest.mark.parametrize("name", ["__post_init__", "__new__", "__attrs_pre_init__"])
@pytest.mark.parametrize("decorate", _DECORATORS)
def test_a_method_that_would_never_run_is_refused(decorate: Any, name: str, inherited: bool) -> None:
    """Such a method is refused in the class and in a base; the error names the method for checks."""
    method = {name: _method}
    cls = type("Declared", (type("Mixin", (), method),), body()) if inherited else type("Declared", (), body(**method))
    error = refusal(decorate, cls)
    assert error.reason.startswith(
        f"inherits {name} of Mixin" if inherited else f"defines {name}, which would never run"
    )
    assert ("__attrs_post_init__" if decorate is record else "annotations") in error.reason


@pytest.mark.parametrize("decorate", _DECORATORS)
def test_a_constructor_of_a_base_is_refused(decorate: Any) -> None:
    """The generated constructor would take its place."""
    cls = type("Declared", (type("Mixin", (), {"__init__": _method}),), body())
    assert "inherits __init__ of Mixin, which would never run" in refusal(decorate, cls).reason


@pytest.mark.parametrize("name", ["__init__", "__slots__", "__attrs_init__"])
@pytest.mark.parametrize("decorate", _DECORATORS)
def test_a_generated_method_may_not_be_defined(decorate: Any, name: str) -> None:
    """The decorator would overwrite it."""
    error = refusal(decorate, type("Declared", (), body(**{name: ()})))
    assert error.reason == f"defines {name}, which is generated from its fields"


@pytest.mark.parametrize("value", [1, 3.0, "text", True, None, Stat(mean=1.0, sem=0.0), [], (1, 2)])
@pytest.mark.parametrize("decorate", _DECORATORS)
def test_a_value_without_an_annotation_is_refused(decorate: Any, value: object) -> None:
    """It seems to be a field, and would be none; also where the class has no field."""
    for hints in ({"x": int}, {}):
        error = refusal(decorate, type("Declared", (), body(y=value, __annotations__=hints)))
        assert error.field == "y"
        assert "has no annotation, so it would not be a field; write `y: type = " in error.reason


@pytest.mark.parametrize("decorate", _DECORATORS)
def test_members_that_are_not_fields_need_no_annotation(decorate: Any) -> None:
    """Methods, properties, classes within the class, private names and constants are not fields."""
    members: dict[str, object] = {
        "LIMIT_2": 3.0,
        "_cached": 3.0,
        "constant": 3.0,
        "made": classmethod(_method),
        "helper": staticmethod(_method),
        "half": property(_method),
        "whole": functools.cached_property(_method),
        "part": functools.partial(_method, 1),
        "Inner": Exception,
        "method": _method,
    }
    annotations = {"x": int, "constant": ClassVar[float]}
    made = decorate(type("Declared", (), body(**members, __annotations__=annotations)))
    assert [field.name for field in attrs.fields(made)] == ["x"]
    assert made.constant == made.LIMIT_2 == 3.0


@pytest.mark.parametrize("base", [None, "plain", "attrs"])
def test_a_key_takes_no_hook(base: str | None) -> None:
    """Its rules are those of its fields; a hook of its own, or of a base, is refused."""
    hook = {"__attrs_post_init__": _method}
    mixin: type = type("Mixin", (), {"__module__": __name__, **hook})
    bases = {None: (), "plain": (mixin,), "attrs": (attrs.frozen(mixin),)}[base]
    cls = type("Declared", bases, body(**({} if bases else hook)))
    assert "__attrs_post_init__" in refusal(key("{x}"), cls).reason


def test_a_class_that_attrs_refuses_is_refused() -> None:
    """Its reason is in the error."""
    error = refusal(record, type("Declared", (), body(__setattr__=object.__setattr__)))
    assert error.reason == "cannot be declared: Can't freeze a class with a custom __setattr__."


# -- the hook --------------------------------------------------------------------------------------------------------


class _Ordered:
    def __attrs_post_init__(self: Any) -> None:
        if self.low > self.high:
            raise ValueError(f"low must not exceed high, got {self.low} and {self.high}")


@record
class Range(_Ordered):
    """It inherits its hook from a class that is not a record."""

    low: float
    high: float


@record
class Inner(Range):
    """It inherits the hook from a record."""

    unit: str = "s"


@record
class Checked(Range):
    """It adds to the hook of its base."""

    middle: float

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        if not self.low <= self.middle <= self.high:
            raise ValueError("middle must be within low and high")


@record
class Holder:
    """It holds records that have hooks, and has none itself."""

    first: Range = field(name="one")
    second: Checked | None = None
    count: int = 1


@pytest.mark.parametrize("cls", [Range, Inner])
@pytest.mark.parametrize("more", ["", ', "unknown": 1'])
def test_a_hook_refuses_a_record_on_construction_and_on_get(cls: Any, more: str) -> None:
    """Its own hook and an inherited one do so; a `ValueError` becomes a problem of the whole record."""
    with pytest.raises(InvalidResultError) as caught:
        cls(low=2, high=1)
    reason = "low must not exceed high, got 2.0 and 1.0"
    assert [(problem.field, problem.reason) for problem in caught.value.problems] == [(None, reason)]
    assert isinstance(caught.value.__cause__, ValueError)
    with pytest.raises(SchemaMismatchError) as mismatch:
        decode(cls, f'{{"low": 2, "high": 1{more}}}')
    assert [(problem.field, problem.reason) for problem in mismatch.value.problems] == [(None, reason)]
    assert decode(cls, f'{{"low": 1, "high": 1{more}}}') == cls(low=1, high=1)


def test_a_hook_sees_converted_values() -> None:
    """Values are checked and converted before the hook runs."""
    seen: list[object] = []

    @record
    class Seen:
        x: float

        def __attrs_post_init__(self) -> None:
            seen.append(self.x)

    Seen(x=1)
    with pytest.raises(InvalidResultError, match="must be a float, not str"):
        Seen(x=cast("float", "1"))
    decode(Seen, '{"x": 2}')
    assert [(value, type(value)) for value in seen] == [(1.0, float), (2.0, float)]


def test_a_hook_may_call_that_of_its_base() -> None:
    """`super` works in it, and each runs once."""
    assert Checked(low=1, high=3, middle=2).middle == 2
    with pytest.raises(InvalidResultError, match="low must not exceed high"):
        Checked(low=3, high=1, middle=2)
    with pytest.raises(InvalidResultError, match="middle must be within"):
        Checked(low=1, high=3, middle=4)


def test_every_hook_that_refuses_is_listed() -> None:
    """A get lists the problems of nested records by their place, beside those of fields."""
    stored = '{"one/low": 2, "one/high": 1, "second/low": 1, "second/high": 2, "second/middle": 3, "count": "x"}'
    with pytest.raises(SchemaMismatchError) as caught:
        decode(Holder, stored)
    assert [
        (problem.field, problem.attribute, problem.reason.partition(",")[0]) for problem in caught.value.problems
    ] == [
        ("count", "count", "must be an int"),
        ("one", "first", "low must not exceed high"),
        ("second", "second", "middle must be within low and high"),
    ]
    outer: type[Any] = record(type("Outer", (), {"__annotations__": {"holder": Holder}, "__module__": __name__}))
    with pytest.raises(SchemaMismatchError) as caught:
        decode(outer, '{"holder/one/low": 2, "holder/one/high": 1}')
    assert [(problem.field, problem.attribute) for problem in caught.value.problems] == [("holder/one", "holder.first")]


def test_a_hook_does_not_run_where_a_field_is_refused() -> None:
    """A hook may rely on the rules of each field."""
    with pytest.raises(SchemaMismatchError) as caught:
        decode(Range, '{"low": "2", "high": 1}')
    assert [problem.field for problem in caught.value.problems] == ["low"]


def test_other_errors_of_a_hook_pass_through() -> None:
    """Only a `ValueError` speaks of the record; any other is a fault of the hook."""

    @record
    class Faulty:
        x: int

        def __attrs_post_init__(self) -> None:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Faulty(x=1)
    with pytest.raises(ZeroDivisionError):
        decode(Faulty, '{"x": 1}')


def test_an_error_without_a_text_is_named() -> None:
    """A problem always has a reason."""

    @record
    class Silent:
        x: int

        def __attrs_post_init__(self) -> None:
            raise UnicodeError

    with pytest.raises(InvalidResultError, match="UnicodeError"):
        Silent(x=1)


def test_a_default_is_held_to_the_hook_of_its_record() -> None:
    """A schema may bring a default that no constructor made."""
    stat: Any = type(
        "Holds", (), {"__annotations__": {"stat": Stat}, "__module__": __name__, "stat": Stat(mean=0, sem=1)}
    )
    schema = schema_of(record(stat))
    (nested,) = schema.fields
    assert isinstance(nested, NestedSchema)
    broken = attrs.evolve(schema, fields=(attrs.evolve(nested, defaults=(0.0, -1.0)),))
    with pytest.raises(RecordDefinitionError, match=r"Stat\.stat: has a default that it refuses: sem must not be neg"):
        record_class(broken, made={schema_of(Stat): Stat})


# -- bases -----------------------------------------------------------------------------------------------------------


def test_an_assignment_over_an_inherited_field_is_refused() -> None:
    """Without an annotation it would change nothing; so would a property, and a class variable."""
    for more in (
        {"epochs": 7},
        {"epochs": property(lambda _: 7)},
        {"epochs": 7, "__annotations__": {"epochs": ClassVar[int]}},
    ):
        cls = type("Declared", (Loss,), {"__module__": __name__, **more})
        error = refusal(record, cls)
        assert error.field == "epochs"
        assert error.reason.startswith("is an inherited field; annotate it to change its default: `epochs: type = ")
    error = refusal(key("{name}"), type("Declared", (NameKey,), {"name": "x", "__module__": __name__}))
    assert (error.field, error.reason.partition(";")[0]) == ("name", "is an inherited field")


def test_a_base_that_hides_an_inherited_field_is_refused() -> None:
    """Reading the attribute would return what the other base has."""
    mixin = type("Mixin", (), {"epochs": 7})
    error = refusal(record, type("Declared", (mixin, Loss), {"__module__": __name__}))
    assert (error.field, error.reason) == ("epochs", "is hidden by 7 of another base; rename one of the two")


@pytest.mark.parametrize("decorate", _DECORATORS)
@pytest.mark.parametrize("make", [_undecorated, cast("Any", dataclasses.dataclass)])
def test_a_field_of_a_base_that_is_not_decorated_is_refused(decorate: Any, make: Callable[[type], type]) -> None:
    """A type checker may take it for a field; it would not exist."""
    base = make(type("Base", (), {"__annotations__": {"y": int}, "__module__": __name__}))
    cls = type("Declared", (base,), body())
    error = refusal(decorate, cls)
    assert (error.field, error.reason.partition(",")[0]) == ("y", "is annotated in Base")


def test_a_base_may_bring_methods_constants_and_annotations_of_fields_that_the_record_has() -> None:
    """A mixin, an abstract class, a protocol and a generic class are bases like any other."""

    class HasX(Protocol):
        x: int

    class Doubles(ABC):
        factor: ClassVar[int] = 2

        @abstractmethod
        def double(self) -> int: ...

    class Kind(Generic[T]):
        pass

    @record
    class Made(HasX, Doubles, Kind[int]):
        x: int

        def double(self) -> int:
            return self.x * self.factor

    assert Made(x=2).double() == 4


def test_a_base_of_attrs_brings_its_fields() -> None:
    """Fields of the base are fields of the record; names in their annotations are those of the base's module."""
    base: Any = attrs.frozen(type("Base", (), {"__annotations__": {"y": "Stat"}, "__module__": __name__}))
    made: Any = record(type("Declared", (base,), body()))
    assert [column.name for column in schema_of(made).columns] == ["y/mean", "y/sem", "x"]


def test_records_with_a_base_in_common_can_be_combined() -> None:
    """Two such records can be combined if only one has fields of its own."""

    @record
    class Described(Loss):
        def describe(self) -> str:
            return f"{self.loss} after {self.epochs}"

    @record
    class Timed(Loss):
        seconds: float

    @record
    class Both(Timed, Described):
        pass

    assert Both(seconds=1, loss=2).describe() == "2.0 after 3"


def test_python_refuses_two_records_that_both_have_fields() -> None:
    """The class statement itself fails, before `record` is called: both have slots."""
    with pytest.raises(TypeError, match="multiple bases have instance lay-out conflict"):
        type("Declared", (Loss, Stat), {})


def test_names_of_a_caller_do_not_reach_the_fields_of_a_base() -> None:
    """An annotation was evaluated where its class was declared; a name there may mean something else here."""

    class Stat(enum.StrEnum):
        ONE = "one"

    base: Any = record(type("Base", (), {"__annotations__": {"stat": "Stat"}, "__module__": __name__}))

    def declare() -> type[Any]:
        Stat = int  # noqa: N806  # the base has this name in an annotation
        assert Stat is int

        @record
        class Sub(cast("type", base)):  # type: ignore[misc]  # pyright: ignore[reportUntypedBaseClass]
            x: int

        return Sub

    assert declare()(x=1, stat=Stat.ONE).stat is Stat.ONE


# -- a field that is declared again ----------------------------------------------------------------------------------


def test_a_field_declared_again_keeps_its_name_aliases_and_doc() -> None:
    """A new default changes nothing on the wire."""

    @record
    class Sub(Loss):
        loss: float = 2.0

    column = next(column for column in schema_of(Sub).columns if column.attribute == "loss")
    assert (column.name, column.aliases, column.doc, column.default) == (
        "loss/train",
        ("loss", "train_loss"),
        "Nats.",
        2.0,
    )
    assert decode(Sub, '{"loss/train": 0.5}').loss == 0.5
    assert decode(Sub, '{"train_loss": 0.25}').loss == 0.25
    assert decode(Sub, '{"epochs": 1}').loss == 2.0


@pytest.mark.parametrize(
    ("declaration", "expected"),
    [
        ({"name": "other"}, ("other", ("loss", "train_loss"), "Nats.")),
        ({"aliases": ()}, ("loss/train", (), "Nats.")),
        ({"aliases": ["a"]}, ("loss/train", ("a",), "Nats.")),
        ({"doc": ""}, ("loss/train", ("loss", "train_loss"), "")),
        ({"doc": "Bits."}, ("loss/train", ("loss", "train_loss"), "Bits.")),
        ({}, ("loss/train", ("loss", "train_loss"), "Nats.")),
    ],
)
def test_a_field_declared_again_takes_new_parts(
    declaration: dict[str, Any], expected: tuple[str, tuple[str, ...], str]
) -> None:
    """Each part is inherited by itself, also through a class that does not declare the field."""
    between: Any = record(type("Between", (Loss,), {"__module__": __name__}))
    cls = type(
        "Sub", (between,), {"__annotations__": {"loss": float}, "loss": field(**declaration), "__module__": __name__}
    )
    (column,) = (column for column in schema_of(record(cls)).columns if column.attribute == "loss")
    assert (column.name, column.aliases, column.doc) == expected
    assert column.required


def test_a_description_is_a_doc_given_anew() -> None:
    """The description in `msgspec.Meta` documents the field as the doc of `field` does."""
    hints = {"loss": Annotated[float, Meta(description="Bits.")]}
    made: Any = record(type("Sub", (Loss,), {"__annotations__": hints, "__module__": __name__}))
    assert schema_of(made).columns[-1].doc == "Bits."


def test_a_nested_record_declared_again_keeps_its_name() -> None:
    """A nested record keeps its name on the wire, as a field of one value does."""

    @record
    class Outer:
        stat: Stat = field(name="wire", doc="Seconds.")

    @record
    class Sub(Outer):
        stat: Stat = Stat(mean=0, sem=0)

    assert [column.name for column in schema_of(Sub).columns] == ["wire/mean", "wire/sem"]
    assert schema_of(Sub).fields[0].doc == "Seconds."


def test_a_key_inherits_its_fields() -> None:
    """The template names them again."""

    @key("{name}/{number}")
    class Numbered(NameKey):
        number: int = 7

    assert str(Numbered("a")) == "a/7"
    assert Numbered.parse("a/8") == Numbered("a", 8)


# -- other decorators, other kinds of class --------------------------------------------------------------------------


def test_a_class_of_another_kind_is_refused() -> None:
    """The error says what to remove."""
    plain = {"__annotations__": {"x": int}, "__module__": __name__}
    kinds: list[tuple[type, str]] = [
        (
            dataclasses.dataclass(type("Declared", (), dict(plain))),
            "is a dataclass already; remove the other decorator",
        ),
        (attrs.define(type("Declared", (), dict(plain))), "is an attrs class, a record or a key already; remove"),
        (pydantic.dataclasses.dataclass(type("Declared", (), dict(plain))), "is a dataclass already"),
        (type("Declared", (pydantic.BaseModel,), dict(plain)), "is a pydantic model; decorate a class without"),
        (type("Declared", (msgspec.Struct,), dict(plain)), "is a msgspec.Struct; decorate a class without"),
        (record(type("Declared", (), dict(plain))), "is an attrs class, a record or a key already"),
        (key("{x}")(type("Declared", (), dict(plain))), "is an attrs class, a record or a key already"),
    ]
    for cls, reason in kinds:
        for decorate in _DECORATORS:
            assert refusal(decorate, cls).reason.startswith(reason)


@pytest.mark.parametrize("above", [attrs.frozen(auto_detect=False), dataclasses.dataclass])
@pytest.mark.parametrize(("decorate", "use"), [(record, schema_of), (key("{x}"), FsspecResultTracker("m").typed)])
def test_a_decorator_above_is_found_where_the_class_is_used(decorate: Any, use: Any, above: Any) -> None:
    """The decorator makes another class, or changes this one; using the class raises the error."""
    with pytest.raises(RecordDefinitionError, match="has another decorator above; remove it: one makes the class"):
        use(above(decorate(type("Declared", (), body()))))


@pytest.mark.parametrize(
    "default", [dataclasses.field(default=1), pydantic.Field(default=1), msgspec.field(default=1)], ids=type
)
@pytest.mark.parametrize("decorate", _DECORATORS)
def test_a_field_of_another_library_is_refused(decorate: Any, default: object) -> None:
    """The error names that library, and the call to write."""
    error = refusal(decorate, type("Declared", (), body(x=default)))
    library = type(default).__module__.partition(".")[0]
    assert (error.field, error.reason) == (
        "x",
        f"has a field of {library} as its default; write `= value`, or use typedtrack.field in a record",
    )


def test_the_decorator_may_be_called_without_arguments() -> None:
    """``@record()`` is ``@record``; local names are known to it as well."""

    class Local(enum.IntEnum):
        ONE = 1

    @record()
    class Here:
        x: Local

    assert Here(x=Local.ONE).x is Local.ONE


def test_a_record_that_contains_itself_is_refused() -> None:
    """The record is found under its own name, even if another object has that name."""
    for hint in ("Declared", "Declared | None"):
        error = refusal(record, type("Declared", (), body(__annotations__={"x": int, "inner": hint})))
        assert (error.field, error.reason.partition(",")[0]) == ("inner", "is the record itself")


def test_the_error_of_an_annotation_names_its_field_alone() -> None:
    """Other annotations, of class variables too, need not be evaluated."""
    hints = {"x": int, "y": "Nowhere", "z": "ClassVar[Nowhere]"}
    error = refusal(record, type("Declared", (), body(__annotations__=hints)))
    assert (error.field, error.reason.partition(";")[0]) == (
        "y",
        "has an annotation that cannot be evaluated: name 'Nowhere' is not defined",
    )
    del hints["y"]
    assert [column.name for column in schema_of(record(type("Declared", (), body(__annotations__=hints)))).columns] == [
        "x"
    ]


# -- arguments -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "fields", "reason"),
    [
        ((1.0,), {}, "Loss() takes its fields as keyword arguments: Loss(loss=...)"),
        ((), {"epoch": 1}, "Loss() has no field 'epoch'; did you mean 'epochs'?"),
        ((), {"zzz": 1}, "Loss() has no field 'zzz'; its fields are loss, epochs"),
        ((), {"self": 1}, "Loss() has no field 'self'; its fields are loss, epochs"),
    ],
)
def test_a_wrong_argument_is_explained(arguments: tuple[Any, ...], fields: dict[str, Any], reason: str) -> None:
    """The error is a `TypeError`, as for every function."""
    with pytest.raises(TypeError) as caught:
        cast("Any", Loss)(*arguments, **fields)
    assert str(caught.value) == reason


def test_a_misspelt_field_is_explained_before_it_is_missing() -> None:
    """A misspelt field is missing, too. The error about its spelling says more."""
    with pytest.raises(TypeError, match="did you mean 'mean'"):
        cast("Any", Stat)(men=1.0, sem=2.0)
    with pytest.raises(TypeError, match="is missing the fields mean, sem"):
        cast("Any", Stat)()


def test_a_loaded_or_declared_constructor_says_who_it_is() -> None:
    """Its name in a traceback is that of the class."""
    assert Loss.__init__.__qualname__ == "Loss.__init__"
    assert inspect.signature(Loss.__init__).return_annotation is None
