"""Comparison of results by type and by bit."""

from __future__ import annotations

from collections.abc import Mapping

from typedtrack import Result, Value

__all__ = ["exact", "exact_all"]


def exact(result: Mapping[str, Value]) -> dict[str, tuple[type, str]]:
    """Return a form of *result* that equals another only if all types and bits are the same; NaN equals NaN.

    >>> exact({"a": 1}) == exact({"a": 1.0}), exact({"a": 0.0}) == exact({"a": -0.0})
    (False, False)
    """
    return {name: (type(value), repr(value)) for name, value in result.items()}


def exact_all(results: Mapping[str, Result]) -> dict[str, dict[str, tuple[type, str]]]:
    """Return several results in the form that `exact` returns."""
    return {key: exact(result) for key, result in results.items()}
