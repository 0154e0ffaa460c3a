"""Records made by `typedtrack schema generate`: change their schemas, not this file."""

from typing import Annotated

from msgspec import Meta
from typedtrack import Stat, field, record

__all__ = ["DigitsTrial", "Stat"]


@record
class DigitsTrial:
    """One trial of the search: how well a classifier of handwritten digits learns with these parameters."""

    learning_rate: Annotated[float, Meta(gt=0.0)] = field(
        doc="The size of a step of gradient descent.",
    )
    steps: Annotated[int, Meta(ge=1)]
    accuracy: Stat = field(doc="Over the folds of a cross-validation.")
    loss: Stat = field(
        doc="After the last step, over the folds; NaN if the training diverged.",
    )
