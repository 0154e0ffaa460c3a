"""Records with every feature of a record, and with what hostile schemas bring."""

from __future__ import annotations

import enum
from typing import Annotated, Literal

from msgspec import Meta

from typedtrack import Stat, field, record


class Precision(enum.StrEnum):
    """The type of the weights."""

    SINGLE = "float32"
    HALF = "bfloat16"


@record
class Latency:
    """How long requests took.

    Quantiles, not means:
      - the median
      - the last of a hundred
    """

    p50_ms: Annotated[float, Meta(ge=0)]
    p99_ms: float | None = field(name="p99", default=None)


@record
class GPU:
    """One accelerator."""

    index: int = 0


@record
class Evaluation:
    """One evaluation of one checkpoint."""

    accuracy: Annotated[float, Meta(ge=0, le=1)]
    l2norm: Stat
    serving: Latency = field(name="latency", aliases=("lat", "response"), default=Latency(p50_ms=1e16))
    validation: Latency = Latency(p50_ms=0)
    split: Literal["train", "test"] = "test"
    precision: Precision | None = None
    checkpoint: Annotated[str, Meta(min_length=1, max_length=40, pattern="^[0-9a-f]+$")] | None = None
    worst: float = field(name="loss/max", doc="NaN where no epoch ended.", default=float("nan"))
    best: float = float("-inf")
    seed: Annotated[int, Meta(gt=-1, lt=2**32, multiple_of=2)] = 0
    host: Annotated[str, Meta(max_length=64, extra_json_schema={"deprecated": True})] = field(
        doc="The machine; ask the scheduler instead, which knows for how long, too.", default="localhost"
    )
    gpu: GPU | None = None
    area_under_the_receiver_operating_characteristic_curve_on_held_out: float | None = None
    notes: str = field(
        doc="What the next person must know: the seed, the data that was left out, 'odd' curves, and where to "
        "find the plots (https://example.org/plots/2026/of-all-runs).\nOne note a line.",
        default="",
    )
    optimizer: Literal["sgd", "adam", "adamw", "adafactor", "lion", "muon", "shampoo", "lbfgs", "adagrad"] | None = None


@record
class Hostile:
    """ "\""\"; import os; os.abort() \\\"""

    {indented} 'more' than the rest, ends with a quote: \" \u202e \""""

    quotes: str = field(name="it's", aliases=("{x}", "%s"), doc='"""\nimport os\\', default="\"\"\"\n'''\\")
    class_: Literal["'", '"', "\\", "\n", "\x00", "é", "中文", "\u2028", "😀"] = field(name="class", default="\\")
    pattern: Annotated[str, Meta(pattern="^[\"'\\\\{}\n]*$")] = ""
    huge: int = 2**64 - 1
    match: int = -(2**63)
