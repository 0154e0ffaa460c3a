"""Tests of many keys: keys that look alike, folders, listings and bulk calls."""

from __future__ import annotations

from itertools import islice
from typing import Final

import pytest

from typedtrack import BulkError, Key, KeyConflictError, Result, ResultNotFoundError, ResultTracker
from typedtrack.testing.suites.one_key import KEYS
from typedtrack.testing.suites.store import Store

__all__ = ["ManyKeys"]

# These keys differ only in their last character. With 128 bytes for the base, they are as long as S3 allows.
_LONG: Final = tuple("/".join(["z" * 255] * 3 + [f"{'z' * 127}{number}"]) for number in range(2))


class ManyKeys(Store):
    """Calls on several results, from one thread."""

    def test_keys_are_apart(self, tracker: ResultTracker) -> None:
        """No two keys share a place, and the delete of one deletes no other."""
        several: dict[Key, Result] = {key: {"key": key} for key in (*KEYS, *_LONG)}
        tracker.put_many(several)
        assert {key: tracker[key] for key in several} == several
        assert dict(tracker.items()) == several
        for key in [*several]:
            del tracker[key], several[key]
            assert set(tracker) == set(several)

    def test_folders(self, tracker: ResultTracker) -> None:
        """``a`` beside ``a/b``: where folders are real, the second put raises and the first result stays."""
        tracker["a"] = {"x": 1}
        tracker["b/c"] = {"x": 2}
        with pytest.raises(ResultNotFoundError):
            del tracker["b"]
        if self.real_folders:
            with pytest.raises(KeyConflictError):
                tracker["a/b"] = {"x": 3}
            with pytest.raises(KeyConflictError):
                tracker["a/b/c"] = {"x": 3}
            with pytest.raises(KeyConflictError):
                tracker["b"] = {"x": 3}
            assert dict(tracker.items()) == {"a": {"x": 1}, "b/c": {"x": 2}}
            del tracker["b/c"]
            tracker["b"] = {"x": 4}
            assert tracker["b"] == {"x": 4}
        else:
            tracker["a/b"] = {"x": 3}
            tracker["b"] = {"x": 4}
            assert dict(tracker.items()) == {"a": {"x": 1}, "a/b": {"x": 3}, "b/c": {"x": 2}, "b": {"x": 4}}
            del tracker["a"], tracker["b/c"]
            assert dict(tracker.items()) == {"a/b": {"x": 3}, "b": {"x": 4}}
        assert tracker["a/nothing"] == {}
        tracker["d/e/f"] = {"x": 5}
        del tracker["d/e/f"]  # an empty folder must not be in the way
        tracker["d"] = {"x": 6}
        assert tracker["d"] == {"x": 6}

    def test_prefixes(self, tracker: ResultTracker) -> None:
        """A prefix matches whole segments, not a pattern; with a final slash it excludes the key itself."""
        patterns = ["w%", "w*", "w?", "w[1]", "w_"]
        keys = sorted(["t", "u/1", "u/2", "u/v/3", "uv", "w/1", "w1/1", *(f"{pattern}/1" for pattern in patterns)])
        several: dict[Key, Result] = {key: {"x": 1} for key in keys}
        tracker.put_many(several)
        assert sorted(tracker.keys()) == keys
        assert sorted(tracker.keys("u")) == ["u/1", "u/2", "u/v/3"]
        assert sorted(tracker.keys("u/v/")) == ["u/v/3"]
        assert list(tracker.keys("t")) == ["t"]
        assert list(tracker.keys("t/")) == []
        for pattern in patterns:
            assert list(tracker.keys(pattern)) == [f"{pattern}/1"]
        assert list(tracker.keys("nothing")) == []
        assert {key for key, _ in tracker.items("u")} == {"u/1", "u/2", "u/v/3"}

    def test_many(self, tracker: ResultTracker) -> None:
        """Bulk calls handle every key; a bad key does not hide the results of the others."""
        results: dict[Key, Result] = {f"trial/{number:04}": {"number": number} for number in range(200)}
        tracker.put_many(results)
        assert tracker.get_many(results) == results
        assert dict(tracker.items("trial")) == results
        with pytest.raises(BulkError) as caught:
            tracker.get_many(["trial/0001", "../x", "nothing"])
        assert set(caught.value.errors) == {"../x"}
        assert caught.value.results == {"trial/0001": {"number": 1}, "nothing": {}}

    def test_long_listing(self, tracker: ResultTracker) -> None:
        """A listing of more than one page is complete, even while some of its keys are deleted."""
        keys = [f"{number}" for number in range(self.listed_keys)]
        several: dict[Key, Result] = {key: {"x": 1} for key in keys}
        tracker.put_many(several)
        assert sorted(tracker.keys()) == sorted(keys)
        listing, deleted = iter(tracker.keys()), list[Key]()
        for key in islice(listing, 5):
            del tracker[key]
            deleted.append(key)
        assert sorted([*deleted, *listing]) == sorted(keys)

    def test_versions(self, tracker: ResultTracker) -> None:
        """A listing with versions has every key, and no two puts share a version, even if an old content returns."""
        tracker["b/c"] = {"x": 0}
        versions: list[str] = []
        for value in (1, 2, 1, 2):
            tracker["a"] = {"x": value}
            listed = {text: version for text, version, _ in tracker._list_details("")}
            assert sorted(listed) == ["a", "b/c"]
            if (version := listed["a"]) is not None:
                assert version not in versions
                versions.append(version)

    def test_abandoned_stream(self, tracker: ResultTracker) -> None:
        """After a loop over `items` that stops at the first result, the tracker still works."""
        several: dict[Key, Result] = {f"{number}": {"number": number} for number in range(300)}
        tracker.put_many(several)
        key, result = next(iter(tracker.items()))
        assert result == {"number": int(key)}
        assert len(tracker.get_many(str(number) for number in range(300))) == 300

    def test_always_fresh(self, tracker: ResultTracker) -> None:
        """A new result is listed and read at once, and a deleted one is not."""
        for number in range(10):
            assert f"{number}" not in tracker
            assert len(tracker) == number
            tracker[number] = {"number": number}
            assert sorted(tracker) == sorted(str(n) for n in range(number + 1))
        for number in range(10):
            del tracker[number]
            assert tracker[number] == {}
            assert len(tracker) == 9 - number
