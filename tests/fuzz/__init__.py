"""Fuzzing guided by coverage: inputs from strangers, for which only typedtrack's own errors may be raised."""
