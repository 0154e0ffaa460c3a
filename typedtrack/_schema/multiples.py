"""Multiples of a number, in decimals as they are written: 0.3 is a multiple of 0.1, though no float equals either.

A float is written by its ``repr``, the shortest decimal that reads back as the same float. It has at most 17 digits.
"""

from __future__ import annotations

import math
from typing import Final, Literal

__all__ = ["is_multiple", "least_multiple"]

_DIGITS: Final = 17
_SMALLEST: Final = -324  # the power of ten of the smallest float, 5e-324


def is_multiple(value: int | float, step: int | float) -> bool:
    """Return whether *value* is a multiple of *step*, both as they are written. NaN and the infinities are not.

    >>> is_multiple(0.3, 0.1), is_multiple(19.99, 0.01), is_multiple(0.30000000000000004, 0.1)
    (True, True, False)
    """
    if isinstance(value, int) and isinstance(step, int):
        return value % step == 0
    if not math.isfinite(value):
        return False
    (digits, power), (step_digits, step_power) = _decimal(value), _decimal(step)
    scale = min(power, step_power)
    remainder: int = digits * 10 ** (power - scale) % (step_digits * 10 ** (step_power - scale))
    return remainder == 0


def least_multiple(lowest: float, step: float) -> float | None:
    """Return the least float from *lowest* on, a finite one, that is a multiple of *step*; `None` if there is none.

    >>> least_multiple(0.25, 0.1), least_multiple(-0.25, 0.1)
    (0.3, -0.2)
    """
    if lowest > 0:
        return _nearest_multiple(max(lowest, step), step, 1)
    return 0.0 - (_nearest_multiple(-lowest, step, -1) or 0.0)


def _nearest_multiple(start: float, step: float, direction: Literal[1, -1]) -> float | None:
    """Return the multiple of *step* that is nearest to *start*, a positive float: upwards, or downwards if -1.

    Within a decade, every float that is a multiple of *step* is also one of the last of 17 digits, and so of the least
    common multiple of both, the grid. A point of the grid is a float if its ``repr`` is that point. Points with 15
    digits always are; there is one in any hundred points in a row.
    """
    step_digits, step_power = _decimal(step)
    while step <= start < math.inf:
        digits, power = _decimal(start)
        decade = len(str(digits)) + power - 1
        last = max(decade + 1 - _DIGITS, _SMALLEST)
        scale = min(last, step_power, power)
        grid = math.lcm(10 ** (last - scale), step_digits * 10 ** (step_power - scale))
        point = digits * 10 ** (power - scale) * direction // -grid * -direction
        while True:
            value = float(f"{point * grid}e{scale}")
            if not float(f"1e{decade}") <= value < float(f"1e{decade + 1}"):
                break
            if is_multiple(value, step) and value * direction >= start * direction:
                return value
            point += direction
        start = float(f"1e{decade + 1}") if direction > 0 else math.nextafter(float(f"1e{decade}"), 0.0)
    return None


def _decimal(number: int | float) -> tuple[int, int]:
    """Return the integers ``n`` and ``p`` such that *number*, as it is written, is ``n * 10**p``."""
    if isinstance(number, int):
        return number, 0
    mantissa, _, exponent = repr(number).partition("e")
    whole, _, fraction = mantissa.partition(".")
    return int(whole + fraction), int(exponent or 0) - len(fraction)
