"""`typedtrack.testing` as its users meet it: in a project of their own, with Hypothesis's default settings."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from pathlib import Path
from unittest.mock import Mock

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from tests.programs import unmeasured
from typedtrack.testing import FaultyFileSystem, TrackerMachine
from typedtrack.testing.suites.many_callers import _at_once

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "testing.md"

# A pytest plugin. Hypothesis then measures 0.3 s for each argument that it draws, and for each call of a test.
SLOW_MACHINE = """
import itertools, time
time.perf_counter = map(0.3.__mul__, itertools.count()).__next__
"""

ANY_CLASS = """
from hypothesis import HealthCheck, given, settings
from typedtrack.testing import record_classes

@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(record_classes())
def test_classes(cls):
    pass
"""

WITHOUT_FIXTURES = """
from typedtrack.testing import FaultSuite, ResultTrackerSuite

class TestMine(ResultTrackerSuite):
    pass

class TestFaults(FaultSuite):
    pass
"""


def run_pytest(folder: Path, program: str, *options: str, measured: bool = False) -> str:
    """Return what pytest prints about the test file *program* in a project outside this repository.

    If *measured* is true, its coverage counts.
    """
    (folder / "test_mine.py").write_text(program)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "/dev/null", *options]
    done = subprocess.run(
        [*command, "--rootdir=.", "test_mine.py"],
        cwd=folder,
        env=None if measured else unmeasured(),
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout


@pytest.mark.parametrize(
    ("missing", "named"), [(["pytest"], "pytest"), (["hypothesis", "pytest"], "hypothesis and pytest")]
)
def test_an_import_without_its_libraries_names_the_extra(missing: list[str], named: str) -> None:
    """The error says what to install, before an import of the missing library fails."""
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


def test_the_snippets_of_the_page_pass(tmp_path: Path) -> None:
    """A user can paste all snippets of the page into one test file; the suite runs the state machine, too."""
    program = snippets().replace("race_rounds = 200", "race_rounds = 5")
    printed = run_pytest(tmp_path, program, "-k", "not TestCalls")
    assert re.search(r"\d+ passed", printed), printed
    assert "failed" not in printed
    assert " error" not in printed


def test_a_slow_machine_fails_no_snippet(tmp_path: Path) -> None:
    """Neither a deadline (0.2 s by default) nor the health check (1 s for ten examples) depends on the machine."""
    (tmp_path / "slow_machine.py").write_text(SLOW_MACHINE)
    printed = run_pytest(tmp_path, snippets(), "-p", "slow_machine", "-k", "what_is_put or like_a_dict")
    assert "2 passed" in printed, printed


def test_a_first_draw_encodes_no_table_of_all_characters(tmp_path: Path) -> None:
    """Hypothesis builds and keeps such a table, in about a second, where an alphabet is given by its codec."""
    printed = run_pytest(tmp_path, ANY_CLASS)
    assert "1 passed" in printed, printed
    kept = [path.name for path in (tmp_path / ".hypothesis" / "unicode_data").rglob("*.gz")]
    assert kept == ["charmap.json.gz"]


def test_a_tracker_that_loses_results_fails_the_suite(tmp_path: Path) -> None:
    """The suite fails a create that checks and then writes, and a listing that is cut short."""
    program = snippets()
    broken = program.replace("elif self.stored.setdefault(key, data) is not data:", "elif key in self.stored:")
    broken = broken.replace("return iter([*self.stored])", "return iter([*self.stored][:1000])")
    assert broken.count("key in self.stored") == 1
    printed = run_pytest(tmp_path, broken, "-k", "TestInMemory and (test_create or test_long_listing)")
    assert "FAILED test_mine.py::TestInMemory::test_create -" in printed  # the create does not even store its data
    assert "FAILED test_mine.py::TestInMemory::test_long_listing" in printed


def test_a_suite_without_its_fixture_names_it(tmp_path: Path) -> None:
    """A suite without a tracker says which fixture to override."""
    printed = run_pytest(tmp_path, WITHOUT_FIXTURES, "-k", "test_absent or test_torn_read", measured=True)
    assert "override the fixture `tracker`" in printed
    assert "override the fixture `tracker_on`" in printed
    assert "2 errors" in printed
    with pytest.raises(NotImplementedError):
        TrackerMachine.make(Mock(), tmp_path)


def test_stale_listings_last_until_the_cache_is_dropped() -> None:
    """A faulty filesystem can wrap another one; its listing stays old until `invalidate_cache`."""
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


def test_a_race_ends_when_a_caller_fails() -> None:
    """The other callers leave the barrier, and the test raises the error."""

    def fail(number: int, start: threading.Barrier) -> None:
        if number == 0:
            raise ConnectionResetError("reset")
        start.wait()

    with pytest.raises(ConnectionResetError):
        _at_once(fail)
