"""One trial of the search: trains one model, and returns how good it is through the tracker.

The search launches it; it runs by hand just as well:
``python examples/hyperparameter_trial.py --tracker-base build/demo --key digits/trial_99 --c 5 --gamma 0.002``
"""

from __future__ import annotations

import argparse

from digits_trial import DigitsTrial
from sklearn.datasets import load_digits
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.svm import SVC
from trial_key import TrialKey

from typedtrack import FsspecResultTracker, Stat

FOLDS = 5


def main() -> None:
    """Train and judge a support vector machine on scikit-learn's handwritten digits."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tracker-base", required=True)
    parser.add_argument("--key", type=TrialKey.parse, required=True, help="where to put the result")
    parser.add_argument("--c", type=float, required=True, help="penalty of the SVM")
    parser.add_argument("--gamma", type=float, required=True, help="width of its kernel")
    args = parser.parse_args()

    images, digits = load_digits(return_X_y=True)
    train_images, test_images, train_digits, test_digits = train_test_split(
        images, digits, test_size=0.25, random_state=0, stratify=digits
    )
    model = SVC(C=args.c, gamma=args.gamma)
    accuracies = cross_val_score(model, train_images, train_digits, cv=FOLDS)
    model.fit(train_images, train_digits)

    trials = FsspecResultTracker(args.tracker_base).typed(DigitsTrial, key=TrialKey)
    trials[args.key] = DigitsTrial(
        c=args.c,
        gamma=args.gamma,
        accuracy=Stat.of(accuracies),
        test_accuracy=model.score(test_images, test_digits),
        support_vectors=model.n_support_.sum(),
    )


if __name__ == "__main__":
    main()
