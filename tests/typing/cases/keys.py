"""Typed keys."""

from typing import reveal_type

from typedtrack import FsspecResultTracker, KeyTemplate, Stat, key


@key("{experiment}/trial_{trial}")
class TrialKey(KeyTemplate):
    """A typed key."""

    experiment: str
    trial: int


@key("{name}")
class NameKey(KeyTemplate):
    """Another typed key."""

    name: str


tracker = FsspecResultTracker("results")
view = tracker.typed(Stat, key=TrialKey)
first = TrialKey("resnet", 1)
stat = Stat(mean=1, sem=1)

reveal_type(view)  # R: TypedTracker[TrialKey, Stat]
reveal_type(first.trial)  # R: int
reveal_type(str(first))  # R: str
reveal_type(TrialKey.parse("resnet/trial_1"))  # R: TrialKey
reveal_type(view[first])  # R: Stat
reveal_type(view[TrialKey(experiment="resnet", trial=2)].mean)  # R: float
reveal_type(view.get(first))  # R: Stat | None
reveal_type(view.get_many([first]))  # R: dict[TrialKey, Stat | None]
for trial in view:
    reveal_type(trial)  # R: TrialKey
for trial in view.keys("resnet"):
    reveal_type(trial.trial)  # R: int
for pair in view.items():
    reveal_type(pair)  # R: tuple[TrialKey, Stat]
for pair in view.wait_all([first]):
    reveal_type(pair)  # R: tuple[TrialKey, Stat]
view[first] = stat
view.put_many({first: stat})
tracker[str(first)] = {"mean": 1.0}

view["resnet/trial_1"]  # E: "TrialKey"
view[1]  # E: "TrialKey"
view[NameKey("resnet")]  # E: "TrialKey"
view["resnet/trial_1"] = stat  # E: "TrialKey"
view.put_many({"resnet/trial_1": stat})  # mypy: "TrialKey"  # pyright: overloads for "put_many"
view.get_many(["resnet/trial_1"])  # mypy: "TrialKey"  # pyright: "TrialKey"
view.wait("resnet/trial_1")  # E: "TrialKey"
tracker[first]  # E: "TrialKey"
tracker.typed(Stat)[first]  # E: "TrialKey"
tracker.put(first, mean=1.0)  # mypy: overload variant  # pyright: parameter "key"
first.trial = 2  # E: read-only
first.nope  # mypy: has no attribute "nope"  # pyright: attribute "nope"
TrialKey("resnet", "1")  # E: "int"
TrialKey("resnet")  # mypy: Missing positional argument "trial"  # pyright: missing for parameter "trial"
TrialKey.parse(1)  # E: "str"
tracker.typed(Stat, key="{x}")  # mypy: overload variant  # pyright: parameter "key"
