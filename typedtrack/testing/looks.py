"""Looks at results that miss nothing."""

from __future__ import annotations

from collections.abc import Mapping

from typedtrack import Result, Value

__all__ = ["exact", "exact_all"]


def exact(result: Mapping[str, Value]) -> dict[str, tuple[type, str]]:
    """Return *result* so that two compare equal only with the same types and bits (NaN is one value here)."""
    return {name: (type(value), repr(value)) for name, value in result.items()}


def exact_all(results: Mapping[str, Result]) -> dict[str, dict[str, tuple[type, str]]]:
    """Return several results as `exact` does one."""
    return {key: exact(result) for key, result in results.items()}
