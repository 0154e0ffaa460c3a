"""Thousands of calls by several threads, while a quarter of the requests go wrong.

Each thread owns some keys and knows what each of them may hold: after a call that failed the old result or the new one.
Every answer must be one of these, and so must the store at the end. ``python -m tests.torture.chaos`` prints what came
of it.
"""

from __future__ import annotations

import argparse
import logging
import random
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

from tests.servers.proxy import Fault, Request
from tests.torture.stores import Store, serve_all
from tests.torture.ways import WAYS
from typedtrack import BulkError, Result, ResultExistsError, ResultNotFoundError, ResultTracker

__all__ = ["FAULTS", "Tally", "torture"]

Held: TypeAlias = set[int | None]  # the numbers that a key may hold; `None` is nothing

_KEYS: Final = 10  # of each thread
_FAULTY: Final = 0.25
_LATE: Final = 130.0  # seconds: the bound, and some for a loaded machine
FAULTS: Final = (
    *["reset before the request", "reset after the request", "half a body", "status 500", "status 503"] * 4,
    *["status 200 and a web page", "error SlowDown with status 503", "the request twice", "a late answer"] * 4,
    "silence",
)  # fmt: skip
_CALLS: Final = ("put", "put", "create", "get", "get", "in", "del", "get_many", "put_many")


class Tally(NamedTuple):
    """The outcomes of the calls on one store, and every wrong one among them."""

    calls: Counter[str]
    errors: Counter[str]
    faults: Counter[str]
    lies: list[str]


class Owner:
    """A thread's keys, and what each of them may hold."""

    def __init__(self, tracker: ResultTracker, name: str, seed: int, tally: Tally) -> None:
        self._tracker = tracker
        self._random = random.Random(f"{seed} {name}")
        self._numbers = iter(range(1_000_000))
        self._tally = tally
        self.held: dict[str, Held] = {f"{name}/{number}": {None} for number in range(_KEYS)}

    def run(self, count: int) -> None:
        """Make *count* calls, drawn at random."""
        for _ in range(count):
            call = self._random.choice(_CALLS)
            key = self._random.choice([*self.held])
            begin = time.monotonic()
            getattr(self, f"_{call}")(key)
            if (seconds := time.monotonic() - begin) > _LATE:
                self._lie(f"{call} took {seconds:.0f} s")
            self._tally.calls[call] += 1

    def _lie(self, text: str) -> None:
        self._tally.lies.append(text)

    def _fails(self, error: Exception) -> None:
        self._tally.errors[type(error).__name__] += 1

    def _see(self, key: str, call: str, result: Result) -> None:
        """Learn that *key* holds *result*."""
        number = result.get("number")
        seen = number if isinstance(number, int) else None
        if seen not in self.held[key]:
            self._lie(f"{call} of {key} returned {result}, and it may hold {self.held[key]}")
        self.held[key] = {seen}

    def _put(self, key: str) -> None:
        number = next(self._numbers)
        try:
            self._tracker.put(key, number=number)
        except Exception as error:
            self._fails(error)
            self.held[key].add(number)
        else:
            self.held[key] = {number}

    def _put_many(self, _: str) -> None:
        numbers = {key: next(self._numbers) for key in self.held}
        try:
            self._tracker.put_many({key: {"number": number} for key, number in numbers.items()})
            failed: set[object] = set()
        except BulkError as error:
            self._fails(error)
            failed = set(error.errors)
        for key, number in numbers.items():
            if key in failed:
                self.held[key].add(number)
            else:
                self.held[key] = {number}

    def _create(self, key: str) -> None:
        number, before = next(self._numbers), self.held[key]
        try:
            self._tracker.create(key, number=number)
        except ResultExistsError as error:
            self._fails(error)
            self.held[key] = before - {None}
            if not self.held[key]:
                self._lie(f"create of {key} found something where nothing can be")
        except Exception as error:
            self._fails(error)
            if None in before:
                before.add(number)
        else:
            if None not in before:
                self._lie(f"create of {key} succeeded, and it may hold {before}")
            self.held[key] = {number}

    def _get(self, key: str) -> None:
        try:
            self._see(key, "get", self._tracker.get(key))
        except Exception as error:
            self._fails(error)

    def _get_many(self, _: str) -> None:
        for key, result in self._got_many().items():
            self._see(key, "get_many", result)

    def _got_many(self) -> Mapping[Any, Any]:  # Any, because an error has the results of trackers of any kind
        try:
            return self._tracker.get_many(self.held)
        except BulkError as error:
            self._fails(error)
            return error.results

    def _in(self, key: str) -> None:
        try:
            is_there = key in self._tracker
        except Exception as error:
            return self._fails(error)
        if is_there:
            self.held[key] = self.held[key] - {None} or self.held[key]
        may_be = (self.held[key] != {None}) if is_there else (None in self.held[key])
        if not may_be:
            self._lie(f"in of {key} returned {is_there}, and it may hold {self.held[key]}")
        if not is_there:
            self.held[key] = {None}

    def _del(self, key: str) -> None:
        try:
            del self._tracker[key]
        except ResultNotFoundError as error:  # also where a try before this one deleted it
            self._fails(error)
            self.held[key] = {None}
        except Exception as error:
            self._fails(error)
            self.held[key].add(None)
        else:
            self.held[key] = {None}


def torture(store: Store, *, calls: int, seed: int, faults: Sequence[str] = FAULTS, threads: int = 8) -> Tally:
    """Make *calls* calls on *store* by several threads while requests fail by *faults*, then look at what is stored."""
    place = f"{store.bucket}/{uuid.uuid4()}"
    tracker = store.patiently(place)  # a request that is given up may still reach the store, whenever it likes
    tally = Tally(Counter(), Counter(), Counter(), [])
    owners = [Owner(tracker, f"thread-{number}", seed, tally) for number in range(threads)]
    store.proxy.choose = _chooser(seed, faults, tally.faults)
    with ThreadPoolExecutor(threads) as pool:
        for future in [pool.submit(owner.run, calls // threads) for owner in owners]:
            future.result()
    store.proxy.reset()
    directly = store.directly(place)
    stored = {str(key): result.get("number") for key, result in directly.items()}
    for owner in owners:
        for key, held in owner.held.items():
            if (number := stored.pop(key, None)) not in held:
                tally.lies.append(f"in the end {key} holds {number}, and it may hold {held}")
    if stored:
        tally.lies.append(f"in the end there are keys that nobody put: {stored}")
    return tally


def _chooser(seed: int, faults: Sequence[str], counted: Counter[str]) -> Callable[[Request], Fault | None]:
    chance, lock = random.Random(seed), threading.Lock()

    def choose(request: Request) -> Fault | None:
        with lock:
            if chance.random() > _FAULTY:
                return None
            name = chance.choice(faults)
            counted[name] += 1
            return WAYS[name]

    return choose


def main(arguments: list[str]) -> int:
    """Torture every store; print what came of it; return 1 if a call lied or was late."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=2000, help="on each client")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    logging.disable(logging.CRITICAL)  # of the clients, which tell of each retry
    lies = 0
    print("| client | calls | requests that went wrong | calls that failed | lies |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder, serve_all(Path(folder)) as stores:
        for store in stores:
            tally = torture(store, calls=given.calls, seed=given.seed)
            lies += len(tally.lies)
            counts = tally.calls.total(), tally.faults.total(), tally.errors.total(), len(tally.lies)
            print(f"| {store.name} | {' | '.join(map(str, counts))} |", flush=True)
            print(*tally.lies, sep="\n", file=sys.stderr)
    return 1 if lies else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
