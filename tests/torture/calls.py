"""Calls on a local disk that are interrupted at each of their system calls, and what is stored before them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from arro3.core import RecordBatchReader
from arro3.io import read_parquet

from typedtrack import Result, ResultTracker
from typedtrack._results.codec import encode

__all__ = ["Case", "cases"]


class Case(NamedTuple):
    """One call.

    Attributes:
        name: how a report names it.
        stored: the bytes that are stored before it, by key.
        call: the call, on a tracker, with a folder for output files. An `AssertionError` is a wrong answer.
        check_output: checks the output files after an interrupt, where these may be neither the old nor the new: after
            an error a table lacks the rows that could not be read, and a cache has the times of its results.
        is_exact: whether output files are the old or the new, byte for byte, unless the call raised an error.
        stride: at how many system calls it is interrupted: at each by default, at every fifth of a thousand.
    """

    name: str
    stored: dict[str, bytes]
    call: Callable[[ResultTracker, Path], object]
    check_output: Callable[[ResultTracker, Path], object] | None = None
    is_exact: bool = True
    stride: int = 1


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
        "get": (stored, lambda tracker, out: _expect(tracker.get("a"), old)),
        "get what is absent": (stored, lambda tracker, out: _expect(tracker.get("sub/none"), {})),
        "look": (stored, lambda tracker, out: _expect("sub/b" in tracker, True)),
        "list": (stored, lambda tracker, out: _expect(sorted(iter(tracker)), sorted(stored))),
        "items": (stored, lambda tracker, out: _expect(dict(tracker.items()), dict.fromkeys(stored, old))),
    }
    for name, (before, call) in calls.items():
        yield Case(name, before, call)
    yield Case("write a table", one, _write_table, partial(_expect_rows, old))
    yield Case("write a page", one, _write_page, _expect_page)
    yield Case("make a cache", one, _read_by_cache, _expect_cached, is_exact=False)
    yield Case("renew a cache", one, partial(_renew_cache, new), _expect_cached, is_exact=False, stride=5)


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


def _write_table(tracker: ResultTracker, out: Path) -> None:
    tracker.frame().write(out / "all.parquet")


def _write_page(tracker: ResultTracker, out: Path) -> None:
    tracker.frame().report(out / "all.html")


def _read_by_cache(tracker: ResultTracker, out: Path) -> object:
    return RecordBatchReader.from_stream(tracker.frame(cache=out / "cache.parquet")).read_all()


def _renew_cache(result: Result, tracker: ResultTracker, out: Path) -> None:
    _read_by_cache(tracker, out)
    tracker.put("a", result)
    _read_by_cache(tracker, out)


def _expect_cached(tracker: ResultTracker, out: Path) -> None:
    """Whatever the interrupt left of a cache, the next table from it has what is stored now."""
    cached = RecordBatchReader.from_stream(tracker.frame(cache=out / "cache.parquet")).read_all()
    whole = RecordBatchReader.from_stream(tracker.frame()).read_all()
    assert cached == whole


def _expect_rows(result: Result, _: ResultTracker, out: Path) -> None:
    if (path := out / "all.parquet").exists():
        table = read_parquet(path).read_all()
        assert table.num_rows in (0, 1)
        if table.num_rows:
            assert {"key", *result} == {*table.column_names}


def _expect_page(_: ResultTracker, out: Path) -> None:
    if (path := out / "all.html").exists():
        assert path.read_bytes().endswith(b"</html>\n")
