"""The pictures in docs/ show what a user sees now; ``make pictures`` writes them anew."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import pytest
from PIL import Image
from playwright.sync_api import Browser

from tests.report.pictures import COMMANDS, SCHEMES, put_sweep, write_report, write_terminal

DOCS = Path(__file__).parents[2] / "docs"
PICTURES = DOCS / "pictures"


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """Return a base with the results of a sweep."""
    put_sweep(tmp_path / "results")
    return tmp_path / "results"


@pytest.mark.parametrize("name", COMMANDS)
def test_the_picture_of_a_command_is_fresh(base: Path, name: str) -> None:
    """It has the words that the command prints on a terminal, and needs no network."""
    made = base.parent / f"{name}.svg"
    write_terminal(COMMANDS[name], base.parent, made)
    there, now = ((folder / f"{name}.svg").read_text("utf-8") for folder in (PICTURES, base.parent))
    assert re.findall(r">([^<]+)</text>", there) == re.findall(r">([^<]+)</text>", now)
    assert "Best:" in now.replace("&#160;", " ")
    assert "url(" not in there.replace("url(#", "")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_picture_of_a_report_is_made(browser: Browser, base: Path, scheme: Literal["light", "dark"]) -> None:
    """It has the size and the background of the one in docs/; how a machine draws letters may differ."""
    made = base.parent / "report.png"
    write_report(browser, base, made, scheme)
    with Image.open(made) as now, Image.open(PICTURES / f"report-{scheme}.png") as there:
        assert now.size == there.size
        corners = [picture.convert("RGB").getpixel((2, 2)) for picture in (now, there)]
        assert corners == [{"light": (255, 255, 255), "dark": (20, 24, 31)}[scheme]] * 2
        assert len(now.getcolors() or ()) > 30


def test_pictures_are_small_and_shown() -> None:
    """A page of the documentation has each."""
    pages = "\n".join(page.read_text("utf-8") for page in DOCS.rglob("*.md"))
    names = {path.name for path in PICTURES.iterdir()}
    assert names >= {f"{name}.svg" for name in COMMANDS} | {f"report-{scheme}.png" for scheme in SCHEMES}
    for name in names:
        assert f"pictures/{name}" in pages
        assert (PICTURES / name).stat().st_size < 150_000
