"""The key of a trial and the record stored under it, which all programs of the search share."""

from __future__ import annotations

from digits_trial import DigitsTrial

from typedtrack import KeyTemplate, key

__all__ = ["TrialKey"]


@key("digits/trial_{number}")
class TrialKey(KeyTemplate[DigitsTrial]):
    """The key of one trial."""

    number: int
