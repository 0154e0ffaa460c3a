"""Typed keys."""

from typing import reveal_type

from typedtrack import FsspecResultTracker, KeyTemplate, Stat, TypedTracker, evolve, key, record


@record
class Loss:
    """A record."""

    loss: float


@key("{experiment}/trial_{trial}")  # zuban E: Unexpected argument to "dataclass()"
class TrialKey(KeyTemplate):
    """A typed key."""

    experiment: str
    trial: int


@key("{name}")  # zuban E: Unexpected argument to "dataclass()"
class NameKey(KeyTemplate):
    """Another typed key."""

    name: str


@key("{experiment}/loss_{trial:05d}")  # zuban E: Unexpected argument to "dataclass()"
class LossKey(KeyTemplate[Loss]):
    """A typed key that carries its record."""

    experiment: str
    trial: int = 0


tracker = FsspecResultTracker("results")
view = tracker.typed(Stat, key=TrialKey)
losses = tracker.typed(LossKey)
first = TrialKey("resnet", 1)
stat = Stat(mean=1, sem=1)
loss_key = LossKey("resnet")
loss = Loss(loss=1)

reveal_type(view)  # R: TypedTracker[TrialKey, Stat]
reveal_type(first.trial)  # R: int
reveal_type(str(first))  # R: str
reveal_type(TrialKey.parse("resnet/trial_1"))  # R: TrialKey
reveal_type(evolve(first, trial=2))  # R: TrialKey
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

reveal_type(losses)  # R: TypedTracker[LossKey, Loss]
reveal_type(tracker.typed(LossKey, unknown="error"))  # R: TypedTracker[LossKey, Loss]
reveal_type(tracker.typed(Loss, key=LossKey))  # R: TypedTracker[LossKey, Loss]
reveal_type(tracker.typed(TrialKey))  # R: TypedTracker[TrialKey, NoRecord]
reveal_type(losses[loss_key])  # R: Loss
reveal_type(losses[loss_key].loss)  # R: float
reveal_type(losses.wait(LossKey("resnet", trial=1)))  # R: Loss
reveal_type(LossKey.parse("resnet/loss_00001"))  # R: LossKey
for loss_pair in losses.items():
    reveal_type(loss_pair)  # R: tuple[LossKey, Loss]
losses[loss_key] = loss

view["resnet/trial_1"]  # E: TrialKey
view[1]  # E: TrialKey
view[NameKey("resnet")]  # E: TrialKey
view["resnet/trial_1"] = stat  # E: TrialKey
view.put_many({"resnet/trial_1": stat})  # E: TrialKey or overload
view.get_many(["resnet/trial_1"])  # E: TrialKey
view.wait("resnet/trial_1")  # E: TrialKey
tracker[first]  # E: TrialKey or Cannot index
tracker.typed(Stat)[first]  # E: TrialKey or Cannot index
tracker.put(first, mean=1.0)  # E: TrialKey
first.trial = 2  # E: read-only
first.nope  # E: nope
TrialKey("resnet", "1")  # E: int
TrialKey("resnet")  # E: trial
TrialKey.parse(1)  # E: str
tracker.typed(Stat, key="{x}")  # E: overload or `type[Unknown]` or "type[K@typed]"
losses["resnet/loss_1"]  # E: LossKey
losses[first]  # E: LossKey
losses[loss_key] = stat  # E: Loss
losses[loss_key].mean  # E: mean
losses.create(loss_key, stat)  # E: Loss
losses.put(first, loss)  # E: LossKey
wrong: TypedTracker[LossKey, Stat] = losses  # E: TypedTracker[LossKey, Stat]
tracker.typed(TrialKey)[first] = stat  # E: NoRecord
