"""Records: their constructors and attributes."""

from enum import IntEnum
from typing import Annotated, Literal, reveal_type

from msgspec import Meta

from typedtrack import RecordSchema, Stat, as_result, evolve, field, record, schema_of


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


@record()
class Called:
    """A record whose decorator is called."""

    x: int


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

reveal_type(evolve(result, steps=3))  # R: EvalResult
reveal_type(evolve(result, steps=3).l2norm)  # R: Stat
reveal_type(as_result(result))  # R: dict[str, int | float | str]
reveal_type(Called(x=1).x)  # R: int

result.linf.mean  # E: mean
result.nope  # E: nope
result.accuracy = 1.0  # E: read-only
EvalResult(seconds=1.0, accuracy=0.5, l2norm=stat)  # E: count
EvalResult(seconds=1.0, accuracy="0.5", l2norm=stat, count=1)  # E: float
EvalResult(seconds=1.0, accuracy=0.5, l2norm=1.0, count=1)  # E: Stat
EvalResult(seconds=1.0, accuracy=0.5, l2norm=stat, count=1, split="x")  # E: Literal[
EvalResult(seconds=1.0, accuracy=0.5, l2norm=stat, count=1, note=1)  # E: str | None
EvalResult(seconds=1.0, accuracy=0.5, l2norm=stat, count=1, more=1)  # E: more
Stat(1.0, 2.0)  # E: positional
field(default=1, factory=int)  # E: overload
schema: RecordSchema = EvalResult  # E: RecordSchema
evolve(result).nope  # E: nope
as_result(result).steps  # E: steps
schema_of(EvalResult).nope  # E: nope
Called(x="1")  # E: int
Called(1)  # E: positional
field(name="x", aliases="y", default=1)


@record
class Wrong:
    """Defaults of another type."""

    count: int = field(default="x")  # E: int
    name: str = 1  # E: str
