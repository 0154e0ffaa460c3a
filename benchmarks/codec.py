"""Encode and decode one result, plain or awkward, beside a codec that checks nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy

from benchmarks.harness import RESULT, Contestant, Topic
from typedtrack._results.codec import decode, encode

__all__ = ["topics"]

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
_format = msgspec.json.format


_AWKWARD: Final[dict[str, Mapping[str, Any]]] = {  # numpy's types are no plain values
    "a NaN": {**RESULT, "accuracy": float("nan")},
    "a str of 300 characters": {**RESULT, "checkpoint": "x" * 300},
    "an int past 2**63": {**RESULT, "steps": 2**63 + 1},
    "a numpy.float64": {**RESULT, "accuracy": numpy.float64(0.9312345)},
    "three numpy.float32": {**RESULT, **dict.fromkeys(("accuracy", "l2norm/mean", "l2norm/sem"), numpy.float32(0.5))},
}


def topics(folder: Path, quick: bool) -> Iterator[Topic]:
    """Yield one topic for each direction; they touch no file."""
    calls, rounds = (50, 3) if quick else (1_000, 300)
    data = encode(RESULT)
    yield Topic(
        "encode",
        [
            Contestant("limit: msgspec, the wire format", lambda: _format(_encode(RESULT)) + b"\n"),
            Contestant("msgspec, compact (not the wire format)", lambda: _encode(RESULT)),
            Contestant("typedtrack", lambda: encode(RESULT), aim=1.6),
            Contestant("json.dumps", lambda: json.dumps(RESULT, indent=2)),
        ],
        calls,
        rounds,
    )
    yield Topic(
        "decode",
        [
            Contestant("limit: msgspec", lambda: _decode(data)),
            Contestant("typedtrack", lambda: decode(data, ""), aim=1.6),
            Contestant("json.loads", lambda: json.loads(data)),
        ],
        calls,
        rounds,
    )
    yield Topic(
        "encode awkward values",
        [
            Contestant("limit: msgspec, plain values", lambda: _format(_encode(RESULT)) + b"\n"),
            *(Contestant(name, partial(encode, dict(result)), aim=4) for name, result in _AWKWARD.items()),
        ],
        calls,
        rounds,
    )
    yield Topic(
        "decode awkward values",
        [
            Contestant("limit: msgspec, plain values", lambda: _decode(data)),
            *(
                Contestant(name, partial(decode, encode(dict(result)), ""), aim=4)
                for name, result in _AWKWARD.items()
                if "numpy" not in name  # which are plain values once they are stored
            ),
        ],
        calls,
        rounds,
    )
