"""Tests of one key: its values, its name, its bytes, and refused input."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

import pytest

from typedtrack import (
    BulkError,
    CorruptResultError,
    InvalidKeyError,
    InvalidResultError,
    ResultExistsError,
    ResultFailedError,
    ResultNotFoundError,
    ResultTracker,
    UnsupportedOperationError,
    Value,
)
from typedtrack.testing.exactness import exact
from typedtrack.testing.suites.store import Store

__all__ = ["KEYS", "OneKey"]

# Every store must allow each of these keys, though some client or filesystem gives it a special meaning. Some pairs are
# equal to a store that folds case, normalises Unicode or numbers, drops a final space, or has no characters of four
# bytes. A pattern of SQL's LIKE comes before the keys that it matches, so that its delete comes first.
KEYS = (
    "app1_out", "run_1", "run11", "5", "05", "a b", "a", " a", "a ", "a*b", "a[1]", "a?b", "x#y", "x%20y", "%2e%2e",
    "p%y", "pay", "é/ü", "e\u0301/u\u0308", "\ufb01", "fi", "日本/語", "😀", "😁", "~t", "~", "a+b", "a:b=c,d@e", "{z}",
    "a\u2028b", "a|b", "a<b>", "a`b^", 'a"b', "a'b", "a&b", "$HOME", "-rf", "q?versionId=3", "q?versionid=3", "q#3",
    "w?x=1&y", "<Code>NoSuchKey<", "s3:x", "C:x", "deep/er/and/deep/er", "x" * 255, "é" * 127 + "/" + "x" * 255,
)  # fmt: skip

VALUES: tuple[Value, ...] = (
    0, 1, -1, 2**64 - 1, -(2**63), 0.0, -0.0, 1.0, 5e-324, 1.7976931348623157e308, math.nan, math.inf, -math.inf,
    "", "é", "a\nb\x00", "😀" * 256,
)  # fmt: skip

BAD_KEYS = ("", "/a", "a/", "a//b", ".a", "a/../b", "..", "a\nb", "a\\b", "x" * 256, "\ud800", True, None, 1.5)


class OneKey(Store):
    """Calls on one result at a time, from one thread."""

    def test_absent(self, tracker: ResultTracker) -> None:
        """On an empty store, every call says that there is nothing."""
        assert tracker.get("nothing") == {}
        assert tracker["some/where"] == {}
        assert "nothing" not in tracker
        assert list(tracker) == []
        assert len(tracker) == 0
        assert dict(tracker.items()) == {}
        with pytest.raises(ResultNotFoundError):
            del tracker["nothing"]
        with pytest.raises(ResultNotFoundError):
            tracker.get_bytes("nothing")

    def test_values(self, tracker: ResultTracker) -> None:
        """Every value comes back with its type and all its bits."""
        result = {f"field/{number}": value for number, value in enumerate(VALUES)}
        tracker["values"] = result
        assert exact(tracker["values"]) == exact(result)

    @pytest.mark.parametrize("key", KEYS)
    def test_keys(self, tracker: ResultTracker, key: str) -> None:
        """A key stands for itself: its calls read, list and delete no other key."""
        tracker["other"] = {"x": 0}
        tracker[key] = {"key": key}
        assert tracker[key] == {"key": key}
        assert key in tracker
        assert sorted(tracker) == sorted([key, "other"])
        assert list(tracker.keys(key)) == [key]
        tracker[key] = {"again": 1}
        assert tracker[key] == {"again": 1}
        del tracker[key]
        assert tracker[key] == {}
        assert list(tracker) == ["other"]

    @pytest.mark.parametrize("key", BAD_KEYS)
    def test_bad_keys(self, tracker: ResultTracker, key: str) -> None:
        """A key that breaks the rules raises, and nothing is stored."""
        with pytest.raises(InvalidKeyError):
            tracker[key] = {"x": 1}
        with pytest.raises(InvalidKeyError):
            tracker.get(key)
        assert list(tracker) == []

    def test_bad_results(self, tracker: ResultTracker) -> None:
        """A result that breaks the rules raises, and the old result stays."""
        tracker["a"] = {"x": 1}
        too_large: dict[str, Value] = {f"field {number}": "x" * 1024 for number in range(1024)}
        bad: tuple[Mapping[str, Value], ...] = ({}, {"": 1}, {"x": True}, {"x": 2**64}, {"x": "é" * 513}, too_large)
        for result in bad:
            with pytest.raises(InvalidResultError):
                tracker["a"] = result
        assert tracker["a"] == {"x": 1}

    def test_largest_result(self, tracker: ResultTracker) -> None:
        """A result of nearly 1 MiB comes back complete, to its last byte."""
        result = {f"field {number}": "x" * 1000 for number in range(1000)}
        tracker["large"] = result
        assert tracker["large"] == result
        assert tracker.get_bytes("large") == f"{json.dumps(result, indent=2)}\n".encode()

    def test_stored_bytes(self, tracker: ResultTracker) -> None:
        """The stored bytes are JSON, indented by two spaces, with a newline at the end."""
        tracker["a"] = {"x": 1, "y": math.nan}
        assert tracker.get_bytes("a") == b'{\n  "x": 1,\n  "y": NaN\n}\n'

    @pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")
    @pytest.mark.parametrize("data", [b"", b"{", b"[]", b"{}", b'{"x": true}', b'{"x": 1', b"\xff", b"x" * (2**20 + 5)])
    def test_corrupt(self, tracker: ResultTracker, data: bytes) -> None:
        """Bytes that are not a result raise on get, are listed, and can be deleted."""
        tracker._write("bad", data)
        tracker["good"] = {"x": 1}
        with pytest.raises(CorruptResultError):
            tracker.get("bad")
        assert "bad" in tracker
        assert sorted(tracker) == ["bad", "good"]
        with pytest.raises(BulkError) as caught:
            tracker.get_many(["bad", "good"])
        assert caught.value.results == {"good": {"x": 1}}
        if len(data) <= 2**20:
            assert tracker.get_bytes("bad") == data
        del tracker["bad"]
        assert list(tracker) == ["good"]

    @pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")
    def test_bounded_read(self, tracker: ResultTracker) -> None:
        """A read returns no more bytes than its limit."""
        tracker._write("large", b"x" * 3_000_000)
        assert tracker._read("large", 2**20 + 1) == b"x" * (2**20 + 1)
        assert tracker._read("large", 1) == b"x"

    def test_create(self, tracker: ResultTracker) -> None:
        """The first create wins, the same again succeeds, another raises; without atomic create, all raise."""
        if not self.exclusive_create:
            with pytest.raises(UnsupportedOperationError):
                tracker.create("a", x=1)
            assert list(tracker) == []
            return
        tracker.create("a/b", x=1.5)
        tracker.create("a/b", x=1.5)
        with pytest.raises(ResultExistsError):
            tracker.create("a/b", x=2.5)
        assert tracker["a/b"] == {"x": 1.5}
        tracker["a/b"] = {"x": 3}
        assert tracker["a/b"] == {"x": 3}
        del tracker["a/b"]
        tracker.create("a/b", x=4)
        assert tracker["a/b"] == {"x": 4}

    def test_failure(self, tracker: ResultTracker) -> None:
        """A failure raises on get and replaces nothing; a put replaces it. It needs an atomic create."""
        if not self.exclusive_create:
            with pytest.warns(RuntimeWarning, match="was not stored"):
                assert not tracker.fail("a", "out of memory")
            assert list(tracker) == []
            return
        assert tracker.fail("a", "out of memory")
        assert not tracker.fail("a", "later")
        with pytest.raises(ResultFailedError) as caught:
            tracker.get("a")
        assert caught.value.failure.message == "out of memory"
        with pytest.raises(ResultExistsError):
            tracker.create("a", x=1)
        assert list(tracker) == ["a"]
        assert list(tracker.items()) == []
        assert [(key, failure.message) for key, failure in tracker.failures()] == [("a", "out of memory")]
        tracker["a"] = {"x": 1}
        with pytest.raises(ZeroDivisionError), tracker.attempt("a"):
            tracker["a"] = {"x": 1 / 0}
        assert not tracker.fail("a", "too late")
        assert tracker["a"] == {"x": 1}
        assert list(tracker.failures()) == []
