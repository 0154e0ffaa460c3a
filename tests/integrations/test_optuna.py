"""Optuna's own suite for storages, over `JournalBackend`; several processes; a process that dies; many logs."""

from __future__ import annotations

import signal
from pathlib import Path
from unittest.mock import Mock

import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.storages import BaseStorage, JournalStorage
from optuna.testing.pytest_storages import StorageTestCase

from tests.integrations import studies
from tests.trackers import DictTracker
from typedtrack import ResultTracker, open_tracker
from typedtrack.integrations import optuna as integration
from typedtrack.integrations.optuna import JournalBackend

optuna.logging.set_verbosity(optuna.logging.WARNING)


class TestLocalDisk(StorageTestCase):
    """A local disk."""

    @pytest.fixture
    def storage(self, tmp_path: Path) -> BaseStorage:
        """Return a storage on an empty base."""
        return JournalStorage(JournalBackend(open_tracker(tmp_path)))


def test_processes_share_a_study_and_no_trial_number_comes_twice(tmp_path: Path) -> None:
    """Each trial number is there once, and each trial is complete."""
    studies.check_shared_study(str(tmp_path), {})


@pytest.mark.parametrize("system_call", ["write", "link"])
def test_a_study_goes_on_after_a_worker_was_killed_amid_a_log(tmp_path: Path, system_call: str) -> None:
    """A killed worker leaves no part of a log, before its bytes are complete nor before they have their name."""
    killed = studies.start_worker(str(tmp_path), {}, trials=100, dies=system_call)
    assert killed.wait() == -signal.SIGKILL
    before = len(studies.load(str(tmp_path), {}).trials)
    assert before > 1
    assert studies.start_worker(str(tmp_path), {}, trials=3).wait() == 0
    trials = studies.load(str(tmp_path), {}).trials
    assert [trial.number for trial in trials] == [*range(before + 3)]
    assert all(trial.state.is_finished() for trial in trials[before:])


def test_a_long_study_loads_with_few_reads() -> None:
    """A process that joins a study of 10,000 trials reads its pages, and the logs since the last page."""
    tracker = DictTracker()
    study = optuna.create_study(storage=JournalStorage(JournalBackend(tracker)), study_name="long")
    trial = optuna.create_trial(params={"x": 0.5}, distributions={"x": FloatDistribution(-1, 1)}, value=0.25)
    study.add_trials([trial] * 10_000)
    tracker.reads = 0
    late = optuna.load_study(storage=JournalStorage(JournalBackend(tracker)), study_name="long")
    assert len(late.trials) == 10_000
    pages, rest = divmod(1 + 10_000, integration._PAGE)
    assert tracker.reads < pages + rest + integration._MOST_READS + 10


def appended(tracker: ResultTracker, count: int) -> list[dict[str, object]]:
    """Append *count* logs through two backends in turn; return them in their order."""
    backends = [JournalBackend(tracker), JournalBackend(tracker)]
    for number in range(count):
        backends[number % 2].append_logs([{"number": number, "text": "ü" * (number % 7)}])
    return [*JournalBackend(tracker).read_logs(0)]


def test_equal_logs_are_stored_each(tmp_path: Path) -> None:
    """A create takes equal content for done; two equal logs are two all the same."""
    backend = JournalBackend(open_tracker(tmp_path))
    backend.append_logs([{"op": 1}, {"op": 1}])
    JournalBackend(open_tracker(tmp_path)).append_logs([{"op": 1}])
    assert [*backend.read_logs(0)] == [{"op": 1}] * 3
    assert [*backend.read_logs(2)] == [{"op": 1}]


def test_a_long_study_is_read_by_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever reads a whole page stores it; whoever comes later reads it with one request."""
    monkeypatch.setattr(integration, "_PAGE", 8)
    tracker = open_tracker(tmp_path)
    logs = appended(tracker, 30)
    assert [log["number"] for log in logs] == [*range(30)]
    assert len(tracker.keys("optuna/pages")) == 3
    for number in range(24):  # what the pages hold is not asked for
        del tracker[f"optuna/logs/{number:012d}"]
    assert [*JournalBackend(tracker).read_logs(0)] == logs
    late = JournalBackend(tracker)
    assert [*late.read_logs(16)] == logs[16:]
    late.append_logs([{"number": 30}])
    assert [*JournalBackend(tracker).read_logs(24)] == [*logs[24:], {"number": 30}]


def test_logs_too_large_for_a_page_are_read_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that would be no result is not stored."""
    monkeypatch.setattr(integration, "_PAGE", 2)
    tracker = open_tracker(tmp_path)
    backend = JournalBackend(tracker)
    logs = [{"number": number, "text": "x" * 600_000} for number in range(3)]
    backend.append_logs([*logs])
    assert [*backend.read_logs(0)] == logs
    assert not tracker.keys("optuna/pages")
    assert [*JournalBackend(tracker).read_logs(0)] == logs


def test_a_process_asks_for_no_log_of_its_own(tmp_path: Path) -> None:
    """After an append, one read tells that there is nothing further."""
    tracker = open_tracker(tmp_path)
    backend = JournalBackend(tracker)
    backend.append_logs([{"op": 1}])
    assert [*backend.read_logs(0)] == [{"op": 1}]
    backend.append_logs([{"op": 2}])
    spy = Mock(wraps=tracker.get_many)
    tracker.get_many = spy  # type: ignore[method-assign]  # to see what is asked for
    assert [*backend.read_logs(1)] == [{"op": 2}]
    asked = [key for call in spy.call_args_list for key in call.args[0]]
    assert asked == [f"optuna/logs/{number:012d}" for number in (2, 3)]


def test_a_process_far_behind_finds_a_free_number_in_few_requests(tmp_path: Path) -> None:
    """It looks ahead, ever farther, and asks for nothing twice."""
    tracker = open_tracker(tmp_path)
    logs = appended(tracker, 100)
    behind = JournalBackend(tracker)
    spy = Mock(wraps=tracker.create)
    tracker.create = spy  # type: ignore[method-assign]  # to see what is tried
    behind.append_logs([{"number": 100}])
    assert len(spy.call_args_list) == 2
    assert [*behind.read_logs(0)] == [*logs, {"number": 100}]
