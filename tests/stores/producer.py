"""One trial as an application of its own: ``producer.py BASE NUMBER``; the login is in the environment."""

import sys

from typedtrack import ResultExistsError, open_tracker

if __name__ == "__main__":
    base, number = sys.argv[1], int(sys.argv[2])
    tracker = open_tracker(base)
    tracker[f"trial/{number:03}"] = {"number": number, "accuracy": 1 / (number + 1)}
    try:
        tracker.create("first", number=number)
    except ResultExistsError:
        print("late")
    else:
        print("first")
