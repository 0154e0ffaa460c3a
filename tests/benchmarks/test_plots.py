"""The pictures of the benchmarks show what the tables say."""

from __future__ import annotations

from xml.etree import ElementTree

from benchmarks.plots import PAGE, pictures, sections

PAGE_OF_TWO = """# Title

## Local disk

| put | median | ratio | quartiles | aim |
|---|--:|--:|:-:|--:|
| limit: system calls | 26 µs | 1.00 | 1.00 to 1.00 |  |
| typedtrack & co | 34 µs | 1.31 | 1.24 to 1.37 | ≤ 1.5 |
| torchx | 95 µs | 3.61 | 3.47 to 3.77 |  |

## Words

No table with a ratio:

| memory | MB |
|---|---|
| frame | 143 MB |

## Stores

| 5,000 keys | put | get |
|---|--:|--:|
| limit: raw | 5.3 s | 3.2 s |
| typedtrack (aims: ≤ 1.15, 1.2) | 0.98 | 1.01 |
"""


def test_sections_have_the_ratios_of_their_tables() -> None:
    """One group for a table with quartiles, else one for each column; limits and times are left out."""
    (local, (put,)), (stores, columns) = sections(PAGE_OF_TWO)
    assert (local, put.title) == ("Local disk", "put")
    assert put.lines == [("typedtrack & co", 1.31, 1.24, 1.37, 1.5), ("torchx", 3.61, 3.47, 3.77, None)]
    assert (stores, [group.title for group in columns]) == ("Stores", ["put, 5,000 keys", "get, 5,000 keys"])
    assert [group.lines for group in columns] == [
        [("typedtrack", 0.98, 0.98, 0.98, 1.15)],
        [("typedtrack", 1.01, 1.01, 1.01, 1.2)],
    ]


def test_a_picture_has_a_dot_for_each_ratio_and_a_mark_for_each_aim() -> None:
    """It is XML, whatever the names hold."""
    found = pictures(PAGE_OF_TWO)
    assert list(found) == ["local-disk.svg", "stores.svg"]
    picture = ElementTree.fromstring(found["local-disk.svg"])
    svg = "{http://www.w3.org/2000/svg}"
    assert [dot.get("class") for dot in picture.iter(f"{svg}circle")] == ["ours", "other"]
    assert [mark.get("class") for mark in picture.iter(f"{svg}path")].count("aim") == 1
    assert "typedtrack & co" in [text.text for text in picture.iter(f"{svg}text")]


def test_the_pictures_are_those_of_the_page() -> None:
    """After a change of a table: ``python -m benchmarks.plots``. The page shows each picture."""
    page = PAGE.read_text(encoding="utf-8")
    found = {path.name: path.read_text(encoding="utf-8") for path in PAGE.with_name("plots").iterdir()}
    assert found == pictures(page)
    assert all(f"](plots/{name})" in page for name in found)
