"""Records made by `typedtrack schema generate`: change their schemas, not this file."""

from typing import Annotated, Literal

from msgspec import Meta
from typedtrack import Stat, field, record

__all__ = ["GPU", "Evaluation", "Hostile", "Latency", "Stat"]


@record
class Latency:
    """How long requests took.

    Quantiles, not means:
      - the median
      - the last of a hundred
    """

    p50_ms: Annotated[float, Meta(ge=0.0)]
    p99_ms: float | None = field(name="p99", default=None)


@record
class GPU:
    """One accelerator."""

    index: int = 0


@record
class Evaluation:
    """One evaluation of one checkpoint."""

    accuracy: Annotated[float, Meta(ge=0.0, le=1.0)]
    l2norm: Stat
    serving: Latency = field(
        name="latency",
        aliases=["lat", "response"],
        default=Latency(p50_ms=1e16, p99_ms=None),
    )
    validation: Latency = Latency(p50_ms=0.0, p99_ms=None)
    split: Literal["test", "train"] = "test"
    precision: Literal["float32", "bfloat16"] | None = None
    checkpoint: Annotated[
        str | None,
        Meta(min_length=1, max_length=40, pattern="^[0-9a-f]+$"),
    ] = None
    worst: float = field(
        name="loss/max",
        doc="NaN where no epoch ended.",
        default=float("nan"),
    )
    best: float = float("-inf")
    seed: Annotated[int, Meta(gt=-1, lt=4294967296, multiple_of=2)] = 0
    host: Annotated[
        str,
        Meta(max_length=64, extra_json_schema={"deprecated": True}),
    ] = field(
        doc="The machine; ask the scheduler instead, which knows for how long, too.",
        default="localhost",
    )
    gpu: GPU | None = None
    area_under_the_receiver_operating_characteristic_curve_on_held_out: float | None = (
        None
    )
    notes: str = field(
        doc=(
            "What the next person must know: the seed, the data that was left out, "
            "'odd' curves, and where to find the plots "
            "(https://example.org/plots/2026/of-all-runs).\n"
            "One note a line."
        ),
        default="",
    )
    optimizer: (
        Literal[
            "adafactor",
            "adagrad",
            "adam",
            "adamw",
            "lbfgs",
            "lion",
            "muon",
            "sgd",
            "shampoo",
        ]
        | None
    ) = None


@record
class Hostile:
    """\"\"\"\"; import os; os.abort() \\\"\"\"

    {indented} 'more' than the rest, ends with a quote: " \u202e \"
    """

    quotes: str = field(
        name="it's",
        aliases=["{x}", "%s"],
        doc='"""\nimport os\\',
        default="\"\"\"\n'''\\",
    )
    class_: Literal["\x00", "\n", '"', "'", "\\", "é", "\u2028", "中文", "😀"] = field(
        name="class",
        default="\\",
    )
    pattern: Annotated[str, Meta(pattern="^[\"'\\\\{}\n]*$")] = ""
    huge: int = 18446744073709551615
    match: int = -9223372036854775808
