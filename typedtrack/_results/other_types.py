"""Values of other types than `int`, `float` and `str`: normalised where that loses nothing, else refused with a remedy.

No library that defines such types is imported: a value is asked for its attributes. This module is loaded when the
first such value comes.
"""

from __future__ import annotations

import numbers
import operator
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from datetime import timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from typing import Any, Final

__all__ = ["converter", "remedy"]

_TIMES: Final = ("m", "M")  # the kinds of numpy's times: their item() may be an int without its unit

_EXACT: Final[Mapping[str, Callable[[Any], object]]] = {
    **dict.fromkeys(("float16", "float32", "float64"), float),
    **dict.fromkeys([f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)], operator.index),
}
"""How to convert the numbers of numpy, by the names of their types. Any other type may lose digits, or carry a unit."""


def converter(cls: type) -> Callable[[Any], object]:
    """Return the function that normalises values of *cls*; it returns something of another type where it must not.

    It may raise any exception, because a foreign type may.
    """
    if cls.__module__ == "numpy" and cls.__name__ in _EXACT:
        return _EXACT[cls.__name__]
    if issubclass(cls, (bool, Decimal, Fraction)):
        return _keep
    if issubclass(cls, int):
        return int.__int__
    if issubclass(cls, float):
        return _float
    if issubclass(cls, str):
        return str.__str__
    if issubclass(cls, numbers.Integral):
        return _integral
    return _real if issubclass(cls, numbers.Real) else _array


def _keep(value: object) -> object:
    return value


def _float(value: float) -> object:
    return value if _has_unit(value) else float.__float__(value)


def _integral(value: Any) -> object:
    return value if _has_unit(value) else _if_equal(operator.index(value), value)


def _real(value: Any) -> object:
    return value if _has_unit(value) else _if_equal(float(value), value)


def _array(value: Any) -> object:
    """Return the number or text of an array, tensor or variable without dimensions."""
    if len(value.shape) > 0 or _has_unit(value) or getattr(getattr(value, "dtype", None), "kind", None) in _TIMES:
        return value
    scalar: object = value.item() if hasattr(value, "item") else value.numpy()
    if scalar is value:
        return value
    exact = scalar if type(scalar) in (int, float, str) else converter(type(scalar))(scalar)
    return _if_equal(exact, value)


def _if_equal(exact: object, value: object) -> object:
    return exact if exact == value or exact != exact else value


def _has_unit(value: object) -> bool:
    """Return whether *value* is a quantity, such as those of pint, quantities, unyt and astropy."""
    return hasattr(value, "units") or hasattr(value, "unit")


def remedy(value: object) -> str | None:
    """Return the remedy for *value*, which is refused for its type, or `None`."""
    try:
        return _advice(value)
    except Exception:  # a foreign type may raise anything
        return None


def _advice(value: Any) -> str | None:
    kind = getattr(getattr(value, "dtype", None), "kind", None)
    if value is None:
        return "leave the field out"
    is_scalar = len(getattr(value, "shape", (0,))) == 0
    dtype = str(getattr(value, "dtype", ""))  # for example "torch.bool" or "<dtype: 'bool'>"
    if isinstance(value, bool) or (is_scalar and "bool" in dtype):
        return "store int(x)"
    if isinstance(value, (bytes, bytearray, memoryview)):
        return "store x.decode() or x.hex()"
    if isinstance(value, timedelta):
        return "store x.total_seconds()"
    if isinstance(value, Enum):
        return "store x.value or x.name"
    if _has_unit(value) or kind in _TIMES:
        return "its unit would be lost: store a float in a fixed unit, and name the unit in the field's name"
    if hasattr(value, "isoformat"):
        return "store x.isoformat()"
    if isinstance(value, (Decimal, numbers.Real)):  # the latter: a Fraction, or a longdouble that no float equals
        return "store float(x)"
    if isinstance(value, numbers.Complex):
        return "store one field each for x.real and x.imag"
    if isinstance(value, (Mapping, AbstractSet, list, tuple)) or len(getattr(value, "shape", ())) > 0:
        return "store one field per element"
    if hasattr(value, "__fspath__"):
        return "store str(x)"
    return None
