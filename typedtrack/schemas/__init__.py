"""Schemas beyond their class: documents on disk, classes made of them at run time, and compatibility."""
