"""The conformance suite fails each tracker that is broken in one way, and passes correct trackers."""

from __future__ import annotations

import multiprocessing
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests import broken_trackers as broken
from tests.trackers import DictTracker
from typedtrack.testing import ResultTrackerSuite, interruptions
from typedtrack.testing.interruptions import InstructionCounter, call_monitored, call_traced, interleave
from typedtrack.testing.suites import unreachable

SUITE = ResultTrackerSuite()  # with its default settings


@pytest.fixture
def interrupt_every_instruction(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the suite interrupt every instruction, however busy the machine is."""
    monkeypatch.setattr(interruptions, "_SECONDS", 600)
    monkeypatch.setattr(interruptions, "_TURNS", 200)


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[ProcessPoolExecutor]:
    """Return another process, as the suite's own fixture does, but one for all tests of this module."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        yield process


def test_correct_trackers_pass(tmp_path: Path, elsewhere: ProcessPoolExecutor) -> None:
    """The tests that fail the broken trackers pass the two trackers from which these are derived."""
    checks = (
        SUITE.test_pickles,
        SUITE.test_create_interrupted,
        SUITE.test_replace_interrupted,
        SUITE.test_largest_result,
        SUITE.test_folders,
        SUITE.test_prefixes,
        SUITE.test_long_listing,
        SUITE.test_versions,
    )
    for number, check in enumerate(checks):
        (tmp_path / f"{number}").mkdir()
        check(broken.Files(tmp_path / f"{number}"))
    for name, between in {
        "seen": SUITE.test_other_process,
        "race": SUITE.test_interrupted_elsewhere,
    }.items():
        (tmp_path / name).mkdir()
        between(broken.Files(tmp_path / name), elsewhere)
    (tmp_path / "loop").symlink_to("loop")
    SUITE.test_unreachable(broken.Files(tmp_path / "loop"))
    for check in (
        SUITE.test_create_interrupted,
        SUITE.test_replace_interrupted,
        SUITE.test_keys_are_apart,
        SUITE.test_folders,
        SUITE.test_prefixes,
        SUITE.test_long_listing,
        SUITE.test_versions,
    ):
        check(DictTracker())


@pytest.mark.usefixtures("interrupt_every_instruction")
@pytest.mark.parametrize("tracker", [broken.CreateUnderALock, broken.FailsElsewhere])
def test_a_create_that_excludes_no_other_process_fails(
    tracker: type[broken.Files], tmp_path: Path, elsewhere: ProcessPoolExecutor
) -> None:
    """A lock of one process does not exclude another one; an error in the other process ends the race."""
    failure = ConnectionResetError if tracker is broken.FailsElsewhere else AssertionError
    with pytest.raises(failure):
        SUITE.test_interrupted_elsewhere(tracker(tmp_path), elsewhere)


@pytest.mark.parametrize("tracker", [broken.CachedListing, broken.CachedReads])
def test_a_cache_that_only_own_writes_renew_fails(
    tracker: type[broken.Files], tmp_path: Path, elsewhere: ProcessPoolExecutor
) -> None:
    """The tracker misses what another process or another tracker wrote."""
    for folder in ("elsewhere", "here"):
        (tmp_path / folder).mkdir()
    with pytest.raises(AssertionError):
        SUITE.test_other_process(tracker(tmp_path / "elsewhere"), elsewhere)
    with pytest.raises(AssertionError):
        SUITE.test_pickles(tracker(tmp_path / "here"))


def test_a_listing_that_only_a_new_folder_renews_fails(tmp_path: Path, elsewhere: ProcessPoolExecutor) -> None:
    """The tracker misses a result that another process put into an old folder."""
    with pytest.raises(AssertionError, match=r"'s/2'"):
        SUITE.test_other_process(broken.CachedFolders(tmp_path), elsewhere)


@pytest.mark.usefixtures("interrupt_every_instruction")
@pytest.mark.parametrize("tracker", [broken.InPlace, broken.InPlaceUnderALock])
def test_a_write_in_place_fails(tracker: type[broken.Files], tmp_path: Path, elsewhere: ProcessPoolExecutor) -> None:
    """A reader in another process gets an empty file or a part of one."""
    with pytest.raises(AssertionError):
        SUITE.test_interrupted_elsewhere(tracker(tmp_path), elsewhere)


@pytest.mark.usefixtures("interrupt_every_instruction")
def test_a_write_in_two_steps_fails(tmp_path: Path) -> None:
    """A call between two instructions finds the gap between check and write, and between removal and write."""
    with pytest.raises(AssertionError):
        SUITE.test_create_interrupted(broken.LookThenAssign())
    with pytest.raises(AssertionError):
        SUITE.test_replace_interrupted(broken.PopThenAssign())
    with pytest.raises(AssertionError):
        SUITE.test_replace_interrupted(broken.InPlace(tmp_path))


@pytest.mark.usefixtures("interrupt_every_instruction")
def test_a_file_that_others_see_unfinished_fails(tmp_path: Path) -> None:
    """A second put uses the temporary file of the first one; a reader sees the file that a create still writes."""
    with pytest.raises(AssertionError, match=r"onether"):
        SUITE.test_replace_interrupted(broken.OneTemporaryName(tmp_path))
    with pytest.raises(AssertionError, match=r"b''"):
        SUITE.test_create_interrupted(broken.CreateInPlace(tmp_path))


def test_a_result_without_its_last_byte_fails(tmp_path: Path) -> None:
    """The tracker returns the right result, but stores one byte too few."""
    with pytest.raises(AssertionError):
        SUITE.test_largest_result(broken.LosesTheLastByte(tmp_path))


def test_pages_that_move_fail() -> None:
    """A listing skips keys when others are deleted meanwhile."""
    with pytest.raises(AssertionError):
        SUITE.test_long_listing(broken.Pages())


def test_a_version_that_returns_fails() -> None:
    """An old content has its old version again, so a cache could keep what was there in between."""
    with pytest.raises(AssertionError):
        SUITE.test_versions(broken.DigestsAsVersions())


@pytest.mark.parametrize("size", [1000, 5000, 10_000])
def test_a_listing_that_ends_too_early_fails(size: int) -> None:
    """A listing ends after one page of S3, one page of Azure, or the window of Elasticsearch."""
    with pytest.raises(AssertionError):
        SUITE.test_long_listing(broken.FirstPage(size))


def test_a_prefix_that_is_a_pattern_fails() -> None:
    """A listing misses the keys below a key with brackets, and warns that it is empty."""
    with pytest.raises(AssertionError, match=r"w\[1\]/1"), pytest.warns(UserWarning, match="no key is at or below"):
        SUITE.test_prefixes(broken.PrefixesArePatterns())


@pytest.mark.parametrize("tracker", [broken.DeletesLike, broken.DeletesBeginnings])
def test_a_delete_of_keys_that_look_alike_fails(tracker: type[broken.DeletesMore]) -> None:
    """The delete of a key also deletes the keys that it matches as a pattern, or that begin with it."""
    with pytest.raises(AssertionError):
        SUITE.test_keys_are_apart(tracker())


@pytest.mark.parametrize(
    ("tracker", "reason"),
    [(broken.DeletesBelow, "DID NOT RAISE"), (broken.DeletesBelowWhatIsThere, "a/b")],
)
def test_a_delete_of_keys_below_fails(tracker: type[broken.DeletesMore], reason: str) -> None:
    """The delete of a key also deletes the keys below it, whether the key itself holds a result or not."""
    with pytest.raises((AssertionError, pytest.fail.Exception), match=reason):
        SUITE.test_folders(tracker())


@pytest.mark.parametrize(
    "tracker",
    [
        broken.Composed,
        broken.CompatiblyComposed,
        broken.Numbers,
        broken.WithoutSpaces,
        broken.Beginnings,
        broken.ThreeBytes,
    ],
)
def test_keys_that_share_a_place_fail(tracker: type[broken.Folded]) -> None:
    """The keys of the suite tell these trackers from correct ones."""
    with pytest.raises(AssertionError):
        SUITE.test_keys_are_apart(tracker())


@pytest.mark.parametrize(
    ("tracker", "reason"),
    [(broken.AbsentOnErrors, "these calls return"), (broken.ErrorsOfItsOwn, "no note on these errors names the key")],
)
def test_a_lost_error_fails(
    tracker: type[broken.Files], reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tracker takes an unreachable store for an empty one, or raises an error without the key."""
    monkeypatch.setattr(unreachable, "_PATIENCE", 0.1)  # these trackers never raise, or at once
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(AssertionError, match=reason):
        SUITE.test_unreachable(tracker(tmp_path / "loop"))


@pytest.mark.usefixtures("interrupt_every_instruction")
def test_interleave_calls_before_every_instruction() -> None:
    """The second function runs after the first one, then before each of its instructions, so all orders occur."""
    log: list[tuple[int, str]] = []

    def first(number: int) -> int:
        log.append((number, "one"))
        log.append((number, "two"))
        return number

    def second(number: int) -> int:
        log.append((number, "between"))
        return -number

    answers = list(interleave(first, second))
    assert answers == [(number, -number) for number in range(len(answers))]
    steps = [[step for caller, step in log if caller == number] for number in range(len(answers))]
    places = [step.index("between") for step in steps]
    assert places[:3] == [2, 2, 2]
    assert set(places) == {0, 1, 2}


def test_interleave_waits_for_a_number_of_turns() -> None:
    """A call that never returns does not hold the other one for ever."""
    answers = [Future[None]()]
    interruptions._wait(answers, 3)
    assert not answers[0].done()


def test_interleave_ends_when_the_time_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """After its time, it has called the second function before thirty instructions, and calls it no more."""
    monkeypatch.setattr(interruptions, "_SECONDS", 0)

    def first(number: int) -> int:
        for _ in range(100):
            pass
        return number

    answers = list(interleave(first, lambda number: number))
    assert answers == [(number, number) for number in range(31)]


@pytest.mark.usefixtures("interrupt_every_instruction")
def test_interleave_calls_after_a_function_that_became_shorter() -> None:
    """Where the first function has fewer instructions than before, the second function runs after it."""

    def first(number: int) -> int:
        for _ in range(10 if number < 20 else 0):
            pass
        return number

    answers = list(interleave(first, lambda number: number))
    assert answers == [(number, number) for number in range(len(answers))]
    assert len(answers) >= 20


def test_interleave_ends_when_both_functions_take_one_lock() -> None:
    """The first function goes on while the second one waits for the lock."""
    lock = threading.Lock()

    def use(number: int) -> int:
        with lock:
            return number

    assert all(first == second for first, second in interleave(use, use))


class Monitoring:
    """A fake of `sys.monitoring`, in which another tool already uses the id 4."""

    events = SimpleNamespace(INSTRUCTION=32, NO_EVENTS=0)

    def __init__(self) -> None:
        self.tools: dict[int, str] = {4: "another"}
        self.on: dict[int, int] = {}
        self.callbacks: dict[tuple[int, int], Callable[..., object] | None] = {}

    def get_tool(self, tool: int) -> str | None:
        """Return the name of the tool with that id."""
        return self.tools.get(tool)

    def use_tool_id(self, tool: int, name: str) -> None:
        """Reserve the id."""
        self.tools[tool] = name

    def free_tool_id(self, tool: int) -> None:
        """Release the id."""
        del self.tools[tool]

    def register_callback(self, tool: int, event: int, callback: Callable[..., object] | None) -> None:
        """Set the callback of an event."""
        self.callbacks[tool, event] = callback

    def set_events(self, tool: int, events: int) -> None:
        """Set the events of the tool."""
        self.on[tool] = events


def test_a_counter_counts_its_own_thread() -> None:
    """A counter ignores the instructions of other threads.

    It is called directly, since coverage sees no trace function run.
    """
    called: list[str] = []
    counter = InstructionCounter(2, lambda: called.append("then"))
    frame = sys._getframe()
    for event in ("call", "opcode", "opcode", "line", "return"):
        assert counter.trace(frame, event, None) == counter.trace
    assert (called, counter.count) == (["then"], 2)
    with ThreadPoolExecutor(1) as another:
        another.submit(counter.step, None, 0).result()
    assert (called, counter.count) == (["then"], 2)


def test_call_traced_restores_the_trace_function() -> None:
    """The old trace function is back after the call, even after a call that raises."""
    before = sys.gettrace()
    counter = InstructionCounter(0, lambda: None)
    assert call_traced(sys.gettrace, counter) == counter.trace
    with pytest.raises(ZeroDivisionError):
        call_traced(lambda: 1 / 0, counter)
    assert sys.gettrace() is before


def test_call_monitored_releases_its_id() -> None:
    """It reserves an id that no other tool uses, and releases it, even after a call that raises."""
    monitoring = Monitoring()
    counter = InstructionCounter(0, lambda: None)
    assert call_monitored(lambda: dict(monitoring.on), counter, monitoring) == {3: 32}
    with pytest.raises(ZeroDivisionError):
        call_monitored(lambda: 1 / 0, counter, monitoring)
    assert monitoring.tools == {4: "another"}
    assert monitoring.on == {3: 0}
    assert monitoring.callbacks == {(3, 32): None}
