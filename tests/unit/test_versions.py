"""Versions made of a mark and a time: two puts never share one, whatever the clocks show."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from typedtrack._tracker.backend import Listed
from typedtrack.backends import versions
from typedtrack.backends.versions import with_versions

NOW = 1_000_000.0


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop the clock of this machine."""
    monkeypatch.setattr(versions, "time", SimpleNamespace(time=lambda: NOW))


MARKS = st.sampled_from(["A", "B"])
PAUSES = st.floats(0, 5)
PUTS = st.lists(st.tuples(st.sampled_from("abc"), MARKS, PAUSES), min_size=1, max_size=20)


@given(
    before=PUTS,
    after=PUTS,
    age=PAUSES | st.just(1000.0),
    skew=st.floats(-900, 900),
    tick=st.sampled_from([0.001, 1.0]),
)
def test_a_put_after_the_listing_has_another_version(
    before: list[tuple[str, str, float]],
    after: list[tuple[str, str, float]],
    age: float,
    skew: float,
    tick: float,
) -> None:
    """Whether the store counts seconds or milliseconds, and its clock is ahead of this machine's or behind it."""
    page: dict[str, Listed] = {}
    now = NOW + skew - age - sum(pause for _, _, pause in before)
    for key, mark, pause in before:
        now += pause
        page[key] = (key, mark, now // tick * tick)
    listed = {key: version for key, version, _ in with_versions([[*page.values()]])}
    now = NOW + skew
    for key, mark, pause in after:
        now += pause
        assert listed.get(key) != f"{mark}-{now // tick * tick}"


def test_an_old_content_has_a_version() -> None:
    """A later one on the page, or this machine's clock, tells that it is old."""
    pages: list[list[Listed]] = [
        [("a", "1", NOW - 902), ("b", "1", NOW - 901.9)],
        [("a", "1", NOW - 7), ("b", "1", NOW - 5), ("c", "1", NOW - 8)],
        [("d", "1", NOW - 7), ("e", "1", NOW - 6.9)],
    ]
    assert [version for _, version, _ in with_versions(pages)] == [
        *("1-999098.0", None),
        *("1-999993.0", None, "1-999992.0"),
        *("1-999993.0", None),
    ]


def test_a_later_page_says_nothing_of_an_earlier_one() -> None:
    """A result of the first page may be replaced within its second, while the listing waits for the later page."""
    assert [version for _, version, _ in with_versions([[("a", "1", NOW - 7)], [("b", "1", NOW)]])] == [None, None]


def test_a_time_that_was_set_by_hand_makes_nothing_old() -> None:
    """It is later than any clock may show."""
    assert [version for _, version, _ in with_versions([[("a", "1", NOW), ("b", "1", NOW + 901)]])] == [None, None]


def test_a_file_without_a_mark_or_a_time_has_no_version() -> None:
    """A mark alone may return."""
    assert [*with_versions([[("a", "1", None), ("b", None, 5.0)]])] == [("a", None, None), ("b", None, 5.0)]
