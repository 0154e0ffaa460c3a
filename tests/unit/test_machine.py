"""The state machine of the conformance suite, driven by hand: each rule in each state, whatever Hypothesis draws."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.trackers import DictTracker
from typedtrack import ResultTracker, UnsupportedOperationError, open_tracker
from typedtrack.testing.machine import TrackerMachine, state_machine

KEY = "a/b"


class OnFolders(TrackerMachine):
    """On a store with real folders."""

    real_folders = True

    def make(self, folder: Path) -> ResultTracker:
        """Return a local tracker."""
        return open_tracker(folder)


class OnObjects(TrackerMachine):
    """On a store without folders."""

    def make(self, folder: Path) -> ResultTracker:
        """Return a tracker on a dict."""
        return DictTracker()


class WithoutCreate(TrackerMachine):
    """On a store without an atomic create."""

    exclusive_create = False

    def make(self, folder: Path) -> ResultTracker:
        """Return a tracker that refuses exclusive writes."""

        class Refusing(DictTracker):
            def _write(self, key: str, data: bytes, *, exclusive: bool = False) -> None:
                if exclusive:
                    raise UnsupportedOperationError("create", repr(self), "put")
                super()._write(key, data)

        return Refusing()


STATES: dict[str, Callable[[TrackerMachine], object]] = {
    "nothing": lambda machine: None,
    "a result": lambda machine: machine.put(KEY, {"n": 1}, subscript=False),
    "a failure": lambda machine: machine.fail(KEY, "broken", in_a_block=False),
    "a result above": lambda machine: machine.put("a", {"n": 1}, subscript=False),
    "a failure above": lambda machine: machine.fail("a", "broken", in_a_block=False),
}
RULES: dict[str, Callable[[TrackerMachine], object]] = {
    "put": lambda machine: machine.put(KEY, {"n": 2}, subscript=False),
    "put by subscript": lambda machine: machine.put(KEY, {"n": 2}, subscript=True),
    "create": lambda machine: machine.create(KEY, {"n": 1}),
    "create another": lambda machine: machine.create(KEY, {"n": 2}),
    "fail": lambda machine: machine.fail(KEY, "broken", in_a_block=False),
    "fail otherwise": lambda machine: machine.fail(KEY, "é" * 600, in_a_block=False),
    "fail in a block": lambda machine: machine.fail(KEY, "", in_a_block=True),
    "get": lambda machine: machine.get(KEY),
    "delete": lambda machine: machine.delete(KEY),
    "list": lambda machine: machine.list_by_prefix("a"),
    "list below": lambda machine: machine.list_by_prefix("a/"),
    "get_many": lambda machine: machine.get_many(["a", KEY, KEY, "absent"]),
    "put_many": lambda machine: machine.put_many([(KEY, {"n": 2}), ("b", {"n": 3})]),
    "put_many of keys that exclude each other": lambda machine: machine.put_many([("b", {"n": 2}), ("b/c", {"n": 3})]),
    "wait_all": lambda machine: machine.wait_all(["a", KEY, "absent"]),
    "wait_all for no key": lambda machine: machine.wait_all([]),
}


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("kind", [OnFolders, OnObjects, WithoutCreate])
def test_a_correct_tracker_passes_each_rule_in_each_state(kind: type[TrackerMachine], state: str, rule: str) -> None:
    """After each call the tracker and the model agree."""
    machine = kind()
    try:
        STATES[state](machine)
        machine.lists_what_the_model_holds()
        RULES[rule](machine)
        machine.lists_what_the_model_holds()
        machine.get(KEY)
    finally:
        machine.teardown()


def test_a_state_machine_is_a_test_case_with_the_runs_asked_for() -> None:
    """Without a number, it makes as many runs as Hypothesis's profile says."""
    few, many = state_machine(open_tracker, real_folders=True, runs=3), state_machine(open_tracker)
    few("runTest").debug()
    assert few.settings.max_examples == 3  # type: ignore[attr-defined]  # of Hypothesis's own class
    assert many.settings.max_examples == OnObjects.TestCase.settings.max_examples  # type: ignore[attr-defined]
