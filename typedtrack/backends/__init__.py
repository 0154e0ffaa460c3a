"""One short file per backend, each over the four byte primitives of `typedtrack.ResultTracker`."""
