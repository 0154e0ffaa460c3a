"""The page of a report, in a real browser: what it shows, how it filters, and that data never become script."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import pytest
from playwright.sync_api import Page

from tests.report.conftest import PATIENCE
from typedtrack import Value, open_tracker
from typedtrack.cli.app import run

Opened = Callable[..., Page]

SWEEP: dict[str, list[Value | None]] = {
    "key": [f"trial_{number}" for number in range(8)],
    "lr": [10.0**-number for number in range(8)],
    "optimizer": ["adam", "sgd"] * 4,
    "accuracy/mean": [0.1, 0.9, 0.5, 0.7, math.nan, 0.3, None, 0.8],
    "accuracy/sem": [0.01, 0.02, 0.01, math.nan, math.nan, 0.02, None, 0.03],
    "split": ["test"] * 8,
}

# One string for each kind of context in which a page could take data for script.
HOSTILE = [
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    '"><svg onload=alert(1)>',
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "{{constructor.constructor('alert(1)')()}}",
    "${alert(1)}",
    "<!--",
    "]]>",
    "--><script>alert(1)</script>",
    "\u2028alert(1)\u2029",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<style>@import 'http://127.0.0.1/x.css'</style>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "{a|rich} {@value} {b} <b>bold</b>",
    "__proto__",
    "constructor",
]


def until(page: Page, condition: str) -> None:
    """Wait until *condition* holds; Playwright's own way would need a page that lets texts be evaluated.

    A page that never gets there fails the test.
    """
    deadline = time.monotonic() + PATIENCE
    while not page.evaluate(condition):
        assert time.monotonic() < deadline, f"the page does not get there in {PATIENCE} seconds: {condition}"
        page.wait_for_timeout(20)


def cells(page: Page, column: int) -> list[str]:
    """Return the texts of a column of the table, from top to bottom."""
    return page.locator(f"#results tbody tr td:nth-child({column + 1})").all_text_contents()


def test_the_best_row_comes_first_and_is_named(opened: Opened) -> None:
    """Rows are sorted by the metric; rows without it and columns that never change are named."""
    page = opened(SWEEP, by="accuracy")
    assert cells(page, 0) == [f"trial_{number}" for number in (1, 7, 3, 2, 5, 0, 4)]
    assert cells(page, 3)[:3] == ["0.9 ± 0.02", "0.8 ± 0.03", "0.7 ± NaN"]
    notes = page.locator("body > .soft p").all_text_contents()
    assert notes == [
        "Best: trial_1 (accuracy 0.9)",
        "1 row without accuracy left out",
        "accuracy is NaN or infinite in 1 row, which no chart can show",
        "The same in each of these rows: split = test",
    ]


def test_a_mean_is_rounded_by_its_error_as_top_shows_it(
    opened: Opened, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The page and the command line have the same digits."""
    stats = {
        (0.826488, 0.0232092): "0.826 ± 0.023",
        (0.5, 0.25): "0.5 ± 0.25",
        (1312.4, 102.099): "1312 ± 102",
        (0.1234567, 1e-9): "0.123457 ± 1e-09",
        (0.1, 0.0): "0.1 ± 0",
        (0.09, math.nan): "0.09 ± NaN",
        (-3.14159, 0.00123): "-3.1416 ± 0.0012",
        (-1234.5678, 9.96): "-1234.6 ± 10",
    }
    base = tmp_path / "base"
    open_tracker(base).put_many({f"k{n}": {"x/mean": mean, "x/sem": sem} for n, (mean, sem) in enumerate(stats)})
    assert run(["top", str(base), "--by", "x", "--columns", "x"]) == 0
    expected = [stats[stat] for stat in sorted(stats, reverse=True)]
    assert capsys.readouterr().out.splitlines() == expected
    columns = {"key": [*map(str, stats)], "x/mean": [mean for mean, _ in stats], "x/sem": [sem for _, sem in stats]}
    spelled = [text.replace("1e-09", "1e-9") for text in expected]
    assert cells(opened(columns, by="x"), 1) == spelled


def test_a_click_on_a_name_sorts_and_a_second_one_turns_the_order(opened: Opened) -> None:
    """Numbers begin with the greatest, texts with the first; NaN stays last."""
    page = opened(SWEEP, by="accuracy")
    page.get_by_role("button", name="key").click()
    assert cells(page, 0) == [f"trial_{number}" for number in (0, 1, 2, 3, 4, 5, 7)]
    page.get_by_role("button", name="key").click()
    assert cells(page, 0)[0] == "trial_7"
    page.get_by_role("button", name="accuracy").click()
    page.get_by_role("button", name="accuracy").click()
    assert cells(page, 0) == [f"trial_{number}" for number in (0, 5, 2, 3, 7, 1, 4)]
    assert page.locator("th[aria-sort=ascending]").inner_text().startswith("accuracy")


def test_text_filters_the_table(opened: Opened) -> None:
    """A row stays if any of its texts has the words; the count says so."""
    page = opened(SWEEP, by="accuracy")
    page.get_by_label("Filter").fill("SGD")
    assert set(cells(page, 2)) == {"sgd"}
    assert page.locator("#count").inner_text() == f"{len(cells(page, 2))} of 7 rows pass the filters."
    page.get_by_role("button", name="Show all rows").click()
    assert len(cells(page, 0)) == 7


def test_a_brush_on_an_axis_leaves_the_rows_in_its_range(opened: Opened) -> None:
    """A drag along the axis of the metric keeps the rows within it, in the table and in the address."""
    page = opened(SWEEP, by="accuracy")
    box = page.locator("#parallel").bounding_box()
    assert box is not None
    axis = box["x"] + box["width"] - 60  # the last axis is that of the metric
    top, bottom = box["y"] + 36, box["y"] + box["height"] - 20
    page.mouse.move(axis, top + 1)
    page.mouse.down()
    page.mouse.move(axis, top + (bottom - top) * 0.3, steps=5)
    page.mouse.up()
    until(page, "document.querySelectorAll('#results tbody tr').length < 7")
    assert cells(page, 0) == ["trial_1", "trial_7", "trial_3"]
    assert '"r":[[3,' in page.evaluate("decodeURIComponent(location.hash)")


def test_the_address_keeps_the_state(opened: Opened) -> None:
    """A page that is opened with the fragment of another shows the same rows; a broken fragment is ignored."""
    state = {"m": 3, "s": 0, "d": 0, "t": "adam", "k": 3, "r": [[3, 0.4, 1.0]]}
    page = opened(SWEEP, by="accuracy", fragment=f"#{quote(json.dumps(state))}")
    assert cells(page, 0) == ["trial_2"]
    assert page.locator("tr[aria-current=true]").count() == 1
    for broken in ("#%", "#null", "#[1]", f"#{quote(json.dumps({'m': 99, 's': 'x', 'r': 5, 'k': -1}))}"):
        page = opened(SWEEP, by="accuracy", fragment=broken)
        assert len(cells(page, 0)) == 7
        assert page.locator("th[aria-sort=descending]").inner_text() == "accuracy"


def test_a_click_marks_a_row_and_the_keyboard_does_so_too(opened: Opened) -> None:
    """A row is marked by a click, and by Enter when it has the focus."""
    page = opened(SWEEP, by="accuracy")
    page.locator("#results tbody tr").nth(2).click()
    assert page.locator("tr[aria-current=true] td").first.inner_text() == "trial_3"
    page.locator("#results tbody tr").nth(0).focus()
    page.keyboard.press("Enter")
    assert page.locator("tr[aria-current=true] td").first.inner_text() == "trial_1"


def test_names_and_values_are_data(opened: Opened) -> None:
    """Hostile keys, field names and values are shown as they are: no script runs, nothing is requested."""
    columns: dict[str, list[Value | None]] = {"key": [f"{text}-{number}" for number in (0, 1) for text in HOSTILE]}
    rows = len(columns["key"])
    for text in HOSTILE:
        columns[text] = [number / 7 for number in range(rows)]
        columns[f"{text}/mean"] = [number / 7 for number in range(rows)]
        columns[f"stat {text}/mean"] = [number / 7 for number in range(rows)]
        columns[f"stat {text}/sem"] = [0.1] * rows
        columns[f"text {text}"] = [text, "other"] * (rows // 2)
        columns[f"constant {text}"] = [text] * rows
    page = opened(columns, by=f"stat {HOSTILE[0]}")
    assert cells(page, 0) == columns["key"][::-1]
    assert page.locator("#results th button").all_text_contents()[1] == HOSTILE[0]
    for text in HOSTILE:
        page.get_by_label("Filter").fill(text.strip())
        page.locator("#results tbody tr").first.click()
    page.get_by_label("Metric").select_option(label=HOSTILE[1])
    page.mouse.move(300, 400)
    assert page.locator("script").count() == 2


@pytest.mark.parametrize("title", [HOSTILE[1], HOSTILE[9], HOSTILE[13]])
def test_a_title_is_data(opened: Opened, title: str) -> None:
    """The heading has the title as it is given."""
    page = opened(SWEEP, title=title)
    assert (page.locator("h1").text_content(), page.title()) == (title, title)


@pytest.mark.parametrize(
    "columns",
    [
        {"key": []},
        {"key": ["one"], "loss": [1.0]},
        {"key": ["one", "two"], "loss": [1.0, 1.0]},
        {"key": ["one", "two"], "loss": [math.nan, math.inf]},
        {"key": ["one", "two"], "note": ["a", "b"]},
        {"key": ["a", "b"], **{f"field {number}": [float(number), 1.0] for number in range(200)}},
        {"key": ["a", "b"], "seed": [2**64 - 1, -(2**63)], "loss": [1.0, 2.0]},
    ],
    ids=["none", "one", "constant", "not finite", "no number", "200 columns", "huge ints"],
)
def test_odd_results_make_a_page(opened: Opened, columns: dict[str, list[Value | None]]) -> None:
    """Few, equal, extreme or many values make a page that works."""
    page = opened(columns)
    assert page.locator("#results tbody tr").count() == len(columns["key"])
    if "seed" in columns:
        assert set(cells(page, 1)) == {str(2**64 - 1), str(-(2**63))}


def test_ten_thousand_rows_make_a_page_under_three_megabytes(opened: Opened) -> None:
    """The table shows 200 rows at a time; a button shows more."""
    count = 10_000
    columns: dict[str, list[Value | None]] = {"key": [f"trial_{number}" for number in range(count)]}
    columns |= {f"field {place}": [number * (place + 1) / 7 for number in range(count)] for place in range(6)}
    page = opened(columns)
    assert page.evaluate("document.documentElement.outerHTML.length") < 3_000_000
    assert page.locator("#results tbody tr").count() == 200
    page.get_by_role("button", name="Show more rows").click()
    assert page.locator("#results tbody tr").count() == 400


def test_it_fits_a_narrow_window_and_follows_the_colours_of_the_machine(opened: Opened) -> None:
    """At 390 pixels nothing but the table scrolls sideways, and the dark mode has a dark page."""
    page = opened(SWEEP, by="accuracy")
    page.set_viewport_size({"width": 390, "height": 800})
    until(page, "document.documentElement.scrollWidth <= 390")  # the charts follow a moment later
    schemes: tuple[tuple[Literal["dark", "light"], str], ...]
    schemes = ("dark", "rgb(20, 24, 31)"), ("light", "rgb(255, 255, 255)")
    for scheme, colour in schemes:
        page.emulate_media(color_scheme=scheme)
        until(page, f"getComputedStyle(document.body).backgroundColor === '{colour}'")
