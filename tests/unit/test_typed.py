"""`TypedTracker`: a mapping from keys to records, over any tracker."""

from __future__ import annotations

import pickle
import shutil
import sys
from collections.abc import Callable, Iterator, MutableMapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import polars
import pytest
from msgspec import Meta

from tests.trackers import DictTracker
from typedtrack import (
    BulkError,
    CorruptResultError,
    FsspecResultTracker,
    InvalidKeyError,
    InvalidResultError,
    Key,
    KeyTemplate,
    Problem,
    RecordDefinitionError,
    Result,
    ResultExistsError,
    ResultNotFoundError,
    ResultTimeoutError,
    ResultTracker,
    SchemaMismatchError,
    Stat,
    TypedTracker,
    field,
    key,
    open_tracker,
    record,
)


class Split(StrEnum):
    """A part of a data set, named in any case."""

    TEST = "test"

    @classmethod
    def _missing_(cls, value: object) -> Split:
        return cls.TEST


@record
class EvalResult:
    """One evaluation."""

    accuracy: Annotated[float, Meta(ge=0, le=1)]
    l2norm: Stat
    steps: int = 0
    p99_ms: float = field(name="latency/p99", aliases=("p99", "p99_ms"), default=0.0)
    note: str | None = None


@record
class Loss:
    """A loss that may diverge."""

    loss: float
    part: Split = Split.TEST


@key("runs/{experiment}/trial_{trial}")
class TrialKey(KeyTemplate):
    """The key of a trial."""

    experiment: str
    trial: int


RESULT = EvalResult(accuracy=0.5, l2norm=Stat(mean=1, sem=0.1))
PLAIN: Result = {
    "accuracy": 0.5,
    "l2norm/mean": 1.0,
    "l2norm/sem": 0.1,
    "steps": 0,
    "latency/p99": 0.0,
}


@record
class Checked:
    """A record whose own check has a mistake."""

    n: int

    def __attrs_post_init__(self) -> None:
        """Look for a number that is not there."""
        assert {0: 0, 1: 1, 2: 2}[self.n] == self.n


@pytest.fixture
def records(form: Callable[..., list[Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the classes above by the ones under test: the declared classes, or those loaded from their schemas."""
    module = sys.modules[__name__]
    for cls in form(EvalResult, Loss):
        monkeypatch.setattr(module, cls.__name__, cls)
    monkeypatch.setattr(module, "RESULT", EvalResult(accuracy=0.5, l2norm=Stat(mean=1, sem=0.1)))


@pytest.fixture(params=["local", "memory"])
def tracker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ResultTracker]:
    """Return an empty tracker on each store that needs no server."""
    yield FsspecResultTracker(tmp_path if request.param == "local" else f"memory://{tmp_path.name}")
    shutil.rmtree(tmp_path)


@pytest.fixture
def view(records: None, tracker: ResultTracker) -> TypedTracker[Key, EvalResult]:
    """Return a view of an empty tracker."""
    return tracker.typed(EvalResult)


@key("k/{number}")
class _PickledKey:
    number: int


def test_records_and_plain_maps_are_one_result(tracker: ResultTracker, view: TypedTracker[Key, EvalResult]) -> None:
    """The tracker reads records as plain maps, and the view reads plain maps as records."""
    view["typed"] = RESULT
    assert tracker["typed"] == PLAIN
    tracker["plain"] = PLAIN
    assert view["plain"] == RESULT
    assert tracker.get_bytes("plain") == tracker.get_bytes("typed") == view.get_bytes("typed")
    tracker["short"] = {"accuracy": 1, "l2norm/mean": 2, "l2norm/sem": 3}
    assert view["short"] == EvalResult(accuracy=1.0, l2norm=Stat(mean=2.0, sem=3.0))


def test_it_is_a_mutable_mapping(view: TypedTracker[Key, EvalResult]) -> None:
    """Each method of `MutableMapping` behaves as for a dict."""
    other = EvalResult(accuracy=1, l2norm=Stat(mean=0, sem=0))
    assert isinstance(view, MutableMapping)
    assert not view
    with pytest.raises(KeyError):
        view.popitem()
    view.update({"a": RESULT}, b=RESULT)
    assert view
    assert view == {"a": RESULT, "b": RESULT}
    assert (sorted(map(str, view)), len(view), 5 in view, "a" in view) == (["a", "b"], 2, False, True)
    assert view.setdefault("a", other) == RESULT
    assert view.setdefault(5, other) == other
    assert view["5"] == other
    assert sorted(record_.accuracy for record_ in view.values()) == [0.5, 0.5, 1.0]
    assert (other in view.values(), len(view.values()), RESULT in view.values()) == (True, 3, True)
    assert EvalResult(accuracy=0, l2norm=Stat(mean=0, sem=0)) not in view.values()
    assert ("a", RESULT) in view.items()
    assert view.pop(5) == other
    assert view.pop(5, None) is None
    with pytest.raises(ResultNotFoundError):
        view.pop(5)
    del view["a"]
    assert view.popitem() == ("b", RESULT)
    view["a"] = view["b/c"] = RESULT
    view.clear()
    assert (list(view), list(view.items())) == ([], [])


def test_absent_is_none_or_the_default_or_an_error(view: TypedTracker[Key, EvalResult]) -> None:
    """For an absent key, `get` returns `None` or the default, and ``view[key]`` raises."""
    assert view.get("x") is None
    assert view.get("x", 3) == 3
    with pytest.raises(KeyError) as caught:
        view["x"]
    assert isinstance(caught.value, ResultNotFoundError)
    assert caught.value.key == "x"
    view["x"] = RESULT
    assert view.get("x") == view.get("x", 3) == RESULT
    with pytest.raises(ResultNotFoundError):
        del view["y"]


MAPPING_CALLS: dict[str, Callable[[TypedTracker[Key, Checked]], object]] = {
    "get": lambda view: view.get("k"),
    "[]": lambda view: view["k"],
    "in": lambda view: "k" in view,
    "pop": lambda view: view.pop("k", None),
    "setdefault": lambda view: view.setdefault("k", Checked(n=2)),
    "popitem": lambda view: view.popitem(),
    "clear": lambda view: view.clear(),
    "wait": lambda view: view.wait("k", timeout=60),
}


@pytest.mark.parametrize("call", MAPPING_CALLS)
def test_a_key_error_of_the_store_does_not_mean_absent(call: str) -> None:
    """A backend of the user's may raise one by mistake; a mapping would take it for its own, and hide the result."""
    tracker = DictTracker()
    view = tracker.typed(Checked)
    view["k"] = Checked(n=1)
    tracker.faults.update({"k": KeyError("size"), "": KeyError("size")})
    with pytest.raises(RuntimeError, match=r"raised KeyError\('size'\), which says nothing about the key") as caught:
        MAPPING_CALLS[call](view)
    assert isinstance(caught.value.__cause__, KeyError)
    assert any("DictTracker()" in note for note in caught.value.__notes__)
    assert list(tracker.stored) == ["k"]


def test_a_key_error_of_every_other_call_is_another_error() -> None:
    """A put, a create, a delete, a listing and the results of a bulk call have none, either."""
    tracker = DictTracker()
    view = tracker.typed(Checked)
    tracker.faults.update({"k": KeyError("size"), "": KeyError("size")})
    for call in (view.put, view.create, view.__setitem__):
        with pytest.raises(RuntimeError, match="KeyError"):
            call("k", Checked(n=1))
    for act in (lambda: view.__delitem__("k"), lambda: list(view.keys()), lambda: len(view)):
        with pytest.raises(RuntimeError, match="KeyError"):
            act()
    with pytest.raises(BulkError) as caught:
        view.get_many(["k"])
    assert [type(error) for error in caught.value.errors.values()] == [RuntimeError]


def test_a_key_error_of_a_record_does_not_mean_absent() -> None:
    """The check of a record's own may raise one."""
    tracker = DictTracker()
    tracker.put("k", n=-1)
    with pytest.raises(RuntimeError, match="KeyError"):
        tracker.typed(Checked).pop("k", None)
    assert list(tracker.stored) == ["k"]


def test_create_stores_only_under_a_free_key(view: TypedTracker[Key, EvalResult]) -> None:
    """A second create succeeds with an equal record, and fails with another one."""
    view.create("x", RESULT)
    view.create("x", RESULT)
    with pytest.raises(ResultExistsError):
        view.create("x", EvalResult(accuracy=1, l2norm=Stat(mean=0, sem=0)))
    assert view["x"] == RESULT


def test_bulk_calls_are_typed(view: TypedTracker[Key, EvalResult]) -> None:
    """Calls for many keys take and return records; an absent key gives `None`."""
    view.put_many({"a": RESULT, 2: RESULT})
    view.put_many([("b/c", RESULT)])
    assert view.get_many(["a", 2, "b/c", "absent"]) == {"a": RESULT, 2: RESULT, "b/c": RESULT, "absent": None}
    assert sorted(map(str, view.keys("b"))) == ["b/c"]
    assert dict(view.items("b")) == {"b/c": RESULT}
    assert dict(view.wait_all(["a", 2], timeout=300)) == {"a": RESULT, 2: RESULT}
    assert view.wait("a", timeout=300) == RESULT
    with pytest.raises(ResultTimeoutError):
        view.wait("absent", timeout=0)


def test_a_bulk_call_returns_all_other_results(tracker: ResultTracker, view: TypedTracker[Key, EvalResult]) -> None:
    """A result that does not fit, or a put that is refused, does not stop the others."""
    view["good"] = RESULT
    tracker["bad"] = {"accuracy": 2}
    with pytest.raises(BulkError) as caught:
        view.get_many(["good", "bad", "absent"])
    assert caught.value.results == {"good": RESULT, "absent": None}
    assert [type(error) for error in caught.value.errors.values()] == [SchemaMismatchError]
    with pytest.raises(BulkError):
        view.put_many({"x": RESULT, "y": Stat(mean=0, sem=0)})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]  # refused
    assert "x" in view
    assert "y" not in view


@pytest.mark.parametrize("wrong", [Stat(mean=1, sem=1), PLAIN, None])
def test_only_records_of_the_class_are_put(view: TypedTracker[Key, EvalResult], wrong: Any) -> None:
    """A put of anything else raises, and writes nothing."""
    for put in (view.put, view.create, view.__setitem__):
        with pytest.raises(
            InvalidResultError, match=f"a result here is an instance of EvalResult, not {type(wrong).__name__}"
        ):
            put("x", wrong)
    assert "x" not in view


def test_a_record_of_another_class_with_the_same_name_is_refused(view: TypedTracker[Key, EvalResult]) -> None:
    """The error names the modules of both classes."""
    other: type[Any] = record(
        type("EvalResult", (), {"__annotations__": {"accuracy": float}, "__module__": "elsewhere"})
    )
    with pytest.raises(
        InvalidResultError, match=rf"is an instance of {EvalResult.__module__}\.EvalResult, not elsewhere\.EvalResult"
    ):
        view["x"] = other(accuracy=0.5)


def test_a_mismatch_lists_every_problem(tracker: ResultTracker, view: TypedTracker[Key, EvalResult]) -> None:
    """The error lists each problem by the stored name, and names the file."""
    tracker["x"] = {"accuracy": 2, "l2norm/mean": "a", "steps": 1.5, "p99": "fast", "unknown": 1}
    with pytest.raises(SchemaMismatchError) as caught:
        view["x"]
    assert caught.value.record == "EvalResult"
    assert caught.value.file.endswith("['x']") or caught.value.file.endswith("/x")
    assert caught.value.problems == (
        Problem("accuracy", "must be <= 1.0", "2", "accuracy"),
        Problem("l2norm/mean", "must be a float, not str", "'a'", "l2norm.mean"),
        Problem("l2norm/sem", "is missing", None, "l2norm.sem"),
        Problem("steps", "must be an int, not float", "1.5", "steps"),
        Problem("p99", "must be a float, not str", "'fast'", "p99_ms"),
    )


def test_old_names_are_read(tracker: ResultTracker, view: TypedTracker[Key, EvalResult]) -> None:
    """A field is read under an alias. A result that has it under two names is a mismatch."""
    needed: Result = {"accuracy": 0.5, "l2norm/mean": 1.0, "l2norm/sem": 0.1}
    tracker["x"] = {**needed, "p99": 3.5}
    assert view["x"].p99_ms == 3.5
    for names in (("p99", "latency/p99"), ("p99_ms", "p99")):
        tracker["x"] = {**needed, **dict.fromkeys(names, 1.0)}
        with pytest.raises(SchemaMismatchError) as caught:
            view["x"]
        (problem,) = caught.value.problems
        assert problem.field == "latency/p99"
        assert problem.reason.startswith("is stored under more than one name: ")


@pytest.mark.usefixtures("records")
def test_unknown_fields_are_ignored_or_refused(tracker: ResultTracker) -> None:
    """A view ignores unknown fields; with ``unknown="error"`` it names each in an error."""
    tracker["x"] = {**PLAIN, "more": 1, "p99_s": 2}
    assert tracker.typed(EvalResult)["x"] == RESULT
    with pytest.raises(SchemaMismatchError) as caught:
        tracker.typed(EvalResult, unknown="error")["x"]
    assert [problem.field for problem in caught.value.problems] == ["more", "p99_s"]
    with pytest.raises(ValueError, match="unknown is 'ignore' or 'error', got 'strict'"):
        tracker.typed(EvalResult, unknown="strict")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]  # refused


@pytest.mark.usefixtures("records")
def test_a_file_with_nan_reads_typed(tracker: ResultTracker) -> None:
    """NaN and the infinities are the same in the view and in the tracker."""
    view = tracker.typed(Loss)
    for loss in (float("nan"), float("inf"), float("-inf")):
        view["x"] = Loss(loss=loss)
        assert repr(view["x"].loss) == repr(loss)
        assert repr(tracker["x"]["loss"]) == repr(loss)
        tracker["x"] = {"loss": loss}
        assert repr(view["x"]) == repr(Loss(loss=loss))


@pytest.mark.usefixtures("records")
def test_an_enumeration_cannot_add_values(tracker: ResultTracker, is_loaded: bool) -> None:
    """A get does not call ``_missing_``, which would accept a value that the schema refuses."""
    tracker["x"] = {"loss": 1.0, "part": "TEST"}
    with pytest.raises(SchemaMismatchError, match="field 'part': must be one of 'test', got 'TEST'"):
        tracker.typed(Loss)["x"]
    tracker["x"] = {"loss": 1.0, "part": "test"}
    part = tracker.typed(Loss)["x"].part
    assert (part, type(part)) == ("test", str if is_loaded else Split)


@pytest.mark.usefixtures("records")
@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"accuracy": true}', b'{"a": ' + b" " * 2**20 + b"1}"])
def test_a_corrupt_result_raises_the_same_error_as_untyped(tmp_path: Path, data: bytes) -> None:
    """A file that is not a result raises `CorruptResultError`, not `SchemaMismatchError`."""
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(CorruptResultError):
        FsspecResultTracker(tmp_path).typed(EvalResult)["x"]


@pytest.mark.usefixtures("records")
def test_typed_keys_list_only_keys_of_their_template(tracker: ResultTracker) -> None:
    """A view with typed keys skips keys of another form, and keys whose fields would be refused."""
    trials = tracker.typed(EvalResult, key=TrialKey)
    trials[TrialKey("a", 1)] = trials[TrialKey("b", -2)] = RESULT
    for text in ("runs/a/trial_01", "runs/c", "runs/a/trial_x/x", "other/a/trial_1"):
        tracker[text] = {"x": 1}
    assert set(trials) == {TrialKey("a", 1), TrialKey("b", -2)}
    assert set(trials.keys("runs/a")) == set(trials.keys("runs/a/")) == {TrialKey("a", 1)}
    assert set(trials.keys("other")) == set()
    assert set(trials.keys("runs/")) == set(trials.keys("runs")) == set(trials)
    assert dict(trials.items()) == dict.fromkeys(trials, RESULT)
    assert len(trials) == 2
    assert tracker["runs/a/trial_1"] == PLAIN
    assert trials.get_many([TrialKey("a", 1)]) == {TrialKey("a", 1): RESULT}
    trials.clear()
    assert (list(trials), len(tracker)) == ([], 4)


@pytest.mark.usefixtures("records")
def test_typed_keys_ask_the_store_only_for_their_prefix(tmp_path: Path) -> None:
    """The store lists only below the fixed start of the template."""
    asked: list[str] = []

    class Spied(FsspecResultTracker):
        def _list(self, prefix: str) -> Iterator[str]:
            asked.append(prefix)
            return super()._list(prefix)

    tracker = Spied(tmp_path)
    trials = tracker.typed(EvalResult, key=TrialKey)
    for prefix in ("", "runs", "runs/a", "other"):
        assert not any(True for _ in trials.keys(prefix))
    assert asked == ["runs", "runs", "runs/a", "other"]


@pytest.mark.usefixtures("records")
@pytest.mark.parametrize("wrong", ["runs/a/trial_1", 5, ("a", 1), None])
def test_another_key_is_refused(tracker: ResultTracker, wrong: Any) -> None:
    """A view with typed keys takes only those; a view without them refuses typed keys."""
    trials = tracker.typed(EvalResult, key=TrialKey)
    with pytest.raises(InvalidKeyError, match=f"a key here is an instance of TrialKey, not {type(wrong).__name__}"):
        trials[wrong]
    advice = r"a key is an int or a str, not TrialKey; use tracker\.typed\(\.\.\., key=TrialKey\), or str\(key\)"
    with pytest.raises(InvalidKeyError, match=advice):
        tracker[TrialKey("a", 1)]  # type: ignore[index]  # pyright: ignore[reportArgumentType]  # refused
    with pytest.raises(InvalidKeyError, match=advice):
        tracker.typed(EvalResult)[TrialKey("a", 1)]  # type: ignore[index]  # pyright: ignore[reportArgumentType]  # refused


@pytest.mark.usefixtures("records")
def test_the_repr_is_the_call_that_makes_the_view(tracker: ResultTracker) -> None:
    """The `repr` shows the arguments that are not defaults."""
    assert repr(tracker.typed(EvalResult)) == f"{tracker!r}.typed(EvalResult)"
    by_trial = tracker.typed(EvalResult, key=TrialKey, unknown="error")
    assert repr(by_trial) == f"{tracker!r}.typed(EvalResult, key=TrialKey, unknown='error')"
    assert tracker.typed(EvalResult).max_concurrency == tracker.max_concurrency


@pytest.mark.parametrize("thing", [int, dict, RESULT])
def test_typed_takes_only_record_classes(tracker: ResultTracker, thing: Any) -> None:
    """Any other object is refused; the error tells how to declare a record."""
    with pytest.raises(RecordDefinitionError, match="is not a record class; decorate it with @record"):
        tracker.typed(thing)


def test_a_literal_field_holds_one_of_its_values(tracker: ResultTracker, form: Callable[..., list[Any]]) -> None:
    """A get refuses a value that is not among those of the `Literal`."""

    @record
    class Part:
        split: Literal["train", "test"]
        fold: Literal[1, 2] | None = None

    [made] = form(Part)
    view = tracker.typed(made)
    view["x"] = made(split="test", fold=2)
    assert view["x"] == made(split="test", fold=2)
    tracker["x"] = {"split": "test", "fold": 3}
    with pytest.raises(SchemaMismatchError, match="must be one of 1, 2"):
        view["x"]


@pytest.mark.usefixtures("records")
def test_a_view_pickles(tmp_path: Path) -> None:
    """Views with plain and with typed keys can be pickled, for workers in other processes."""
    tracker = FsspecResultTracker(tmp_path)
    for view in (tracker.typed(EvalResult), tracker.typed(EvalResult, key=_PickledKey)):
        again = pickle.loads(pickle.dumps(view))
        assert repr(again) == repr(view)
        assert list(again) == list(view)
    again = pickle.loads(pickle.dumps(tracker.typed(EvalResult, key=_PickledKey)))
    again[_PickledKey(1)] = RESULT
    assert tracker["k/1"] == PLAIN


def _gone_and_a(view: object) -> Iterator[Key]:
    return iter(["gone", "a"])


def test_clear_deletes_misfits_and_ignores_deleted_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`clear` reads nothing, and does not fail if another process deletes a key first."""
    tracker = FsspecResultTracker(tmp_path)
    tracker["a"] = {"x": 1}
    view = tracker.typed(Stat)
    monkeypatch.setattr(type(view), "__iter__", _gone_and_a)
    view.clear()
    assert len(tracker) == 0


def test_values_show_themselves_without_reading(tmp_path: Path) -> None:
    """The `repr` of `values()` names its view, and reads nothing."""
    view = FsspecResultTracker(tmp_path).typed(Stat)
    assert repr(view) in repr(view.values())


@record
class Positive:
    """Its hook raises an error that is not a `ValueError`."""

    x: int

    def __attrs_post_init__(self) -> None:
        if self.x < 0:
            raise AssertionError("x must be positive")


@record
class HoldsPositive:
    """It holds a record with such a hook."""

    inner: Positive


@pytest.mark.parametrize(("cls", "name", "note"), [(Positive, "x", "Positive;"), (HoldsPositive, "inner/x", "'inner'")])
@pytest.mark.parametrize("kind", ["base", "archive"])
def test_any_error_of_a_hook_names_the_key(tmp_path: Path, cls: type[object], name: str, note: str, kind: str) -> None:
    """It spares the other results, in each call for many of them, and in the file of a table."""
    tracker = open_tracker(tmp_path / "base")
    tracker.put_many({"bad": {name: -1}, "good": {name: 1}})
    if kind == "archive":
        tracker.archive(tmp_path / "all.ndjson")
        tracker = open_tracker(tmp_path / "all.ndjson")
    view: TypedTracker[int | str, object] = tracker.typed(cls)

    def notes_of(error: BaseException) -> str:
        assert type(error) is AssertionError
        return "\n".join(error.__notes__)

    with pytest.raises(AssertionError, match="must be positive") as caught:
        view["bad"]
    assert "bad" in notes_of(caught.value)
    assert note in notes_of(caught.value)
    found: list[object] = []
    with pytest.raises(BulkError) as items:
        found.extend(key for key, _ in view.items())
    assert found == ["good"]
    assert "bad" in notes_of(items.value.errors["bad"])
    table = tmp_path / "table.parquet"
    for cache in (None, tmp_path / "cache"):
        frame = view.frame(cache=cache)
        for _ in range(2):
            with pytest.raises(BulkError) as written:
                frame.write(table)
            assert [*written.value.errors] == ["bad"]
            assert polars.read_parquet(table)["key"].to_list() == ["good"]


def test_a_cached_row_may_meet_any_error_of_a_hook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hook of today may raise an error that it did not raise when the row was cached."""
    tracker = open_tracker(tmp_path / "base")
    tracker.put_many({"a": {"x": 1}, "b": {"x": 2}})
    frame = tracker.typed(Flexible).frame(cache=tmp_path / "cache")
    assert polars.DataFrame(frame).height == 2
    monkeypatch.setattr(Flexible, "least", 2)
    with pytest.raises(BulkError) as caught:
        frame.write(tmp_path / "table.parquet")
    assert [*caught.value.errors] == ["a"]


@record
class Flexible:
    """A record whose hook changes."""

    least: ClassVar[int] = 0

    x: int

    def __attrs_post_init__(self) -> None:
        if self.x < self.least:
            raise AttributeError("x")
