"""Where the programs of the search agree that a trial returns its result."""

from __future__ import annotations

from typedtrack import KeyTemplate, key

__all__ = ["TrialKey"]


@key("digits/trial_{number}")
class TrialKey(KeyTemplate):
    """The key of one trial."""

    number: int
