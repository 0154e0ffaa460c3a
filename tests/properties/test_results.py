"""Any valid result comes back with exact types and bits; any other is refused before anything is written."""

from __future__ import annotations

import json
import tempfile
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlite_tracker import SqliteResultTracker

from tests.invalid_strategies import invalid_field_names, invalid_values
from tests.trackers import exact, snapshot
from typedtrack import CorruptResultError, InvalidResultError, Key, Result, ResultTracker, open_tracker
from typedtrack._results.codec import encode
from typedtrack._results.other_types import remedy
from typedtrack._results.values import problems_of
from typedtrack.errors import shown
from typedtrack.testing.strategies import field_names, keys, results, values

_shared = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # one store for all examples is meant


@pytest.fixture(params=["local", "memory", "sqlite"])
def tracker(request: pytest.FixtureRequest, tmp_path: Path) -> ResultTracker:
    """Return an empty tracker of each kind."""
    if request.param == "sqlite":
        return SqliteResultTracker(str(tmp_path / "results.sqlite"))
    return open_tracker(tmp_path if request.param == "local" else f"memory://{uuid.uuid4()}")


@_shared
@given(keys(), results())
@example("k", {"key": 1, "self": 1.0, "x": -0.0})
@example("k", {"a": 5e-324, "b": float("nan"), "c": 2**64 - 1, "d": -(2**63)})
@example("k", {"é" * 128: "é" * 512, "b": "😀" * 256, "c": "x" * 1024, "d": ""})
def test_a_result_comes_back_as_it_was_put(tracker: ResultTracker, key: Key, result: Result) -> None:
    """Every call that puts and every call that gets keeps the result exactly."""
    given_result = dict(result)
    wanted = exact(result)
    tracker.put(key, result)
    assert exact(tracker.get(key)) == wanted
    del tracker[key]
    tracker.create(key, result)
    tracker.create(key, result)
    assert exact(tracker[key]) == exact(tracker.wait(key, 300)) == wanted
    del tracker[key]
    tracker.put_many([(key, result)])
    assert exact(tracker.get_many([key])[key]) == wanted
    assert [(found, exact(got)) for found, got in tracker.wait_all([key], 300)] == [(key, wanted)]
    assert [(found, exact(got)) for found, got in tracker.items(str(key))] == [(str(key), wanted)]
    assert exact(result) == exact(given_result)
    del tracker[key]


@given(results())
def test_what_is_stored_reads_as_the_reference_reads_it(result: Result) -> None:
    """Python's own json finds the same values, order and layout of a JSON object that ends in a newline."""
    data = encode(result)
    assert exact(json.loads(data.decode())) == exact(result)
    assert list(json.loads(data)) == list(result)
    assert data.startswith(b"{\n  ")
    assert data.endswith(b"\n}\n")


@_shared
@given(st.data())
def test_an_invalid_result_is_refused_before_anything_is_written(tmp_path: Path, data: st.DataObject) -> None:
    """One broken rule anywhere refuses the whole, on every call that puts, and names the field."""
    tracker = open_tracker(tmp_path)
    tracker["old"] = {"n": 1}
    before = snapshot(tmp_path)
    if data.draw(st.booleans(), "a bad value, not a bad name"):
        broken: Mapping[Any, Any] = {data.draw(field_names()): data.draw(invalid_values())}
    else:
        broken = {data.draw(invalid_field_names()): data.draw(values())}
    (field,) = broken
    result = cast("Result", {**data.draw(results()), **broken})
    places: tuple[Key, ...] = ("old", "new", "new/deep")
    for key in places:
        with pytest.raises(InvalidResultError) as caught:
            tracker.put(key, result)
        assert caught.value.key == key
        assert [p.field for p in caught.value.problems] == [field if isinstance(field, str) else shown(field)]
        with pytest.raises(InvalidResultError):
            tracker.create(key, result)
        with pytest.raises(ExceptionGroup) as group:
            tracker.put_many([(key, result)])
        assert group.group_contains(InvalidResultError)
    assert snapshot(tmp_path) == before


@given(st.dictionaries(field_names(), values(), max_size=3), st.data())
def test_the_rules_hold_on_get_as_on_put(result: Result, data: st.DataObject) -> None:
    """A get refuses every invalid result that JSON can express, too."""
    if data.draw(st.booleans(), "a bad value, not a bad name"):
        field: object = data.draw(field_names())
        value: object = data.draw(invalid_values().filter(_is_json))
    else:
        field, value = data.draw(invalid_field_names().filter(lambda name: isinstance(name, str))), 1
    assert isinstance(field, str)
    stored = json.dumps({**result, field: value}).encode()
    with tempfile.TemporaryDirectory() as base:
        Path(base, "k").write_bytes(stored)
        with pytest.raises(CorruptResultError) as caught:
            open_tracker(base).get("k")
        assert caught.value.file == f"{base}/k"
        assert caught.value.field == field
        assert open_tracker(base).get_bytes("k") == stored


def _is_json(value: object) -> bool:
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        return False
    return True


@given(st.dictionaries(field_names() | invalid_field_names(), values() | invalid_values(), max_size=4))
def test_put_and_the_rules_agree(mixed: dict[Any, Any]) -> None:
    """A put is refused exactly if a rule is broken, with every problem in order."""
    tracker = open_tracker(f"memory://{uuid.uuid4()}")
    problems = problems_of(mixed, remedy)
    if problems:
        with pytest.raises(InvalidResultError) as caught:
            tracker.put("k", mixed)
        assert list(caught.value.problems) == problems
        assert tracker["k"] == {}
    else:
        tracker.put("k", mixed)
        assert exact(tracker["k"]) == exact(mixed)
