"""One trial of the search: trains a model, and returns its accuracy through the tracker.

The search starts it under ``typedtrack run``, which sets the base and the key. Do the same by hand:
``typedtrack run build/demo digits/trial_99 -- python examples/hyperparameter_trial.py --learning-rate 3 --steps 100``
"""

from __future__ import annotations

import argparse
import os

import numpy as np
from digits_trial import DigitsTrial
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from trial_key import TrialKey

from typedtrack import Stat, open_tracker

FOLDS = 5


def train(
    images: NDArray[np.float64], digits: NDArray[np.int64], learning_rate: float, steps: int
) -> tuple[NDArray[np.float64], float]:
    """Fit a softmax regression by gradient descent; return its weights and its last loss."""
    if learning_rate <= 0:
        raise ValueError(f"the learning rate must be positive, not {learning_rate:g}")
    weights, targets = np.zeros((images.shape[1], 10)), np.eye(10)[digits]
    probabilities = targets
    for _ in range(steps):
        scores = np.exp(images @ weights)
        probabilities = scores / scores.sum(axis=1, keepdims=True)
        weights -= learning_rate * images.T @ (probabilities - targets) / len(images)
    return weights, float(-np.log((probabilities * targets).sum(axis=1)).mean())


def evaluate(learning_rate: float, steps: int) -> DigitsTrial:
    """Cross-validate on scikit-learn's handwritten digits."""
    images, digits = load_digits(return_X_y=True)
    images, folds = images / 16, np.arange(len(digits)) % FOLDS
    accuracies: list[float] = []
    losses: list[float] = []
    with np.errstate(all="ignore"):  # a training that diverges overflows; its loss, NaN, says so
        for fold in range(FOLDS):
            weights, loss = train(images[folds != fold], digits[folds != fold], learning_rate, steps)
            guesses = (images[folds == fold] @ weights).argmax(axis=1)
            accuracies.append(float((guesses == digits[folds == fold]).mean()))
            losses.append(loss)
    return DigitsTrial(learning_rate=learning_rate, steps=steps, accuracy=Stat.of(accuracies), loss=Stat.of(losses))


def main() -> None:
    """Run the trial whose base and key ``typedtrack run`` set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--learning-rate", type=float, required=True, help="the size of a step of gradient descent")
    parser.add_argument("--steps", type=int, required=True, help="the number of steps")
    args = parser.parse_args()

    trials = open_tracker().typed(TrialKey)
    key = TrialKey.parse(os.environ["TYPEDTRACK_KEY"])
    with trials.attempt(key):  # stores an exception as the failure of this trial
        trials[key] = evaluate(args.learning_rate, args.steps)


if __name__ == "__main__":
    main()
