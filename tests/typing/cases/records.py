"""Records: their constructors and attributes."""

from enum import IntEnum
from typing import Annotated, Literal, reveal_type

from msgspec import Meta

from typedtrack import RecordSchema, Stat, field, record, schema_of


class Size(IntEnum):
    """A size."""

    SMALL = 1


@record
class Base:
    """A record."""

    seconds: float


@record
class EvalResult(Base):
    """A record that inherits."""

    accuracy: Annotated[float, Meta(ge=0, le=1)]
    l2norm: Stat
    split: Literal["train", "test"] = "test"
    linf: Stat | None = None
    note: str | None = None
    size: Size = Size.SMALL
    p99_ms: float = field(name="latency/p99", aliases=("p99",), doc="Milliseconds.", default=0.0)
    steps: int = field(factory=int)
    count: int = field(doc="How many.")


stat = Stat(mean=1, sem=2.0)
result = EvalResult(seconds=1.0, accuracy=0.5, l2norm=stat, count=1)
EvalResult(seconds=1, accuracy=1, l2norm=stat, split="train", note="x", size=Size.SMALL, p99_ms=1, steps=2, count=3)

reveal_type(result)  # R: EvalResult
reveal_type(result.seconds)  # R: float
reveal_type(result.accuracy)  # R: float
reveal_type(result.l2norm.mean)  # R: float
reveal_type(result.linf)  # R: Stat | None
reveal_type(result.note)  # R: str | None
reveal_type(result.size)  # R: Size
reveal_type(result.p99_ms)  # R: float
reveal_type(result.steps)  # R: int
reveal_type(Stat.of([1, 2.0]))  # R: Stat
reveal_type(schema_of(EvalResult))  # R: RecordSchema
reveal_type(schema_of(EvalResult).columns)  # R: tuple[FieldSchema, ...]

result.linf.mean  # mypy: has no attribute "mean"  # pyright: "mean" is not a known attribute of "None"
result.nope  # mypy: has no attribute "nope"  # pyright: attribute "nope" for class "EvalResult"
result.accuracy = 1.0  # mypy: is read-only  # pyright: is read-only
EvalResult(seconds=1.0, accuracy=0.5, l2norm=stat)  # mypy: Missing named argument "count"  # pyright: missing for parameter "count"
EvalResult(seconds=1.0, accuracy="0.5", l2norm=stat, count=1)  # E: "accuracy"
EvalResult(seconds=1.0, accuracy=0.5, l2norm=1.0, count=1)  # mypy: expected "Stat"  # pyright: not assignable to "Stat"
EvalResult(seconds=1.0, accuracy=0.5, l2norm=stat, count=1, split="x")  # E: "split"
EvalResult(seconds=1.0, accuracy=0.5, l2norm=stat, count=1, note=1)  # E: "note"
EvalResult(seconds=1.0, accuracy=0.5, l2norm=stat, count=1, more=1)  # mypy: Unexpected keyword argument "more"  # pyright: No parameter named "more"
Stat(1.0, 2.0)  # mypy: Too many positional arguments  # pyright: positional arguments
field(name="x", aliases="y", default=1)
field(default=1, factory=int)  # E: overload
schema: RecordSchema = EvalResult  # E: "RecordSchema"


@record
class Wrong:
    """Defaults of another type."""

    count: int = field(default="x")  # E: "int"
    name: str = 1  # E: "str"
