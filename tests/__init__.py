"""The tests of typedtrack."""
