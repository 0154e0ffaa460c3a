"""Records made by `typedtrack schema generate`: change their schemas, not this file."""

from typing import Annotated

from msgspec import Meta
from typedtrack import Stat, field, record

__all__ = ["DigitsTrial", "Stat"]


@record
class DigitsTrial:
    """One trial of the search: a support vector machine on handwritten digits, and how good it is."""

    c: Annotated[float, Meta(gt=0.0)] = field(doc="Penalty of the machine.")
    gamma: Annotated[float, Meta(gt=0.0)] = field(doc="Width of its kernel.")
    accuracy: Stat = field(doc="Over the folds of a cross-validation.")
    test_accuracy: Annotated[float, Meta(ge=0.0, le=1.0)] = field(
        doc="On images that no trial was trained on.",
    )
    support_vectors: Annotated[int, Meta(ge=1)]
