"""The rules for values and field names, and the types that a put normalises."""

from __future__ import annotations

import datetime
import enum
import fractions
import math
import pathlib
import subprocess
import sys
import warnings
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from tests.trackers import DictTracker, exact
from typedtrack import InvalidResultError, Problem, Stat, Value, record
from typedtrack._results import other_types
from typedtrack._results import values as rules
from typedtrack._results.values import learn_names

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # theirs
    pint: Any = pytest.importorskip("pint")
    quantities: Any = pytest.importorskip("quantities")
units: Any = pint.UnitRegistry()


class _Count(enum.IntEnum):
    TWO = 2


class _Split(enum.StrEnum):
    TRAIN = "train"


class _Shade(str, enum.Enum):  # noqa: UP042  # older code has such
    RED = "red"


class _Plain(enum.Enum):
    ONE = 1


class _Broken:
    """A value whose attributes fail."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Fail."""
        raise RuntimeError("no device")


@record
class _Latency:
    ms: float


class _Fraction(float):
    """A float that prints otherwise."""

    def __repr__(self) -> str:
        return "much"


class _Tensor:
    """The part of torch's tensors that the rules look at."""

    def __init__(self, scalar: object, shape: tuple[int, ...] = ()) -> None:
        self.scalar = scalar
        self.shape = shape

    def item(self) -> object:
        """Return the one element, as torch does."""
        if self.shape not in ((), (1,)):
            raise RuntimeError("a Tensor with 2 elements cannot be converted to Scalar")
        return self.scalar

    def __eq__(self, other: object) -> bool:
        """Compare as a tensor of no dimension does."""
        return self.scalar == other

    __hash__ = None  # type: ignore[assignment]  # as a class with __eq__ alone has it


class _EagerTensor:
    """The part that TensorFlow's tensors and variables share with Keras' variables and metrics: ``numpy()``."""

    class TensorShape:
        """A shape that is not a tuple, and raises where the rank is unknown."""

        def __init__(self, dimensions: list[int] | None) -> None:
            self._dimensions = dimensions

        def __len__(self) -> int:
            if self._dimensions is None:
                raise ValueError("Cannot take the length of shape with unknown rank.")
            return len(self._dimensions)

    def __init__(self, scalar: object, dimensions: list[int] | None = []) -> None:  # noqa: B006  # is not changed
        self._scalar = scalar
        self.shape = self.TensorShape(dimensions)
        self.dtype = "<dtype: 'float32'>"  # has no `kind`

    def numpy(self) -> object:
        """Return numpy's scalar, as TensorFlow does for a tensor without dimensions."""
        return self._scalar

    def __eq__(self, other: object) -> bool:
        """Compare elements, after the conversion of *other* to the tensor's own type."""
        return self._scalar == type(self._scalar)(other)  # type: ignore[call-arg]  # numpy's scalars take it

    __hash__ = None  # type: ignore[assignment]  # as TensorFlow has it


class _SymbolicTensor(_EagerTensor):
    """A tensor of a graph, which has no value yet."""

    def numpy(self) -> object:
        """Fail, as Keras does."""
        raise NotImplementedError("numpy() is only available when eager execution is enabled.")


class _UnytQuantity(np.ndarray):
    """A number of unyt, whose ``item()`` drops the unit."""

    units = "ms"


class _AstropyQuantity(np.ndarray):
    """A number of astropy, whose ``item()`` keeps the unit."""

    unit = "ms"

    def item(self, *_: object) -> object:
        """Return a quantity."""
        return self


class _QuantiPhy(float):
    """A number of quantiphy, which is a float with a unit."""

    units: str


_HERTZ = _QuantiPhy(5.0)
_HERTZ.units = "Hz"


class _Axis(enum.IntEnum):
    """An enumeration whose members have the names of attributes."""

    unit = 1
    units = 2


class _Device(_Tensor):
    """A tensor that holds no number, as torch's on the meta device."""

    def item(self) -> object:
        """Fail, as torch does."""
        raise RuntimeError("Tensor.item() cannot be called on meta tensors")


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        (_Count.TWO, 2),
        (_Split.TRAIN, "train"),
        (_Shade.RED, "red"),
        (_Fraction(0.5), 0.5),
        (np.float64(-0.0), -0.0),
        (np.float64("nan"), math.nan),
        (np.str_("naïve"), "naïve"),
        (np.int8(-1), -1),
        (np.uint64(2**64 - 1), 2**64 - 1),
        (np.float16(0.1), 0.0999755859375),
        (np.float32(0.1), 0.10000000149011612),
        (np.float32("-inf"), -math.inf),
        (np.float32("nan"), math.nan),
        (np.longdouble(0.5), 0.5),
        (np.array(5), 5),
        (np.array(0.25, dtype=np.float32), 0.25),
        (np.array("text"), "text"),
        (np.array(math.nan), math.nan),
        (_Tensor(3), 3),
        (_Tensor(0.5), 0.5),
        (_Tensor(math.nan), math.nan),
        (_Tensor("s"), "s"),
        (_EagerTensor(np.float32(0.1)), 0.10000000149011612),
        (_EagerTensor(np.int64(3)), 3),
        (_EagerTensor(np.float64("nan")), math.nan),
        (_Axis.unit, 1),
    ],
)
def test_is_normalised_without_loss(given: Value, stored: Value) -> None:
    """Values of related types are stored as an int, a float or a str, bit for bit."""
    tracker = DictTracker()
    tracker.put("k", value=given)
    assert exact(tracker["k"]) == exact({"value": stored})


@pytest.mark.parametrize("name", [*other_types._EXACT])
def test_each_number_of_numpy_is_exact(name: str) -> None:
    """The extremes of each type are stored as `item()` returns them, though nothing compares them afterwards."""
    cls: Any = getattr(np, name)
    if "float" in name:
        floats: Any = np.finfo(cls)
        numbers: list[Any] = [floats.min, floats.max, floats.smallest_subnormal, floats.eps, "nan"]
    else:
        ints: Any = np.iinfo(cls)
        numbers = [ints.min, ints.max, 1]
    for value in map(cls, numbers):
        normal = cast("Value", other_types.converter(cls)(value))
        assert exact({"value": normal}) == exact({"value": value.item()})


@pytest.mark.parametrize(
    "given",
    [
        True,
        None,
        b"bytes",
        Decimal(1),
        fractions.Fraction(1, 2),
        1j,
        [1],
        (1,),
        {"a": 1},
        {1},
        object(),
        np.True_,
        np.array(True),
        np.bytes_(b"x"),
        np.array(b"x"),
        np.array(np.timedelta64(5, "ns")),
        np.array(np.timedelta64(5, "D")),
        np.array(np.datetime64(5, "ns")),
        np.complex128(1),
        np.array(1j),
        np.array([1.0]),
        np.array([1, 2]),
        np.longdouble("0.1"),
        np.array(np.longdouble("0.1")),
        np.datetime64("2020-01-01", "D"),
        np.datetime64("2020-01-01", "ns"),
        np.array(1, dtype="datetime64[ns]"),
        np.timedelta64(5, "s"),
        np.timedelta64(5, "ns"),
        np.void(b"x"),
        _Tensor(True),
        _Tensor(None),
        _Tensor(1.0, (1,)),
        _Tensor(1.0, (2,)),
        _Device(1.0),
        _EagerTensor(np.True_),
        _EagerTensor(np.bytes_(b"x")),
        _EagerTensor(np.float32(1), [1]),
        _EagerTensor(np.float32(1), None),
        _SymbolicTensor(np.float32(1)),
        quantities.Quantity(5.0, "ms"),
        quantities.Quantity(5.0, "dimensionless"),
        quantities.UncertainQuantity(5.0, "ms", 0.1),
        units.Quantity(5.0, "ms"),
        units.Quantity(5, ""),
        units.Quantity(np.array(5.0), "ms"),
        np.array(5.0).view(_UnytQuantity),
        np.array(5.0).view(_AstropyQuantity),
        _HERTZ,
    ],
    ids=lambda given: type(given).__name__,
)
def test_invalid_values_are_refused(given: Value) -> None:
    """A value is refused if it would lose something as an int, a float or a str. The error names its type."""
    tracker = DictTracker()
    with pytest.raises(InvalidResultError) as caught:
        tracker.put("k", value=given)
    (problem,) = caught.value.problems
    assert problem.field == "value"
    assert problem.reason == f"a value is an int, a float or a str, not {type(given).__name__}"
    assert tracker.stored == {}


@pytest.mark.parametrize(
    "given",
    [quantities.Quantity(5.0, "ms"), units.Quantity(5.0, "ms"), np.array(5.0).view(_UnytQuantity), _HERTZ],
    ids=lambda given: type(given).__name__,
)
def test_a_unit_is_not_lost_in_a_record_either(given: float) -> None:
    """A field of a record and the samples of a `Stat` refuse it."""
    with pytest.raises(InvalidResultError):
        _Latency(ms=given)
    with pytest.raises(InvalidResultError):
        Stat.of([given, given])


def test_a_tensor_without_item_is_taken_in_a_record_too() -> None:
    """Such a tensor may be a field of a record, or a sample of a `Stat`."""
    tensor: Any = _EagerTensor(np.float32(0.5))
    assert _Latency(ms=tensor) == _Latency(ms=0.5)
    assert Stat.of([tensor, 1.5]).mean == 1.0


UNIT = "its unit would be lost: store a float in a fixed unit, and name the unit in the field's name"
EACH = "store one field per element"


@pytest.mark.parametrize(
    ("given", "advice"),
    [
        (True, "store int(x)"),
        (np.True_, "store int(x)"),
        (np.array(True), "store int(x)"),
        (SimpleNamespace(shape=(), dtype="torch.bool", item=lambda: True), "store int(x)"),
        (SimpleNamespace(shape=(), dtype="torch.complex64", item=lambda: 1j), None),
        (None, "leave the field out"),
        (Decimal("0.5"), "store float(x)"),
        (fractions.Fraction(1, 2), "store float(x)"),
        (np.longdouble("0.1"), "store float(x)"),
        (b"bytes", "store x.decode() or x.hex()"),
        (datetime.date(2020, 1, 1), "store x.isoformat()"),
        (datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC), "store x.isoformat()"),
        (datetime.timedelta(1), "store x.total_seconds()"),
        (np.datetime64("2020-01-01"), UNIT),
        (np.timedelta64(5, "s"), UNIT),
        (quantities.Quantity(5.0, "ms"), UNIT),
        (units.Quantity(5.0, "ms"), UNIT),
        (_Plain.ONE, "store x.value or x.name"),
        (1j, "store one field each for x.real and x.imag"),
        ([1], EACH),
        ((1,), EACH),
        ({1}, EACH),
        ({"a": 1}, EACH),
        (np.array([1.0]), EACH),
        (pathlib.Path("x"), "store str(x)"),
        (object(), None),
        (_Broken(), None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_refusal_has_a_remedy(given: Value, advice: str | None) -> None:
    """The remedy follows the reason. The error of a get has none, because its caller has not written the value."""
    with pytest.raises(InvalidResultError) as caught:
        DictTracker().put("k", value=given)
    (problem,) = caught.value.problems
    assert problem.remedy == advice
    assert str(problem).endswith(f"; {advice}") == (advice is not None)
    (read,) = rules.problems_of({"value": given})
    assert read == problem._replace(remedy=None)


def test_a_tensor_that_returns_itself_is_refused() -> None:
    """An `item()` that always returns another tensor ends in an error, not in a recursion."""

    class Circle:
        shape = ()

        def item(self) -> object:
            return self

    with pytest.raises(InvalidResultError, match="not Circle"):
        DictTracker().put("k", value=Circle())  # type: ignore[call-overload]  # the point


def test_neither_numpy_nor_torch_is_imported() -> None:
    """A value is asked for its attributes, so its library is not needed."""
    program = (
        "import sys\n"
        "from typedtrack._results.values import normalised\n"
        "class Scalar:\n"
        "    shape = ()\n"
        "    def item(self): return 3\n"
        "    def __eq__(self, other): return other == 3\n"
        "assert normalised(Scalar()) == 3\n"
        "assert not {'numpy', 'torch'} & set(sys.modules), sys.modules.keys()\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (2**64, "an int is from -2**63 to 2**64-1; store it as a float or a str"),
        (-(2**63) - 1, "an int is from -2**63 to 2**64-1; store it as a float or a str"),
        ("x" * 1025, "the str is 1,025 bytes of UTF-8; the limit is 1,024 bytes"),
        ("é" * 512 + "x", "the str is 1,025 bytes of UTF-8; the limit is 1,024 bytes"),
        ("a\udc80", "the str is not valid Unicode: lone surrogate at position 1"),
    ],
)
def test_is_beyond_the_limits(value: Value, reason: str) -> None:
    """A value beyond a limit is refused, with the limit and the value, shortened."""
    with pytest.raises(InvalidResultError) as caught:
        DictTracker().put("k", a=value)
    (problem,) = caught.value.problems
    assert problem.reason == reason
    assert problem.value is not None
    assert len(problem.value) <= 80


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "a field name is not empty"),
        ("x" * 257, "the field name is 257 bytes of UTF-8; the limit is 256 bytes"),
        ("é" * 128 + "x", "the field name is 257 bytes of UTF-8; the limit is 256 bytes"),
        ("a\ud800", "the field name is not valid Unicode: lone surrogate at position 1"),
        ("a\tb", r"a field name has no control character ('\t')"),
        ("a\x9fb", r"a field name has no control character ('\x9f')"),
        ('a"b', 'a field name has no " and no \\'),
        ("a\\b", 'a field name has no " and no \\'),
        (5, "a field name is a str, not int"),
        (None, "a field name is a str, not NoneType"),
        (b"a", "a field name is a str, not bytes"),
    ],
)
def test_invalid_field_names_are_refused(name: str, reason: str) -> None:
    """An invalid field name is refused; the error names the rule."""
    with pytest.raises(InvalidResultError) as caught:
        DictTracker().put("k", {name: 1})
    assert [problem.reason for problem in caught.value.problems] == [reason]


@pytest.mark.parametrize("name", ["key", "self", "results", "l2norm/mean", " ", "é" * 128, "x" * 256, "a.b", "'"])
def test_is_a_field_name(name: str) -> None:
    """`key` and `self` are ordinary names, slashes and spaces are allowed."""
    tracker = DictTracker()
    tracker.put("k", {name: 1}, **{name: 2})
    assert tracker["k"] == {name: 2}


@pytest.mark.parametrize(
    ("name", "as_shown"), [(b"a", "b'a'"), (b"\0" * 20, "b'" + "\\x00" * 9 + "\\…" + "00" + "\\x00" * 9 + "'")]
)
def test_names_that_are_not_text_are_shown(name: bytes, as_shown: str) -> None:
    """A name that is not text is shown as its ``repr``, cut if that is long."""
    (problem,) = rules.problems_of({name: 1})
    assert problem.field == as_shown


def test_field_names_of_str_subclasses_are_their_text() -> None:
    """A name may be a `StrEnum` or numpy's str, whether or not it was met before."""
    tracker = DictTracker()
    for _ in range(2):
        tracker["k"] = {_Split.TRAIN: 1, np.str_("loss"): float("nan")}
        assert [(type(name), name) for name in tracker["k"]] == [(str, "train"), (str, "loss")]


def test_all_problems_are_listed_at_once() -> None:
    """Every broken rule of a result is named, in its order, and the result is called by its key."""
    with pytest.raises(InvalidResultError) as caught:
        DictTracker().put("k", {"a": None, "": 2**64, "ok": 1})  # type: ignore[dict-item]  # the point
    assert caught.value.problems == (
        Problem("a", "a value is an int, a float or a str, not NoneType", "None", remedy="leave the field out"),
        Problem("", "a field name is not empty"),
        Problem("", "an int is from -2**63 to 2**64-1; store it as a float or a str", "18446744073709551616"),
    )
    assert caught.value.key == "k"


def test_an_empty_result_is_refused() -> None:
    """No field at all is refused, since `{}` is what an absent result reads as."""
    with pytest.raises(InvalidResultError, match="could not be told from an absent one"):
        DictTracker().put("k")


def test_remembered_names_are_bounded() -> None:
    """The memory of names that passed never outgrows its bound, however many a result has."""
    names = rules._names
    for n in range(10):
        assert learn_names({f"{n}/{m}": m for m in range(1000)})
        assert len(names) <= 4096
    assert learn_names({str(n): n for n in range(10_000)})
    assert len(names) <= 4096
    assert not learn_names({"": 1})
    assert learn_names({"a": 1})
    assert "a" in names
    assert learn_names({"a": 2})


def test_types_of_values_are_remembered_up_to_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """Classes that a program makes as it runs do not fill the memory."""
    monkeypatch.setattr(rules, "_REMEMBERED_TYPES", 2)
    for number in range(5):
        cls = type(f"Count{number}", (int,), {})
        assert rules.normalised(cls(number)) == number
    assert len(rules._converters) <= 2
