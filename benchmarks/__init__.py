"""Measures typedtrack beside a limit and beside the libraries that it replaces, side by side in one run."""
