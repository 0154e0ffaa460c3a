"""The report of 10,000 results: how long it takes to write and to draw in a headless Chromium, and its size."""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from benchmarks.harness import Result
from typedtrack import open_tracker

__all__ = ["topics"]

_ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
_PAINTED = "new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)))"


def topics(folder: Path, quick: bool) -> Iterator[str]:
    """Yield one finished table."""
    count, rounds = (300, 2) if quick else (10_000, 5)
    tracker, file = open_tracker(folder / "base"), folder / "report.html"
    tracker.put_many(_trials(count))
    written: list[float] = []
    drawn: list[float] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_chromium(), args=_ARGUMENTS)
        for _ in range(rounds):
            began = time.perf_counter()
            tracker.frame().report(file, by="accuracy")
            written.append(time.perf_counter() - began)
            drawn.append(_seconds_to_draw(browser, file))
        browser.close()
    size = f"{file.stat().st_size / 1e6:.2f} MB"
    yield "\n".join(
        [
            f"| the report of {count:,} results | least | most | aim |",
            "|---|--:|--:|--:|",
            _line("write it", written, ""),
            _line("open it in Chromium until it is drawn", drawn, "≤ 3 s"),
            f"| its size | {size} | {size} | ≤ 3 MB |",
        ]
    )


def _chromium() -> str:
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        raise FileNotFoundError("no Chromium on this machine; `make servers` installs it")
    return found


def _line(name: str, seconds: list[float], aim: str) -> str:
    return f"| {name} | {min(seconds):.2f} s | {max(seconds):.2f} s | {aim} |"


def _trials(count: int) -> Iterator[tuple[str, Result]]:
    """Yield *count* results of a search, all different, each with its key."""
    draw = random.Random(1)
    for number in range(count):
        yield (
            f"trial_{number}",
            {
                "lr": 10 ** draw.uniform(-5, -1),
                "width": draw.randrange(8, 512),
                "dropout": draw.random(),
                "accuracy": draw.random(),
                "loss": draw.expovariate(1),
                "seconds": draw.uniform(1, 1e4),
                "opt": draw.choice(["adam", "sgd"]),
            },
        )


def _seconds_to_draw(browser: Browser, file: Path) -> float:
    began = time.perf_counter()
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    page.goto(file.as_uri())
    page.wait_for_selector("html[data-ready=true]", state="attached")
    page.evaluate(_PAINTED)
    drawn = time.perf_counter()
    page.close()
    return drawn - began
