"""Calls on a local disk that are interrupted at each of their system calls, and what is stored before them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from typedtrack import Result, ResultTracker
from typedtrack._results.codec import encode

__all__ = ["Case", "cases"]


class Case(NamedTuple):
    """One call.

    Attributes:
        name: how a report names it.
        stored: the bytes that are stored before it, by key.
        call: the call, on a tracker, with a folder for output files. An `AssertionError` is a wrong answer.
        only_kills: whether errors are left out: a table has all rows but those whose results cannot be read.
    """

    name: str
    stored: dict[str, bytes]
    call: Callable[[ResultTracker, Path], object]
    only_kills: bool = False


def cases(seed: int) -> Iterator[Case]:
    """Yield the cases; *seed* decides the sizes of the results, from some bytes to 50 kB."""
    chance = random.Random(seed)
    old, new, more = (_result(chance, number) for number in range(3))
    message = "x" * chance.randrange(3000)
    stored = {"a": encode(old), "sub/b": encode(old)}
    one = {"a": encode(old)}  # the order of several in a listing may differ
    several = {"a": new, "sub/b": new, "sub/c": new, "new/d": more, "new/deep/e": more}

    calls: dict[str, tuple[dict[str, bytes], Callable[[ResultTracker, Path], object]]] = {
        "put": (stored, lambda tracker, out: tracker.put("a", new)),
        "put in a new folder": (stored, lambda tracker, out: tracker.put("new/deep/k", new)),
        "put in place of a folder": (stored, lambda tracker, out: _replace_folder(tracker, new)),
        "create": (stored, lambda tracker, out: tracker.create("new/k", new)),
        "create what exists": (stored, lambda tracker, out: tracker.create("a", old)),
        "create over an empty file": ({"a": b""}, lambda tracker, out: tracker.create("a", new)),
        "fail": (stored, lambda tracker, out: tracker.fail("k", message)),
        "put_many": (stored, lambda tracker, out: tracker.put_many(several)),
        "delete": (stored, lambda tracker, out: tracker.__delitem__("a")),
        "archive": (stored, lambda tracker, out: tracker.archive(out / "all.ndjson")),
        "write a table": (one, lambda tracker, out: tracker.frame().write(out / "all.parquet")),
        "write a page": (one, lambda tracker, out: tracker.frame().report(out / "all.html")),
        "get": (stored, lambda tracker, out: _expect(tracker.get("a"), old)),
        "get what is absent": (stored, lambda tracker, out: _expect(tracker.get("sub/none"), {})),
        "look": (stored, lambda tracker, out: _expect("sub/b" in tracker, True)),
        "list": (stored, lambda tracker, out: _expect(sorted(iter(tracker)), sorted(stored))),
        "items": (stored, lambda tracker, out: _expect(dict(tracker.items()), dict.fromkeys(stored, old))),
    }
    for name, (before, call) in calls.items():
        yield Case(name, before, call, only_kills=name.startswith("write a"))


def _result(chance: random.Random, number: int) -> Result:
    fields = chance.choice([1, 5, 50])
    text = chance.choice(["", "x" * 100, "é" * 500])
    return {"number": number, **{f"field {n}": f"{text}{chance.random()}" for n in range(fields)}}


def _replace_folder(tracker: ResultTracker, result: Result) -> None:
    """Put a result where a folder was that has become empty."""
    del tracker["sub/b"]
    tracker.put("sub", result)


def _expect(answer: object, right: object) -> None:
    assert answer == right
