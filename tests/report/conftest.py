"""A browser, and pages in it that note every script, request and error that must not be."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.report.pictures import CHROMIUM
from typedtrack import Value
from typedtrack._results.chunks import Chunk, Direction
from typedtrack.report.contents import contents_of
from typedtrack.report.page import page as page_of

Columns = Mapping[str, Sequence[Value | None]]

PATIENCE = 300
"""Seconds after which a page that does not get there fails its test; no busy machine takes so long."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return a headless Chromium, running.

    Playwright's event loop runs in the thread of the tests until the fixture ends: no other test can have its own.
    """
    if CHROMIUM is None:
        absent = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        absent("no Chromium on this machine; `make servers` installs it")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
        )
        yield browser
        browser.close()


@pytest.fixture
def visited(browser: Browser) -> Iterator[Callable[[Path, str], Page]]:
    """Return the function that opens a report with a fragment; at the end it must have been a quiet page."""
    noise: list[str] = []
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    context.set_default_timeout(PATIENCE * 1000)

    def visit(file: Path, fragment: str = "") -> Page:
        page = context.new_page()
        page.on("console", lambda message: noise.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: noise.append(f"error: {error}"))
        page.on("dialog", lambda dialog: noise.append(f"dialog: {dialog.message}"))
        url = file.as_uri()
        page.on("request", lambda request: noise.append(request.url) if request.url != url else None)
        page.goto(f"{url}{fragment}")
        page.wait_for_selector("html[data-ready=true]", state="attached")
        return page

    yield visit
    context.close()
    assert noise == []


@pytest.fixture
def opened(visited: Callable[[Path, str], Page], tmp_path: Path) -> Callable[..., Page]:
    """Return the function that opens the report of some columns."""

    def open_page(
        columns: Columns,
        keys: Sequence[str] = ("key",),
        by: str | None = None,
        direction: Direction = "max",
        *,
        title: str = "results",
        fragment: str = "",
    ) -> Page:
        rows = len(next(iter(columns.values())))
        file = tmp_path / "report.html"
        chunks = [Chunk(rows, columns)] if rows else []
        contents = contents_of(chunks, keys, by, direction)
        file.write_text(page_of(contents, title, contents.notes), encoding="utf-8")
        return visited(file, fragment)

    return open_page
