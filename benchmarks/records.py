"""Encode and decode a record, beside other libraries that turn a class into JSON and back.

The other classes have the same six fields, without nesting. Only pydantic checks bounds when it constructs, and none of
them checks sizes.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import attrs
import msgspec
import pydantic
from cattrs.preconf.json import make_converter
from mashumaro.mixins.json import DataClassJSONMixin

from benchmarks.harness import RESULT, Contestant, Topic
from typedtrack import Stat, record
from typedtrack._records.codec import record_codec
from typedtrack._records.record_type import record_type

__all__ = ["topics"]

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
_format = msgspec.json.format

CHECKPOINT = "runs/7/checkpoint_12000"
Part = Literal["train", "test"]


@record
class EvalResult:
    """The result of the benchmarks, as a record."""

    accuracy: Annotated[float, msgspec.Meta(ge=0, le=1)]
    steps: int
    l2norm: Stat
    split: Part
    checkpoint: str | None = None


class _Struct(msgspec.Struct):
    accuracy: Annotated[float, msgspec.Meta(ge=0, le=1)]
    steps: int
    mean: float = msgspec.field(name="l2norm/mean")
    sem: float = msgspec.field(name="l2norm/sem")
    split: Part
    checkpoint: str | None = None


class _Model(pydantic.BaseModel):
    accuracy: float = pydantic.Field(ge=0, le=1, strict=True)
    steps: int = pydantic.Field(strict=True)
    mean: float
    sem: float
    split: Part
    checkpoint: str | None = None


@attrs.frozen(kw_only=True)
class _Attrs:
    accuracy: float
    steps: int
    mean: float
    sem: float
    split: Part
    checkpoint: str | None = None


@dataclass(frozen=True, kw_only=True)
class _Dataclass(DataClassJSONMixin):
    accuracy: float
    steps: int
    mean: float
    sem: float
    split: Part
    checkpoint: str | None = None


def topics(folder: Path, quick: bool) -> Iterator[Topic]:
    """Yield five topics: construct and encode, encode, decode, declare a class, and a fresh process."""
    calls, rounds = (50, 3) if quick else (500, 300)
    codec, converter = record_codec(record_type(EvalResult)), make_converter()
    wide = {
        "accuracy": 0.9312345,
        "steps": 12_000,
        "mean": 1.25,
        "sem": 0.0312,
        "split": "test",
        "checkpoint": CHECKPOINT,
    }

    def construct() -> EvalResult:
        stat = Stat(mean=1.25, sem=0.0312)
        return EvalResult(accuracy=0.9312345, steps=12_000, l2norm=stat, split="test", checkpoint=CHECKPOINT)

    def model() -> _Model:
        return _Model(accuracy=0.9312345, steps=12_000, mean=1.25, sem=0.0312, split="test", checkpoint=CHECKPOINT)

    def struct() -> _Struct:
        return _Struct(accuracy=0.9312345, steps=12_000, mean=1.25, sem=0.0312, split="test", checkpoint=CHECKPOINT)

    def plain() -> _Attrs:
        return _Attrs(accuracy=0.9312345, steps=12_000, mean=1.25, sem=0.0312, split="test", checkpoint=CHECKPOINT)

    def data_class() -> _Dataclass:
        return _Dataclass(accuracy=0.9312345, steps=12_000, mean=1.25, sem=0.0312, split="test", checkpoint=CHECKPOINT)

    limit = Contestant("limit: msgspec on a dict, the wire format", lambda: _format(_encode(RESULT)) + b"\n")
    instance, a_model, a_struct, an_attrs, a_data_class = construct(), model(), struct(), plain(), data_class()
    yield Topic(
        "record: construct and encode",
        [
            limit,
            Contestant("typedtrack", lambda: codec.encode(construct()), aim=6),
            Contestant("msgspec.Struct", lambda: _format(_encode(struct()))),
            Contestant("pydantic", lambda: model().model_dump_json(indent=2)),
            Contestant("attrs and cattrs", lambda: converter.dumps(plain(), indent=2)),
            Contestant("mashumaro", lambda: data_class().to_json()),
        ],
        calls,
        rounds,
    )
    yield Topic(
        "record: encode",
        [
            limit,
            Contestant("typedtrack", lambda: codec.encode(instance), aim=1.6),
            Contestant("msgspec.Struct", lambda: _format(_encode(a_struct))),
            Contestant("pydantic", lambda: a_model.model_dump_json(indent=2)),
            Contestant("attrs and cattrs", lambda: converter.dumps(an_attrs, indent=2)),
            Contestant("mashumaro", a_data_class.to_json),
        ],
        calls,
        rounds,
    )
    data, wide_data = codec.encode(instance), _format(_encode(wide))
    decode_struct, struct_data = msgspec.json.Decoder(_Struct).decode, _encode(a_struct)
    yield Topic(
        "record: decode",
        [
            Contestant("limit: msgspec to a dict", lambda: _decode(data)),
            Contestant("typedtrack", lambda: codec.decode_fast(data), aim=2.5),
            Contestant("msgspec.Struct", lambda: decode_struct(struct_data)),
            Contestant("pydantic", lambda: _Model.model_validate_json(wide_data)),
            Contestant("attrs and cattrs", lambda: converter.loads(wide_data, _Attrs)),
            Contestant("mashumaro", lambda: _Dataclass.from_json(wide_data)),
        ],
        calls,
        rounds,
    )

    body = {"__annotations__": EvalResult.__annotations__, "__module__": __name__}
    yield Topic(
        "record: declare a class",
        [
            Contestant("limit: attrs.frozen", lambda: attrs.frozen(kw_only=True)(type("Declared", (), dict(body)))),
            Contestant("typedtrack.record", lambda: record(type("Declared", (), dict(body)))),
        ],
        5,
        3 if quick else 50,
    )

    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}  # the first round compiles, as an installer does

    def process(program: str) -> int:
        command = [sys.executable, "-c", program]
        return subprocess.run(command, cwd=Path(__file__).parents[1], env=environment, check=True).returncode

    put = f"""
from typedtrack import open_tracker, record
@record
class EvalResult:
    accuracy: float
    steps: int
open_tracker({f"{folder}/records"!r}).typed(EvalResult)["app/out"] = EvalResult(accuracy=0.9, steps=1)
"""
    yield Topic(
        "record: fresh process, declare one and put it",
        [
            Contestant("limit: a bare interpreter", lambda: process("pass")),
            Contestant("import attrs and msgspec, and nothing else", lambda: process("import attrs, msgspec")),
            Contestant("typedtrack", lambda: process(put), aim=3.5),
        ],
        1,
        3 if quick else 40,
    )
