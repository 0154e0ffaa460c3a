"""``python -m benchmarks.plots``: draws the tables of benchmarks/README.md, one picture for each of its sections.

A picture shows the ratio of each contestant to the limit on a logarithmic axis: a dot for the median, a line between
the quartiles, and a mark for the aim. typedtrack is blue, and all others are grey.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Final, NamedTuple

__all__ = ["PAGE", "draw", "pictures", "sections"]

PAGE: Final = Path(__file__).with_name("README.md")

_LABELS, _WIDTH, _MARGIN = 360, 820, 24  # pixels: of the names, of the picture, and at its right
_ROW, _TOP = 18, 34
_TICKS: Final = (0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)
_STYLE: Final = """
text { font: 12px system-ui, sans-serif; fill: #222 }
.title { font-weight: 600 }
.tick { fill: #777; text-anchor: middle }
.grid { stroke: #ddd }
.limit { stroke: #888 }
.other { fill: #888; stroke: #888 }
.ours { fill: #0b62c4; stroke: #0b62c4 }
.aim { stroke: #d1570a; stroke-width: 2 }
@media (prefers-color-scheme: dark) {
text { fill: #ddd }
.tick { fill: #999 }
.grid { stroke: #3a3a3a }
.ours { fill: #6cb2ff; stroke: #6cb2ff }
.aim { stroke: #ff9a52 }
}
"""


class Line(NamedTuple):
    """One contestant: its ratio to the limit, the quartiles of the ratio, and its aim."""

    name: str
    ratio: float
    low: float
    high: float
    aim: float | None


class Group(NamedTuple):
    """The contestants of one table, or of one of its columns."""

    title: str
    lines: list[Line]


def sections(page: str) -> Iterator[tuple[str, list[Group]]]:
    """Yield the title of each section of *page* that has tables with ratios, and what they hold."""
    for part in re.split(r"^## ", page, flags=re.MULTILINE)[1:]:
        title, _, text = part.partition("\n")
        groups = [group for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE) for group in _groups(table)]
        if groups:
            yield title, groups


def _groups(table: str) -> Iterator[Group]:
    head, _, *rows = [[cell.strip() for cell in row.strip().strip("|").split("|")] for row in table.splitlines()]
    if "ratio" in head:
        ratio, aim = head.index("ratio"), head.index("aim")
        lines = [_line(row[0], row[ratio], row[aim], row[head.index("quartiles")]) for row in rows]
        yield Group(head[0], [line for line in lines if line is not None])
        return
    aims = head.index("aim") if "aim" in head else None
    for column in range(1, len(head)):
        if column == aims:
            continue
        found = [_line(row[0], row[column], row[aims] if aims else row[0], at=column - 1) for row in rows]
        if lines := [line for line in found if line is not None]:
            yield Group(", ".join(filter(None, (head[column], head[0]))), lines)


def _line(name: str, ratio: str, aim: str, quartiles: str = "", at: int = 0) -> Line | None:
    """Return the line of one row; `None` if it has no ratio, or is the limit.

    *aim* may name one aim for each column, as in "(aims: ≤ 1.1, 1.2)"; *at* is the number of the column.
    """
    if not re.fullmatch(r"[\d.]+", ratio) or name.startswith("limit"):
        return None
    low, high = quartiles.split(" to ") if quartiles else (ratio, ratio)
    aims = re.findall(r"\d+(?:\.\d+)?", aim.partition("≤")[2])
    wanted = float(aims[min(at, len(aims) - 1)]) if aims else None
    return Line(re.sub(r"`| \(aims?:.*", "", name), float(ratio), float(low), float(high), wanted)


def draw(title: str, groups: list[Group]) -> str:
    """Return a picture of *groups* as SVG."""
    every = [line for group in groups for line in group.lines]
    least = min(0.9, *(min(line.low, line.ratio) for line in every))
    most = max(2.2, *(max(line.high, line.ratio) for line in every))
    scale = (_WIDTH - _LABELS - _MARGIN) / math.log(most / least)

    def place(ratio: float) -> str:
        return f"{_LABELS + scale * math.log(ratio / least):.1f}"

    height = _TOP + _ROW * (len(every) + 1.5 * len(groups)) + 8
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height:g}" role="img">',
        f"<title>{escape(title)}: ratios to the limit</title>",
        f"<style>{_STYLE}</style>",
    ]
    for tick in _TICKS:
        if least <= tick <= most:
            parts.append(f'<text class="tick" x="{place(tick)}" y="14">{tick:g}</text>')
            kind = "limit" if tick == 1 else "grid"
            parts.append(f'<path class="{kind}" d="M{place(tick)} 20V{height - 8:g}"/>')
    top = float(_TOP)
    for group in groups:
        parts.append(f'<text class="title" x="0" y="{top:g}">{escape(group.title)}</text>')
        for line in group.lines:
            top += _ROW
            kind = "ours" if _is_ours(line) else "other"
            middle = top - 4
            parts.append(f'<text x="12" y="{top:g}">{escape(line.name)}</text>')
            parts.append(f'<path class="{kind}" d="M{place(line.low)} {middle:g}H{place(line.high)}"/>')
            parts.append(f'<circle class="{kind}" cx="{place(line.ratio)}" cy="{middle:g}" r="4"/>')
            if line.aim is not None:
                parts.append(f'<path class="aim" d="M{place(line.aim)} {middle - 7:g}v14"/>')
        top += 1.5 * _ROW
    return "\n".join([*parts, "</svg>\n"])


def _is_ours(line: Line) -> bool:
    return line.aim is not None or re.search("typedtrack|frame|items|renewal", line.name) is not None


def pictures(page: str) -> dict[str, str]:
    """Return the pictures of *page*, by the names of their files."""
    return {
        f"{re.sub(r'[^a-z]+', '-', title.lower()).strip('-')}.svg": draw(title, groups)
        for title, groups in sections(page)
    }


def main() -> None:
    """Write the pictures."""
    folder = PAGE.with_name("plots")
    folder.mkdir(exist_ok=True)
    for name, picture in pictures(PAGE.read_text(encoding="utf-8")).items():
        (folder / name).write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main()
