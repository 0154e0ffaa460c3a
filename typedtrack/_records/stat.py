"""`Stat`: a mean and its standard error."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from typing import Annotated, Final

from typedtrack._records.constraints import Accepted
from typedtrack._records.declare import record
from typedtrack._results.values import KINDS, normalised
from typedtrack.errors import InvalidResultError, Problem, shown

__all__ = ["Stat"]

_MAX_FLOAT: Final = sys.float_info.max


@record
class Stat:
    """A mean and the standard error of it, stored as ``<field>/mean`` and ``<field>/sem``.

    A *sem* is not negative. NaN means that it is not known.
    """

    mean: float
    sem: Annotated[float, Accepted(least=0.0)]

    def __attrs_post_init__(self) -> None:
        if self.sem < 0:
            raise ValueError(f"sem must not be negative, got {self.sem!r}; NaN says that it is not known")

    @classmethod
    def of(cls, samples: Iterable[float]) -> Stat:
        """Return the mean of *samples* and its standard error: their sample standard deviation over √n.

        The standard error of one sample, or of samples that are not all finite, is NaN: it is not known. So a run with
        one seed and a run that diverged have a `Stat` too.

        Raises:
            InvalidResultError: *samples* is empty, or one is not a number.

        >>> Stat.of([1.0, 2.0, 3.0])
        Stat(mean=2.0, sem=0.5773502691896258)
        >>> Stat.of([1.0])
        Stat(mean=1.0, sem=nan)
        """
        numbers = [_number(sample) for sample in samples]
        count = len(numbers)
        if not count:
            raise InvalidResultError((Problem("mean", "needs one sample or more, got none"),), None, cls.__name__)
        if diverged := [number for number in numbers if not math.isfinite(number)]:
            return cls(mean=sum(diverged), sem=math.nan)  # the sum is infinite or NaN, and so equals the mean
        scale = math.frexp(max(map(abs, numbers)))[1]  # powers of two are exact, and keep sums and squares in range
        scaled = [math.ldexp(number, -scale) for number in numbers]
        mean = math.fsum(scaled) / count
        mean += math.fsum(number - mean for number in scaled) / count  # corrects the rounding of sum and division
        if count == 1:
            return cls(mean=math.ldexp(mean, scale), sem=math.nan)
        sem = math.hypot(*(number - mean for number in scaled)) / math.sqrt(count * (count - 1))
        return cls(mean=math.ldexp(mean, scale), sem=math.ldexp(sem, scale))


def _number(sample: object) -> float:
    value = normalised(sample)
    if type(value) is float or (type(value) is int and abs(value) <= _MAX_FLOAT):
        return float(value)
    from typedtrack._results.other_types import remedy  # here, because only this error needs it

    advice = None if type(value) in KINDS else remedy(sample)
    problem = Problem("mean", "needs samples that are an int or a float", shown(value), None, advice)
    raise InvalidResultError((problem,), None, Stat.__name__)
