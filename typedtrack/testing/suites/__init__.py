"""The suites that `typedtrack.testing` ships, a module for each part."""
