"""What `typedtrack.testing` ships: it tests what it is given, and says what it was not."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from pathlib import Path
from unittest.mock import Mock

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from typedtrack.testing import FaultyFileSystem, TrackerMachine
from typedtrack.testing.suites.many_callers import _at_once

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "testing.md"

WITHOUT_FIXTURES = """
from typedtrack.testing import FaultSuite, ResultTrackerSuite

class TestMine(ResultTrackerSuite):
    pass

class TestFaults(FaultSuite):
    pass
"""


def outcome(folder: Path, program: str, *options: str) -> str:
    """Return what pytest prints of the test file *program*, run as a third party would."""
    (folder / "test_mine.py").write_text(program)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "/dev/null", *options]
    done = subprocess.run(
        [*command, "--rootdir=.", "test_mine.py"], cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )
    return done.stdout


@pytest.mark.parametrize(
    ("missing", "named"), [(["pytest"], "pytest"), (["hypothesis", "pytest"], "hypothesis and pytest")]
)
def test_without_its_libraries_it_says_what_to_install(missing: list[str], named: str) -> None:
    """The extra is named, before anything fails for the lack of what is in it."""
    program = f"""
import importlib.util
find_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name in {missing} else find_spec(name, *rest)
import typedtrack.testing
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    last = f"ModuleNotFoundError: typedtrack.testing needs {named}: pip install 'typedtrack[testing]'\n"
    assert ended.stderr.endswith(last)


def snippets() -> str:
    """Return the snippets of the page as one program."""
    return "\n".join(re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL))


def test_the_page_is_a_test_file(tmp_path: Path) -> None:
    """What docs/testing.md shows passes as a third party's test file; the state machine is part of the suite."""
    printed = outcome(tmp_path, snippets().replace("race_rounds = 200", "race_rounds = 5"), "-k", "not TestCalls")
    assert re.search(r"\d+ passed", printed), printed
    assert "failed" not in printed
    assert " error" not in printed


def test_a_tracker_that_loses_results_is_found_out(tmp_path: Path) -> None:
    """The suite fails where a create is a look and a write, and where a listing is cut short."""
    program = snippets()
    broken = program.replace("elif self.stored.setdefault(key, data) is not data:", "elif key in self.stored:")
    broken = broken.replace("return iter([*self.stored])", "return iter([*self.stored][:1000])")
    assert broken.count("key in self.stored") == 1
    printed = outcome(tmp_path, broken, "-k", "TestInMemory and (test_create or test_long_listing)")
    assert "FAILED test_mine.py::TestInMemory::test_create -" in printed  # what is created is not even stored
    assert "FAILED test_mine.py::TestInMemory::test_long_listing" in printed


def test_fixtures_that_are_not_overridden(tmp_path: Path) -> None:
    """A suite that is given no tracker says which fixture to override."""
    printed = outcome(tmp_path, WITHOUT_FIXTURES, "-k", "test_absent or test_torn_read")
    assert "override the fixture `tracker`" in printed
    assert "override the fixture `tracker_on`" in printed
    assert "2 errors" in printed
    with pytest.raises(NotImplementedError):
        TrackerMachine.make(Mock(), tmp_path)


def test_stale_listings() -> None:
    """A filesystem told to answer from its cache does so until the cache is dropped; it may stand before another."""
    below = MemoryFileSystem(skip_instance_cache=True)
    fs = FaultyFileSystem(below)
    fs.pipe_file("/stale/a", b"")
    try:
        fs.faults.stale_listings = True
        assert fs.ls("/stale", detail=False) == ["/stale/a"]
        below.pipe_file("/stale/b", b"")
        assert fs.ls("/stale", detail=False) == ["/stale/a"]
        fs.invalidate_cache()
        assert fs.ls("/stale", detail=False) == ["/stale/a", "/stale/b"]
    finally:
        below.rm("/stale", recursive=True)


def test_a_race_in_which_a_caller_fails_ends() -> None:
    """The others do not wait for it at the barrier, and its error is the test's."""

    def fail(number: int, start: threading.Barrier) -> None:
        if number == 0:
            raise ConnectionResetError("reset")
        start.wait()

    with pytest.raises(ConnectionResetError):
        _at_once(fail)
