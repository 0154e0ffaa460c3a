"""Generated code as it was reviewed, and the records that it is generated from."""
