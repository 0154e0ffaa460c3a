"""Reads the results and failures of all trials, and prints one line for each, and the best trial."""

from __future__ import annotations

import argparse

from digits_trial import DigitsTrial
from trial_key import TrialKey

from typedtrack import open_tracker


def line(trial: DigitsTrial) -> str:
    """Return the columns of one trial."""
    accuracy = f"{trial.accuracy.mean:.3f} ± {trial.accuracy.sem:.3f}"
    return f"{trial.learning_rate:>13g} {trial.steps:>5} {accuracy:>18} {trial.loss.mean:>7.3f}"


def main() -> None:
    """Print the trials below ``digits/``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tracker-base", required=True)
    trials = open_tracker(parser.parse_args().tracker_base).typed(TrialKey)

    results = dict(trials.items())
    lines = {key: line(trial) for key, trial in results.items()}
    lines |= {key: f"  {failure.type}: {failure.message}" for key, failure in trials.failures()}
    print("trial           learning rate steps accuracy (5 folds)    loss")
    for key, text in sorted(lines.items(), key=lambda item: item[0].number):
        print(f"{key!s:<15} {text}")
    if results:
        best = max(results, key=lambda key: results[key].accuracy.mean)
        print(f"best: {best}, accuracy {results[best].accuracy.mean:.3f}")


if __name__ == "__main__":
    main()
