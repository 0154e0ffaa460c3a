"""A state machine that compares a tracker with a plain dict: in any order of calls, both must give the same results."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final
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
    ResultFailedError,
    ResultNotFoundError,
    ResultTimeoutError,
    ResultTracker,
    UnsupportedOperationError,
)
from typedtrack._results.keys import MAX_KEY_BYTES
from typedtrack.testing.exactness import exact, exact_all
from typedtrack.testing.strategies import keys, results

__all__ = ["TrackerMachine", "state_machine"]

_LONG = 600.0  # seconds to wait for stored results: no test depends on the speed of a store

_NESTED: tuple[Key, ...] = ("a", "a/b", "a/b/c", "ab", "b", 5)
_MAX_BASE_BYTES: Final = 128  # S3 limits the base and the key together to 1,024 bytes


_others = keys().filter(lambda key: len(str(key).encode()) <= MAX_KEY_BYTES - _MAX_BASE_BYTES)


class _BrokenError(Exception):
    """The error of an application that fails."""


class TrackerMachine(RuleBasedStateMachine):
    """Makes the same calls on a tracker and on two dicts: of results, and of the messages of failures.

    A subclass overrides `make`, and may add rules.
    """

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
        self.failed: dict[str, str] = {}

    def make(self, folder: Path) -> ResultTracker:
        """Return an empty tracker. It may store in *folder*, which is new and empty, and removed after the run."""
        raise NotImplementedError

    def teardown(self) -> None:
        """Remove the folder of this run."""
        self._folder.cleanup()

    def _in_the_way(self, key: str) -> bool:
        """Return whether *key* would need a result and a folder at one place."""
        below = any(stored.startswith(f"{key}/") for stored in self.held)
        above = any(key.startswith(f"{stored}/") for stored in self.held)
        return self.real_folders and (below or above)

    @property
    def held(self) -> set[str]:
        """The keys under which a result or a failure is stored."""
        return {*self.model, *self.failed}

    def _put(self, key: Key, result: Result) -> None:
        self.failed.pop(str(key), None)
        self.model[str(key)] = result

    @initialize(target=known, others=st.lists(_others, max_size=3))
    def begin(self, others: list[Key]) -> object:
        """Choose the keys of this run: some below each other, and up to three others."""
        return multiple(*_NESTED, *others)

    @rule(key=known, result=results(3), subscript=st.booleans())
    def put(self, key: Key, result: Result, subscript: bool) -> None:
        """A put replaces the result or the failure, or raises and changes nothing."""
        call = self.tracker.__setitem__ if subscript else self.tracker.put
        if self._in_the_way(str(key)):
            with pytest.raises(KeyConflictError):
                call(key, result)
        else:
            call(key, result)
            self._put(key, result)

    @rule(key=known, result=results(3))
    def create(self, key: Key, result: Result) -> None:
        """A create stores a new result, accepts the same one again, and refuses another one, or a failure."""
        stored = self.model.get(str(key))
        if not self.exclusive_create:
            with pytest.raises(UnsupportedOperationError):
                self.tracker.create(key, result)
        elif str(key) in self.failed:
            with pytest.raises(ResultExistsError, match="already holds a failure"):
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

    @rule(key=known, message=st.sampled_from(["", "broken", "é" * 600]), in_a_block=st.booleans())
    def fail(self, key: Key, message: str, in_a_block: bool) -> None:
        """A failure is stored where nothing is; it never replaces a result nor an earlier failure."""
        error = _BrokenError(message)
        cut = message[:512]  # the first 1,024 bytes
        free = str(key) not in self.held
        may_be_stored = self.exclusive_create and not (free and self._in_the_way(str(key)))
        if free and may_be_stored:
            self.failed[str(key)] = cut
        warns = contextlib.nullcontext() if self.exclusive_create else pytest.warns(RuntimeWarning)
        if in_a_block:
            with pytest.raises(_BrokenError) as caught, warns, self.tracker.attempt(key):
                raise error
            assert caught.value is error
        elif may_be_stored or not self.exclusive_create:
            with warns:
                assert self.tracker.fail(key, error) == (self.failed.get(str(key)) == cut)
        else:
            with pytest.raises(KeyConflictError):
                self.tracker.fail(key, error)

    @rule(key=known)
    def get(self, key: Key) -> None:
        """All calls that read one result agree."""
        stored = self.model.get(str(key))
        assert (key in self.tracker) == (str(key) in self.held)
        if str(key) in self.failed:
            for get in (self.tracker.get, self.tracker.__getitem__, self.tracker.wait):
                with pytest.raises(ResultFailedError) as caught:
                    get(key)
                assert (caught.value.key, caught.value.failure.message) == (str(key), self.failed[str(key)])
            assert b"failure/type" in self.tracker.get_bytes(key)
            return
        assert exact(self.tracker.get(key)) == exact(self.tracker[key]) == exact(stored or {})
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
        """A delete removes a result or a failure; a second delete raises."""
        if str(key) in self.held:
            del self.tracker[key]
            self.model.pop(str(key), None)
            self.failed.pop(str(key), None)
        with pytest.raises(ResultNotFoundError):
            del self.tracker[key]

    @rule(prefix=st.sampled_from(["", "a", "a/", "a/b", "b", "absent"]))
    def list_by_prefix(self, prefix: str) -> None:
        """At the prefix and below it, `keys` lists all, `items` each result and `failures` each failure, once."""
        below = prefix if prefix.endswith("/") or not prefix else f"{prefix}/"
        wanted = {key for key in self.held if key == prefix or key.startswith(below)}
        assert sorted(map(str, self.tracker.keys(prefix))) == sorted(wanted)
        assert len(self.tracker.keys(prefix)) == len(wanted)
        listed = list(self.tracker.items(prefix))
        results_there = {key: result for key, result in self.model.items() if key in wanted}
        assert exact_all({str(key): result for key, result in listed}) == exact_all(results_there)
        assert len(listed) == len(results_there)
        failures = [(str(key), failure.message) for key, failure in self.tracker.failures(prefix)]
        assert sorted(failures) == sorted((key, text) for key, text in self.failed.items() if key in wanted)

    @rule(several=st.lists(known, max_size=6))
    def get_many(self, several: list[Key]) -> None:
        """`get_many` has a result for each key, `{}` for an absent one, and an error for a failed one."""
        failed = {key for key in several if str(key) in self.failed}
        try:
            found: Mapping[Any, Any] = self.tracker.get_many(several)
            errors: Mapping[object, Exception] = {}
        except BulkError as error:
            found, errors = error.results, error.errors
        assert {key: type(error) for key, error in errors.items()} == dict.fromkeys(failed, ResultFailedError)
        assert set(found) == set(several) - failed
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
        for key, result in apart:
            if key not in refused:
                self._put(key, result)

    @rule(several=st.lists(known, max_size=6, unique_by=str))
    def wait_all(self, several: list[Key]) -> None:
        """`wait_all` yields the stored results, and reports the failures; its time-out names the absent keys."""
        stored = [key for key in several if str(key) in self.model]
        failed = {key for key in several if str(key) in self.failed}
        absent = [key for key in several if str(key) not in self.held]
        arrived: dict[str, Result] = {}
        errors: Mapping[object, Exception] = {}
        try:
            for key, result in self.tracker.wait_all([*stored, *failed], timeout=_LONG):
                arrived[str(key)] = result
        except BulkError as error:
            errors = error.errors
        assert {key: type(error) for key, error in errors.items()} == dict.fromkeys(failed, ResultFailedError)
        assert exact_all(arrived) == exact_all({str(key): self.model[str(key)] for key in stored})
        if absent:
            with pytest.raises(ResultTimeoutError) as caught:
                list(self.tracker.wait_all(absent, timeout=0))
            assert set(caught.value.keys) == set(absent)

    @invariant()
    def lists_what_the_model_holds(self) -> None:
        """After each call, the tracker and the dicts hold the same keys."""
        assert sorted(map(str, self.tracker)) == sorted(self.held)
        assert len(self.tracker) == len(self.held)


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
