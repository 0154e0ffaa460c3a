"""typedtrack replaces `torchx.runtime.tracking`: it has the same calls, and both read each other's files."""

from __future__ import annotations

import json
import math
import re
import uuid
import warnings
from pathlib import Path
from typing import Any

import pytest

import typedtrack
from tests.trackers import exact
from typedtrack import CorruptResultError, FsspecResultTracker, Key, Result, UnsupportedOperationError, record

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the reference's own imports
    reference: Any = pytest.importorskip("torchx.runtime.tracking")

RESULT: Result = {
    "accuracy": 0.233,
    "steps": 3,
    "one": 1.0,
    "minus zero": -0.0,
    "l2norm/mean": math.nan,
    "l2norm/sem": math.inf,
    "low": -math.inf,
    "big": 2**64 - 1,
    "name": "naïve 日本 😀",
    "lines": 'a\nb\t"\\\x00',
}


@pytest.fixture(params=["path", "url", "memory"])
def base(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return a base that both libraries read."""
    bases = {"path": str(tmp_path / "b"), "url": f"file://{tmp_path}/b", "memory": f"memory://{uuid.uuid4()}"}
    return bases[request.param]


@pytest.mark.filterwarnings("ignore:from fsspec 2023.5")  # torchx passes int keys to fsspec
@pytest.mark.parametrize("key", ["app1_out", "attempt_1/out", 1, "a b", "naïve", "x=1,y:2"])
def test_each_library_reads_the_files_of_the_other(base: str, key: Key) -> None:
    """A result that one library puts is got by the other, equal to the bit."""
    ours, theirs = typedtrack.FsspecResultTracker(base), reference.FsspecResultTracker(base)
    theirs[key] = RESULT
    assert exact(ours[key]) == exact(RESULT)
    assert exact(dict(ours.items())[str(key)]) == exact(RESULT)
    del ours[key]
    assert theirs[key] == ours[key] == {}
    ours[key] = RESULT
    assert exact(theirs[key]) == exact(RESULT)


def test_files_have_the_bytes_that_torchx_writes() -> None:
    """For ASCII text and plain numbers only the newline at the end differs."""
    result: Result = {"a": 0.5, "b": 3, "c": "text", "d": -0.0}
    tracker = typedtrack.FsspecResultTracker(f"memory://{uuid.uuid4()}")
    for values in (result, {**result, "e": math.nan, "f": -math.inf}):
        tracker["k"] = values
        assert tracker.get_bytes("k") == json.dumps(values, indent=2).encode() + b"\n"


@pytest.mark.filterwarnings("ignore:from fsspec 2023.5")  # torchx passes int keys to fsspec
@pytest.mark.parametrize("tracking", [reference, typedtrack], ids=["reference", "typedtrack"])
def test_code_written_for_torchx_runs(tracking: Any, base: str) -> None:
    """The examples of torchx run with either import."""
    tracker = tracking.FsspecResultTracker(base)
    assert isinstance(tracker, tracking.ResultTracker)
    tracker.put("foo", l2norm=1.2)
    assert tracker.get("foo")["l2norm"] == 1.2
    tracker["foo"] = {"l2norm/mean": 1.2, "l2norm/sem": 3.4}
    assert tracker["foo"]["l2norm/sem"] == 3.4
    tracker[1] = {"l2norm": 1.2}
    assert tracker["1"] == tracker[1] == {"l2norm": 1.2}
    assert tracker["absent"] == tracker.get("absent") == {}
    assert tracker.get(12345) == {}
    tracker.put(key="by name", l2norm=1.2)
    assert tracker.get(key="by name") == {"l2norm": 1.2}


@pytest.mark.filterwarnings("ignore:from fsspec 2023.5")  # torchx passes int keys to fsspec
@pytest.mark.parametrize("key", ["trial_1", 1])
def test_torchx_reads_a_failure_as_a_result_without_its_metric(base: str, key: Key) -> None:
    """So its readers miss the metric, and never take a wrong value."""
    assert typedtrack.FsspecResultTracker(base).fail(key, ValueError("the loss is infinite"))
    stored = reference.FsspecResultTracker(base)[key]
    assert stored.pop("failure/host")
    assert stored == {"failure/type": "ValueError", "failure/message": "the loss is infinite"}


def test_every_class_of_torchx_has_its_twin() -> None:
    """Both classes that torchx's module exports exist here under the same name."""
    names = {name for name in ("ResultTracker", "FsspecResultTracker") if hasattr(reference, name)}
    assert names <= set(typedtrack.__all__)
    assert len(names) == 2


class _Prefixed(FsspecResultTracker):
    """A subclass that was written for torchx's tracker."""

    def put(self, key: Any, **results: Any) -> None:  # type: ignore[mutable-override]  # of this project's mypy.ini
        super().put(f"pre/{key}", results)

    def get(self, key: Any) -> Any:
        return super().get(f"pre/{key}")


def test_a_subclass_of_its_tracker_works(tmp_path: Path) -> None:
    """Subscripts call the methods that the subclass overrides."""
    tracker = _Prefixed(tmp_path)
    tracker["a"] = {"n": 1}
    assert tracker["a"] == {"n": 1}
    assert FsspecResultTracker(tmp_path)["pre/a"] == {"n": 1}


def test_key_may_be_a_field_if_the_key_is_positional(tmp_path: Path) -> None:
    """`put("a", key="b")` stores a field `key`; a put without any key raises an error that shows the call."""
    tracker = FsspecResultTracker(tmp_path)
    tracker.put("a", key="b")
    assert dict(tracker.items()) == {"a": {"key": "b"}}
    nothing: Any = {"accuracy": 0.5}
    with pytest.raises(TypeError, match="put\\(\\) takes a key"):
        tracker.put(**nothing)


@pytest.fixture(params=[reference, typedtrack], ids=["reference", "typedtrack"])
def own_tracker(request: pytest.FixtureRequest) -> Any:
    """Return a tracker whose class implements only `put` and `get`, as torchx's documentation asks."""

    class OwnTracker(request.param.ResultTracker):  # type: ignore[misc, name-defined]  # known only as it runs
        def __init__(self) -> None:
            self.stored: dict[str, dict[str, Any]] = {}

        def put(self, key: Any, **results: Any) -> None:
            self.stored[str(key)] = results

        def get(self, key: Any) -> dict[str, Any]:
            return self.stored.get(str(key), {})

    return OwnTracker()


def test_a_tracker_with_put_and_get_has_subscripts(own_tracker: Any) -> None:
    """`tracker[key]` calls `put` and `get`, as in torchx."""
    own_tracker[7] = {"accuracy": 0.5}
    own_tracker.put("b", steps=3)
    assert own_tracker.stored == {"7": {"accuracy": 0.5}, "b": {"steps": 3}}
    assert own_tracker["7"] == own_tracker.get(7) == {"accuracy": 0.5}
    assert own_tracker["nothing"] == {}


@record
class Steps:
    """A record to get from such a tracker."""

    steps: int


@pytest.mark.parametrize("own_tracker", [typedtrack], indirect=True)
def test_a_tracker_with_put_and_get_has_the_calls_that_need_no_more(own_tracker: Any) -> None:
    """Bulk calls, waiting, `in` and records call `put` and `get`; `create`, `del` and listing are refused."""
    own_tracker.put_many({"a": {"steps": 1}, "b": {"steps": 2}})
    assert own_tracker.stored == {"a": {"steps": 1}, "b": {"steps": 2}}
    assert own_tracker.get_many(["a", "c"]) == {"a": {"steps": 1}, "c": {}}
    assert "a" in own_tracker
    assert "c" not in own_tracker
    assert own_tracker.wait("b", timeout=300) == {"steps": 2}
    assert own_tracker.get_bytes("a") == b'{\n  "steps": 1\n}\n'
    view = own_tracker.typed(Steps)
    view["d"] = Steps(steps=4)
    assert view["d"] == Steps(steps=4)
    for refused in (
        lambda: own_tracker.create("e", steps=5),
        lambda: own_tracker.__delitem__("a"),
        lambda: list(own_tracker),
    ):
        with pytest.raises(UnsupportedOperationError, match="implements put and get alone"):
            refused()
    assert own_tracker.stored.keys() == {"a", "b", "d"}


@pytest.mark.parametrize("own_tracker", [typedtrack], indirect=True)
def test_a_stored_result_that_breaks_the_rules_is_corrupt(own_tracker: Any) -> None:
    """The error of a read does not say that nothing was written, and names the way out."""
    own_tracker.stored["a"] = {"steps": [1]}
    for call in (own_tracker.wait, own_tracker.get_bytes, own_tracker.__contains__, own_tracker.typed(Steps).get):
        with pytest.raises(CorruptResultError, match="not list, got \\[1\\]; get\\(\\) returns it unchecked") as caught:
            call("a")
        assert (caught.value.file, caught.value.field) == (f"{own_tracker!r}['a']", "steps")


def test_a_primitive_beside_put_and_get_is_used() -> None:
    """A class with `put` and `get` may implement some of the primitives, too."""

    class Listing(typedtrack.ResultTracker):
        def put(self, key: Any, **results: Any) -> None:  # type: ignore[mutable-override]  # of this project's mypy.ini
            raise NotImplementedError

        def get(self, key: Any) -> Any:
            return {"n": 1}

        def _list(self, prefix: str) -> Any:
            return iter(["a"])

    tracker: Any = Listing  # Any, because a type checker would miss the other primitives
    assert dict(tracker().items()) == {"a": {"n": 1}}


def test_the_base_class_has_few_private_names() -> None:
    """The private names of a backend clash only with these: the primitives, the conversions and four others."""
    primitives = {"_read", "_write", "_delete", "_list", "_read_many", "_write_many", "_list_details", "_location"}
    primitives |= {"_list_contents", "_remove_leftovers", "_check_writable"}
    conversions = {"_to_text", "_to_key", "_to_bytes", "_to_result", "_to_results", "_to_absent"}
    others = {"_check_process", "_concurrently", "_key_prefix", "_primitives"}
    names = {name for name in dir(typedtrack.ResultTracker) if re.match("_[a-z]", name)}
    assert names - {"_abc_impl", "_is_protocol"} == primitives | conversions | others
