"""The examples and tables of README.md and docs/ are true."""

import ast
import re
import tomllib
import warnings
from collections.abc import Iterator
from doctest import ELLIPSIS
from importlib.util import find_spec
from pathlib import Path

import click
import pytest
from sybil import Sybil
from sybil.parsers.myst import PythonCodeBlockParser

from typedtrack import errors
from typedtrack.cli.app import root, run

ROOT = Path(__file__).parents[2]
NEEDS = {  # what is too large for `make test`; `make test-integrations` installs it
    "docs/how-to/ax.md": "ax",
    "docs/how-to/dask.md": "dask",
    "docs/how-to/hugging-face.md": "transformers",
    "docs/how-to/keras.md": "keras",
    "docs/how-to/lightning.md": "lightning",
}
ELSEWHERE = [  # pages that other tests run: by their commands, or against a server
    *(f"docs/tutorial/{step}.md" for step in ("first-result", "typed-pipeline", "failures", "tables")),
    *(f"docs/how-to/{page}.md" for page in ("azure", "distributed", "dvc", "gcs", "kubernetes", "s3", "slurm")),
    "docs/how-to/snakemake.md",
]
PAGES = sorted(
    {path.relative_to(ROOT).as_posix() for path in [ROOT / "README.md", *ROOT.glob("docs/**/*.md")]} - {*ELSEWHERE}
)


@pytest.mark.parametrize("page", PAGES)
def test_snippets_run(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Python snippets of a page run from top to bottom, in a folder of their own, and show what they print."""
    if page in NEEDS and find_spec(NEEDS[page]) is None:
        pytest.skip("`make test-integrations` installs it")
    document = Sybil(parsers=[PythonCodeBlockParser(doctest_optionflags=ELLIPSIS)]).parse(ROOT / page)
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings():
        if page in NEEDS:
            warnings.simplefilter("ignore")  # these frameworks warn of their own code
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


def test_the_rules_of_compatibility_are_fresh(capsys: pytest.CaptureFixture[str]) -> None:
    """The table in docs/reference/schemas.md is that of ``typedtrack schema rules --markdown``."""
    page = (ROOT / "docs/reference/schemas.md").read_text(encoding="utf-8")
    table = re.search(r"^<!-- rules -->\n(.*?)<!-- rules -->$", page, re.DOTALL | re.MULTILINE)
    assert table is not None
    assert run(["schema", "rules", "--markdown"]) == 0
    assert table[1] == capsys.readouterr().out


def _commands(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    with click.Context(group) as context:
        for name in group.list_commands(context):
            _, command, _ = group.resolve_command(context, [name])
            assert command is not None
            if isinstance(command, click.Group):
                yield from _commands(command, f"{path} {name}")
            else:
                yield f"{path} {name}", command


def test_the_page_on_errors_has_each_error_and_its_base() -> None:
    """A reader of docs/reference/errors.md learns which error of Python each error also is."""
    page = (ROOT / "docs/reference/errors.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| \{py:exc\}`~typedtrack\.(\w+)` \| `(\w+)` \|", page, re.MULTILINE))
    bases = {
        error.__name__: {base.__name__ for base in error.__bases__} - {"TypedtrackError"}
        for error in vars(errors).values()
        if isinstance(error, type) and issubclass(error, errors.TypedtrackError)
    }
    assert bases.pop("TypedtrackError") == {"Exception"}
    assert {name: {base} for name, base in rows.items()} == bases


def test_signatures_that_pages_write_out_are_those_of_the_code() -> None:
    """Sphinx cannot see a signature below a mocked base or a metaclass, so docs/reference/ has it."""
    pages = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "docs/reference").glob("*.md"))
    written = dict(re.findall(r"autoclass:: (\w+)\((.+)\)$", pages, re.MULTILINE))
    code = [ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / "typedtrack").rglob("*.py")]
    classes = [node for tree in code for node in tree.body if isinstance(node, ast.ClassDef) and node.name in written]
    assert written == {
        node.name: ast.unparse(method.args).removeprefix("self, ")
        for node in classes
        for method in node.body
        if isinstance(method, ast.FunctionDef) and method.name == "__init__"
    }
    assert {"ProcessRunner", "ResultMetric", "FaultyFileSystem"} <= written.keys()


_OPTION = re.compile(r"(?<![\w-])--?[a-z][a-z-]*")
_OF_ALL = {"-h", "--help"}
_OF_OTHERS = {"--lr", "-1", "-m"}  # options of other programs in examples


def test_the_page_of_the_command_line_and_help_name_the_same_options(capsys: pytest.CaptureFixture[str]) -> None:
    """docs/reference/cli.md has each option of ``--help`` in a section on its command, and no others there."""
    page = (ROOT / "docs/reference/cli.md").read_text(encoding="utf-8")
    intro, *sections = page.split("\n## ")
    missing: list[str] = []
    known: dict[str, set[str]] = {}
    for path, _ in _commands(root, "typedtrack"):
        assert run([*path.split()[1:], "--help"]) == 0
        known[path] = {*_OPTION.findall(capsys.readouterr().out)} - _OF_ALL
        there = "\n".join(section for section in sections if re.search(rf"{path}\b", section))
        assert there, f"no section on {path}"
        missing += [f"{path} {option}" for option in known[path] - {*_OPTION.findall(intro + there)}]
    assert missing == []

    assert run(["--help"]) == 0
    everywhere = {*_OPTION.findall(capsys.readouterr().out)}
    assert everywhere <= {*_OPTION.findall(intro)}
    assert {*_OPTION.findall(intro)} <= everywhere.union(_OF_OTHERS, *known.values())
    for section in sections:
        programs = re.sub(r" -- .*", "", section)  # the arguments of another program
        named = {path for path in known if re.search(rf"{path}\b|`{path.removeprefix('typedtrack ')}\b", section)}
        surplus = {*_OPTION.findall(programs)} - everywhere.union(*(known[path] for path in named)) - _OF_OTHERS
        assert surplus == set(), section.partition("\n")[0]


def test_every_line_that_installs_names_extras_that_exist() -> None:
    """A reader can copy each ``pip install`` of README.md and docs/."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    for page in [*PAGES, *ELSEWHERE]:
        for named in re.findall(r"\btypedtrack\[([^\]]*)\]", (ROOT / page).read_text(encoding="utf-8")):
            assert {*named.split(",")} <= extras.keys(), page
