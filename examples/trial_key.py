"""The key of a trial, which all programs of the search share."""

from __future__ import annotations

from typedtrack import KeyTemplate, key

__all__ = ["TrialKey"]


@key("digits/trial_{number}")
class TrialKey(KeyTemplate):
    """The key of one trial."""

    number: int
