"""The tutorial, done from its first line to its last in one folder, as a reader does it."""

from __future__ import annotations

from pathlib import Path

from tests.integrations.guides import follow

STEPS = ["first-result", "typed-pipeline", "failures", "tables"]


def test_the_tutorial(tmp_path: Path) -> None:
    """Each step works after those before it, and prints what the page shows."""
    for step in STEPS:
        follow(f"tutorial/{step}", tmp_path)


def test_the_landing_page(tmp_path: Path) -> None:
    """The first result that a reader sees."""
    follow("index", tmp_path)
