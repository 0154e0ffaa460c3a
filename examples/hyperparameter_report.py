"""Reads the results of all trials and prints them as a table, and the best of them."""

from __future__ import annotations

import argparse

from digits_trial import DigitsTrial
from trial_key import TrialKey

from typedtrack import FsspecResultTracker


def main() -> None:
    """Print what the trials below ``digits/`` returned."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tracker-base", required=True)
    args = parser.parse_args()

    trials = FsspecResultTracker(args.tracker_base).typed(DigitsTrial, key=TrialKey)
    results = sorted(trials.items(), key=lambda item: item[0].number)

    print("trial               C   gamma  accuracy (5 folds)  support vectors")
    for key, trial in results:
        accuracy = f"{trial.accuracy.mean:.3f} ± {trial.accuracy.sem:.3f}"
        print(f"{key!s:<16} {trial.c:>4g} {trial.gamma:>7g} {accuracy:>19} {trial.support_vectors:>16}")

    best, result = max(results, key=lambda item: item[1].accuracy.mean)
    print(f"best: {best}, accuracy {result.test_accuracy:.3f} on images that no trial was trained on")


if __name__ == "__main__":
    main()
