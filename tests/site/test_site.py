"""The site in a real browser: the first hits of the search, the texts that buttons copy, and pages on a phone."""

from __future__ import annotations

import importlib
import re
import tomllib
import zlib
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Page

_ROOT = Path(__file__).parents[2]

# The first hit for the words that people type.
FOUND = {
    "S3 credentials": "how-to/s3.html",
    "slurm": "how-to/slurm.html",
    "dataframe": "how-to/tables.html",
    "install": "install.html",
    "windows": "install.html",
    "hyperparameter": "tutorial/index.html",
    "wandb": "index.html",
    "minio": "how-to/s3.html",
    "azure credentials": "how-to/azure.html",
    "gcs": "how-to/gcs.html",
    "nfs": "how-to/slurm.html",
    "kubernetes": "how-to/kubernetes.html",
    "pandas": "how-to/tables.html",
    "report": "how-to/tables.html",
    "retry": "how-to/failures.html",
    "failed job": "how-to/failures.html",
    "out of memory": "how-to/failures.html",
    "json schema": "how-to/schemas.html",
    "compatibility": "how-to/schemas.html",
    "optuna": "how-to/optuna.html",
    "keras": "how-to/keras.html",
    "mlflow": "how-to/mlflow.html",
    "torchx.runtime.tracking": "how-to/migrating.html",
    "async": "how-to/asyncio.html",
    "limits": "reference/rules.html",
    "numpy": "reference/rules.html",
    "atomic": "explanation/stores.html",
    "timeout": "explanation/stores.html",
    "command line": "reference/cli.html",
    "environment variable": "reference/cli.html",
    "file format": "reference/wire-format.html",
    "open_tracker": "reference/trackers.html#typedtrack.open_tracker",
    "wait_all": "reference/trackers.html#typedtrack.ResultTracker.wait_all",
    "Stat": "reference/records.html#typedtrack.Stat",
    "CorruptResultError": "reference/errors.html#typedtrack.CorruptResultError",
}


def test_search_finds_first_what_a_reader_looks_for(page: Page, site: str) -> None:
    """Words of a task lead to its guide, names to their place in the reference."""
    astray: dict[str, str] = {}
    for words, expected in FOUND.items():
        page.goto(f"{site}/search.html?q={quote(words)}")
        hit = page.locator("ul.search li > a").first
        hit.wait_for()
        page.locator(".search-summary", has_text=re.compile("found|match")).wait_for()
        address = re.sub(r"\?[^#]*|#index-\d+$", "", hit.get_attribute("href") or "")
        if address != expected:
            astray[words] = address
    assert astray == {}


@pytest.mark.parametrize(
    ("address", "block", "copied"),
    [
        ("index", 0, "pip install typedtrack"),
        ("tutorial/first-result", 0, "pip install 'typedtrack[cli]'"),
        ("tutorial/first-result", 6, "typedtrack ls results\ntypedtrack get results first_fit rate"),
        ("how-to/distributed", 2, "# train.py\nimport os\n"),
    ],
)
def test_a_button_copies_what_a_reader_types(page: Page, site: str, address: str, block: int, copied: str) -> None:
    """Without prompts, and without the output."""
    page.goto(f"{site}/{address}.html")
    code = page.locator("div.highlight").nth(block)
    code.hover()
    code.locator("button.copybtn").click()
    code.locator("button.copybtn.success").wait_for()
    text = page.evaluate("navigator.clipboard.readText()")
    assert text.startswith(copied)
    assert "$ " not in text


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light")])
def test_no_page_is_wider_than_its_window(page: Page, site: str, built: Path, width: int, scheme: str) -> None:
    """Wide code and tables scroll by themselves."""
    page.set_viewport_size({"width": width, "height": 844})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    pages = sorted(path.relative_to(built).as_posix() for path in built.rglob("*.html"))
    assert "how-to/s3.html" in pages
    too_wide: list[str] = []
    for address in pages:
        page.goto(f"{site}/{address}")
        if page.evaluate("document.documentElement.scrollWidth") > width:
            too_wide.append(address)
    assert too_wide == []


def test_every_public_name_is_in_the_reference(built: Path) -> None:
    """Wherever it is imported from, it has a place that a link can name."""
    packed = (built / "objects.inv").read_bytes().split(b"\n", 4)[4]
    listed = {line.split()[0] for line in zlib.decompress(packed).decode().splitlines() if " py:" in line}
    modules = [
        "typedtrack",
        "cli",
        "codegen",
        "errors",
        "integrations.hydra",
        "integrations.optuna",
        "schemas",
        "testing",
    ]
    missing: set[str] = set()
    for name in modules:
        module = importlib.import_module(name if name == "typedtrack" else f"typedtrack.{name}")
        public = {name for name in module.__all__ if not listed & {f"{module.__name__}.{name}", f"typedtrack.{name}"}}
        missing |= {f"{module.__name__}.{name}" for name in public}
    parts_of_errors = {"MISSING_FIELD", "FailureLike", "shown"}  # other modules of typedtrack share these
    assert missing == {f"typedtrack.errors.{name}" for name in parts_of_errors}
    assert {"typedtrack.integrations.ax.ResultMetric", "typedtrack.integrations.ax.ProcessRunner"} <= listed


def test_every_extra_is_on_the_page_on_installing() -> None:
    """docs/install.md has a row for each."""
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    rows = re.findall(r"^\| (`.*?`) \|", (_ROOT / "docs/install.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert {extra for row in rows for extra in re.findall(r"`(\w+)`", row)} == {*project["optional-dependencies"]}
