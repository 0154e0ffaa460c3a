"""The calls of `TypedTracker`, under plain keys."""

from collections.abc import MutableMapping
from typing import reveal_type

from typedtrack import FsspecResultTracker, Stat, TypedTracker, record


@record
class Loss:
    """A record."""

    loss: float


view = FsspecResultTracker("results").typed(Loss)
view_of_stats: TypedTracker[int | str, Stat] = FsspecResultTracker("results").typed(Stat, unknown="error")
mapping: MutableMapping[int | str, Loss] = view
loss = Loss(loss=1.0)
by_name: dict[str, Loss] = {"a": loss}

view["k"] = loss
view.put(5, loss)
view.create("k", loss)
view.put_many({"a": loss, 5: loss})
view.put_many(by_name)
view.put_many([("a", loss)])
view.update({"a": loss})
view.update(a=loss)
del view["k"]
view.clear()

reveal_type(view)  # R: TypedTracker[int | str, Loss]
reveal_type(view["k"])  # R: Loss
reveal_type(view["k"].loss)  # R: float
reveal_type(view.get("k"))  # R: Loss | None
reveal_type(view.get("k", len("k")))  # R: Loss | int  # ty R: Loss | Literal[1]
reveal_type(view.get("k", loss))  # R: Loss  # ty R: Loss | Unknown
reveal_type(view.setdefault("k", loss))  # R: Loss
reveal_type(view.pop("k"))  # R: Loss
reveal_type(view.pop("k", None))  # R: Loss | None
reveal_type(view.popitem())  # R: tuple[int | str, Loss]
reveal_type(view.get_many(["a", 5]))  # R: dict[int | str, Loss | None]
reveal_type(view.get_bytes("k"))  # R: bytes
reveal_type(view.wait("k"))  # R: Loss
for pair in view.wait_all(["a", 5], timeout=1):
    reveal_type(pair)  # R: tuple[int | str, Loss]
for key in view:
    reveal_type(key)  # R: int | str
for key in view.keys("a"):
    reveal_type(key)  # R: int | str
for pair in view.items("a"):
    reveal_type(pair)  # R: tuple[int | str, Loss]
for value in view.values():
    reveal_type(value)  # R: Loss
reveal_type(len(view))  # R: int
reveal_type("k" in view)  # R: bool
reveal_type(view.create("k", loss))  # R: None

view["k"].nope  # E: nope
view["k"]["loss"]  # E: Loss
view["k"].loss = 2.0  # E: read-only
view["k"] = {"loss": 1.0}  # E: Loss
view["k"] = Stat(mean=1, sem=1)  # E: Loss
view.put("k", loss=1.0)  # E: loss or positional argument
view[0.5]  # E: float or Cannot index
view.setdefault("k")  # E: setdefault or positional argument
view.put_many({"a": Stat(mean=1, sem=1)})  # E: Stat or overload
view.create("k", 1.0)  # E: Loss
view.get("k").loss  # E: loss
view.get_many([0.5])  # E: float
view.wait("k", timeout="5")  # E: float | None
view.wait("k").nope  # E: nope
FsspecResultTracker("results").typed(Loss, unknown="refuse")  # E: overload
FsspecResultTracker("results").typed(loss)  # E: overload
wrong: TypedTracker[int | str, Stat] = view  # E: TypedTracker[int | str, Stat]
