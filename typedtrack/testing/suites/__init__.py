"""The test suites of `typedtrack.testing`, one module for each part."""
