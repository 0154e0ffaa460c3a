"""Pictures for the documentation: the table of `typedtrack top` on a terminal, and a report in light and in dark.

``make pictures`` writes them to docs/pictures. The tests make them, too, so that each picture shows what a user sees.
"""

from __future__ import annotations

import io
import math
import os
import pty
import random
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final, Literal

from PIL import Image
from playwright.sync_api import Browser, sync_playwright
from rich.console import Console
from rich.text import Text

from tests.programs import read_all
from typedtrack import Result, open_tracker

__all__ = ["CHROMIUM", "COMMANDS", "put_sweep", "write_report", "write_terminal"]

CHROMIUM: Final = shutil.which("chromium") or shutil.which("google-chrome")
COMMANDS: Final = {
    "top": "typedtrack top results --by accuracy --columns key,accuracy,lr,optimizer --rows 8",
    "top-over-seeds": "typedtrack top results --key '{model}/seed_{seed}' --over seed --by accuracy",
}
SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
_COLUMNS: Final = 88
_COLOURS: Final = 64
_FONTS = re.compile(r"\s*@font-face \{.*?\}", re.DOTALL)


def put_sweep(base: Path) -> None:
    """Put the results of a sweep over learning rates, the same at each call, and one failure."""
    chance = random.Random(7)
    results: dict[str, Result] = {}
    for model, best in (("small", 0.86), ("base", 0.91), ("large", 0.94)):
        for seed in range(12):
            exponent = chance.uniform(-5, -1)
            accuracy = best - 0.05 * (exponent + 3) ** 2 - abs(chance.gauss(0, 0.012))
            results[f"{model}/seed_{seed}"] = {
                "lr": float(f"{10**exponent:.2e}"),
                "optimizer": chance.choice(["adam", "sgd", "lion"]),
                "batch": chance.choice([32, 64, 128, 256]),
                "steps": chance.randrange(400, 2000, 50),
                "accuracy/mean": round(accuracy, 4),
                "accuracy/sem": round(chance.uniform(0.002, 0.012), 4),
                "loss": round(-math.log(max(accuracy, 0.05)) + chance.uniform(0, 0.1), 4),
            }
    tracker = open_tracker(base)
    tracker.put_many(results)
    tracker.fail("large/seed_12", "CUDA out of memory")


def write_terminal(command: str, folder: Path, path: Path) -> None:
    """Run *command* on a terminal in *folder*, and write what it shows to *path* as SVG."""
    leader, follower = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(_COLUMNS), "PYTHONPATH": os.getcwd()}
    program = [sys.executable, "-m", *shlex.split(command)]
    with subprocess.Popen(program, cwd=folder, stdout=follower, stderr=subprocess.PIPE, env=environment) as running:
        os.close(follower)
        shown = read_all(leader)
        assert running.stderr is not None
        notes = [line.removeprefix("typedtrack: ") for line in running.stderr.read().decode().splitlines()]
    console = Console(record=True, width=_COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(Text(f"$ {command}"), style="bold")
    console.print(Text.from_ansi(shown.decode().replace("\r\n", "\n").rstrip()))
    for note in notes:
        console.print(Text(note), style="dim")
    picture = console.export_svg(title="typedtrack", unique_id="typedtrack")
    path.write_text(_FONTS.sub("", picture) + "\n", "utf-8")  # without fonts from the network


def write_report(browser: Browser, base: Path, path: Path, scheme: Literal["light", "dark"]) -> None:
    """Write a report of *base*, and then a picture of its first screen to *path*."""
    file = base.parent / "report.html"
    open_tracker(base).frame().report(file, by="accuracy", title="Three models, 36 trials")
    page = browser.new_page(viewport={"width": 1100, "height": 860}, color_scheme=scheme)
    page.goto(file.as_uri())
    page.wait_for_selector("html[data-ready=true]", state="attached")
    with Image.open(io.BytesIO(page.screenshot(animations="disabled"))) as picture:
        picture.quantize(_COLOURS).save(path, optimize=True)
    page.close()


def _write_all(target: Path) -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        base = Path(folder, "results")
        put_sweep(base)
        for name, command in COMMANDS.items():
            write_terminal(command, Path(folder), target / f"{name}.svg")
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-lcd-text"]
        )
        for scheme in SCHEMES:
            write_report(browser, base, target / f"report-{scheme}.png", scheme)
        browser.close()


if __name__ == "__main__":
    _write_all(Path(sys.argv[1]))
