"""Tests for your own tracker, and for code that stores results. Needs the extra ``testing``.

A conformance suite, a state machine, a filesystem that fails on purpose, and Hypothesis strategies. This import also
teaches ``st.from_type`` every record class, declared before it or after. ``import typedtrack`` does not load this.
"""

from importlib.util import find_spec

if missing := [name for name in ("hypothesis", "pytest") if find_spec(name) is None]:
    reason = f"typedtrack.testing needs {' and '.join(missing)}"
    raise ModuleNotFoundError(f"{reason}: pip install 'typedtrack[testing]'", name=missing[0])

import pytest

# Before their import: otherwise a failed assertion in these modules shows none of the values that it compared.
pytest.register_assert_rewrite("typedtrack.testing.machine", "typedtrack.testing.suites")

from typedtrack.testing.faults import Faults, FaultyFileSystem
from typedtrack.testing.machine import TrackerMachine, state_machine
from typedtrack.testing.record_strategies import records
from typedtrack.testing.schema_strategies import record_classes, record_schemas
from typedtrack.testing.strategies import field_names, keys, results, values
from typedtrack.testing.suites.faults import FaultSuite
from typedtrack.testing.suites.tracker import ResultTrackerSuite

__all__ = [
    "FaultSuite",
    "Faults",
    "FaultyFileSystem",
    "ResultTrackerSuite",
    "TrackerMachine",
    "field_names",
    "keys",
    "record_classes",
    "record_schemas",
    "records",
    "results",
    "state_machine",
    "values",
]
