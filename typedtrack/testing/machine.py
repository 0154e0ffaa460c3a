"""A tracker as a state machine whose model is a plain dict: every call, in any order, answers as the dict would."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final
from unittest import TestCase

import pytest
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
from typedtrack.testing.looks import exact, exact_all
from typedtrack.testing.strategies import keys, results

__all__ = ["TrackerMachine", "state_machine"]

_NESTED: tuple[Key, ...] = ("a", "a/b", "a/b/c", "ab", "b", 5)
_ROOM: Final = 128  # bytes for the base, which counts in the 1,024 that the name of an object on S3 has at most

_others = keys().filter(lambda key: len(str(key).encode()) <= MAX_KEY_BYTES - _ROOM)


class TrackerMachine(RuleBasedStateMachine):
    """Calls a tracker and a dict alike; a subclass says how to make an empty tracker, and what its store is like."""

    real_folders: bool = False
    """Whether ``a`` and ``a/b`` cannot both hold results."""

    exclusive_create: bool = True
    """Whether `create` is atomic; if not, it must raise `typedtrack.UnsupportedOperationError`."""

    known = Bundle("known")  # keys met before: what is put is got again

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self.tracker = self.make(Path(self._folder.name))
        self.model: dict[str, Result] = {}

    def make(self, folder: Path) -> ResultTracker:
        """Return a tracker that holds nothing; *folder* is empty, its own, and removed afterwards."""
        raise NotImplementedError

    def teardown(self) -> None:
        """Remove the folder."""
        self._folder.cleanup()

    def _in_the_way(self, key: str) -> bool:
        """Return whether *key* would have to be both a result and a folder."""
        below = any(stored.startswith(f"{key}/") for stored in self.model)
        above = any(key.startswith(f"{stored}/") for stored in self.model)
        return self.real_folders and (below or above)

    @initialize(target=known, others=st.lists(_others, max_size=3))
    def begin(self, others: list[Key]) -> object:
        """Choose the keys of this run: some that lie below each other, and any others."""
        return multiple(*_NESTED, *others)

    @rule(key=known, result=results(3), subscript=st.booleans())
    def put(self, key: Key, result: Result, subscript: bool) -> None:
        """Put replaces, or is refused and changes nothing."""
        call = self.tracker.__setitem__ if subscript else self.tracker.put
        if self._in_the_way(str(key)):
            with pytest.raises(KeyConflictError):
                call(key, result)
        else:
            call(key, result)
            self.model[str(key)] = result

    @rule(key=known, result=results(3))
    def create(self, key: Key, result: Result) -> None:
        """Create puts what is absent, accepts the same again, refuses other content."""
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
        """Every way to get one result answers alike."""
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
            assert exact(self.tracker.wait(key, timeout=0)) == exact(stored)

    @rule(key=known)
    def delete(self, key: Key) -> None:
        """Delete takes what is there, once."""
        if str(key) in self.model:
            del self.tracker[key]
            del self.model[str(key)]
        with pytest.raises(ResultNotFoundError):
            del self.tracker[key]

    @rule(prefix=st.sampled_from(["", "a", "a/", "a/b", "b", "absent"]))
    def list_by_prefix(self, prefix: str) -> None:
        """Keys and items list what is stored at and below the prefix, each once."""
        below = prefix if prefix.endswith("/") or not prefix else f"{prefix}/"
        wanted = {key: result for key, result in self.model.items() if key == prefix or key.startswith(below)}
        assert sorted(map(str, self.tracker.keys(prefix))) == sorted(wanted)
        listed = list(self.tracker.items(prefix))
        assert exact_all({str(key): result for key, result in listed}) == exact_all(wanted)
        assert len(listed) == len(self.tracker.keys(prefix)) == len(wanted)

    @rule(several=st.lists(known, max_size=6))
    def get_many(self, several: list[Key]) -> None:
        """Each key asked for is answered, absent ones by `{}`."""
        found = self.tracker.get_many(several)
        assert set(found) == set(several)
        for key, result in found.items():
            assert exact(result) == exact(self.model.get(str(key), {}))

    @rule(several=st.lists(st.tuples(known, results(2)), max_size=4, unique_by=lambda pair: str(pair[0])))
    def put_many(self, several: list[tuple[Key, Result]]) -> None:
        """Each result is put, or is among the errors while the others are put."""
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
        """Those stored are yielded, the rest are named by the time-out."""
        arrived: list[tuple[Key, Result]] = []
        late: tuple[str, ...] = ()
        try:
            for item in self.tracker.wait_all(several, timeout=0):
                arrived.append(item)  # noqa: PERF402  # the error at the end must not lose them
        except ResultTimeoutError as error:
            late = error.keys
        assert set(late) == {str(key) for key in several} - set(self.model)
        stored = {key: result for key, result in self.model.items() if key in map(str, several)}
        assert exact_all({str(key): result for key, result in arrived}) == exact_all(stored)

    @invariant()
    def lists_what_the_model_holds(self) -> None:
        """After each call the tracker holds the keys that the dict holds, and no other."""
        assert sorted(map(str, self.tracker)) == sorted(self.model)
        assert len(self.tracker) == len(self.model)


def state_machine(make: Callable[[Path], ResultTracker], *, real_folders: bool = False) -> type[TestCase]:
    """Return a test case that runs the machine on what *make* returns: a tracker that holds nothing.

    *make* is given an empty folder, new each time.
    """

    class Machine(TrackerMachine):
        def make(self, folder: Path) -> ResultTracker:
            return make(folder)

    Machine.real_folders = real_folders
    return Machine.TestCase
