"""A typed tracker beside a dict: any sequence of calls leaves both the same."""

from __future__ import annotations

import math
import shutil
import tempfile
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from typedtrack import FsspecResultTracker, KeyTemplate, ResultExistsError, ResultNotFoundError, Stat, key
from typedtrack.testing import records


@key("{experiment}/trial_{trial}")
class TrialKey(KeyTemplate):
    """The key of a trial."""

    experiment: str
    trial: int


trial_keys = st.builds(TrialKey, st.sampled_from(["a", "b c", "é"]), st.integers(-1, 2))
stats = records(Stat).filter(lambda stat: not (math.isnan(stat.mean) or math.isnan(stat.sem)))  # NaN equals no NaN


class TypedTrackerMachine(RuleBasedStateMachine):
    """`TypedTracker` with typed keys, beside results of other shapes."""

    @initialize(local=st.booleans())
    def open(self, local: bool) -> None:
        """Begin with an empty store, of either kind, that holds a key of another shape."""
        self.folder = tempfile.mkdtemp()
        self.tracker = FsspecResultTracker(self.folder if local else f"memory:/{self.folder}")
        self.tracker["other"] = {"x": 1}
        self.view = self.tracker.typed(Stat, key=TrialKey)
        self.model: dict[TrialKey, Stat] = {}

    def teardown(self) -> None:
        """Remove what is stored."""
        shutil.rmtree(self.folder, ignore_errors=True)

    @rule(trial=trial_keys, stat=stats)
    def put(self, trial: TrialKey, stat: Stat) -> None:
        """``view[key] = record``."""
        self.view[trial] = self.model[trial] = stat

    @rule(trial=trial_keys, stat=stats)
    def put_untyped(self, trial: TrialKey, stat: Stat) -> None:
        """The same from the plain side."""
        self.tracker[str(trial)] = {"mean": stat.mean, "sem": stat.sem}
        self.model[trial] = stat

    @rule(new=st.dictionaries(trial_keys, stats, max_size=3), as_pairs=st.booleans())
    def put_many(self, new: dict[TrialKey, Stat], as_pairs: bool) -> None:
        """`put_many`, of a mapping or of pairs."""
        if as_pairs:
            self.view.put_many(new.items())
        else:
            self.view.put_many(new)
        self.model.update(new)

    @rule(trial=trial_keys, stat=stats)
    def create(self, trial: TrialKey, stat: Stat) -> None:
        """`create` stores where nothing is, and takes the same again."""
        if repr(self.model.setdefault(trial, stat)) == repr(stat):
            self.view.create(trial, stat)
        else:
            with pytest.raises(ResultExistsError):
                self.view.create(trial, stat)

    @rule(trial=trial_keys, stat=stats)
    def setdefault(self, trial: TrialKey, stat: Stat) -> None:
        """`setdefault` returns what is there."""
        assert self.view.setdefault(trial, stat) == self.model.setdefault(trial, stat)

    @rule(trial=trial_keys)
    def delete(self, trial: TrialKey) -> None:
        """``del view[key]``."""
        if self.model.pop(trial, None) is not None:
            del self.view[trial]
        else:
            with pytest.raises(ResultNotFoundError):
                del self.view[trial]

    @rule(trial=trial_keys)
    def pop(self, trial: TrialKey) -> None:
        """`pop` with a default."""
        assert self.view.pop(trial, None) == self.model.pop(trial, None)

    @rule(trial=trial_keys)
    def get(self, trial: TrialKey) -> None:
        """Each way to ask for one key."""
        expected: Any = self.model.get(trial)
        assert self.view.get(trial) == expected
        assert (trial in self.view) == (expected is not None)
        if expected is None:
            with pytest.raises(ResultNotFoundError):
                self.view[trial]
        else:
            assert self.view[trial] == self.view.wait(trial, timeout=600) == expected

    @rule(trials=st.lists(trial_keys, max_size=4))
    def get_many(self, trials: list[TrialKey]) -> None:
        """`get_many` answers for each key."""
        assert self.view.get_many(trials) == {trial: self.model.get(trial) for trial in trials}

    @rule()
    def clear(self) -> None:
        """`clear` leaves what the view does not list."""
        self.view.clear()
        self.model.clear()
        assert self.tracker["other"] == {"x": 1}

    @invariant()
    def same(self) -> None:
        """Both hold the same."""
        if hasattr(self, "view"):
            assert dict(self.view) == self.model
            assert set(self.view.keys("a")) == {trial for trial in self.model if trial.experiment == "a"}
            assert len(self.view) == len(self.model)
            assert bool(self.view) == bool(self.model)


TypedTrackerMachine.TestCase.settings = settings(max_examples=30, stateful_step_count=20, deadline=None)
test_a_typed_tracker_is_a_mapping = TypedTrackerMachine.TestCase
