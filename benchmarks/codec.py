"""Encode and decode one result, beside a codec that checks nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec

from benchmarks.harness import RESULT, Contestant, Topic
from typedtrack._results.codec import decode_fast, encode

__all__ = ["topics"]

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
_format = msgspec.json.format


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
            Contestant("typedtrack", lambda: decode_fast(data), aim=1.6),
            Contestant("json.loads", lambda: json.loads(data)),
        ],
        calls,
        rounds,
    )
