"""Schemas and results as each release wrote them. ``write.py`` writes those of the next release."""
