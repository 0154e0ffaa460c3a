"""The page of a report as one HTML document: words, data as JSON, style and script.

Names and values are data. They are in the page as escaped text, or as JSON from which the script makes text. The
content security policy allows only that script to run, and allows no request.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from typing import Final

from typedtrack._results.values import EXACT_IN_DOUBLES, Value
from typedtrack.report.contents import Column, Contents, text_of

__all__ = ["page"]

_ESCAPES: Final = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
_HOW_TO_BUILD: Final = "the report's script is not built: run `make report` in the clone, or install a wheel"


def page(contents: Contents, title: str, notes: Sequence[str]) -> str:
    """Return the page of *contents* as HTML, with *notes* on the best results and on those left out.

    Raises:
        FileNotFoundError: the script is not built, as in an editable install; says how to build it.
    """
    style = (files("typedtrack.report") / "report.css").read_text(encoding="utf-8")
    try:
        script = (files("typedtrack.report") / "bundle" / "report.js").read_text(encoding="utf-8")
    except FileNotFoundError:
        raise FileNotFoundError(_HOW_TO_BUILD) from None
    policy = f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'"
    words = "".join(f"<p>{escape(note)}</p>" for note in notes)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(title)}</title>
<style>{style}</style>
</head>
<body>
<h1>{escape(title)}</h1>
<div class="soft">{words}</div>
<div class="tools">
<label for="filter">Filter</label><input id="filter" type="search" placeholder="any text of a row">
<button id="reset" type="button">Show all rows</button>
</div>
<p id="count" role="status"></p>
<section id="lines" hidden aria-label="Parallel coordinates">
<h2>Parallel coordinates</h2>
<p class="soft">One line a row; it passes straight over an axis for which the row has no value.
Drag along an axis to keep the rows in that range; click the axis to keep all.</p>
<div id="parallel" role="img" aria-label="Parallel coordinates of the rows; the table has the same values"></div>
</section>
<section id="charts" hidden aria-label="Plots">
<h2>Plots</h2>
<div class="tools"><label for="metric">Metric</label><select id="metric"></select></div>
<div id="plots"></div>
</section>
<section aria-label="Table">
<h2>Table</h2>
<div class="scroll"><table id="results" aria-label="Results"><thead><tr></tr></thead><tbody></tbody></table></div>
<p><button id="more" type="button" hidden>Show more rows</button></p>
</section>
<script type="application/json" id="data">{_as_json(contents)}</script>
<script>{script}</script>
</body>
</html>
"""


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _as_json(contents: Contents) -> str:
    data = {
        "rows": contents.rows,
        "by": contents.by,
        "highest": contents.direction == "max",
        "columns": [_column(column) for column in contents.columns],
    }
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return "".join(_ESCAPES.get(character, character) for character in text)


def _column(column: Column) -> dict[str, object]:
    written: dict[str, object] = {
        "name": column.name,
        "number": column.is_number,
        "values": _values(column.values, is_number=column.is_number),
    }
    if column.errors is not None:
        written["errors"] = _values(column.errors, is_number=True)
    return written


def _values(values: Sequence[Value | None], *, is_number: bool) -> list[Value | None]:
    """Return *values* as JSON has them: a number that it lacks, or that JavaScript would round, is its text."""
    return [value if value is None or (is_number and _is_json_number(value)) else text_of(value) for value in values]


def _is_json_number(value: Value) -> bool:
    if isinstance(value, int):
        return abs(value) <= EXACT_IN_DOUBLES  # JavaScript's numbers are doubles
    return isinstance(value, float) and math.isfinite(value)
