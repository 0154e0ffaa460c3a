"""Every call on every client, while the store misbehaves in every way that `ways.py` knows.

No call may lie: return a result that is not stored, call a key absent that is there, or acknowledge a put or a delete
that the store has not made. It may fail. ``python -m tests.torture.answers`` prints a table of what came of each.
"""

from __future__ import annotations

import argparse
import logging
import random
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from tests.servers.proxy import Fault
from tests.torture.stores import BOUND, Store, serve_all
from tests.torture.ways import LISTING_WAYS, WAYS
from typedtrack import ResultNotFoundError, ResultTracker

__all__ = ["CALLS", "LIE", "Case", "all_cases", "outcome_of"]

OLD: Final = {"x": 1}
NEW: Final = {"x": 2}
_REQUESTS: Final = 4  # of one call; each has a bound

RIGHT: Final = "+"
FAILED: Final = "-"
LIE: Final = "LIE"
LATE: Final = "LATE"
UNKNOWABLE: Final = "UNKNOWABLE"

_UNKNOWABLE: Final = {
    # A 204 without a body is all that S3 and Google answer to a delete.
    ("S3, s3fs", "del", "status 204"),
    ("Google, gcsfs", "del", "status 204"),
    # These have the form of S3's answer for an object. A get finds no result in it, but `in` reads one byte.
    *(("S3, s3fs", "in for nothing", way) for way in ("JSON", "nothing with an ETag", "two answers")),
    ("S3, s3fs", "in for nothing", "error AccessDenied with status 200"),
    # fake-gcs-server dates an object by the moment of the answer, so that it seems to have been put again meanwhile.
    *(("Google, obstore", "del", way) for way in ("status 200", "status 202", "status 205", "two answers")),
}


@dataclass(frozen=True)
class Call:
    """A call: what it does, the method of its request, and the judge of its answer and of what is stored then."""

    make: Callable[[ResultTracker], object]
    method: str
    is_true: Callable[[object, ResultTracker], bool]
    is_honest: Callable[[Exception, ResultTracker], bool] = lambda error, stored: True
    has_result: bool = True


def _keys(tracker: ResultTracker) -> list[object]:
    return sorted(iter(tracker), key=str)


CALLS: Final[dict[str, Call]] = {
    "get": Call(lambda tracker: tracker.get("a"), "GET", lambda answer, _: answer == OLD),
    "get of nothing": Call(lambda tracker: tracker.get("b"), "GET", lambda answer, _: answer == {}),
    "in": Call(lambda tracker: "a" in tracker, "GET", lambda answer, _: answer is True),
    "in for nothing": Call(lambda tracker: "b" in tracker, "GET", lambda answer, _: answer is False),
    "put": Call(
        lambda tracker: tracker.put("a", NEW),
        "PUT",
        lambda _, stored: stored.get("a") == NEW,
        lambda _, stored: stored.get("a") in (OLD, NEW),
    ),
    "create": Call(
        lambda tracker: tracker.create("a", NEW),
        "PUT",
        lambda _, stored: stored.get("a") == NEW,
        lambda _, stored: stored.get("a") in ({}, NEW),
        has_result=False,
    ),
    "create over another": Call(
        lambda tracker: tracker.create("a", NEW),
        "PUT",
        lambda _, stored: False,
        lambda _, stored: stored.get("a") == OLD,
    ),
    "del": Call(
        lambda tracker: tracker.__delitem__("a"),
        "DELETE",
        lambda _, stored: stored.get("a") == {},
        lambda error, stored: not isinstance(error, ResultNotFoundError) or stored.get("a") == {},
    ),
    "keys": Call(_keys, "GET", lambda answer, _: answer == ["a", "c"]),
}


class Case(NamedTuple):
    """One call on one client, while the store misbehaves in one way."""

    store: Store
    call: str
    way: str
    fault: Fault


def all_cases(stores: Iterable[Store]) -> Iterator[Case]:
    """Yield every case."""
    for store in stores:
        for way, fault in WAYS.items():
            yield from (Case(store, call, way, fault) for call in CALLS)
        if store.name.startswith("S3"):
            yield from (Case(store, "keys", way, fault) for way, fault in LISTING_WAYS.items())


def outcome_of(case: Case) -> str:
    """Return what came of *case*: `RIGHT`, `FAILED`, `UNKNOWABLE`, or `LIE` or `LATE` with a reason."""
    store, call = case.store, CALLS[case.call]
    place = f"{store.bucket}/{uuid.uuid4()}"
    stored, tracker = store.directly(place), store.impatiently(place)
    if call.has_result:
        stored["a"] = OLD
    if case.call == "keys":
        stored["c"] = NEW
    method = {"PUT": store.put_method, "DELETE": store.delete_method}.get(call.method, call.method)
    store.proxy.always = case.fault._replace(method=method)
    begin = time.monotonic()
    try:
        answer = call.make(tracker)
    except Exception as error:
        seconds = time.monotonic() - begin
        store.proxy.reset()
        outcome = FAILED if call.is_honest(error, stored) else f"{LIE}: {error!r:.200}, stored: {stored.get('a')}"
    else:
        seconds = time.monotonic() - begin
        store.proxy.reset()
        outcome = RIGHT if call.is_true(answer, stored) else f"{LIE}: {answer!r:.200}, stored: {stored.get('a')}"
    if outcome.startswith(LIE) and (store.name, case.call, case.way) in _UNKNOWABLE:
        return UNKNOWABLE
    return f"{LATE}: {seconds:.1f} s" if seconds > _REQUESTS * BOUND and not outcome.startswith(LIE) else outcome


def main(arguments: list[str]) -> int:
    """Try every case, or some of them; print the table; return 1 if a call lied or was late."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, help="how many, drawn by the seed; all by default")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--way", help="only the ways whose name has this in it")
    given = parser.parse_args(arguments)
    logging.disable(logging.CRITICAL)  # of the clients, which tell of each retry
    with tempfile.TemporaryDirectory() as folder, serve_all(Path(folder)) as stores:
        cases = [case for case in all_cases(stores) if given.way is None or given.way in case.way]
        random.Random(given.seed).shuffle(cases)
        outcomes: dict[tuple[str, str, str], str] = {}
        for number, case in enumerate(cases[: given.cases], 1):
            outcomes[case.way, case.store.name, case.call] = outcome = outcome_of(case)
            if outcome.startswith((LIE, LATE)):
                print(f"{case.store.name}, {case.call}, {case.way}: {outcome}", flush=True)
            if number % 100 == 0:
                print(f"{number} of {len(cases)} cases", file=sys.stderr, flush=True)
        print(*table(outcomes, [store.name for store in stores]), sep="\n")
    counts = Counter(outcome.partition(":")[0] for outcome in outcomes.values())
    print(f"\n{len(outcomes)} cases: {counts[RIGHT]} right, {counts[FAILED]} errors, {counts[LIE]} lies, ", end="")
    print(f"{counts[LATE]} late, {counts[UNKNOWABLE]} that none could tell")
    return 1 if counts[LIE] or counts[LATE] else 0


def table(outcomes: dict[tuple[str, str, str], str], stores: list[str]) -> Iterator[str]:
    """Yield the lines of a table: a row for each way, a column for each client, and in it a sign for each call."""
    yield f"The signs of a cell are for {', '.join(CALLS)}."
    yield f"`{RIGHT}` is right, `{FAILED}` an error, `!` a lie, `~` late."
    yield "`?` is an answer that no client can tell from the store's own.\n"
    yield f"| the store sends | {' | '.join(stores)} |"
    yield "|---" * (len(stores) + 1) + "|"
    signs = {RIGHT: RIGHT, FAILED: FAILED, LIE: "!", LATE: "~", UNKNOWABLE: "?"}
    for way in (*WAYS, *LISTING_WAYS):
        cells = [
            "".join(signs.get(outcomes.get((way, store, call), "").partition(":")[0], " ") for call in CALLS)
            for store in stores
        ]
        if any(map(str.strip, cells)):
            yield f"| {way} | {' | '.join(f'`{cell}`' for cell in cells)} |"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
