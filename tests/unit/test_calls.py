"""Every call of a tracker, over primitives that are a dict: bulk calls, waiting, listing."""

from __future__ import annotations

import copy
import enum
import math
import os
import pickle
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from tests.trackers import DictTracker
from typedtrack import (
    BulkError,
    CorruptResultError,
    InvalidKeyError,
    InvalidResultError,
    Key,
    Result,
    ResultExistsError,
    ResultNotFoundError,
    ResultTimeoutError,
    ResultTracker,
    Stat,
    UnsupportedOperationError,
)
from typedtrack._tracker import polling
from typedtrack._tracker.backend import forks


class _Bar:
    """A progress bar as tqdm's."""

    def __init__(self) -> None:
        self.updates: list[int] = []

    def update(self, n: int, /) -> bool:
        """Note *n*."""
        self.updates.append(n)
        return True


@pytest.fixture(params=[1, 4], ids=["sequential", "concurrent"])
def tracker(request: pytest.FixtureRequest) -> DictTracker:
    """Return an empty tracker whose bulk calls run one by one, or four at once."""
    return DictTracker(request.param)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Replace the clock by one that only pauses advance; return the pauses."""
    pauses: list[float] = []

    class Clock:
        now = 0.0

        def monotonic(self) -> float:
            return self.now

        def sleep(self, seconds: float) -> None:
            pauses.append(seconds)
            self.now += seconds

    clock = Clock()
    monkeypatch.setattr(polling, "time", clock)
    return pauses


def _advance(seconds: float) -> None:
    vars(polling)["time"].sleep(seconds)  # the clock in use


def _take(stream: Iterable[tuple[Key, Result]], taken: list[tuple[Key, Result]]) -> None:
    """Take *stream* item by item, so that an error at its end loses none."""
    for item in stream:
        taken.append(item)  # noqa: PERF402


def _same(result: Result) -> Result:
    return result


def _copied(result: Result) -> Result:
    return copy.copy(result)


def _deeply_copied(result: Result) -> Result:
    return copy.deepcopy(result)


def _pickled(result: Result) -> Result:
    copied: Result = pickle.loads(pickle.dumps(result))
    return copied


# -- one key ----------------------------------------------------------------------------------------------------------


def test_put_takes_what_dict_update_takes(tracker: DictTracker) -> None:
    """A put takes a mapping or pairs, and fields that replace theirs."""
    tracker.put(1, {"a": 1}, b=2)
    assert tracker.get("1") == {"a": 1, "b": 2}
    tracker.put("1", [("a", 1), ("a", 2)], b=2.5)
    assert tracker[1] == {"a": 2, "b": 2.5}
    tracker.put(1, key="k", self="s")
    assert tracker[1] == {"key": "k", "self": "s"}
    tracker[1] = (("x", "y"),)  # type: ignore[assignment]  # taken, but no part of the type
    assert tracker[1] == {"x": "y"}


def test_put_leaves_the_callers_mapping_alone(tracker: DictTracker) -> None:
    """A put reads the caller's mapping, and neither keeps nor changes it."""
    given: Result = {"a": 1}
    tracker.put("k", given, b=2)
    assert given == {"a": 1}


@pytest.mark.parametrize("results", [5, None, ["ab", 1], [1], [(["unhashable"], 1)]])
def test_put_refuses_an_object_that_is_not_a_mapping(tracker: DictTracker, results: object) -> None:
    """The error is `InvalidResultError`, not a TypeError from inside the call."""
    with pytest.raises(InvalidResultError, match="a result is a mapping of field names to values, got"):
        tracker["k"] = results  # type: ignore[assignment]  # the point
    assert tracker.stored == {}


def test_put_refuses_a_record_and_says_where_it_belongs(tracker: DictTracker) -> None:
    """An untyped tracker takes only plain maps; the error names the typed view."""
    remedy = r"got Stat\(.*; use tracker.typed\(Stat\), or give as_result\(record\)"
    with pytest.raises(InvalidResultError, match=remedy):
        tracker["k"] = Stat(mean=1.0, sem=0.5)  # type: ignore[assignment]  # the point
    with pytest.raises(BulkError) as caught:
        tracker.put_many([("k", Stat(mean=1.0, sem=0.5))])  # type: ignore[list-item]  # the point
    assert "tracker.typed(Stat)" in str(caught.value.errors["k"])
    assert tracker.stored == {}


def test_get_of_an_absent_key_is_empty(tracker: DictTracker) -> None:
    """`get` returns an empty dict where nothing is stored."""
    assert tracker.get("absent") == tracker["absent"] == tracker.get_many(["absent"])["absent"] == {}
    absent = tracker["absent"]
    assert not absent
    assert repr(absent) == "{}"
    assert absent.get("accuracy") is None
    assert {**absent} == {}
    absent["n"] = 1
    assert absent["n"] == 1


@pytest.mark.parametrize("again", [_same, _copied, _deeply_copied, _pickled])
def test_a_field_of_an_absent_result_is_a_key_error_that_names_the_key(
    tracker: DictTracker, again: Callable[[Result], Result]
) -> None:
    """The error names the key, since a wrong key is the usual cause; copies of the result raise it, too."""
    absent = again(tracker["trial_7"])
    assert absent == {}
    with pytest.raises(
        ResultNotFoundError, match=r"no result under key 'trial_7' in DictTracker\(\); `wait`"
    ) as caught:
        absent["accuracy"]
    assert isinstance(caught.value, KeyError)
    absent["n"] = 1
    assert again(absent) == {"n": 1}


def test_a_tracker_is_true(tracker: DictTracker) -> None:
    """An empty tracker is true, and `if tracker:` lists nothing."""
    assert tracker
    assert len(tracker) == 0


def test_create_is_idempotent_and_refuses_other_content(tracker: DictTracker) -> None:
    """A second create succeeds with an equal result and fails with another one; the first result stays."""
    tracker.create("k", {"a": 1, "b": 2})
    tracker.create("k", {"b": 2, "a": 1})
    with pytest.raises(ResultExistsError) as caught:
        tracker.create("k", a=1.0, b=2)
    assert (caught.value.key, caught.value.tracker) == ("k", "DictTracker()")
    assert tracker["k"] == {"a": 1, "b": 2}


def test_create_over_bytes_that_are_not_a_result(tracker: DictTracker) -> None:
    """Stored bytes that are not a result are other content."""
    tracker.stored["k"] = b"torn"
    with pytest.raises(ResultExistsError):
        tracker.create("k", a=1)
    assert tracker.get_bytes("k") == b"torn"


def test_create_tries_again_when_the_other_was_deleted(tracker: DictTracker, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the result that refused the create is gone when it is read, `create` tries again."""
    tracker.stored["k"] = b"{}"
    read = tracker._read

    def vanishing(key: str, limit: int) -> bytes | None:
        tracker.stored.pop(key, None)
        return read(key, limit)

    monkeypatch.setattr(tracker, "_read", vanishing)
    tracker.create("k", a=1)
    assert tracker.stored["k"] == b'{\n  "a": 1\n}\n'


def test_create_does_not_try_for_ever(tracker: DictTracker, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the store says "exists" but never returns bytes, its error is raised, with a note."""

    def full(key: str, data: bytes, *, exclusive: bool = False) -> None:
        raise FileExistsError("something")

    monkeypatch.setattr(tracker, "_write", full)
    with pytest.raises(FileExistsError, match="something") as caught:
        tracker.create("k", a=1)
    assert caught.value.__notes__ == ["typedtrack: create DictTracker()['k']"]


def test_get_bytes_is_the_way_out(tracker: DictTracker) -> None:
    """The stored bytes come back unread, up to the limit."""
    tracker.stored.update(k=b"\xfftorn", full=b"x" * 2**20, over=b"x" * (2**20 + 1))
    with pytest.raises(CorruptResultError):
        tracker.get("k")
    assert tracker.get_bytes("k") == b"\xfftorn"
    assert len(tracker.get_bytes("full")) == 2**20
    for call in (tracker.get_bytes, tracker.get):
        with pytest.raises(CorruptResultError, match="larger than the limit of 1,048,576 bytes") as caught:
            call("over")
        assert caught.value.file == "DictTracker()['over']"
        assert "get_bytes" not in str(caught.value)
    with pytest.raises(ResultNotFoundError) as missing:
        tracker.get_bytes("absent")
    assert (missing.value.key, missing.value.tracker) == ("absent", "DictTracker()")


def test_a_get_reads_at_most_the_limit_and_one_byte(tracker: DictTracker, monkeypatch: pytest.MonkeyPatch) -> None:
    """No call asks a store for more, and `in` asks for one byte."""
    limits: list[int] = []

    def read(key: str, limit: int) -> bytes:
        limits.append(limit)
        return b'{"a": 1}'

    monkeypatch.setattr(tracker, "_read", read)
    tracker.get("k")
    tracker.get_bytes("k")
    tracker.wait("k")
    tracker.get_many(["k"])
    list(tracker.wait_all(["k"]))
    assert set(limits) == {2**20 + 1}
    assert "k" in tracker
    assert limits[-1] == 1


def test_delete(tracker: DictTracker) -> None:
    """`del` deletes a result; of an absent key it raises an error."""
    tracker["k"] = {"a": 1}
    del tracker["k"]
    assert tracker["k"] == {}
    with pytest.raises(ResultNotFoundError, match=r"key 'k' in .*; there is nothing to delete") as caught:
        del tracker["k"]
    assert caught.value.key == "k"


def test_contains(tracker: DictTracker) -> None:
    """`in` tells whether anything is stored now, even corrupt bytes, and refuses an object that is not a key."""
    tracker[5] = {"a": 1}
    tracker.stored["torn"] = b""
    assert 5 in tracker
    assert "5" in tracker
    assert "torn" in tracker
    assert "absent" not in tracker
    with pytest.raises(InvalidKeyError):
        assert "../x" not in tracker


CALLS: list[tuple[str, Callable[[DictTracker], object]]] = [
    ("get", lambda tracker: tracker.get("k")),
    ("get", lambda tracker: tracker.get_bytes("k")),
    ("get", lambda tracker: tracker.wait("k", 0)),
    ("put", lambda tracker: tracker.put("k", a=1)),
    ("create", lambda tracker: tracker.create("k", a=1)),
    ("delete", lambda tracker: tracker.__delitem__("k")),
    ("look for", lambda tracker: "k" in tracker),
    ("list", lambda tracker: list(tracker.keys("k"))),
    ("list", lambda tracker: list(tracker.items("k"))),
]


@pytest.mark.parametrize(("operation", "call"), CALLS)
def test_the_stores_errors_pass_unchanged_with_a_note(
    tracker: DictTracker, operation: str, call: Callable[[DictTracker], object]
) -> None:
    """An unreachable store is never `{}`: its own error comes through, and names key and operation."""
    failure = ConnectionResetError("gone")
    tracker.faults["k"] = failure
    with pytest.raises(ConnectionResetError) as caught:
        call(tracker)
    assert caught.value is failure
    assert failure.__notes__ == [f"typedtrack: {operation} DictTracker()['k']"]


def test_typedtracks_own_errors_need_no_note(tracker: DictTracker) -> None:
    """An error that already names its key gets no note."""
    failure = UnsupportedOperationError("create", "DictTracker()", "use `put`")
    tracker.faults["k"] = failure
    with pytest.raises(UnsupportedOperationError):
        tracker.create("k", a=1)
    assert not hasattr(failure, "__notes__")


# -- many keys --------------------------------------------------------------------------------------------------------


def test_get_many(tracker: DictTracker) -> None:
    """The answer has each key in the caller's form and order, `{}` if absent; each text is read once."""
    tracker.put(5, a=1)
    tracker.put("b", a=2)
    found = tracker.get_many(["b", 5, "5", "absent", "b"])
    assert found == {"b": {"a": 2}, 5: {"a": 1}, "5": {"a": 1}, "absent": {}}
    assert list(found) == ["b", 5, "5", "absent"]
    assert tracker.reads == 3
    assert tracker.get_many([]) == {}


class _Split(str, enum.Enum):  # noqa: UP042  # older code has such: its `str` is "_Split.TRAIN"
    TRAIN = "train"


class _AnyCase(str):
    """A str that equals others, whose characters are not the same."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and self.lower() == other.lower()

    def __hash__(self) -> int:
        return hash(self.lower())


def test_a_member_of_an_enumeration_and_its_value_are_one_key(tracker: DictTracker) -> None:
    """The characters of a key count, as in a dict: the member and its value share one answer."""
    tracker[_Split.TRAIN] = {"n": 1}
    assert list(tracker) == ["train"]
    assert tracker[_Split.TRAIN] == tracker["train"] == {"n": 1}
    assert tracker.get_many([_Split.TRAIN, "train"]) == {"train": {"n": 1}}
    assert list(tracker.wait_all(["train", _Split.TRAIN])) == [("train", {"n": 1}), (_Split.TRAIN, {"n": 1})]
    assert ("train", {"n": 1}) in tracker.items()
    assert (_Split.TRAIN, {"n": 1}) in tracker.items()


def test_equal_keys_of_other_text_share_no_answer(tracker: DictTracker) -> None:
    """If two keys are equal in a dict and their texts differ, the second key is refused."""
    tracker.put_many([("a", {"n": 1}), (_AnyCase("A"), {"n": 2})])
    assert dict(tracker.items()) == {"a": {"n": 1}, "A": {"n": 2}}
    with pytest.raises(BulkError) as caught:
        tracker.get_many([_AnyCase("a"), _AnyCase("A"), _AnyCase("a")])
    assert list(caught.value.results.items()) == [("a", {"n": 1})]
    assert list(caught.value.errors) == ["'A'"]
    assert "equals another key of this call, whose text is 'a'" in str(caught.value.errors["'A'"])
    with pytest.raises(BulkError) as caught:
        list(tracker.wait_all([_AnyCase("a"), _AnyCase("A")]))
    assert list(caught.value.errors) == ["'A'"]


@pytest.mark.parametrize("refused", [True, 1.0, np.True_, Decimal(1)])
def test_an_object_that_is_not_a_key_has_its_own_error(tracker: DictTracker, refused: Any) -> None:
    """In every bulk call, `True` and 1.0 have their `repr` as key in `errors`: in a dict they equal 1."""
    tracker[1] = {"n": 1}
    errors: list[BulkError] = []
    for call in (
        lambda: tracker.get_many([refused, 1, refused]),
        lambda: tracker.put_many([(refused, {"n": 2}), (1, {"n": 1})]),
        lambda: list(tracker.wait_all([1, refused])),
    ):
        with pytest.raises(BulkError) as caught:
            call()
        errors.append(caught.value)
    assert [list(error.errors) for error in errors] == [[repr(refused)]] * 3
    assert [1 in error.errors for error in errors] == [False] * 3
    assert errors[0].results == {1: {"n": 1}}
    assert dict(tracker.items()) == {"1": {"n": 1}}


def test_get_many_hides_nothing(tracker: DictTracker) -> None:
    """A corrupt result, a failed read, an invalid key and an unhashable key do not affect other keys."""
    failure = ConnectionResetError("gone")
    tracker.put("ok", a=1)
    tracker.stored["torn"] = b"{"
    tracker.faults["gone"] = failure
    keys: list[Key] = ["torn", "gone", "../x", [], "ok", "absent"]  # type: ignore[list-item]  # the point
    with pytest.raises(BulkError) as caught:
        tracker.get_many(keys)
    assert caught.value.results == {"ok": {"a": 1}, "absent": {}}
    errors = {key: type(error) for key, error in caught.value.errors.items()}
    assert errors == {
        "torn": CorruptResultError,
        "gone": ConnectionResetError,
        "../x": InvalidKeyError,
        "[]": InvalidKeyError,
    }
    assert failure.__notes__ == ["typedtrack: get DictTracker()['gone']"]


@pytest.mark.parametrize("pairs", [False, True])
def test_put_many(tracker: DictTracker, pairs: bool) -> None:
    """It stores a mapping or a stream of pairs, each result under its key."""
    results: dict[Key, Result] = {n: {"n": n} for n in range(50)}
    tracker.put_many(iter(results.items()) if pairs else results)
    assert {int(key): dict(result) for key, result in tracker.items()} == results


class _Indexed:
    """An int of another type, as numpy has them: it cannot be hashed, and its conversion may fail."""

    __hash__ = None  # type: ignore[assignment]  # as numpy's arrays have it

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error

    def __index__(self) -> int:
        if self._error is not None:
            raise self._error
        return 5


def test_keys_that_fail_hide_no_other(tracker: DictTracker) -> None:
    """In a bulk call, an unhashable key and one whose conversion fails are each one error; `get` takes the former."""
    indexed: Any = _Indexed()
    failing: Any = _Indexed(RuntimeError("no device"))
    tracker[indexed] = {"n": 5}
    assert tracker[indexed] == tracker[5] == {"n": 5}
    with pytest.raises(BulkError) as caught:
        tracker.get_many([5, indexed, failing, "absent"])
    assert caught.value.results == {5: {"n": 5}, "absent": {}}
    assert [type(error) for error in caught.value.errors.values()] == [InvalidKeyError, InvalidKeyError]
    with pytest.raises(BulkError) as late:
        list(tracker.wait_all([indexed, 5]))
    assert len(late.value.errors) == 1


def test_puts_that_fail_hide_no_other(tracker: DictTracker) -> None:
    """An object that is not a pair, or a mapping that fails when it is read, does not stop the other puts."""

    class Mapped:
        def keys(self) -> list[str]:
            return ["n"]

        def __getitem__(self, name: str) -> int:
            raise KeyError(name)

    pairs: Any = [("a", {"n": 1}), ("b",), 7, ("c", Mapped()), (_Indexed(), {"n": 5}), ("d", {"n": 4})]
    with pytest.raises(BulkError) as caught:
        tracker.put_many(pairs)
    assert dict(tracker.items()) == {"a": {"n": 1}, "5": {"n": 5}, "d": {"n": 4}}
    assert list(map(type, caught.value.errors.values())) == [InvalidKeyError, InvalidKeyError, KeyError]
    with pytest.raises(BulkError) as failed:
        tracker.put_many([(_Indexed(), {})])  # type: ignore[list-item]  # the key is one, the result is not
    assert list(map(type, failed.value.errors.values())) == [InvalidResultError]
    assert "is not a pair of a key and a result" in str(caught.value.errors["('b',)"])


def test_put_many_hides_nothing(tracker: DictTracker) -> None:
    """Invalid keys, invalid results and errors of the store do not affect other puts; the later result stays."""
    failure = ConnectionResetError("gone")
    tracker.faults["gone"] = failure
    results: list[tuple[Key, Result]] = [
        ("", {"a": 1}),
        ("empty", {}),
        ("gone", {"a": 1}),
        ("ok", {"a": 1}),
        (5, {"a": 1}),
        ("5", {"a": 2}),
        ([], {"a": 1}),  # type: ignore[list-item]  # the point
    ]
    with pytest.raises(BulkError) as caught:
        tracker.put_many(results)
    errors = {key: type(error) for key, error in caught.value.errors.items()}
    assert errors == {
        "": InvalidKeyError,
        "empty": InvalidResultError,
        "gone": ConnectionResetError,
        "[]": InvalidKeyError,
    }
    assert failure.__notes__ == ["typedtrack: put DictTracker()['gone']"]
    assert dict(tracker.items()) == {"ok": {"a": 1}, "5": {"a": 2}}
    assert caught.value.results == {}


def test_of_two_results_for_a_key_the_later_stays(tracker: DictTracker, monkeypatch: pytest.MonkeyPatch) -> None:
    """The later write begins when the earlier one has ended; an error of the earlier one is reported."""
    under_way: set[str] = set()
    write = tracker._write

    def write_alone(key: str, data: bytes, *, exclusive: bool = False) -> None:
        assert key not in under_way
        under_way.add(key)
        time.sleep(0.001)  # for the other threads
        under_way.remove(key)
        if data == b'{\n  "n": 7\n}\n':
            raise ConnectionResetError("gone")
        write(key, data, exclusive=exclusive)

    monkeypatch.setattr(tracker, "_write", write_alone)
    tracker.put_many((n % 3, {"n": n}) for n in range(7))
    assert dict(tracker.items()) == {"0": {"n": 6}, "1": {"n": 4}, "2": {"n": 5}}
    with pytest.raises(BulkError) as caught:
        tracker.put_many([(1, {"n": 7}), ("1", {"n": 8}), (1, {"n": 9}), ("1", {"n": 9})])
    assert {key: type(error) for key, error in caught.value.errors.items()} == {1: ConnectionResetError}
    assert tracker[1] == {"n": 9}


def test_put_many_keeps_no_more_than_is_under_way() -> None:
    """A stream of any length takes bounded memory: stored results are dropped."""

    class Counted(str):
        alive = 0

        def __new__(cls, text: str) -> Counted:
            cls.alive += 1
            return super().__new__(cls, text)

        def __del__(self) -> None:
            Counted.alive -= 1

    class Forgetful(DictTracker):
        def _write(self, key: str, data: bytes, *, exclusive: bool = False) -> None:
            assert Counted.alive <= 2 * self.max_concurrency + 3

    for concurrency in (1, 4):
        Forgetful(concurrency).put_many((Counted(f"{n}"), {"n": n}) for n in range(1000))


def test_bulk_calls_are_concurrent_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bulk call makes as many requests at once as allowed, and takes from a stream only as it needs."""
    tracker = DictTracker(3)
    together = threading.Barrier(3)
    taken = 0
    read, write = tracker._read, tracker._write

    def read_together(key: str, limit: int) -> bytes | None:
        together.wait(10)
        return read(key, limit)

    def write_together(key: str, data: bytes, *, exclusive: bool = False) -> None:
        together.wait(10)
        assert taken - len(tracker.stored) <= 3 * 3
        write(key, data, exclusive=exclusive)

    def stream() -> Iterator[tuple[Key, Result]]:
        nonlocal taken
        for n in range(300):
            taken += 1
            yield n, {"n": n}

    monkeypatch.setattr(tracker, "_read", read_together)
    monkeypatch.setattr(tracker, "_write", write_together)
    tracker.put_many(stream())
    assert len(tracker.stored) == 300
    assert len(tracker.get_many(range(300))) == 300


def threads() -> list[threading.Thread]:
    """Return the threads of bulk calls, not those of other tests' clients."""
    return [thread for thread in threading.enumerate() if thread.name == "typedtrack"]


def test_a_stream_that_breaks_off_ends_the_call(tracker: DictTracker) -> None:
    """An error of the caller's iterable is raised unchanged, after the calls under way have ended."""

    def stream() -> Iterator[tuple[Key, Result]]:
        yield "a", {"a": 1}
        raise LookupError("the caller's own")

    with pytest.raises(LookupError, match="the caller's own"):
        tracker.put_many(stream())
    assert threads() == []


def test_items_that_nobody_takes_leave_no_threads(tracker: DictTracker) -> None:
    """Dropping a stream halfway ends its threads."""
    for n in range(100):
        tracker[n] = {"n": n}
    stream = iter(tracker.items())
    next(stream)
    del stream
    deadline = time.monotonic() + 60
    while threads() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threads() == []


# -- waiting ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("timeout", "error", "message"),
    [
        ("5", TypeError, "timeout must be a number of seconds or None, got '5'"),
        (True, TypeError, "timeout must be a number of seconds or None, got True"),
        (timedelta(seconds=5), TypeError, "timeout must be a number of seconds or None, got datetime"),
        (-1, ValueError, "timeout must be 0 or more seconds, or None to wait for ever, got -1"),
        (math.nan, ValueError, "timeout must be 0 or more seconds, or None to wait for ever, got nan"),
    ],
)
def test_a_timeout_is_seconds(tracker: DictTracker, timeout: Any, error: type[Exception], message: str) -> None:
    """The call itself refuses any other object, before it reads."""
    with pytest.raises(error, match=re.escape(message)):
        tracker.wait("k", timeout)
    with pytest.raises(error, match=re.escape(message)):
        tracker.wait_all(["k"], timeout)
    assert tracker.reads == 0


@pytest.mark.parametrize("timeout", [np.float32(0), np.int64(0), 0, 0.0])
def test_a_timeout_is_any_number(tracker: DictTracker, timeout: float) -> None:
    """A number of numpy is a time-out, and so is one longer than any process runs."""
    with pytest.raises(ResultTimeoutError):
        tracker.wait("k", timeout)
    tracker["k"] = {"a": 1}
    for long in (math.inf, 10**400):
        assert tracker.wait("k", long) == {"a": 1}


def test_wait_returns_a_stored_result_at_once(tracker: DictTracker, clock: list[float]) -> None:
    """It pauses only while a result is absent."""
    tracker["k"] = {"a": 1}
    assert tracker.wait("k", timeout=0) == {"a": 1}
    assert clock == []


def test_wait_backs_off_and_gives_up_in_time(tracker: DictTracker, clock: list[float]) -> None:
    """The pauses grow to two seconds, the last look is at the time-out, and the error names key and seconds."""
    with pytest.raises(ResultTimeoutError) as caught:
        tracker.wait("k", timeout=60)
    assert (caught.value.keys, caught.value.timeout) == (("k",), 60)
    assert sum(clock) == pytest.approx(60)
    assert clock[:-1] == sorted(clock[:-1])
    assert max(clock) == 2.0
    assert tracker.reads == len(clock) + 1 < 60


def test_wait_for_ever(tracker: DictTracker, clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a time-out it waits until the result comes."""
    read = tracker._read

    def late(key: str, limit: int) -> bytes | None:
        if sum(clock) > 10_000:
            tracker.stored["k"] = b'{"a": 1}'
        return read(key, limit)

    monkeypatch.setattr(tracker, "_read", late)
    assert tracker.wait("k") == {"a": 1}


def test_wait_zero_reads_once(tracker: DictTracker, clock: list[float]) -> None:
    """With a time-out of 0 there is one read."""
    with pytest.raises(ResultTimeoutError, match="no result after 0 s under 1 key"):
        tracker.wait("k", timeout=0)
    assert (tracker.reads, clock) == (1, [])


def test_wait_does_not_take_corrupt_for_absent(tracker: DictTracker) -> None:
    """A corrupt result ends the wait."""
    tracker.stored["k"] = b""
    with pytest.raises(CorruptResultError):
        tracker.wait("k")


def test_wait_all_yields_as_they_arrive_and_tells_progress(
    tracker: DictTracker, clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Results are yielded when they come, not in the order asked for; the bar counts each."""
    read = tracker._read

    def growing(key: str, limit: int) -> bytes | None:
        if sum(clock) > 1:
            tracker.stored["0"] = b'{"n": 0}'
        return read(key, limit)

    monkeypatch.setattr(tracker, "_read", growing)
    tracker[1] = {"n": 1}
    bar = _Bar()
    arrived = list(tracker.wait_all([0, 1, "0"], timeout=60, progress=bar))
    assert arrived == [(1, {"n": 1}), (0, {"n": 0}), ("0", {"n": 0})]
    assert bar.updates == [1, 1, 1]


def test_wait_all_with_little_load(tracker: DictTracker, clock: list[float]) -> None:
    """While thousands of keys arrive one by one, the absent ones are read less and less often."""
    for n in range(2000):
        tracker[n] = {"n": n}
    waiting = tracker.wait_all(range(3000), timeout=100)
    assert sum(1 for _ in zip(range(2000), waiting, strict=False)) == 2000
    assert tracker.reads <= 3000
    with pytest.raises(ResultTimeoutError) as caught:
        next(waiting)
    assert len(caught.value.keys) == 1000
    assert tracker.reads == 3000 + 1000 * len(clock)
    assert len(clock) < 70


def test_wait_all_spends_a_fifth_of_its_time_on_looking(clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    """After a slow look, the pause is four times as long as the look."""
    tracker = DictTracker(1)

    def slow(key: str, limit: int) -> None:
        _advance(10)

    monkeypatch.setattr(tracker, "_read", slow)
    with pytest.raises(ResultTimeoutError):
        list(tracker.wait_all(["k"], timeout=100))
    assert clock == [10, 40, 10, 40, 10]


def test_wait_all_does_not_count_the_callers_time_as_its_own(clock: list[float]) -> None:
    """A caller that takes a minute for each result does not make the next look come minutes later."""
    tracker = DictTracker(1)
    tracker["a"] = {"n": 1}
    waiting = tracker.wait_all(["b", "a"])
    assert next(waiting) == ("a", {"n": 1})
    _advance(60)
    tracker["b"] = {"n": 2}
    assert next(waiting) == ("b", {"n": 2})
    assert sum(clock) - 60 < 1


def test_wait_all_looks_once_more_when_the_caller_used_up_the_time(clock: list[float]) -> None:
    """A result that arrived in time is yielded, although the caller asked for it too late."""
    tracker = DictTracker(1)
    tracker["a"] = {"n": 1}
    waiting = tracker.wait_all(["b", "a"], timeout=10)
    assert next(waiting) == ("a", {"n": 1})
    tracker["b"] = {"n": 2}
    _advance(60)
    assert list(waiting) == [("b", {"n": 2})]


def test_wait_all_hides_nothing(tracker: DictTracker, clock: list[float]) -> None:
    """The errors of invalid keys, corrupt results and late results come at the end."""
    tracker["ok"] = {"a": 1}
    tracker.stored["torn"] = b"{"
    tracker.faults["gone"] = ConnectionResetError("gone")
    bar = _Bar()
    waiting = tracker.wait_all(["", "torn", "gone", "late", "ok"], timeout=5, progress=bar)
    arrived: list[tuple[Key, Result]] = []
    with pytest.raises(BulkError) as caught:
        _take(waiting, arrived)
    assert arrived == [("ok", {"a": 1})]
    errors = {key: type(error) for key, error in caught.value.errors.items()}
    assert errors == {
        "": InvalidKeyError,
        "torn": CorruptResultError,
        "gone": ConnectionResetError,
        "late": ResultTimeoutError,
    }
    assert bar.updates == [1, 1, 1]  # an object that is not a key does not count


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")  # only of some test runners
@pytest.mark.parametrize("timeout", [None, 240])
def test_a_fork_ends_wait_all_in_the_child(tracker: DictTracker, timeout: float | None) -> None:
    """The child gets an error at once, although the parent's last batch is in its memory; the parent goes on."""
    keys = [str(n) for n in range(100)]
    tracker.put_many((key, {"n": 1}) for key in keys)
    arrivals = tracker.wait_all(keys, timeout=timeout)
    seen = [next(arrivals)[0], next(arrivals)[0]]
    child = os.fork()
    if child == 0:
        try:
            next(arrivals)
        except UnsupportedOperationError:
            os._exit(17)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 17
    assert seen + [key for key, _ in arrivals] == keys


def test_wait_all_compares_processes_after_a_fork(tracker: DictTracker, monkeypatch: pytest.MonkeyPatch) -> None:
    """The wait goes on only in the process that began it."""
    tracker.put_many((str(n), {"n": n}) for n in range(9))
    arrivals = tracker.wait_all([str(n) for n in range(9)])
    next(arrivals)
    monkeypatch.setattr("typedtrack._tracker.waiting.forks", [*forks, None])
    assert next(arrivals)[0] == "1"
    monkeypatch.setattr(os, "getpid", lambda: -1)
    with pytest.raises(UnsupportedOperationError, match="began before a fork"):
        next(arrivals)


def test_wait_all_raises_bulk_error_without_a_time_out(tracker: DictTracker) -> None:
    """When every key is done and some failed, the failures are raised."""
    tracker.stored["torn"] = b"{"
    with pytest.raises(BulkError):
        list(tracker.wait_all(["torn"]))
    assert list(tracker.wait_all([])) == []


# -- listing ----------------------------------------------------------------------------------------------------------


def test_keys_and_items_by_whole_segments(tracker: DictTracker) -> None:
    """A prefix is a key and all below it; with a slash at its end, only what is below."""
    for key in ("a", "a/b", "a/b/c", "ab", "b/a"):
        tracker[key] = {"key": key}
    assert sorted(tracker) == ["a", "a/b", "a/b/c", "ab", "b/a"]
    assert sorted(tracker.keys("a")) == ["a", "a/b", "a/b/c"]
    assert sorted(tracker.keys("a/")) == ["a/b", "a/b/c"]
    assert sorted(tracker.keys("a/b")) == ["a/b", "a/b/c"]
    assert list(tracker.keys("absent")) == []
    assert dict(tracker.items("a/b")) == {"a/b": {"key": "a/b"}, "a/b/c": {"key": "a/b/c"}}
    assert (len(tracker), len(tracker.keys("a")), len(tracker.items("b"))) == (5, 3, 1)


def test_views_show_the_results_that_are_stored_now(tracker: DictTracker) -> None:
    """A view lists anew each time, answers `in`, and combines as sets do."""
    keys, items = tracker.keys("a"), tracker.items()
    tracker["a"] = {"n": 1}
    tracker["b"] = {"n": 2}
    assert list(keys) == ["a"]
    assert "a" in keys
    assert "b" not in keys
    assert ("b", {"n": 2}) in items
    assert ("b", {"n": 3}) not in items
    assert tracker.keys() & {"b", "c"} == {"b"}
    del tracker["a"]
    assert list(keys) == []


def test_keys_contain_the_keys_of_the_tracker(tracker: DictTracker) -> None:
    """``in`` of the keys reads, takes a key in every form, and keeps to the prefix."""
    tracker.put_many({5: {"x": 1}, "a": {"x": 1}, "a/b": {"x": 1}, "ab": {"x": 1}})
    keys = tracker.keys()
    assert [key for key in (5, "5", "c") if key in keys] == [5, "5"]
    assert [key for key in ("a", "a/b", "a/c", "ab") if key in tracker.keys("a")] == ["a", "a/b"]
    assert [key for key in ("a", "a/b", "a/c", "ab") if key in tracker.keys("a/")] == ["a/b"]


def test_counting_items_reads_none(tracker: DictTracker) -> None:
    """The length of a view is that of a listing: `list(view)`, which asks for it, reads each result once."""
    for n in range(10):
        tracker[n] = {"n": n}
    assert len(tracker.items()) == 10
    assert tracker.reads == 0
    assert len(list(tracker.items())) == 10
    assert tracker.reads == 10


TAKEN: dict[str, tuple[Callable[[ResultTracker], object], int]] = {
    "comprehension": (lambda tracker: {f"{key}": 0 for key in tracker}, 1),
    "set": (lambda tracker: set(tracker.keys()), 1),
    "dict": (lambda tracker: dict(tracker.items()), 1),
    "list": (list, 2),
    "sorted": (lambda tracker: sorted(tracker.keys()), 2),
    "star": (lambda tracker: [*tracker.items()], 2),
}


@pytest.mark.parametrize(("take", "listings"), TAKEN.values(), ids=TAKEN)
def test_lists_twice_where_python_asks_for_the_length(
    monkeypatch: pytest.MonkeyPatch, take: Callable[[ResultTracker], object], listings: int
) -> None:
    """How many listings each way to take all keys costs, as the documentation says."""
    tracker, prefixes = DictTracker(), list[str]()

    def listed(prefix: str) -> Iterator[str]:
        prefixes.append(prefix)
        return iter(())

    monkeypatch.setattr(tracker, "_list", listed)
    take(tracker)
    assert prefixes == [""] * listings


@pytest.mark.parametrize("prefix", ["trial_*", "trial_?", "trial_[12]", "runs/*/"])
def test_a_prefix_is_not_a_pattern(tracker: DictTracker, prefix: str) -> None:
    """If nothing is listed, a warning explains prefixes; there is none for a key that has these characters."""
    tracker["trial_1"] = tracker["runs/a/b"] = {"n": 1}
    with pytest.warns(UserWarning, match=r"no key is at or below .*whole segments of keys, in which \*, \? and \["):
        assert list(tracker.keys(prefix)) == []
    tracker[f"{prefix}x" if prefix.endswith("/") else prefix] = {"n": 2}
    assert len(list(tracker.keys(prefix))) == 1
    assert list(tracker.keys("trial")) == []


@pytest.mark.parametrize("prefix", ["/", "../x", "a//b"])
def test_a_bad_prefix_is_refused_at_once(tracker: DictTracker, prefix: str) -> None:
    """The call raises the error, before any iteration."""
    with pytest.raises(InvalidKeyError):
        tracker.keys(prefix)
    with pytest.raises(InvalidKeyError):
        tracker.items(prefix)


def test_a_name_that_is_not_a_key_is_not_listed(tracker: DictTracker) -> None:
    """Files of other programs beside the results are not listed."""
    tracker["a"] = {"n": 1}
    tracker.stored.update({".hidden": b"", "x//y": b"", "b\n": b""})
    assert list(tracker) == ["a"]
    assert len(tracker) == 1


def test_keys_of_another_shape_are_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tracker with typed keys lists only keys of its template."""
    tracker = DictTracker()
    tracker["a"] = tracker["b"] = {"n": 1}

    def to_key(text: str) -> str | None:
        return text if text == "b" else None

    monkeypatch.setattr(tracker, "_to_key", to_key)
    assert list(tracker) == ["b"]
    assert dict(tracker.items()) == {"b": {"n": 1}}


def test_items_skips_results_that_were_deleted_since(tracker: DictTracker, monkeypatch: pytest.MonkeyPatch) -> None:
    """A result that is deleted during the listing is left out, and every other keeps its key."""
    for key in ("a", "b", "c"):
        tracker[key] = {"key": key}
    read = tracker._read

    def vanished(key: str, limit: int) -> bytes | None:
        return None if key == "b" else read(key, limit)

    monkeypatch.setattr(tracker, "_read", vanished)
    assert dict(tracker.items()) == {"a": {"key": "a"}, "c": {"key": "c"}}


def test_items_hides_nothing(tracker: DictTracker) -> None:
    """The errors of corrupt results come at the end, after every other result."""
    tracker["a"] = tracker["c"] = {"n": 1}
    tracker.stored["b"] = b"torn"
    found: list[tuple[Key, Result]] = []
    with pytest.raises(BulkError) as caught:
        _take(tracker.items(), found)
    assert dict(found) == {"a": {"n": 1}, "c": {"n": 1}}
    assert [(key, type(error)) for key, error in caught.value.errors.items()] == [("b", CorruptResultError)]


def test_an_item_is_looked_for_by_reading_it_alone(tracker: DictTracker) -> None:
    """`in` on items reads one key and lists nothing; it is false for an object that is not a pair."""
    tracker["a/b"], tracker[5] = {"n": 1}, {"n": 2}
    tracker.stored["torn"] = b"torn"
    reads = tracker.reads
    assert [pair in tracker.items() for pair in (("a/b", {"n": 1}), ("a/b", {"n": 2}), (5, {"n": 2}))] == [
        True,
        False,
        True,
    ]
    assert tracker.reads == reads + 3
    assert ("a/b", {"n": 1}) in tracker.items("a")
    assert ("5", {"n": 2}) not in tracker.items("a")
    assert ("absent", {}) not in tracker.items()
    odds: list[Any] = ["ab", None, ("a/b",), ["a/b", {"n": 1}], ()]
    assert all(odd not in tracker.items() for odd in odds)
    with pytest.raises(CorruptResultError):
        assert ("torn", {"n": 1}) in tracker.items()


# -- what is easily mistaken ------------------------------------------------------------------------------------------


def test_a_view_shows_itself_without_listing(tracker: DictTracker) -> None:
    """The `repr` of a view reads nothing, and names the tracker."""
    tracker["a"] = {"n": 1}
    assert "Keys" in repr(tracker.keys())
    assert "Items" in repr(tracker.items())
    assert tracker.reads == 0


def test_a_str_is_not_several_keys(tracker: DictTracker) -> None:
    """A str is refused, because each letter would be a key."""
    with pytest.raises(TypeError, match=r"write \['ab'\]"):
        tracker.get_many("ab")
    with pytest.raises(TypeError, match="keys are several"):
        next(tracker.wait_all("ab"))


def test_a_tracker_is_put_into_another(tracker: DictTracker) -> None:
    """`put_many` takes any object with ``items`` for a mapping."""
    other = DictTracker()
    other.put_many({"a": {"n": 1}, "b": {"n": 2}})
    tracker.put_many(other)
    assert dict(tracker.items()) == {"a": {"n": 1}, "b": {"n": 2}}


def test_the_second_of_two_results_stands_in_for_a_bad_first(tracker: DictTracker) -> None:
    """The second result is stored, and the error of the first is reported."""
    with pytest.raises(BulkError) as caught:
        tracker.put_many([("a", {"n": "x" * 1025}), ("a", {"n": 2})])
    assert isinstance(caught.value.errors["a"], InvalidResultError)
    assert tracker["a"] == {"n": 2}


def test_an_error_in_the_callers_own_iterable_is_kept(tracker: DictTracker) -> None:
    """The caller's error is the cause of `InvalidResultError`, which shows the argument."""
    with pytest.raises(InvalidResultError) as caught:
        tracker.put("a", (("n", int(digits)) for digits in ["not a number"]))
    assert isinstance(caught.value.__cause__, ValueError)


def test_a_key_that_cannot_be_hashed_has_its_error_by_its_text(tracker: DictTracker) -> None:
    """Its `repr` is the key in `errors`, since a dict cannot hold it."""

    class Unhashable(str):
        __slots__ = ()
        __hash__ = None  # type: ignore[assignment]  # as mutable classes have it

    with pytest.raises(BulkError) as caught:
        tracker.put_many([(Unhashable("a"), {"x": True})])
    assert [*caught.value.errors] == ["'a'"]
