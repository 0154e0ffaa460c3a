"""Classes of a script or notebook travel by value, as submitit, Dask, Ray and joblib send them with cloudpickle."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import pytest
from msgspec import Meta

from typedtrack import FsspecResultTracker, KeyTemplate, TypedTracker, key, record

_DECLARATIONS: Final = '''
import enum
import pickle
import sys
from typing import Annotated, Literal

import annotated_types
import cloudpickle
from msgspec import Meta
from typedtrack import FsspecResultTracker, KeyTemplate, Stat, evolve, field, key, record, schema_of


class Split(enum.StrEnum):
    TRAIN = "train"
    TEST = "test"


class Size(enum.IntEnum):
    SMALL = 1
    LARGE = 2


class Doubles:
    __slots__ = ()

    def doubled(self):
        return 2 * self.loss


@record
class Part(Doubles):
    loss: Annotated[float, annotated_types.Ge(0)]
    size: Size = Size.SMALL


@record
class Result(Part):
    """A result."""

    accuracy: Annotated[float, Meta(ge=0, le=1, description="Of the test.")] = field(name="test/accuracy")
    stat: Stat
    part: Part
    maybe: Part | None = None
    split: Split | None = None
    sizes: Literal[1, 2] = 2
    default: Part = Part(loss=1)

    def __attrs_post_init__(self):
        if self.loss > self.part.loss:
            raise ValueError("loss must not exceed that of its part")

    def better(self):
        return evolve(self, accuracy=1)


@key("{name}/{number:03d}")
class Key(KeyTemplate[Result]):
    name: str
    number: int

    def next(self):
        return Key(self.name, self.number + 1)


base = sys.argv[1]
large = Part(loss=3, size=2)
made = Result(loss=0.5, accuracy=0.25, stat=Stat.of([1, 2]), part=large, maybe=Part(loss=0), split="test")
view = FsspecResultTracker(base).typed(Key)
view[Key("a", 1)] = made
assert view[Key("a", 1)] == made
'''

_SENDER: Final = (
    _DECLARATIONS
    + """
sent = {"Result": Result, "Part": Part, "Key": Key, "made": made, "key": Key("a", 1), "view": view}
with open(base + ".sent", "wb") as file:
    cloudpickle.dump(sent, file)
"""
)

_RECEIVER: Final = """
import pickle
import sys

import cloudpickle
import pytest
from typedtrack import InvalidKeyError, InvalidResultError, Stat, evolve, schema_of

base = sys.argv[1]
with open(base + ".sent", "rb") as file:
    sent = pickle.load(file)
Result, Part, Key, made, key, view = sent.values()
stat = Stat(mean=0, sem=0)

# Instances, methods, the view
assert type(made) is Result and type(made.part) is Part and type(key) is Key
assert made.doubled() == 1.0 and made.better().accuracy == 1.0
assert made.split.value == "test" and made.part.size.name == "LARGE"
assert view[key] == made and [*view] == [key] and str(key.next()) == "a/002"
assert [column.name for column in schema_of(Result).columns][:3] == ["loss", "size", "test/accuracy"]

# Rules: bounds of both kinds, types, the hook, the template, arguments
for error, text, call in [
    (InvalidResultError, "must be <= 1.0", lambda: evolve(made, accuracy=2)),
    (InvalidResultError, "must be >= 0.0", lambda: Part(loss=-1)),
    (InvalidResultError, "must be an instance of Part, not Stat", lambda: evolve(made, part=stat)),
    (InvalidResultError, "loss must not exceed", lambda: evolve(made, loss=9)),
    (InvalidKeyError, "must be an int", lambda: Key("a", "b")),
    (InvalidKeyError, "does not follow .*, the template of Key", lambda: Key.parse("a/1")),
    (TypeError, "did you mean 'loss'", lambda: Part(los=1)),
]:
    with pytest.raises(error, match=text):
        call()

# New instances, put and got: on the fast path and on the slow one
other = evolve(made, maybe=None, loss=0.25)
view[key.next()] = other
assert view[key.next()] == other
view[Key("nan", 3)] = evolve(made, stat=Stat.of([1]))
assert repr(view[Key("nan", 3)].stat) == "Stat(mean=1.0, sem=nan)"
with open(base + ".back", "wb") as file:
    cloudpickle.dump({**sent, "other": other}, file)
"""

_HOME: Final = (
    _DECLARATIONS
    + """
with open(base + ".back", "rb") as file:
    back = pickle.load(file)
assert back["made"].better().accuracy == 1.0 and back["key"].next().number == 2
assert schema_of(back["Result"]) == schema_of(Result)
assert back["view"][back["key"].next()] == back["other"]
"""
)

_ROUND_TRIP: Final = (
    _DECLARATIONS
    + """
# Back in the process that sent them, they are the same classes
back = pickle.loads(cloudpickle.dumps({"Result": Result, "Key": Key, "made": made, "key": Key("a", 1)}))
assert back["Result"] is Result and back["Key"] is Key
assert type(back["made"]) is Result and back["made"] == made and back["key"] == Key("a", 1)
assert view[Key("a", 1)] == made
assert evolve(made, accuracy=1).accuracy == 1.0
assert not hasattr(evolve(made, accuracy=1), "__dict__")
view[Key("b", 1)] = evolve(made, accuracy=1)
assert view[Key("b", 1)].accuracy == 1.0
"""
)


def run(folder: Path, name: str, program: str) -> None:
    """Run *program* as a script."""
    script = folder / f"{name}.py"
    script.write_text(program)
    process = subprocess.run([sys.executable, script, folder / "results"], capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr


def test_classes_of_a_script_travel_to_another_process_and_back(tmp_path: Path) -> None:
    """Bounds, `Stat`, nested and optional records, enumerations, methods, the hook, keys and views."""
    run(tmp_path, "sender", _SENDER)
    run(tmp_path, "receiver", _RECEIVER)
    run(tmp_path, "home", _HOME)


def test_classes_that_come_back_are_those_that_were_sent(tmp_path: Path) -> None:
    """Records and keys of before and after are equal, and still have slots."""
    run(tmp_path, "round_trip", _ROUND_TRIP)


@record
class Loss:
    """A record of a module."""

    loss: Annotated[float, Meta(ge=0)]


@key("{n:02d}")
class LossKey(KeyTemplate[Loss]):
    """A key of a module."""

    n: int


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_views_of_classes_of_a_module_are_pickled(protocol: int) -> None:
    """Such views are pickled by the names of the classes."""
    tracker = FsspecResultTracker("memory://sending")
    views: list[TypedTracker[Any, Any]] = [tracker.typed(LossKey), tracker.typed(Loss, unknown="error")]
    assert repr(pickle.loads(pickle.dumps(views, protocol))) == repr(views)
    view: TypedTracker[LossKey, Loss] = pickle.loads(pickle.dumps(tracker.typed(LossKey), protocol))
    view[LossKey(1)] = Loss(loss=1)
    assert dict(tracker.typed(LossKey)) == dict(view) == {LossKey(1): Loss(loss=1)}


@pytest.mark.parametrize(
    "meta",
    [
        Meta(),
        Meta(gt=0, le=1.5, multiple_of=0.5),
        Meta(min_length=1, max_length=2, pattern="a", title="T", description="D", examples=["x"]),
        Meta(extra_json_schema={"deprecated": True}, extra={"unit": "ms"}),
        Meta(tz=True),
    ],
)
def test_a_meta_is_pickled(meta: msgspec.Meta) -> None:
    """Every argument of a `Meta` survives."""
    assert pickle.loads(pickle.dumps(meta)) == copy.deepcopy(meta) == meta
