"""What README.md and docs/ say is so."""

import re
import tomllib
from doctest import ELLIPSIS
from pathlib import Path

import pytest
from sybil import Sybil
from sybil.parsers.myst import PythonCodeBlockParser

ROOT = Path(__file__).parents[2]
PAGES = sorted(path.relative_to(ROOT).as_posix() for path in [ROOT / "README.md", *ROOT.glob("docs/**/*.md")])


@pytest.mark.parametrize("page", PAGES)
def test_snippets_run(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Python snippets of a page run from top to bottom, in a folder of their own, and show what they print."""
    document = Sybil(parsers=[PythonCodeBlockParser(doctest_optionflags=ELLIPSIS)]).parse(ROOT / page)
    monkeypatch.chdir(tmp_path)
    for example in document.examples():
        example.evaluate()


def test_the_architecture_has_every_room_in_the_order_that_is_enforced() -> None:
    """The table of rooms names each module, and lists none above a room that may not import it."""
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    rooms = re.findall(r"^\| `(.*?)(?:\.py|/)` \|", page, re.MULTILINE)
    assert sorted(rooms) == sorted(
        path.relative_to(ROOT / "typedtrack").with_suffix("").as_posix()
        for path in (ROOT / "typedtrack").rglob("*.py")
        if path.name != "__init__.py" or path.parent.name == "typedtrack"
    )

    layers = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"][
        0
    ]
    order = {room: height for height, layer in enumerate(layers["layers"]) for room in re.findall(r"\w+", layer)}
    heights = [order[room.split("/")[0]] for room in rooms if room != "__init__"]
    assert heights == sorted(heights, reverse=True)
