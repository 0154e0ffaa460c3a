"""The conformance suite for every `typedtrack.ResultTracker`: a class of tests, to be inherited.

::

    class TestMyTracker(ResultTrackerSuite):
        @pytest.fixture
        def tracker(self) -> ResultTracker:
            return MyTracker(...)  # on an empty base

The class attributes describe the store. The tests of a tracker over an fsspec filesystem inherit `FaultSuite`, too.
"""

from __future__ import annotations

from pathlib import Path

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from typedtrack import ResultTracker
from typedtrack.testing.machine import TrackerMachine
from typedtrack.testing.suites.interrupted import Interrupted
from typedtrack.testing.suites.many_callers import ManyCallers
from typedtrack.testing.suites.many_keys import ManyKeys
from typedtrack.testing.suites.one_key import OneKey
from typedtrack.testing.suites.other_processes import OtherProcesses
from typedtrack.testing.suites.unreachable import Unreachable

__all__ = ["ResultTrackerSuite"]


class ResultTrackerSuite(OneKey, ManyKeys, ManyCallers, Interrupted, OtherProcesses, Unreachable):
    """Tests for every rule and every call of a tracker. Inherit it, and override the fixture ``tracker``."""

    def test_like_a_dict(self, tracker: ResultTracker) -> None:
        """In any order of calls, the tracker gives the same results as a plain dict."""
        suite = self

        class Machine(TrackerMachine):
            real_folders = suite.real_folders
            exclusive_create = suite.exclusive_create

            def make(self, folder: Path) -> ResultTracker:
                for key in list(tracker.keys()):
                    del tracker[key]
                return tracker

        # The settings of a machine's own test case: no deadline and no health check, since a store may be slow.
        machine_settings = settings(Machine.TestCase.settings, max_examples=self.machine_runs, stateful_step_count=30)
        run_state_machine_as_test(Machine, settings=machine_settings)
