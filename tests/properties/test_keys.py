"""Any text is a key of its own, which is stored below the base and listed, or it is refused."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import cast

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.invalid_strategies import invalid_keys
from tests.trackers import snapshot
from typedtrack import InvalidKeyError, Key, KeyConflictError, open_tracker
from typedtrack._results.keys import is_key, key_text
from typedtrack.testing.strategies import keys


@settings(max_examples=300)
@given(keys())
@example("a*[b]?/{c}~@#%+=,:")
@example("x" * 255 + "/" + "é" * 127)
def test_a_key_round_trips_and_is_listed(key: Key) -> None:
    """A put makes one file, `<base>/<key>`. Listings show the text of the key, also below each of its prefixes."""
    with tempfile.TemporaryDirectory() as base:
        tracker = open_tracker(base)
        tracker[key] = {"n": 1}
        text = str(key)
        assert [path for path, data in snapshot(Path(base)).items() if data is not None] == [text]
        assert list(tracker) == [text]
        assert tracker[key] == tracker[text] == {"n": 1}
        assert key in tracker
        segments = text.split("/")
        for end in range(1, len(segments) + 1):
            assert list(tracker.keys("/".join(segments[:end]))) == [text]
        assert key_text(text) == text
        del tracker[key]
        assert list(tracker) == []


@given(invalid_keys())
def test_an_invalid_key_is_refused_by_every_call(invalid: object) -> None:
    """Each call raises, and changes no file inside the base or outside."""
    key = cast("Key", invalid)
    with tempfile.TemporaryDirectory() as parent:
        tracker = open_tracker(f"{parent}/base")
        tracker["a"] = {"n": 1}
        before = snapshot(Path(parent))
        for call in (tracker.get, tracker.get_bytes, tracker.wait, tracker.__delitem__, tracker.__contains__):
            with pytest.raises(InvalidKeyError):
                call(key)
        for write in (tracker.put, tracker.create):
            with pytest.raises(InvalidKeyError):
                write(key, n=2)
        with pytest.raises(ExceptionGroup):
            tracker.get_many([key])
        with pytest.raises(ExceptionGroup):
            tracker.put_many([(key, {"n": 2})])
        with pytest.raises(ExceptionGroup):
            list(tracker.wait_all([key]))
        assert snapshot(Path(parent)) == before


@settings(max_examples=500, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text() | st.text("./\\a\0 ~*é", max_size=12))
@example("../outside")
@example("a/../../outside")
@example("/etc/passwd")
def test_a_text_is_stored_below_the_base_or_refused(tmp_path: Path, text: str) -> None:
    """A key is stored below the base and listed; any other text raises `InvalidKeyError` and touches no file."""
    base = tmp_path / "parent" / "base"
    tracker = open_tracker(base)
    try:
        tracker[text] = {"n": 1}
    except InvalidKeyError:
        assert not is_key(text)
        return
    assert is_key(text)
    assert list(tracker) == [text]
    assert tracker[text] == {"n": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["parent"]
    assert [path.name for path in (tmp_path / "parent").iterdir()] == ["base"]
    del tracker[text]


@settings(max_examples=200)
@given(st.lists(keys(), min_size=2, max_size=6, unique_by=str))
def test_two_keys_never_share_a_file(several: list[Key]) -> None:
    """Each key keeps its own result. Only a key that is a folder of another key, or within another key, is refused."""
    with tempfile.TemporaryDirectory() as base:
        tracker = open_tracker(base)
        stored: dict[str, dict[str, int | float | str]] = {}
        for n, key in enumerate(several):
            try:
                tracker[key] = {"n": n}
            except KeyConflictError:
                text = str(key)
                assert any(other.startswith(f"{text}/") or text.startswith(f"{other}/") for other in stored)
            else:
                stored[str(key)] = {"n": n}
        assert dict(tracker.items()) == stored
