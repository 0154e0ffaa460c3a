"""Every Python snippet of README.md and docs/ runs, and shows what it prints."""

from doctest import ELLIPSIS
from pathlib import Path

import pytest
from sybil import Sybil
from sybil.parsers.myst import PythonCodeBlockParser

ROOT = Path(__file__).parents[2]
PAGES = sorted(path.relative_to(ROOT).as_posix() for path in [ROOT / "README.md", *ROOT.glob("docs/**/*.md")])


@pytest.mark.parametrize("page", PAGES)
def test_snippets_run(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The snippets of one page run from top to bottom, in a folder of their own."""
    document = Sybil(parsers=[PythonCodeBlockParser(doctest_optionflags=ELLIPSIS)]).parse(ROOT / page)
    monkeypatch.chdir(tmp_path)
    for example in document.examples():
        example.evaluate()
