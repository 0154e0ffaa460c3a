"""Tests for trackers of one's own: a conformance suite for pytest, and a filesystem that fails on purpose.

Needs the extra ``testing``; ``import typedtrack`` does not load it.
"""

from typedtrack.testing.faults import Faults, FaultyFileSystem
from typedtrack.testing.suite import FaultSuite, ResultTrackerSuite

__all__ = ["FaultSuite", "Faults", "FaultyFileSystem", "ResultTrackerSuite"]
