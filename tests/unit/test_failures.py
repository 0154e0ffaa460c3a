"""An application that fails returns that: `fail`, `attempt`, `failures`, and every call that reads a failure."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trackers import DictTracker
from typedtrack import (
    BulkError,
    CorruptResultError,
    Failure,
    InvalidKeyError,
    InvalidResultError,
    Key,
    RecordDefinitionError,
    Result,
    ResultExistsError,
    ResultFailedError,
    ResultTimeoutError,
    SchemaMismatchError,
    Stat,
    TypedTracker,
    UnsupportedOperationError,
    field,
    open_tracker,
    record,
    schema_of,
)
from typedtrack._results.codec import decode
from typedtrack._tracker import polling

STAT = Stat(mean=0.5, sem=0.1)
PLAIN: Result = {"mean": 0.5, "sem": 0.1}
HERE = os.uname().nodename

Face = DictTracker | TypedTracker[Key, Stat]


@pytest.fixture
def tracker() -> DictTracker:
    """Return an empty tracker."""
    return DictTracker()


@pytest.fixture(params=["untyped", "typed"])
def face(request: pytest.FixtureRequest, tracker: DictTracker) -> Face:
    """Return both faces of the tracker, one after the other."""
    return tracker if request.param == "untyped" else tracker.typed(Stat)


class DivergedError(Exception):
    """An error of an application's own."""


class WordlessError(Exception):
    """An error that cannot say what it is."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


# -- storing a failure ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "stored"),
    [
        (
            DivergedError("loss is NaN"),
            {"failure/type": "DivergedError", "failure/message": "loss is NaN", "failure/host": HERE},
        ),
        (KeyboardInterrupt(), {"failure/type": "KeyboardInterrupt", "failure/message": "", "failure/host": HERE}),
        (WordlessError(), {"failure/type": "WordlessError", "failure/message": "", "failure/host": HERE}),
        ("preempted", {"failure/type": "Failure", "failure/message": "preempted", "failure/host": HERE}),
        (
            SystemExit(3),
            {"failure/type": "SystemExit", "failure/message": "3", "failure/exit_code": 3, "failure/host": HERE},
        ),
        (
            SystemExit("no data"),
            {"failure/type": "SystemExit", "failure/message": "no data", "failure/exit_code": 1, "failure/host": HERE},
        ),
        (SystemExit(-1), {"failure/type": "SystemExit", "failure/exit_code": 255}),
        (Failure(type="NoResult"), {"failure/type": "NoResult", "failure/message": ""}),
        (
            Failure(type="Signal", message="SIGKILL", exit_code=137, host="node7"),
            {
                "failure/type": "Signal",
                "failure/message": "SIGKILL",
                "failure/exit_code": 137,
                "failure/host": "node7",
            },
        ),
        (ValueError("é" * 600), {"failure/message": "é" * 512}),
        (ValueError("x" * 1023 + "é"), {"failure/message": "x" * 1023}),
        (ValueError("\ud800"), {"failure/message": "?"}),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_failure_is_stored_as_a_result(face: Face, tracker: DictTracker, error: Any, stored: Result) -> None:
    """A failure is one file under its key, like any result; its texts are cut to the limits of a `str`."""
    assert face.fail("k", error)
    result = decode(tracker.get_bytes("k"), "k")
    assert result.items() >= stored.items()
    assert result.keys() <= {"failure/type", "failure/message", "failure/exit_code", "failure/host"}


def test_fail_refuses_other_objects(face: Face, tracker: DictTracker) -> None:
    """`fail` takes an exception, a text or a `Failure`, and refuses any other object, and an invalid key."""
    nothing: Any = None
    with pytest.raises(TypeError, match=r"a failure is an exception, a message or a typedtrack\.Failure, got None"):
        face.fail("k", nothing)
    with pytest.raises(InvalidKeyError):
        face.fail("../k", "message")
    assert tracker.stored == {}


def test_a_failure_replaces_nothing(face: Face, tracker: DictTracker) -> None:
    """`fail` replaces neither a result nor an earlier failure; a put replaces a failure, and a delete makes room."""
    tracker["k"] = PLAIN
    assert not face.fail("k", "late")
    assert tracker["k"] == PLAIN
    del face["k"]
    assert face.fail("k", "first")
    assert not face.fail("k", "second")
    assert face.fail("k", "first")
    assert dict(face.failures())["k"].message == "first"
    tracker["k"] = PLAIN
    assert tracker["k"] == PLAIN


def test_create_finds_a_failure(face: Face, tracker: DictTracker) -> None:
    """The error of `create` says that a failure is there, and how to make room."""
    face.fail("k", "broken")
    with pytest.raises(ResultExistsError, match="already holds a failure; delete it, or replace it by `put`") as caught:
        tracker.create("k", PLAIN)
    assert caught.value.is_failure
    assert pickle.loads(pickle.dumps(caught.value)).is_failure
    with pytest.raises(ResultExistsError, match="already holds a failure"):
        tracker.typed(Stat).create("k", STAT)
    del tracker["k"]
    tracker.create("k", PLAIN)
    with pytest.raises(ResultExistsError, match="already holds another result") as caught:
        tracker.create("k", n=1)
    assert not caught.value.is_failure


class _Unsafe(DictTracker):
    """A tracker on a store without an atomic create."""

    def _write(self, key: str, data: bytes, *, exclusive: bool = False) -> None:
        if exclusive:
            raise UnsupportedOperationError("create", repr(self), "use `put`")
        super()._write(key, data)


def test_without_an_atomic_create_nothing_is_stored() -> None:
    """A warning tells it. The application's own error is raised, even where warnings are errors."""
    tracker = _Unsafe()
    with pytest.warns(RuntimeWarning, match=r"the failure of key 'k' was not stored: create is not safe on"):
        assert not tracker.fail("k", "broken")
    with pytest.raises(DivergedError) as caught, pytest.warns(RuntimeWarning), tracker.attempt("k"):
        raise DivergedError
    assert not hasattr(caught.value, "__notes__")
    with warnings.catch_warnings(action="error"), pytest.raises(DivergedError) as caught, tracker.attempt("k"):
        raise DivergedError
    assert "was not stored under key 'k'" in caught.value.__notes__[0]
    assert tracker.stored == {}


# -- attempt ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [DivergedError("NaN"), KeyboardInterrupt(), SystemExit(2), SystemExit("no data")])
def test_attempt_stores_the_error_of_its_block(face: Face, error: BaseException) -> None:
    """`attempt` then raises the same error object again."""
    with pytest.raises(type(error)) as caught, face.attempt("k"):
        raise error
    assert caught.value is error
    assert dict(face.failures())["k"].type == type(error).__name__


@pytest.mark.parametrize("error", [SystemExit(), SystemExit(0), GeneratorExit()])
def test_attempt_stores_nothing_of_a_success(face: Face, tracker: DictTracker, error: BaseException) -> None:
    """A process that exits with 0, and a generator that is closed, have not failed."""
    with pytest.raises(type(error)), face.attempt("k"):
        raise error
    with face.attempt("k"):
        pass
    assert tracker.stored == {}


def test_attempt_never_replaces_a_result(face: Face, tracker: DictTracker) -> None:
    """If an application fails after its put, its result stays."""
    tracker["k"] = PLAIN
    with pytest.raises(DivergedError), face.attempt("k"):
        raise DivergedError
    assert tracker["k"] == PLAIN


def test_attempt_never_masks_the_error_of_the_block(face: Face, tracker: DictTracker) -> None:
    """If the store fails, too, a note on the block's own error says so."""
    tracker.faults["k"] = ConnectionResetError("gone")
    with pytest.raises(DivergedError) as caught, face.attempt("k"):
        raise DivergedError
    assert caught.value.__notes__ == ["typedtrack: this failure was not stored under key 'k': gone"]


def test_attempt_refuses_a_bad_key_before_the_block_runs(face: Face) -> None:
    """The application gets the error before its hours of work."""
    began = False
    with pytest.raises(InvalidKeyError), face.attempt("../k"):
        began = True
    assert not began


# -- reading a failure ------------------------------------------------------------------------------------------------

READS: dict[str, Callable[[Face], object]] = {
    "get": lambda face: face.get("k"),
    "[]": lambda face: face["k"],
    "wait": lambda face: face.wait("k"),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_a_failure_is_raised(face: Face, read: Callable[[Face], object]) -> None:
    """Every call for one key raises it, with the failure and the key; the error survives pickling."""
    face.fail("k", Failure(type="Signal", message="SIGKILL\n\x1b[31m", exit_code=137, host="node7"))
    with pytest.raises(ResultFailedError) as caught:
        read(face)
    error = pickle.loads(pickle.dumps(caught.value))
    assert error.key == "k"
    assert error.failure == Failure(type="Signal", message="SIGKILL\n\x1b[31m", exit_code=137, host="node7")
    assert str(error) == (
        r"key 'k': the application failed with 'Signal: SIGKILL\n\x1b[31m', exit code 137, on host 'node7'; "
        "delete this failure, or replace it by `put`"
    )
    assert isinstance(error, RuntimeError)


@pytest.mark.parametrize(
    ("stored", "failure"),
    [
        ({"failure/type": "Oops"}, Failure(type="Oops")),
        ({"failure/type": 5, "failure/message": 0.5}, Failure(type="5", message="0.5")),
        ({"accuracy": 0.5, "failure/type": "Oops"}, Failure(type="Oops")),
        ({"failure/type": "A", "failure/exit_code": "1", "failure/host": 7}, Failure(type="A")),
    ],
)
def test_a_failure_that_others_have_stored(face: Face, tracker: DictTracker, stored: Result, failure: Failure) -> None:
    """Any result with the field ``failure/type`` is a failure, even if its other fields have odd types."""
    for _ in range(2):  # names that were met before take no other road
        tracker["k"] = stored
        with pytest.raises(ResultFailedError) as caught:
            face.get("k")
        assert caught.value.failure == failure


def test_bulk_calls_count_a_failure_among_the_errors(face: Face, tracker: DictTracker) -> None:
    """All other keys are answered."""
    tracker["ok"] = PLAIN
    face.fail("bad", "broken")
    with pytest.raises(BulkError) as caught:
        face.get_many(["ok", "bad"])
    assert caught.value.results == {"ok": face["ok"]}
    assert {key: type(error) for key, error in caught.value.errors.items()} == {"bad": ResultFailedError}
    arrived: list[object] = []
    with pytest.raises(BulkError) as caught:
        arrived.extend(key for key, _ in face.wait_all(["bad", "ok"]))
    assert {key: type(error) for key, error in caught.value.errors.items()} == {"bad": ResultFailedError}


def test_errors_are_told_apart_by_type(tracker: DictTracker) -> None:
    """One call reports failed, corrupt, misfit and late results, each by its own type of error."""
    tracker["ok"] = PLAIN
    tracker.fail("failed", "broken")
    tracker.stored["corrupt"] = b"torn"
    tracker["misfit"] = {"accuracy": 1}
    with pytest.raises(BulkError) as caught:
        dict(tracker.typed(Stat).wait_all(["ok", "failed", "corrupt", "misfit", "late"], timeout=0))
    assert {key: type(error) for key, error in caught.value.errors.items()} == {
        "failed": ResultFailedError,
        "corrupt": CorruptResultError,
        "misfit": SchemaMismatchError,
        "late": ResultTimeoutError,
    }


def test_listings_leave_failures_out_if_they_read(face: Face, tracker: DictTracker) -> None:
    """Calls that read results leave failures out; calls that only list count them; `failures` has only failures."""
    tracker["a/ok"] = tracker["ok"] = PLAIN
    face.fail("a/bad", "broken")
    face.fail("bad", "broken, too")
    assert sorted(map(str, face.keys())) == ["a/bad", "a/ok", "bad", "ok"]
    assert (len(face), len(face.items()), len(face.values())) == (4, 4, 4)
    assert sorted(str(key) for key, _ in face.items()) == ["a/ok", "ok"]
    assert [str(key) for key, _ in face.items("a")] == ["a/ok"]
    assert len(list(iter(face.values()))) == 2
    assert list(iter(face.values("a"))) == [face["ok"]]
    assert {key: failure.message for key, failure in face.failures()} == {"a/bad": "broken", "bad": "broken, too"}
    assert [key for key, _ in face.failures("a")] == ["a/bad"]
    assert [key for key, _ in face.failures("a/ok")] == []
    assert "bad" in face
    assert "bad" in face.keys()  # noqa: SIM118  # the view is what is tested
    assert ("bad", {"failure/type": "Failure"}) not in face.items()
    assert ("ok", face["ok"]) in face.items()


def test_failures_hide_nothing(tracker: DictTracker) -> None:
    """The error at the end names unreadable results, since each may be a failure, but no misfit."""
    tracker["misfit"] = {"accuracy": 1}
    tracker.stored["corrupt"] = b"torn"
    tracker.fail("bad", "broken")
    tracker["gone"] = PLAIN
    tracker.faults["gone"] = ConnectionResetError("gone")
    for face in (tracker, tracker.typed(Stat)):
        found: list[object] = []
        with pytest.raises(BulkError) as caught:
            found.extend(key for key, _ in face.failures())
        errors = {key: type(error) for key, error in caught.value.errors.items()}
        assert errors == {"corrupt": CorruptResultError, "gone": ConnectionResetError}
        assert found == ["bad"]
    with pytest.raises(InvalidKeyError):
        tracker.failures("../x")


def test_a_typed_view_pops_no_failure(tracker: DictTracker) -> None:
    """`pop` of a failure raises it, even with a default."""
    view = tracker.typed(Stat)
    tracker.fail("k", "broken")
    with pytest.raises(ResultFailedError):
        view.pop("k", None)
    with pytest.raises(ResultFailedError):
        view.setdefault("k", STAT)
    with pytest.raises(ResultFailedError):
        view.get("k", STAT)
    assert "k" in view


# -- alive ------------------------------------------------------------------------------------------------------------


def test_a_job_that_is_gone_has_failed(face: Face, tracker: DictTracker) -> None:
    """The wait for it ends at once, and stores nothing."""
    asked: list[Key] = []

    def alive(key: Key) -> bool:
        asked.append(key)
        return False

    with pytest.raises(ResultFailedError) as caught:
        face.wait(7, alive=alive)
    assert (caught.value.key, caught.value.failure.type) == ("7", "Ended")
    assert asked == [7]
    tracker["ok"] = PLAIN
    arrived: list[Key] = []
    with pytest.raises(BulkError) as group:
        arrived.extend(key for key, _ in face.wait_all([7, "ok", "b"], alive=alive))
    assert asked == [7, 7, "b"]
    ended = {key: error for key, error in group.value.errors.items() if isinstance(error, ResultFailedError)}
    assert {key: error.failure.type for key, error in ended.items()} == {7: "Ended", "b": "Ended"}
    assert tracker.stored.keys() == {"ok"}


def test_the_error_of_a_job_that_is_gone_advises_what_can_be_done(face: Face) -> None:
    """Nothing is stored that could be deleted; so it stays when the error is pickled."""
    with pytest.raises(ResultFailedError) as caught:
        face.wait("k", alive=lambda _: False)
    for error in (caught.value, pickle.loads(pickle.dumps(caught.value))):
        assert not error.is_stored
        assert "start it again" in str(error)
        assert "del" not in str(error)


@pytest.mark.parametrize("alive", [False, True, 3, lambda: True, isinstance])
def test_alive_is_a_function_of_a_key(face: Face, tracker: DictTracker, alive: Any) -> None:
    """Any other object is refused at once, whether or not the results are there."""
    tracker["k"] = PLAIN
    for call in (lambda: face.wait("k", alive=alive), lambda: face.wait_all(["k"], alive=alive)):
        with pytest.raises(TypeError, match="alive is a function that takes a key and returns a bool, not"):
            call()


@pytest.mark.parametrize("answer", [None, 1, "no"])
def test_alive_returns_a_bool(face: Face, answer: Any) -> None:
    """A function that forgets to return would let a job that lives be taken for gone."""
    with pytest.raises(TypeError, match="alive must return a bool"):
        face.wait("k", alive=lambda _: answer)
    with pytest.raises(TypeError, match="alive must return a bool"):
        list(face.wait_all(["k"], alive=lambda _: answer))


def test_alive_may_be_a_builtin_function(face: Face) -> None:
    """Some of them have no signature."""
    with pytest.raises(ResultTimeoutError):
        face.wait("k", timeout=0, alive=bool)


def test_a_result_that_came_just_before_is_not_missed(face: Face, tracker: DictTracker) -> None:
    """A job may put its result and end between the read and the question: one more read decides."""

    def alive(key: Key) -> bool:
        tracker[key] = PLAIN
        return False

    assert face.wait("k", alive=alive) == face["k"]
    assert [key for key, _ in face.wait_all(["l", "m"], timeout=60, alive=alive)] == ["l", "m"]


def test_a_job_that_lives_is_waited_for(face: Face, tracker: DictTracker) -> None:
    """`alive` is called after each look that does not find the result."""
    asked: list[Key] = []

    def alive(key: Key) -> bool:
        asked.append(key)
        if len(asked) == 3:
            tracker["k"] = PLAIN
        return True

    assert face.wait("k", timeout=60, alive=alive) == face["k"]
    assert asked == ["k"] * 3
    with pytest.raises(ResultTimeoutError):
        face.wait("l", timeout=0, alive=alive)
    with pytest.raises(ResultTimeoutError) as caught:
        list(face.wait_all(["k", "l"], timeout=0, alive=alive))
    assert caught.value.keys == ("l",)


@given(
    jobs=st.lists(st.tuples(st.floats(0, 100), st.booleans()), min_size=1, max_size=5),
    cost=st.floats(0, 0.01),
)
def test_a_wait_ends_within_a_second_of_the_last_job(jobs: list[tuple[float, bool]], cost: float) -> None:
    """This holds for any length of jobs, with or without results; after its job's end a key is read twice at most."""
    now = 0.0
    looks = Counter[str]()

    class Clocked(DictTracker):
        def _read(self, key: str, limit: int) -> bytes | None:
            nonlocal now
            now += cost
            end, is_put = jobs[int(key)]
            if now < end:
                return None
            looks[key] += 1
            return b'{"x": 1}' if is_put else None

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(polling, "time", SimpleNamespace(monotonic=lambda: now, sleep=sleep))
        results: set[object] = set()
        errors: set[object] = set()
        try:
            for key, _ in Clocked(1).wait_all(range(len(jobs)), alive=lambda key: now < jobs[int(key)][0]):
                results.add(key)
        except BulkError as error:
            errors.update(error.errors)
    assert results == {number for number, (_, is_put) in enumerate(jobs) if is_put}
    assert errors == {number for number, (_, is_put) in enumerate(jobs) if not is_put}
    assert now <= 1 + max(end for end, _ in jobs)
    assert max(looks.values()) <= 2


# -- the record -------------------------------------------------------------------------------------------------------


def test_failure_is_a_record_of_its_own() -> None:
    """`Failure` keeps the rules of records, and a view of it is refused."""
    assert [column.name for column in schema_of(Failure).columns] == [
        "failure/type",
        "failure/message",
        "failure/exit_code",
        "failure/host",
    ]
    with pytest.raises(InvalidResultError):
        Failure(type="x" * 1025)
    with pytest.raises(RecordDefinitionError, match=r"use tracker\.failures\(\), and tracker\.fail\(\)"):
        DictTracker().typed(Failure)


def _named(name: str, *aliases: str) -> type[object]:
    return record(type("R", (), {"__annotations__": {"x": int}, "x": field(name=name, aliases=aliases)}))


def test_a_record_has_no_field_that_marks_failures() -> None:
    """A name, an alias or a nested name ``failure/type`` is refused; other names that begin so are allowed."""
    for names in (("failure/type",), ("x", "failure/type")):
        with pytest.raises(RecordDefinitionError, match=r"R\.x: has the name 'failure/type' on the wire"):
            _named(*names)
    _named("failure/rate")
    with pytest.raises(RecordDefinitionError, match=r"kind: has the name 'failure/type' on the wire"):

        @record
        class _Other:
            kind: str = field(name="failure/type")
            x: int


def test_untyped_use_loads_no_attrs(tmp_path: Path) -> None:
    """`put`, `get`, `attempt` and `fail` load no record; reading a failure does."""
    program = f"""
import sys, typedtrack
tracker = typedtrack.open_tracker({str(tmp_path)!r})
tracker.fail("a", "broken")
try:
    with tracker.attempt("b"):
        raise ValueError
except ValueError:
    pass
try:
    tracker.get("c")["x"]
except typedtrack.ResultNotFoundError:
    pass
assert "attrs" not in sys.modules and "attr" not in sys.modules
try:
    tracker.get("a")
except typedtrack.ResultFailedError as error:
    assert type(error.failure) is typedtrack.Failure
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_on_a_local_disk(tmp_path: Path) -> None:
    """A failure is a file that any JSON reader understands."""
    tracker = open_tracker(tmp_path)
    tracker.fail("runs/7", Failure(type="ExitCode", message="exit code 3", exit_code=3, host="node7"))
    assert (tmp_path / "runs/7").read_text() == (
        '{\n  "failure/type": "ExitCode",\n  "failure/message": "exit code 3",\n  "failure/exit_code": 3,\n'
        '  "failure/host": "node7"\n}\n'
    )
