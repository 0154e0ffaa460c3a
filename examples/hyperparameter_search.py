"""A hyper-parameter search: three programs that share nothing except a tracker base.

This program starts one process for each trial (`hyperparameter_trial.py`) under ``typedtrack run``, and waits until
each has returned a result or failed. Then another program (`hyperparameter_report.py`) reads all of them.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from itertools import product
from pathlib import Path

from trial_key import TrialKey

from typedtrack import BulkError, open_tracker

EXAMPLES = Path(__file__).parent


def trial(learning_rate: float, steps: int) -> list[str]:
    """Return the command of one trial."""
    program = [sys.executable, str(EXAMPLES / "hyperparameter_trial.py")]
    return [*program, f"--learning-rate={learning_rate}", f"--steps={steps}"]


COMMANDS = [
    *(trial(learning_rate, steps) for learning_rate, steps in product([0.1, 1, 10], [10, 30])),
    # Something always goes wrong in a large search:
    trial(learning_rate=1000, steps=30),  # diverges, so its loss is NaN
    trial(learning_rate=0, steps=30),  # raises an exception
    ["sh", "-c", "kill -KILL $$"],  # is killed, as where memory runs out
    ["./not-installed"],  # never starts
]


def main() -> int:
    """Search; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tracker-base", default="build/demo", help="a folder, or any URL that fsspec knows")
    base = parser.parse_args().tracker_base

    trials = open_tracker(base).typed(TrialKey)
    trials.clear()  # of an earlier search
    run = [sys.executable, "-m", "typedtrack", "run", base]
    jobs = {  # without their standard error, since each failure returns through the tracker
        key: subprocess.Popen([*run, str(key), "--", *command], stderr=subprocess.DEVNULL)
        for key, command in zip(map(TrialKey, range(len(COMMANDS))), COMMANDS, strict=True)
    }
    print(f"{len(jobs)} trials started, each in its own process", flush=True)
    failed = 0
    try:
        for _ in trials.wait_all(jobs, alive=lambda key: jobs[key].poll() is None):
            print(".", end="", flush=True)
    except BulkError as error:
        failed = len(error.errors)
    print(f"\n{len(jobs) - failed} returned a result, {failed} failed\n", flush=True)
    for job in jobs.values():
        job.wait()
    report = [sys.executable, str(EXAMPLES / "hyperparameter_report.py"), f"--tracker-base={base}"]
    return subprocess.run(report, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
