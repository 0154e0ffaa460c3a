"""The records and results in the corpus of each release, as this release declares them."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from msgspec import Meta

from typedtrack import Failure, Key, Result, Stat, field, record

RELEASE: Final = "0.1.0"


@record
class Latency:
    """How long requests took."""

    p50_ms: float
    p99_ms: float | None = field(name="p99", aliases=("worst",), default=None)


@record
class Evaluation:
    """One evaluation: a field of every kind."""

    accuracy: Annotated[float, Meta(ge=0, le=1)]
    l2norm: Stat
    latency: Latency = Latency(p50_ms=0.0)
    split: Literal["train", "test"] = "test"
    steps: int = 0
    note: str = field(default="", doc="Whatever the one who ran it would say.")
    loss: float = field(name="loss/last", aliases=("loss",), default=float("nan"))


EVALUATIONS: Final[dict[Key, Evaluation]] = {
    "run/plain": Evaluation(accuracy=0.5, l2norm=Stat(mean=1.0, sem=0.25)),
    "run/full": Evaluation(
        accuracy=1.0,
        l2norm=Stat(mean=float("-inf"), sem=5e-324),
        latency=Latency(p50_ms=-0.0, p99_ms=1.7976931348623157e308),
        split="train",
        steps=2**64 - 1,
        note='Größe 中文 😀 "quoted" \\ \n\t\x00\u2028',
        loss=0.1 + 0.2,
    ),
}

LIMITS: Final[Result] = {
    "nan": float("nan"),
    "inf": float("inf"),
    "-inf": float("-inf"),
    "-0.0": -0.0,
    "1.0": 1.0,
    "1": 1,
    "smallest": 5e-324,
    "largest": 2**64 - 1,
    "lowest": -(2**63),
    "empty": "",
    "longest": "é" * 512,
    "a/b": "a name with a slash",
    "größe": "a name beyond ASCII",
}

FAILURES: Final[dict[Key, Failure]] = {
    "run/raised": Failure(type="ZeroDivisionError", message="float division by zero: größe", host="node-7"),
    "run/exited": Failure(type="ExitCode", message="exit code 3", exit_code=3, host="node-7"),
    "run/longest": Failure(type="Signal", message="é" * 512, exit_code=-9),
}
