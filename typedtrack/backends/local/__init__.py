"""Results on a local disk, by plain system calls."""

from typedtrack.backends.local.tracker import LocalResultTracker, tracker_over

__all__ = ["LocalResultTracker", "tracker_over"]
