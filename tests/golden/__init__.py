"""Generated code as it was reviewed, and the records behind it."""
