"""Tests for trackers of one's own: a conformance suite, a state machine, strategies, and a filesystem that fails.

Needs the extra ``testing``; ``import typedtrack`` does not load it.
"""

from typedtrack.testing.faults import Faults, FaultyFileSystem
from typedtrack.testing.machine import TrackerMachine, state_machine
from typedtrack.testing.suite import FaultSuite, ResultTrackerSuite

__all__ = ["FaultSuite", "Faults", "FaultyFileSystem", "ResultTrackerSuite", "TrackerMachine", "state_machine"]
