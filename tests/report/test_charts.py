"""The charts of a report, by the pixels that a browser draws, and what keyboard, screen reader and paper get."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, Error, Locator, Page

from tests.report.test_page import SWEEP, cells, until
from typedtrack import Value, open_tracker

Opened = Callable[..., Page]
Visited = Callable[[Path], Page]

POINT = (47, 111, 181)
POINT_IN_THE_DARK = (106, 169, 238)
MARK = (217, 72, 15)
_NEAR = 120  # of 765: the colour where it is transparent, and no other
MARKED = "tr[aria-current=true] td"


def drawn(place: Locator, colour: tuple[int, int, int]) -> NDArray[numpy.bool_]:
    """Return which pixels of *place* have nearly the *colour*."""
    with Image.open(io.BytesIO(place.screenshot(animations="disabled"))) as picture:
        pixels = numpy.asarray(picture.convert("RGB"), dtype=float)
    distances: NDArray[numpy.float64] = numpy.abs(pixels - numpy.array(colour)).sum(axis=2)
    return distances < _NEAR


def centres(mask: NDArray[numpy.bool_]) -> list[float]:
    """Return the middle of each group of columns that have such a pixel."""
    columns = numpy.flatnonzero(mask.any(axis=0))
    groups = numpy.split(columns, numpy.flatnonzero(numpy.diff(columns) > 1) + 1)
    return [float(group.mean()) for group in groups]


def plot(page: Page, caption: str) -> Locator:
    """Return the plot with that caption."""
    return page.locator("figure").filter(has_text=caption).locator("canvas")


def brush(page: Page, axis: int, axes: int, start: float, end: float) -> None:
    """Drag along an axis of the parallel coordinates, from one share of its height to another, from the top."""
    box = page.locator("#parallel").bounding_box()
    assert box is not None
    x = box["x"] + 40 + (box["width"] - 100) * axis / (axes - 1)
    top, height = box["y"] + 36, box["height"] - 56
    page.mouse.move(x, top + height * start)
    page.mouse.down()
    page.mouse.move(x, top + height * end, steps=5)
    page.mouse.up()


def test_an_axis_is_logarithmic_from_two_decades_on(opened: Opened) -> None:
    """Powers of ten stand at equal distances; below two decades the axis is linear."""
    columns: dict[str, list[Value | None]] = {
        "key": [f"k{number}" for number in range(5)],
        "wide": [10.0 ** (number - 4) for number in range(5)],
        "narrow": [2.0**number for number in range(5)],
        "signed": [-1.0, 1.0, 10.0, 100.0, 1000.0],
        "y": [0.5, 0.4, 0.6, 0.3, 0.7],
    }
    page = opened(columns, by="y")
    steps = numpy.diff(centres(drawn(plot(page, "y over wide"), POINT)))
    assert len(steps) == 4
    assert max(steps) - min(steps) <= 2
    steps = numpy.diff(centres(drawn(plot(page, "y over narrow"), POINT)))
    assert numpy.allclose(steps / steps[0], [1, 2, 4, 8], rtol=0.3)
    assert len(centres(drawn(plot(page, "y over signed"), POINT))) < 5  # -1, 1 and 10 lie side by side


def test_error_bars_are_drawn_below_200_points(opened: Opened) -> None:
    """From 200 on they would hide the points."""
    heights: dict[int, int] = {}
    for count in (199, 200):
        columns: dict[str, list[Value | None]] = {
            "key": [f"k{number}" for number in range(count)],
            "x": [float(number) for number in range(count)],
            "y/mean": [0.4 + 0.2 * (number % 2) for number in range(count)],
            "y/sem": [0.05] * count,
        }
        columns["y/sem"][0] = math.nan
        mask = drawn(plot(opened(columns, by="y"), "y over x"), POINT)
        heights[count] = int(mask.any(axis=1).sum())
    assert heights[199] > heights[200] + 20


def test_a_row_is_marked_everywhere(opened: Opened) -> None:
    """A click on a row marks it in each chart, and a second click does so no longer."""
    page = opened(SWEEP, by="accuracy")
    charts = [page.locator("#parallel"), plot(page, "accuracy over lr"), plot(page, "accuracy over optimizer")]
    row = page.locator("#results tbody tr").nth(2)
    for marked in (False, True, False):
        assert [bool(drawn(chart, MARK).any()) for chart in charts] == [marked] * 3
        row.click()


def test_a_line_passes_over_an_axis_without_a_value(opened: Opened) -> None:
    """A row without the only text of a column is not drawn at that text."""
    columns: dict[str, list[Value | None]] = {"key": ["a", "b"], "note": ["n", None], "x": [1.0, 2.0], "y": [1.0, 2.0]}
    page = opened(columns, by="y")
    page.locator("#results tbody tr").first.click()
    assert page.locator(MARKED).first.inner_text() == "b"
    mask = drawn(page.locator("#parallel"), MARK)
    key, note = (mask[:, int(40 + (mask.shape[1] - 100) * axis / 3 + 4)] for axis in (0, 1))
    x = mask[:, int(40 + (mask.shape[1] - 100) * 2 / 3 - 4)]
    heights = [float(numpy.flatnonzero(column).mean()) for column in (key, note, x)]
    assert heights[0] > heights[1] > heights[2]  # straight from the key to the top of x, not by the text in the middle


def test_a_click_on_a_point_marks_its_row(opened: Opened) -> None:
    """Also in the table."""
    page = opened({"key": ["low", "high"], "x": [1.0, 2.0], "y": [1.0, 2.0]}, by="y")
    chart = plot(page, "y over x")
    mask = drawn(chart, POINT)
    x = centres(mask)[0]
    y = float(numpy.flatnonzero(mask[:, int(x)]).mean())
    chart.click(position={"x": x, "y": y})
    assert page.locator(MARKED).first.inner_text() == "low"


def test_a_brush_works_on_axes_of_each_kind(opened: Opened) -> None:
    """On a logarithmic axis and on one of categories; two brushes leave the rows in both, a click removes one."""
    page = opened(SWEEP, by="accuracy")
    brush(page, 1, 4, 0.0, 0.35)
    until(page, "document.querySelectorAll('#results tbody tr').length === 3")
    assert cells(page, 0) == ["trial_1", "trial_2", "trial_0"]
    brush(page, 2, 4, 0.02, 0.5)
    until(page, "document.querySelectorAll('#results tbody tr').length === 1")
    assert cells(page, 0) == ["trial_1"]
    assert page.locator("#count").inner_text() == "1 of 7 rows pass the filters."
    assert len(centres(drawn(plot(page, "accuracy over lr"), POINT))) == 1
    brush(page, 1, 4, 0.9, 0.9)
    until(page, "document.querySelectorAll('#results tbody tr').length > 1")
    assert set(cells(page, 2)) == {"sgd"}
    page.get_by_role("button", name="Show all rows").click()
    assert len(cells(page, 0)) == 7


def test_a_thousand_rows_are_sorted_filtered_and_brushed(opened: Opened) -> None:
    """The table shows 200 of them at a time, and filters apply to all."""
    count = 1000
    columns: dict[str, list[Value | None]] = {
        "key": [f"trial_{number}" for number in range(count)],
        "lr": [10.0 ** -(number % 5) for number in range(count)],
        "loss": [number / 7 for number in range(count)],
    }
    page = opened(columns, by="loss", direction="min")
    assert cells(page, 0) == [f"trial_{number}" for number in range(200)]
    page.get_by_role("button", name="loss").click()
    assert cells(page, 0)[0] == "trial_999"
    page.get_by_label("Filter").fill("trial_99")
    assert len(cells(page, 0)) == 11
    page.get_by_role("button", name="Show all rows").click()
    brush(page, 1, 2, 0.0, 0.1)
    until(page, "!document.getElementById('count').textContent.startsWith('The first')")
    left = cells(page, 0)
    assert left == [f"trial_{number}" for number in range(999, 999 - len(left), -1)]
    assert 60 <= len(left) <= 100
    assert page.locator("#count").inner_text() == f"{len(left)} of 1000 rows pass the filters."


def test_results_that_all_failed_are_told(visited: Visited, tmp_path: Path) -> None:
    """The page has no rows, and says how many failed and how many cannot be read."""
    tracker = open_tracker(tmp_path / "base")
    for number in range(3):
        tracker.fail(f"trial_{number}", "out of memory")
    tracker.frame().report(tmp_path / "failed.html")
    page = visited(tmp_path / "failed.html")
    assert page.locator("body > .soft p").all_text_contents() == ["Failed and left out: 3"]
    assert page.locator("#count").inner_text() == "0 of 0 rows pass the filters."
    assert page.locator("canvas").count() == 0


def test_a_screen_reader_finds_the_parts_by_their_roles(opened: Opened) -> None:
    """Each part has a role and a name; the state of rows and columns is told, too."""
    page = opened(SWEEP, by="accuracy")
    table = page.get_by_role("table", name="Results")
    assert table.get_by_role("columnheader").all_inner_texts() == ["key", "lr", "optimizer", "accuracy"]
    assert table.get_by_role("row").count() == 8
    assert page.get_by_role("status").inner_text() == "7 of 7 rows pass the filters."
    parts: list[tuple[Literal["searchbox", "combobox", "button", "heading", "region", "img"], str]] = [
        ("searchbox", "Filter"), ("combobox", "Metric"), ("button", "Show all rows"), ("heading", "results"),
        ("region", "Table"), ("region", "Plots"), ("region", "Parallel coordinates"),
        ("img", "Parallel coordinates of the rows; the table has the same values"),
        ("img", "Plot of accuracy over lr; the table has the same values"),
    ]  # fmt: skip
    for role, name in parts:
        assert page.get_by_role(role, name=name, exact=True).count() == 1, (role, name)
    unnamed = page.get_by_role("img", name="Plot of").count()
    assert unnamed == page.locator(".plot").count()


def test_the_keyboard_reaches_everything(opened: Opened) -> None:
    """Tab goes from the filter to the button, the choice, the names of the columns and the rows."""
    page = opened(SWEEP, by="accuracy")
    page.get_by_label("Filter").focus()
    reached: list[str] = []
    for _ in range(8):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.textContent.slice(0, 7)"))
    assert reached == ["reset", "metric", "key", "lr", "optimiz", "accurac", "trial_1", "trial_7"]
    page.keyboard.press(" ")
    assert page.locator(MARKED).first.inner_text() == "trial_7"
    assert page.evaluate("document.activeElement.matches('tr[aria-current=true]')")
    page.locator("th button").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("th[aria-sort=ascending]").inner_text().startswith("key")


def test_paper_is_white(opened: Opened) -> None:
    """In print there are no controls, the table is whole, and nothing is drawn in colours for the dark."""
    page = opened(SWEEP, by="accuracy")
    page.emulate_media(color_scheme="dark")
    until(page, "getComputedStyle(document.body).backgroundColor !== 'rgb(255, 255, 255)'")
    assert drawn(plot(page, "accuracy over lr"), POINT_IN_THE_DARK).any()
    page.emulate_media(color_scheme="dark", media="print")
    until(page, "getComputedStyle(document.body).backgroundColor === 'rgb(255, 255, 255)'")
    chart = plot(page, "accuracy over lr")
    until(page, "matchMedia('print').matches")
    assert drawn(chart, POINT).sum() > 50
    assert not page.get_by_label("Filter").is_visible()
    assert page.locator(".scroll").evaluate("element => getComputedStyle(element).overflowX") == "visible"
    assert page.pdf().startswith(b"%PDF-")


def test_the_policy_lets_nothing_else_run_or_load(browser: Browser, opened: Opened, tmp_path: Path) -> None:
    """Not a script that somebody adds, no text as script, no request, no picture and no frame."""
    opened(SWEEP, by="accuracy").close()
    page = browser.new_page()
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text))
    page.goto((tmp_path / "report.html").as_uri())
    for attempt in (
        "eval('1')",
        "new Function('return 1')()",
        "fetch('http://127.0.0.1:9/')",
        "new Promise((done, failed) => Object.assign(new Image(), {onload: done, onerror: failed, src: 'data:,x'}))",
    ):
        with pytest.raises(Error):
            page.evaluate(f"new Promise(later => setTimeout(later)).then(() => {attempt})")  # not Playwright's own
    page.evaluate(
        """() => { for (const [name, text] of [["script", "window.ran = 1"], ["style", "body { color: red }"]])
            document.body.append(Object.assign(document.createElement(name), {textContent: text})); }"""
    )
    assert page.evaluate("window.ran") is None
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(29, 36, 48)"
    assert all("Content Security Policy" in text for text in refused)
    assert len(refused) >= 4
    page.close()
