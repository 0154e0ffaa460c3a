"""How fast typedtrack is, as ratios to a limit and beside what it replaces, measured side by side in one run."""
