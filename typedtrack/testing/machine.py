"""A state machine that compares a tracker with a plain dict: in any order of calls, both must give the same results."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final
from unittest import TestCase

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from typedtrack import (
    BulkError,
    Key,
    KeyConflictError,
    Result,
    ResultExistsError,
    ResultNotFoundError,
    ResultTimeoutError,
    ResultTracker,
    UnsupportedOperationError,
)
from typedtrack._results.keys import MAX_KEY_BYTES
from typedtrack.testing.exactness import exact, exact_all
from typedtrack.testing.strategies import keys, results

__all__ = ["TrackerMachine", "state_machine"]

_LONG = 600.0  # seconds for what is there already: no test depends on the speed of a store

_NESTED: tuple[Key, ...] = ("a", "a/b", "a/b/c", "ab", "b", 5)
_MAX_BASE_BYTES: Final = 128  # S3 limits the base and the key together to 1,024 bytes

_others = keys().filter(lambda key: len(str(key).encode()) <= MAX_KEY_BYTES - _MAX_BASE_BYTES)


class TrackerMachine(RuleBasedStateMachine):
    """Makes the same calls on a tracker and on a dict. A subclass overrides `make`, and may add rules."""

    real_folders: bool = False
    """Whether the store refuses a result at ``a/b`` beside one at ``a``, as a folder does."""

    exclusive_create: bool = True
    """Whether `create` is atomic. Where it is not, it must raise `typedtrack.UnsupportedOperationError`."""

    known = Bundle("known")  # the keys of this run, so that one call meets what another stored

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self.tracker = self.make(Path(self._folder.name))
        self.model: dict[str, Result] = {}

    def make(self, folder: Path) -> ResultTracker:
        """Return an empty tracker. It may store in *folder*, which is new and empty, and removed after the run."""
        raise NotImplementedError

    def teardown(self) -> None:
        """Remove the folder of this run."""
        self._folder.cleanup()

    def _in_the_way(self, key: str) -> bool:
        """Return whether *key* would need a result and a folder at one place."""
        below = any(stored.startswith(f"{key}/") for stored in self.model)
        above = any(key.startswith(f"{stored}/") for stored in self.model)
        return self.real_folders and (below or above)

    @initialize(target=known, others=st.lists(_others, max_size=3))
    def begin(self, others: list[Key]) -> object:
        """Choose the keys of this run: some below each other, and up to three others."""
        return multiple(*_NESTED, *others)

    @rule(key=known, result=results(3), subscript=st.booleans())
    def put(self, key: Key, result: Result, subscript: bool) -> None:
        """A put replaces the result, or raises and changes nothing."""
        call = self.tracker.__setitem__ if subscript else self.tracker.put
        if self._in_the_way(str(key)):
            with pytest.raises(KeyConflictError):
                call(key, result)
        else:
            call(key, result)
            self.model[str(key)] = result

    @rule(key=known, result=results(3))
    def create(self, key: Key, result: Result) -> None:
        """A create stores a new result, accepts the same one again, and refuses another one."""
        stored = self.model.get(str(key))
        if not self.exclusive_create:
            with pytest.raises(UnsupportedOperationError):
                self.tracker.create(key, result)
        elif stored is not None and exact(stored) != exact(result):
            with pytest.raises(ResultExistsError):
                self.tracker.create(key, result)
            self.tracker.create(key, dict(reversed(stored.items())))
        elif self._in_the_way(str(key)):
            with pytest.raises(KeyConflictError):
                self.tracker.create(key, result)
        else:
            self.tracker.create(key, result)
            self.model[str(key)] = result

    @rule(key=known)
    def get(self, key: Key) -> None:
        """All calls that read one result agree."""
        stored = self.model.get(str(key))
        assert exact(self.tracker.get(key)) == exact(self.tracker[key]) == exact(stored or {})
        assert (key in self.tracker) == (stored is not None)
        if stored is None:
            with pytest.raises(ResultNotFoundError):
                self.tracker.get_bytes(key)
            with pytest.raises(ResultTimeoutError):
                self.tracker.wait(key, timeout=0)
        else:
            assert self.tracker.get_bytes(key).startswith(b"{")
            assert exact(self.tracker.wait(key, timeout=_LONG)) == exact(stored)

    @rule(key=known)
    def delete(self, key: Key) -> None:
        """A delete removes a result; a second delete raises."""
        if str(key) in self.model:
            del self.tracker[key]
            del self.model[str(key)]
        with pytest.raises(ResultNotFoundError):
            del self.tracker[key]

    @rule(prefix=st.sampled_from(["", "a", "a/", "a/b", "b", "absent"]))
    def list_by_prefix(self, prefix: str) -> None:
        """`keys` and `items` list each result at the prefix and below it once."""
        below = prefix if prefix.endswith("/") or not prefix else f"{prefix}/"
        wanted = {key: result for key, result in self.model.items() if key == prefix or key.startswith(below)}
        assert sorted(map(str, self.tracker.keys(prefix))) == sorted(wanted)
        listed = list(self.tracker.items(prefix))
        assert exact_all({str(key): result for key, result in listed}) == exact_all(wanted)
        assert len(listed) == len(self.tracker.keys(prefix)) == len(wanted)

    @rule(several=st.lists(known, max_size=6))
    def get_many(self, several: list[Key]) -> None:
        """`get_many` has a result for each key, and `{}` for an absent one."""
        found = self.tracker.get_many(several)
        assert set(found) == set(several)
        for key, result in found.items():
            assert exact(result) == exact(self.model.get(str(key), {}))

    @rule(several=st.lists(st.tuples(known, results(2)), max_size=4, unique_by=lambda pair: str(pair[0])))
    def put_many(self, several: list[tuple[Key, Result]]) -> None:
        """`put_many` stores each result, or reports its error and stores the others."""
        texts = [str(key) for key, _ in several]
        apart = [
            (k, r) for k, r in several if not any(t.startswith(f"{k}/") or str(k).startswith(f"{t}/") for t in texts)
        ]
        refused = {key for key, _ in apart if self._in_the_way(str(key))}
        if refused:
            with pytest.raises(BulkError) as caught:
                self.tracker.put_many(apart)
            assert set(caught.value.errors) == refused
            assert {type(error) for error in caught.value.errors.values()} == {KeyConflictError}
        else:
            self.tracker.put_many(dict(apart))
        self.model.update({str(key): result for key, result in apart if key not in refused})

    @rule(several=st.lists(known, max_size=6, unique_by=str))
    def wait_all(self, several: list[Key]) -> None:
        """`wait_all` yields the stored results; its time-out names the other keys."""
        arrived: list[tuple[Key, Result]] = []
        late: tuple[object, ...] = ()
        try:
            timeout = _LONG if self.model.keys() >= {str(key) for key in several} else 0
            for item in self.tracker.wait_all(several, timeout):
                arrived.append(item)  # noqa: PERF402  # the error at the end must not lose them
        except ResultTimeoutError as error:
            if getattr(error, "__notes__", None):  # the machine is so slow that the store has not answered
                return
            late = error.keys
        assert {str(key) for key in late} == {str(key) for key in several} - set(self.model)
        stored = {key: result for key, result in self.model.items() if key in map(str, several)}
        assert exact_all({str(key): result for key, result in arrived}) == exact_all(stored)

    @invariant()
    def lists_what_the_model_holds(self) -> None:
        """After each call, the tracker and the dict hold the same keys."""
        assert sorted(map(str, self.tracker)) == sorted(self.model)
        assert len(self.tracker) == len(self.model)


def state_machine(
    make: Callable[[Path], ResultTracker], *, real_folders: bool = False, runs: int | None = None
) -> type[TestCase]:
    """Return a test case that runs `TrackerMachine` on the trackers that *make* returns.

    Args:
        make: returns an empty tracker, for each run. Its argument is a new, empty folder, in which it may store.
        real_folders: whether the store refuses a result at ``a/b`` beside one at ``a``.
        runs: the number of runs, each of 50 calls; by default ``max_examples`` of Hypothesis's profile, which is 100.
    """

    class Machine(TrackerMachine):
        def make(self, folder: Path) -> ResultTracker:
            return make(folder)

    Machine.real_folders = real_folders
    if runs is not None:
        Machine.TestCase.settings = settings(Machine.TestCase.settings, max_examples=runs)
    return Machine.TestCase
