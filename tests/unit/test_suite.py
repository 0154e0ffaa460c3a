"""The conformance suite finds out trackers that are broken in one way each, and passes those that are right."""

from __future__ import annotations

import multiprocessing
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests import broken_trackers as broken
from tests.trackers import DictTracker
from typedtrack.testing import ResultTrackerSuite, interruptions
from typedtrack.testing.interruptions import Steps, interrupted, monitored, traced

SUITE = ResultTrackerSuite()  # as it is, with no setting


@pytest.fixture(autouse=True)
def time_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the suite look as closely as it does on a machine that does nothing else."""
    monkeypatch.setattr(interruptions, "_SECONDS", 10)


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[ProcessPoolExecutor]:
    """Return another process, as the suite's own fixture does, for all tests here."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        yield process


def test_right_trackers_pass(tmp_path: Path, elsewhere: ProcessPoolExecutor) -> None:
    """What finds the broken ones out finds nothing in those that they are made of."""
    checks = (
        SUITE.test_pickles,
        SUITE.test_create_interrupted,
        SUITE.test_replace_interrupted,
        SUITE.test_largest_result,
        SUITE.test_folders,
        SUITE.test_prefixes,
        SUITE.test_long_listing,
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
    ):
        check(DictTracker())


@pytest.mark.parametrize("tracker", [broken.CreateUnderALock, broken.FailsElsewhere])
def test_creates_that_exclude_no_other_process(
    tracker: type[broken.Files], tmp_path: Path, elsewhere: ProcessPoolExecutor
) -> None:
    """A create that a lock of one process protects is lost; one that fails in the other process ends the race."""
    failure = ConnectionResetError if tracker is broken.FailsElsewhere else AssertionError
    with pytest.raises(failure):
        SUITE.test_interrupted_elsewhere(tracker(tmp_path), elsewhere)


@pytest.mark.parametrize("tracker", [broken.CachedListing, broken.CachedReads])
def test_caches_that_only_own_writes_renew(
    tracker: type[broken.Files], tmp_path: Path, elsewhere: ProcessPoolExecutor
) -> None:
    """What another process, or another tracker, wrote is not seen."""
    for folder in ("elsewhere", "here"):
        (tmp_path / folder).mkdir()
    with pytest.raises(AssertionError):
        SUITE.test_other_process(tracker(tmp_path / "elsewhere"), elsewhere)
    with pytest.raises(AssertionError):
        SUITE.test_pickles(tracker(tmp_path / "here"))


def test_listings_that_a_new_name_renews(tmp_path: Path, elsewhere: ProcessPoolExecutor) -> None:
    """What another process puts in a folder that was there is not listed."""
    with pytest.raises(AssertionError, match=r"'s/2'"):
        SUITE.test_other_process(broken.CachedFolders(tmp_path), elsewhere)


@pytest.mark.parametrize("tracker", [broken.InPlace, broken.InPlaceUnderALock])
def test_writes_in_place(tracker: type[broken.Files], tmp_path: Path, elsewhere: ProcessPoolExecutor) -> None:
    """A reader in another process sees an empty file, or a part."""
    with pytest.raises(AssertionError):
        SUITE.test_interrupted_elsewhere(tracker(tmp_path), elsewhere)


def test_writes_in_steps(tmp_path: Path) -> None:
    """What comes between two instructions finds the gap between look and write, and between removal and write."""
    with pytest.raises(AssertionError):
        SUITE.test_create_interrupted(broken.LookThenAssign())
    with pytest.raises(AssertionError):
        SUITE.test_replace_interrupted(broken.PopThenAssign())
    with pytest.raises(AssertionError):
        SUITE.test_replace_interrupted(broken.InPlace(tmp_path))


def test_files_that_others_see_unfinished(tmp_path: Path) -> None:
    """A second put finds the file that a first one writes, and a reader that which a create writes."""
    with pytest.raises(AssertionError, match=r"onether"):
        SUITE.test_replace_interrupted(broken.OneTemporaryName(tmp_path))
    with pytest.raises(AssertionError, match=r"b''"):
        SUITE.test_create_interrupted(broken.CreateInPlace(tmp_path))


def test_results_that_lose_their_last_byte(tmp_path: Path) -> None:
    """What reads as the result is not what was to be stored."""
    with pytest.raises(AssertionError):
        SUITE.test_largest_result(broken.LosesTheLastByte(tmp_path))


def test_pages_that_move() -> None:
    """A key that stays is not listed when others are deleted meanwhile."""
    with pytest.raises(AssertionError):
        SUITE.test_long_listing(broken.Pages())


@pytest.mark.parametrize("size", [1000, 5000, 10_000])
def test_listings_that_end_too_early(size: int) -> None:
    """What is beyond the page of S3, of Azure, and the window of Elasticsearch is not listed."""
    with pytest.raises(AssertionError):
        SUITE.test_long_listing(broken.FirstPage(size))


def test_prefixes_that_are_patterns() -> None:
    """What is below a key that is a pattern is not listed."""
    with pytest.raises(AssertionError, match=r"w\[1\]/1"):
        SUITE.test_prefixes(broken.PrefixesArePatterns())


@pytest.mark.parametrize("tracker", [broken.DeletesLike, broken.DeletesBeginnings])
def test_deletes_of_what_looks_alike(tracker: type[broken.DeletesMore]) -> None:
    """A key that is a pattern or a beginning of others takes them with it."""
    with pytest.raises(AssertionError):
        SUITE.test_keys_are_apart(tracker())


@pytest.mark.parametrize(
    ("tracker", "what"),
    [(broken.DeletesBelow, "DID NOT RAISE"), (broken.DeletesBelowWhatIsThere, "a/b")],
)
def test_deletes_of_what_is_below(tracker: type[broken.DeletesMore], what: str) -> None:
    """A key takes what is below it along, whether it is there itself or not."""
    with pytest.raises((AssertionError, pytest.fail.Exception), match=what):
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
def test_keys_that_share_a_place(tracker: type[broken.Folded]) -> None:
    """The keys of the suite tell them apart."""
    with pytest.raises(AssertionError):
        SUITE.test_keys_are_apart(tracker())


@pytest.mark.parametrize(
    ("tracker", "what"),
    [(broken.AbsentOnErrors, "these calls answer"), (broken.ErrorsOfItsOwn, "no note on these errors names the key")],
)
def test_errors_that_are_lost(tracker: type[broken.Files], what: str, tmp_path: Path) -> None:
    """An unreachable store is found to be taken for an empty one, and an error to be raised anew."""
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(AssertionError, match=what):
        SUITE.test_unreachable(tracker(tmp_path / "loop"))


def test_calls_between_instructions() -> None:
    """Two calls come after the first, then one before each of its instructions: all orders occur, each in its turn."""
    log: list[tuple[int, str]] = []

    def first(number: int) -> int:
        log.append((number, "one"))
        log.append((number, "two"))
        return number

    def second(number: int) -> int:
        log.append((number, "between"))
        return -number

    answers = list(interrupted(first, second))
    assert answers == [(number, -number) for number in range(len(answers))]
    steps = [[step for of, step in log if of == number] for number in range(len(answers))]
    places = [step.index("between") for step in steps]
    assert places[:3] == [2, 2, 2]
    assert set(places) == {0, 1, 2}


def test_calls_between_some_instructions(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the time is up they come before some thirty instructions, no more."""
    monkeypatch.setattr(interruptions, "_SECONDS", 0)

    def first(number: int) -> int:
        for _ in range(100):
            pass
        return number

    answers = list(interrupted(first, lambda number: number))
    assert answers == [(number, number) for number in range(31)]


def test_a_call_that_becomes_shorter() -> None:
    """The call that should come at an instruction that is no more comes after the last."""

    def first(number: int) -> int:
        for _ in range(10 if number < 20 else 0):
            pass
        return number

    answers = list(interrupted(first, lambda number: number))
    assert answers == [(number, number) for number in range(len(answers))]
    assert len(answers) >= 20


def test_a_call_that_waits_for_the_other_is_let_wait() -> None:
    """Two calls under one lock end, whatever the instruction."""
    lock = threading.Lock()

    def use(number: int) -> int:
        with lock:
            return number

    assert all(first == second for first, second in interrupted(use, use))


class Monitoring:
    """What `interruptions` asks of `sys.monitoring`, with one tool under way."""

    events = SimpleNamespace(INSTRUCTION=32, NO_EVENTS=0)

    def __init__(self) -> None:
        self.tools: dict[int, str] = {4: "another"}
        self.on: dict[int, int] = {}
        self.callbacks: dict[tuple[int, int], Callable[..., object] | None] = {}

    def get_tool(self, tool: int) -> str | None:
        """Return whose that number is."""
        return self.tools.get(tool)

    def use_tool_id(self, tool: int, name: str) -> None:
        """Take it."""
        self.tools[tool] = name

    def free_tool_id(self, tool: int) -> None:
        """Give it back."""
        del self.tools[tool]

    def register_callback(self, tool: int, event: int, callback: Callable[..., object] | None) -> None:
        """Take what to call."""
        self.callbacks[tool, event] = callback

    def set_events(self, tool: int, events: int) -> None:
        """Take note of what to call it for."""
        self.on[tool] = events


def test_steps() -> None:
    """The instructions of one thread count (no tool that measures coverage sees what traces run)."""
    called: list[str] = []
    steps = Steps(2, lambda: called.append("then"))
    frame = sys._getframe()
    for event in ("call", "opcode", "opcode", "line", "return"):
        assert steps.trace(frame, event, None) == steps.trace
    assert (called, steps.seen) == (["then"], 2)
    with ThreadPoolExecutor(1) as another:
        another.submit(steps.step, None, 0).result()
    assert (called, steps.seen) == (["then"], 2)


def test_traced() -> None:
    """The trace function that was there before is there after, also of a call that fails."""
    before = sys.gettrace()
    steps = Steps(0, lambda: None)
    assert traced(sys.gettrace, steps) == steps.trace
    with pytest.raises(ZeroDivisionError):
        traced(lambda: 1 / 0, steps)
    assert sys.gettrace() is before


def test_monitored() -> None:
    """A number that is no other tool's is taken and given back, also of a call that fails."""
    monitoring = Monitoring()
    steps = Steps(0, lambda: None)
    assert monitored(lambda: dict(monitoring.on), steps, monitoring) == {3: 32}
    with pytest.raises(ZeroDivisionError):
        monitored(lambda: 1 / 0, steps, monitoring)
    assert monitoring.tools == {4: "another"}
    assert monitoring.on == {3: 0}
    assert monitoring.callbacks == {(3, 32): None}
