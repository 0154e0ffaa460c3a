"""`Stat`: a mean and its standard error, known or not."""

from __future__ import annotations

import json
import math
import statistics
import sys
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from typedtrack import FsspecResultTracker, InvalidResultError, SchemaMismatchError, Stat, record, schema_of
from typedtrack._records.codec import RecordCodec, record_codec
from typedtrack._records.record_type import record_type
from typedtrack.testing import records


@record
class Holder:
    """A record that has one."""

    stat: Stat
    other: Stat | None = None


codec: RecordCodec[Stat] = record_codec(record_type(Stat))
holders: RecordCodec[Holder] = record_codec(record_type(Holder))


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=50))
def test_stat_is_the_mean_and_its_standard_error(samples: list[float]) -> None:
    """It agrees with the standard library and with numpy."""
    stat = Stat.of(samples)
    assert stat.mean == pytest.approx(statistics.fmean(samples), rel=1e-9, abs=1e-9)
    assert stat.sem == pytest.approx(statistics.stdev(samples) / len(samples) ** 0.5, rel=1e-9, abs=1e-9)
    assert stat.sem == pytest.approx(np.std(samples, ddof=1) / np.sqrt(len(samples)), rel=1e-6, abs=1e-6)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=10))
@example([sys.float_info.max, -sys.float_info.max])
@example([5e-324, 5e-324])
@example([sys.float_info.max, sys.float_info.max, 5e-324])
def test_stat_takes_every_finite_sample(samples: list[float]) -> None:
    """The mean lies among the samples, the error is finite and never negative, at either end of the doubles too."""
    stat = Stat.of(samples)
    assert min(samples) <= stat.mean <= max(samples)
    assert 0 <= stat.sem <= sys.float_info.max
    assert (stat.sem == 0) >= (len(set(samples)) == 1)


@pytest.mark.parametrize(
    ("samples", "reason"),
    [
        ([], "needs one sample or more, got none"),
        ([1, 10**400], "needs samples that are an int or a float"),
        (["1", "2"], "needs samples that are an int or a float"),
        ([True, False], "needs samples that are an int or a float"),
        ([[1.0], [2.0]], "needs samples that are an int or a float"),
    ],
)
def test_stat_names_the_refused_sample(samples: list[Any], reason: str) -> None:
    """An empty list is refused, and so are samples that are not numbers."""
    with pytest.raises(InvalidResultError) as caught:
        Stat.of(samples)
    assert caught.value.problems[0].reason == reason


@given(st.floats(max_value=0, exclude_max=True))
def test_sem_is_not_negative(sem: float) -> None:
    """The constructor and a get refuse it, in a `Stat` of its own and in another record."""
    with pytest.raises(InvalidResultError, match="sem must not be negative, got -"):
        Stat(mean=0, sem=sem)
    decoders: list[tuple[str, RecordCodec[Any]]] = [("", codec), ("stat/", holders)]
    for prefix, decoder in decoders:
        tokens = json.dumps({f"{prefix}mean": 0.0, f"{prefix}sem": sem}).encode()
        assert decoder.decode_fast(tokens) is None
        with pytest.raises(SchemaMismatchError, match="sem must not be negative"):
            decoder.decode(tokens, "file")


@given(st.floats())
def test_a_sem_that_is_not_known_is_nan(mean: float) -> None:
    """A `Stat` with any mean and a NaN sem can be made, stored and read."""
    stat = Stat(mean=mean, sem=math.nan)
    assert repr(codec.decode(codec.encode(stat), "file")) == repr(stat)


@record
class Positive(Stat):
    """A `Stat` whose hook checks the mean, too."""

    steps: int = 0

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        if self.mean < 0:
            raise ValueError(f"mean must not be negative, got {self.mean!r}")


@record
class HoldsPositive:
    """A record that has one."""

    stat: Positive


@pytest.mark.parametrize(("cls", "prefix"), [(Positive, ""), (HoldsPositive, "stat/")])
@pytest.mark.parametrize("name", ["mean", "sem"])
def test_a_get_calls_the_hook_of_a_subclass(cls: type[Any], prefix: str, name: str) -> None:
    """`Stat` lets msgspec check the sem in place of its hook. The hook of a subclass may check anything."""
    decoder: RecordCodec[Any] = record_codec(record_type(cls))
    values = {"mean": 0.0, "sem": 0.0, name: -1.0}
    stored = json.dumps({prefix + field: value for field, value in values.items()}).encode()
    assert decoder.decode_fast(stored) is None
    assert decoder.decode_columns is None
    with pytest.raises(SchemaMismatchError, match=f"{name} must not be negative"):
        decoder.decode(stored, "file")
    assert decoder.decode_lines is not None
    assert decoder.decode_lines(b'{"key": "run", ' + stored[1:]) is None


def test_zero_is_not_negative() -> None:
    """A sem of 0.0 or -0.0 is accepted."""
    assert repr(Stat(mean=0, sem=-0.0).sem) == "-0.0"
    assert repr(codec.decode(b'{"mean": 0, "sem": -0.0}', "file").sem) == "-0.0"


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_one_sample_has_a_mean_and_no_error(sample: float) -> None:
    """A run with one seed returns, too."""
    stat = Stat.of([sample])
    assert stat.mean == sample
    assert math.isnan(stat.sem)


@given(st.lists(st.floats(), max_size=5), st.sampled_from([math.nan, math.inf, -math.inf]), st.data())
def test_samples_that_are_not_finite_have_a_mean_and_no_error(
    samples: list[float], odd: float, data: st.DataObject
) -> None:
    """The mean is the sum of those samples, and so a run that diverged returns."""
    samples.insert(data.draw(st.integers(0, len(samples))), odd)
    stat = Stat.of(samples)
    assert repr(stat.mean) == repr(sum(sample for sample in samples if not math.isfinite(sample)))
    assert math.isnan(stat.sem)


def test_a_mean_of_huge_samples_and_an_infinity_is_that_infinity() -> None:
    """No sum of finite samples overflows on the way."""
    assert Stat.of([sys.float_info.max, sys.float_info.max, -math.inf]).mean == -math.inf


def test_a_diverged_run_is_put_and_got() -> None:
    """The typed and the untyped tracker read it back."""
    tracker = FsspecResultTracker("memory://stat/diverged")
    view = tracker.typed(Holder)
    view["run"] = Holder(stat=Stat.of([1.0, math.nan]), other=Stat.of([2.0]))
    assert repr(view["run"]) == repr(Holder(stat=Stat(mean=math.nan, sem=math.nan), other=Stat(mean=2.0, sem=math.nan)))
    assert repr(tracker["run"]["stat/sem"]) == "nan"


def test_its_schema_bounds_nothing() -> None:
    """JSON Schema has no keyword for "not negative, or NaN"."""
    assert not any(column.constrained for column in schema_of(Stat).columns)


@given(records(Holder))
def test_strategies_draw_valid_ones(holder: Holder) -> None:
    """Every drawn `Stat` is valid, those with an unknown sem too."""
    assert not holder.stat.sem < 0


def test_a_refused_sample_has_a_remedy() -> None:
    """The remedy is that of an untyped put."""
    with pytest.raises(InvalidResultError, match="got True; store int"):
        Stat.of([True])


_KINDS: Final[list[Callable[[list[float]], Any]]] = [np.array, tuple, iter, lambda samples: map(np.float32, samples)]


@pytest.mark.parametrize("kind", _KINDS)
def test_stat_takes_samples_of_every_kind(kind: Callable[[list[float]], Any]) -> None:
    """Arrays, iterators and numbers of numpy are samples."""
    assert Stat.of(kind([1.0, 2.0, 3.0])) == Stat(mean=2.0, sem=0.5773502691896258)
