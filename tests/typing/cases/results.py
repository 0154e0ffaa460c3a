"""The calls of `ResultTracker`."""

from collections.abc import Mapping
from typing import reveal_type

from typedtrack import FsspecResultTracker, ResultTracker, Value, open_tracker

tracker: ResultTracker = FsspecResultTracker("results", storage_options={"auto_mkdir": True}, max_concurrency=8)
reveal_type(open_tracker("results", fsync=True))  # R: ResultTracker

floats: dict[str, float] = {}
values: Mapping[str, Value] = {}
by_name: dict[str, dict[str, Value]] = {}

tracker["app"] = {"accuracy": 0.5, "steps": 1, "name": "resnet"}
tracker[5] = floats
tracker.put("app", accuracy=0.5, name="resnet")
tracker.put("app", {"accuracy": 0.5, "name": "resnet"}, steps=1)
tracker.put("app", values)
tracker.put("app", [("accuracy", 0.5)])
tracker.put(key="app", accuracy=0.5)
tracker.create("app", {"accuracy": 0.5, "name": "resnet"}, steps=1)
tracker.create("app", floats.items())
tracker.put_many({"a": {"accuracy": 0.5, "name": "resnet"}, 5: {"steps": 1}})
tracker.put_many(by_name)
tracker.put_many((f"trial_{n}", {"loss": 1 / n}) for n in range(1, 3))

reveal_type(tracker["app"])  # R: dict[str, int | float | str]
reveal_type(tracker["app"]["accuracy"])  # R: int | float | str
reveal_type(tracker.get(5))  # R: dict[str, int | float | str]
reveal_type(tracker.get(key="app"))  # R: dict[str, int | float | str]
reveal_type(tracker.get_bytes("app"))  # R: bytes
reveal_type(tracker.get_many(["a", 5]))  # R: dict[int | str, dict[str, int | float | str]]
reveal_type(tracker.wait("app", timeout=1))  # R: dict[str, int | float | str]
for pair in tracker.wait_all(["a", 5], timeout=1):
    reveal_type(pair)  # R: tuple[int | str, dict[str, int | float | str]]
for key in tracker:
    reveal_type(key)  # R: int | str
for key in tracker.keys("a"):
    reveal_type(key)  # R: int | str
for pair in tracker.items():
    reveal_type(pair)  # R: tuple[int | str, dict[str, int | float | str]]
reveal_type(len(tracker))  # R: int
reveal_type("app" in tracker)  # R: bool
reveal_type(tracker.put("app", x=1))  # R: None
del tracker["app"]

tracker["app"] = {"accuracy": [0.5]}  # E: list[float] or __setitem__
tracker["app"] = 0.5  # E: float or Cannot set item
tracker[0.5] = {"accuracy": 0.5}  # E: float or Cannot set item
tracker.put("app", accuracy=None)  # E: None
tracker.put(("a", 1), accuracy=0.5)  # E: tuple[
tracker.put("app", 0.5)  # E: overload
tracker.put("app", {"accuracy": [0.5]})  # E: list[float] or overload
tracker.put(accuracy=0.5)  # E: overload or `key`
tracker.create("app", accuracy=[0.5])  # E: list[float]
tracker.create()  # E: overload
tracker[("a", 1)]  # E: tuple[ or Cannot index
tracker["app"].accuracy  # E: accuracy
tracker["app"]["accuracy"] + 1  # E: "str" and "int" or supported
tracker.get(None)  # E: None
tracker.get_many(5)  # E: Iterable[
tracker.put_many({"a": 0.5})  # E: float or overload
tracker.wait("app", timeout="5")  # E: float | None
tracker.keys(5)  # E: str
tracker.nope  # E: nope
FsspecResultTracker("results", nope=1)  # E: nope
open_tracker(5)  # E: PathLike[str]
