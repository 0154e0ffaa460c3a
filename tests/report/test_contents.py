"""The contents of a report: its columns, its rows and its notes in words."""

from __future__ import annotations

import math
from unittest.mock import patch

from hypothesis import example, given
from hypothesis import strategies as st

from typedtrack import Value
from typedtrack._results.chunks import Chunk
from typedtrack.report import rows
from typedtrack.report.contents import contents_of

numbers = st.one_of(st.none(), st.integers(-3, 3), st.floats())


@given(st.lists(numbers, min_size=1, max_size=30), st.sampled_from(["max", "min"]), st.integers(1, 40))
@example([math.nan, 1.0, None], "max", 2)
def test_the_best_rows_stay_and_every_other_row_is_accounted_for(
    values: list[Value | None], direction: str, most: int
) -> None:
    """Rows without the metric are counted; of the others the best stay; NaN is worse than any number."""
    columns: dict[str, list[Value | None]] = {"key": [f"{number}" for number in range(len(values))], "x": values}
    there = [value for value in values if isinstance(value, (int, float))]
    chunk = Chunk(len(values), columns)
    found = contents_of([chunk], ("key",), None, direction, most)  # type: ignore[arg-type]  # drawn from both
    if not there:
        assert (found.by, found.rows) == (None, min(most, len(values)))
        return
    assert found.by is not None
    shown = [float(value) for value in found.columns[found.by].values if isinstance(value, (int, float))]
    assert found.rows == len(shown) == min(most, len(there))
    sign = -1.0 if direction == "max" else 1.0
    order = sorted((sign * value if not math.isnan(value) else math.inf) for value in map(float, there))
    assert sorted(sign * value if not math.isnan(value) else math.inf for value in shown) == order[: len(shown)]
    assert {*found.left_out} <= {*found.notes}
    words = " ".join(found.left_out)
    assert ("without x left out" in words) == (len(there) < len(values))
    assert (f"The best {most:,} of {len(there):,} rows" in words) == (most < len(there))


values = st.one_of(numbers, st.sampled_from(["a", "b"]))


@given(
    st.lists(st.tuples(values, values, numbers, numbers), min_size=1, max_size=30),
    st.integers(1, 10),
    st.integers(0, 200),
    st.sampled_from([None, "x", "y"]),
)
def test_the_contents_do_not_depend_on_the_chunks(
    values: list[tuple[Value | None, ...]], size: int, memory: int, by: str | None
) -> None:
    """Rows in one chunk or in many, in memory or in a file, are the same."""
    names = ["x", "y", "z/mean", "z/sem"]

    def found(size: int) -> str:
        parts = [values[start : start + size] for start in range(0, len(values), size)]
        columns = [dict(zip(names, map(list, zip(*part, strict=True)), strict=True)) for part in parts]
        chunks = [Chunk(len(of["x"]), {"key": ["k"] * len(of["x"]), **of}) for of in columns]
        try:
            return repr(contents_of(chunks, ("key",), by, "max", 10))
        except ValueError as error:
            return str(error)

    with patch.object(rows, "_MEMORY", memory):
        in_file = found(size)
    assert in_file == found(len(values))


def test_the_metric_is_a_float_where_there_is_one() -> None:
    """The first float field is the metric by default; a number in the key never is."""
    chunk = Chunk(2, {"seed": [1, 2], "epochs": [3, 4], "loss": [0.5, 0.25]})
    found = contents_of([chunk], ("seed",), None, "min")
    assert found.by is not None
    assert found.columns[found.by].name == "loss"
    assert found.notes[0] == "Best: 2 (loss 0.25)"
    found = contents_of([Chunk(2, {"seed": [1, 2], "epochs": [3, 4]})], ("seed",), None, "max")
    assert found.notes[0] == "Best: 2 (epochs 4)"


def test_a_stat_is_one_column_by_either_name() -> None:
    """A mean with its standard error is one column; a mean without one, or beside a field of its name, is two."""
    chunk = Chunk(1, {"key": ["a"], "x/mean": [1.0], "x/sem": [0.1], "y/mean": [1.0], "y/sem": [0.1], "y": [2.0]})
    for by in ("x", "x/mean"):
        found = contents_of([chunk], ("key",), by, "max")
        assert [column.name for column in found.columns] == ["key", "x", "y/mean", "y/sem", "y"]
        assert found.columns[1].errors == [0.1]


def test_fields_may_come_late_and_go() -> None:
    """Chunks need not have the same columns."""
    chunks = [Chunk(1, {"key": ["a"], "x": [1.0]}), Chunk(2, {"key": ["b", "c"], "y": [1, 2]})]
    found = contents_of(chunks, ("key",), "y", "max")
    assert {column.name: column.values for column in found.columns} == {"key": ["c", "b"], "y": [2, 1]}
    assert "The same in each of these rows: x = –" in found.notes  # the row that is left out has another x


def test_a_constant_that_json_lacks_is_named_as_in_a_stored_result() -> None:
    """Not as Python shows it."""
    chunk = Chunk(2, {"key": ["a", "b"], "x": [1, 2], "y": [math.nan] * 2, "z": [-math.inf] * 2})
    found = contents_of([chunk], ("key",), "x", "max")
    assert "The same in every row: y = NaN, z = -Infinity" in found.notes
