"""An Optuna study that several processes share: ``python studies.py BASE STORAGE_OPTIONS TRIALS [DIES]``."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import optuna
from optuna.storages import JournalStorage

from typedtrack import open_tracker
from typedtrack.integrations.optuna import JournalBackend

__all__ = ["PROCESSES", "TRIALS", "check_shared_study", "load", "start_worker"]

TRIALS: Final = int(os.environ.get("TYPEDTRACK_TEST_TRIALS", "32"))
"""How many trials the processes of a test make together."""
PROCESSES: Final = min(16, TRIALS // 8)


def start_worker(base: str, options: dict[str, Any], trials: int, dies: str = "") -> subprocess.Popen[bytes]:
    """Start a process that makes *trials* trials; it kills itself in its tenth call of the function *dies* of `os`."""
    return subprocess.Popen([sys.executable, __file__, base, json.dumps(options), str(trials), dies])


def load(base: str, options: dict[str, Any]) -> optuna.Study:
    """Return the study as a process sees it that joins now."""
    tracker = open_tracker(base, storage_options=options)
    return optuna.load_study(study_name="shared", storage=JournalStorage(JournalBackend(tracker)))


def check_shared_study(base: str, options: dict[str, Any]) -> None:
    """Let processes make `TRIALS` trials together: each number is there once, and each trial is complete."""
    shares = [len(range(process, TRIALS, PROCESSES)) for process in range(PROCESSES)]
    workers = [start_worker(base, options, share) for share in shares]
    assert [worker.wait() for worker in workers] == [0] * PROCESSES
    trials = load(base, options).trials
    assert Counter(trial.number for trial in trials) == Counter(range(TRIALS))
    assert all(trial.state.is_finished() for trial in trials)


def _killing(call: Callable[..., object], at: int) -> Callable[..., object]:
    calls = iter(range(1, at))

    def killing(*args: Any, **kwargs: Any) -> object:
        if next(calls, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*args, **kwargs)

    return killing


def main(base: str, options: str, trials: str, dies: str) -> None:
    """Make trials of the study that all processes share."""
    if dies:
        setattr(os, dies, _killing(getattr(os, dies), at=10))
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = JournalStorage(JournalBackend(open_tracker(base, storage_options=json.loads(options))))
    study = optuna.create_study(storage=storage, study_name="shared", load_if_exists=True)
    study.optimize(lambda trial: trial.suggest_float("x", -1, 1) ** 2, n_trials=int(trials))


if __name__ == "__main__":
    main(*sys.argv[1:])
