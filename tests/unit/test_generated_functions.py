"""Generated functions: their names, their text in tracebacks, and when they are not enough."""

from __future__ import annotations

import enum
import gc
import inspect
import json
import linecache
import traceback
import weakref
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from typedtrack import FsspecResultTracker, InvalidResultError, SchemaMismatchError, Stat, record
from typedtrack._records.codec import RecordCodec, record_codec
from typedtrack._records.record_type import record_type
from typedtrack.testing import records


@record
class Loss:
    """A record with a nested one that may be `None`, and a hook."""

    loss: float
    epochs: int = 3
    stat: Stat | None = None

    def __attrs_post_init__(self) -> None:
        if self.loss < 0:
            raise ValueError("loss must not be negative")


class Split(enum.StrEnum):
    """An enumeration of texts."""

    TRAIN = "train"
    TEST = "test"


@record
class Inner:
    """A record with a default, for places where it may be `None`."""

    count: int
    share: Annotated[float, Meta(multiple_of=0.1)] = 0.5
    split: Split | None = None


@record
class Outer:
    """A record with a nested one that may be `None`, and holds another."""

    inner: Inner
    other: Inner | None
    split: Split
    stat: Stat | None = None


@record
class Defaults:
    """A record whose fields all have defaults, so that msgspec would read it from an empty object."""

    epochs: int = 3
    note: str | None = None


codec: RecordCodec[Loss] = record_codec(record_type(Loss))


def text_of(function: Any) -> str:
    """Return the text that `linecache`, and so a debugger, has for *function*."""
    return "".join(linecache.getlines(function.__code__.co_filename))


def test_a_generated_function_has_a_name_and_a_text() -> None:
    """Its name is in tracebacks, profiles and reprs."""
    functions: list[Any] = [Loss.__init__, codec.decode_fast, codec._to_twin]
    names = ["Loss.__init__", "decode Loss", "encode Loss"]
    assert [function.__code__.co_name for function in functions] == names
    assert [function.__qualname__ for function in functions] == names
    assert len({function.__code__.co_filename for function in functions}) == 3


def test_a_debugger_has_the_text_of_a_generated_function() -> None:
    """`inspect` finds the source too."""
    assert text_of(Loss.__init__).startswith(
        "def __init__(self, /, *_positional, loss, epochs, stat, **_unexpected):\n"
    )
    assert text_of(codec.decode_fast).startswith("def decode(data):\n")
    assert inspect.getsource(codec._to_twin).startswith("def encode(record):\n")
    linecache.checkcache()
    assert text_of(Loss.__init__)


def test_a_traceback_shows_the_line_of_a_generated_function() -> None:
    """A refused record leads to the line that calls the hook."""
    with pytest.raises(InvalidResultError) as caught:
        Loss(loss=-1)
    shown = "".join(traceback.format_exception(caught.value))
    assert ", in Loss.__init__\n    _hook_" in shown


def test_the_text_goes_with_the_function() -> None:
    """`linecache` keeps nothing of a class that is collected, however many are declared."""

    def declare() -> tuple[str, weakref.ref[type]]:
        cls: Any = record(type("LetGo", (), {"__annotations__": {"x": int}, "__module__": "typedtrack.testing"}))
        assert text_of(cls.__init__)
        return cls.__init__.__code__.co_filename, weakref.ref(cls)

    file, reference = declare()
    gc.collect()
    assert reference() is None
    assert file not in linecache.cache


def test_two_classes_of_one_name_have_texts_of_their_own() -> None:
    """A class may be declared again, as in a notebook."""

    def declare(name: str) -> Any:
        return record(type("Again", (), {"__annotations__": {name: int}, "__module__": __name__}))

    first, second = declare("first"), declare("second")
    assert "first" in text_of(first.__init__)
    assert "second" in text_of(second.__init__)


def _accept(_: object) -> None:
    """Check nothing, as a hook."""


@pytest.mark.parametrize(
    "name", ["value", "record", "data", "columns", "of", "convert", "object", "type", "len", "ValueError"]
)
def test_a_field_may_have_any_name_that_the_code_uses(name: str) -> None:
    """A generated function uses no name that hides a field, or that a field hides."""
    body = {"__annotations__": {name: str, "stat": Stat}, "__module__": __name__, "__attrs_post_init__": _accept}
    cls: Any = record(type("Named", (), body))
    made = cls(**{name: "x"}, stat=Stat(mean=0, sem=0))
    named = record_codec(record_type(cls))
    assert named.decode_fast(named.encode(made)) == made
    with pytest.raises(InvalidResultError, match="must be a str, not bytes"):
        cls(**{name: b"x"}, stat=Stat(mean=0, sem=0))


def test_the_class_has_no_constructor_that_checks_nothing() -> None:
    """A record has no ``__attrs_init__``, which attrs makes and which would check nothing."""
    assert not hasattr(Loss, "__attrs_init__")


def test_a_signature_has_the_fields_alone() -> None:
    """`help` and editors show the arguments, not how the constructor finds wrong ones."""
    shown = str(inspect.signature(Loss))
    assert shown == "(*, loss: 'float', epochs: 'int' = 3, stat: 'Stat | None' = None) -> None"


def test_the_slow_path_does_not_try_the_fast_one_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A read that the fast path cannot serve decodes as a record once, then as a plain result."""
    view = FsspecResultTracker("memory://generated").typed(Loss)
    tracker = FsspecResultTracker("memory://generated")
    tracker["unknown"] = {"loss": 1.0, "unknown": 1}
    fast, calls = view._codec.decode_fast, list[bytes]()

    def counted(data: bytes) -> Loss | None:
        calls.append(data)
        return fast(data)

    monkeypatch.setattr(view._codec, "decode_fast", counted)
    assert view["unknown"] == Loss(loss=1)
    assert len(calls) == 1
    assert view._codec.decode(tracker.get_bytes("unknown"), "file") == Loss(loss=1)
    assert len(calls) == 2


@pytest.mark.parametrize("more", ["", ', "unknown": 0'])
def test_a_hook_runs_on_both_paths_of_a_read(more: str) -> None:
    """The fast path leaves the refusal to the slow one, which says why."""
    data = f'{{"loss": -1.0{more}}}'.encode()
    assert codec.decode_fast(data) is None
    with pytest.raises(SchemaMismatchError, match="loss must not be negative"):
        codec.decode(data, "file")


@pytest.mark.parametrize("cls", [Stat, Inner, Outer, Defaults])
@given(st.data())
def test_columns_are_decoded_as_the_columns_of_the_record(cls: type[Any], data: st.DataObject) -> None:
    """Without a hook, columns are decoded without a record, and are refused if the record would be."""
    of = record_codec(record_type(cls))
    assert of.decode_columns is not None
    stored: dict[str, Any] = json.loads(of.encode(data.draw(records(cls))))
    names = [column.name for column in of.schema.columns]
    for name in data.draw(st.sets(st.sampled_from(names))):
        stored.pop(name, None)
    values = st.sampled_from([0, 1, -1, 2**64, 0.1, 0.25, float("nan"), "train", "", None, True, [0]])
    stored |= data.draw(st.dictionaries(st.sampled_from([*names, "unknown"]), values, max_size=2))
    text = json.dumps(stored).encode()
    made = of.decode_fast(text)
    assert repr(of.decode_columns(text)) == repr(None if made is None else of.values(made))


def test_a_hook_decides_on_records_alone() -> None:
    """With a hook in the record or in a nested one, columns are not decoded without the record."""

    @record
    class Above:
        inner: Loss | None = None
        x: int = 0

    above = record_codec(record_type(Above))
    assert codec.decode_columns is None
    assert above.decode_columns is None
    assert codec.decode_lines_to_columns is not None
    assert codec.decode_lines_to_columns(b'{"key":"a","loss":1}\n') == [("a", (1.0, 3, None, None))]
    assert codec.decode_lines_to_columns(b'{"key":"a","loss":1}\n{"key":"b","loss":-1}\n') is None


@pytest.mark.parametrize("cls", [Stat, Inner, Outer, Loss])
@given(st.data())
def test_lines_are_decoded_to_the_columns_of_their_records(cls: type[Any], data: st.DataObject) -> None:
    """With a hook or without, columns are refused if one of the records would be."""
    of = record_codec(record_type(cls))
    assert of.decode_lines is not None
    assert of.decode_lines_to_columns is not None
    made: list[Any] = data.draw(st.lists(records(cls), max_size=3))
    stored: list[dict[str, Any]] = [{"key": f"run/{n}", **json.loads(of.encode(each))} for n, each in enumerate(made)]
    names = [column.name for column in of.schema.columns]
    for line in stored:
        for name in data.draw(st.sets(st.sampled_from(names), max_size=1)):
            line.pop(name, None)
        line.update(data.draw(st.dictionaries(st.sampled_from(names), st.sampled_from([0.25, -1, None]), max_size=1)))
    lines = "\n".join(map(json.dumps, stored)).encode()
    found = of.decode_lines(lines)
    columns = None if found is None else [(key, of.values(each)) for key, each in found]
    assert repr(of.decode_lines_to_columns(lines)) == repr(columns)
