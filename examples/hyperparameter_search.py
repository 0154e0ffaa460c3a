"""A search for hyper-parameters, made of three programs that share nothing but a tracker base.

This one, the coordinator, launches a process for each trial (`hyperparameter_trial.py`), waits for what they return,
and lets a last program (`hyperparameter_report.py`) read it all. Needs scikit-learn:
``python examples/hyperparameter_search.py --tracker-base build/demo``
"""

from __future__ import annotations

import argparse
import itertools
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from digits_trial import DigitsTrial
from trial_key import TrialKey

from typedtrack import FsspecResultTracker, ResultTimeoutError, TypedTracker

EXAMPLES = Path(__file__).parent


def launch(tracker_base: str, key: TrialKey, c: float, gamma: float) -> subprocess.Popen[bytes]:
    """Start a trial in a process of its own."""
    program = [sys.executable, str(EXAMPLES / "hyperparameter_trial.py")]
    return subprocess.Popen(
        [*program, f"--tracker-base={tracker_base}", f"--key={key}", f"--c={c}", f"--gamma={gamma}"]
    )


def wait(
    results: TypedTracker[TrialKey, DigitsTrial], trials: Mapping[TrialKey, subprocess.Popen[bytes]]
) -> dict[TrialKey, int]:
    """Wait for the results of all *trials*; return those that ended without one, with their exit codes."""
    absent = dict(trials)
    failed: dict[TrialKey, int] = {}
    while absent:
        ended = {key: code for key, trial in absent.items() if (code := trial.poll()) is not None}
        try:
            for key, _ in results.wait_all(list(absent), timeout=1):
                del absent[key]
        except ResultTimeoutError:
            for key in ended.keys() & absent.keys():  # it ended before this look for its result, which is not there
                failed[key] = ended[key]
                del absent[key]
    for trial in trials.values():
        trial.wait()
    return failed


def main() -> int:
    """Search over a grid; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tracker-base", default="build/demo", help="a folder or any URL that fsspec knows")
    parser.add_argument("--c", type=float, nargs="+", default=[1, 10], help="penalties to try")
    parser.add_argument("--gamma", type=float, nargs="+", default=[0.0001, 0.001, 0.01], help="kernel widths to try")
    args = parser.parse_args()

    results = FsspecResultTracker(args.tracker_base).typed(DigitsTrial, key=TrialKey)
    results.clear()  # of an earlier search

    trials = {
        TrialKey(number): launch(args.tracker_base, TrialKey(number), c, gamma)
        for number, (c, gamma) in enumerate(itertools.product(args.c, args.gamma))
    }
    print(f"{len(trials)} trials launched, a process each", flush=True)

    failed = wait(results, trials)
    for key, code in sorted(failed.items()):
        print(f"{key} failed: its process ended with code {code} and returned no result", file=sys.stderr)
    if len(failed) == len(trials):
        return 1
    print(f"{len(trials) - len(failed)} of {len(trials)} results returned\n", flush=True)

    report = [sys.executable, str(EXAMPLES / "hyperparameter_report.py"), f"--tracker-base={args.tracker_base}"]
    return subprocess.run(report, check=False).returncode or (1 if failed else 0)


if __name__ == "__main__":
    sys.exit(main())
