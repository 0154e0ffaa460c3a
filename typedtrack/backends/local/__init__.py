"""Results on a local disk, by plain system calls."""

from typedtrack.backends.local.paths import local_path
from typedtrack.backends.local.tracker import LocalResultTracker, tracker_over

__all__ = ["LocalResultTracker", "local_path", "tracker_over"]
