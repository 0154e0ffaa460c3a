"""Ax: trials that are programs, and their results as metrics. Needs the extra ``ax``."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from typedtrack._open import open_tracker
from typedtrack._results.values import Result
from typedtrack.errors import CorruptResultError, ResultExistsError, ResultFailedError

try:
    from ax.api.protocols.metric import IMetric
    from ax.api.protocols.runner import IRunner
    from ax.api.types import TParameterization
    from ax.core.trial_status import TrialStatus
except ModuleNotFoundError as error:
    message = "typedtrack.integrations.ax needs Ax: pip install 'typedtrack[ax]'"
    raise ModuleNotFoundError(message, name=error.name) from error

__all__ = ["ProcessRunner", "ResultMetric"]

# Ax copies and stores metrics and runners by the arguments of their constructors, each an attribute of the same name.


class ResultMetric(IMetric):
    """A metric that is a field of each trial's result, for `ax.api.client.Client.configure_metrics`.

    *name* is the name of the field, or of a `Stat`: then ``name/mean`` and ``name/sem`` are the mean and its standard
    error. *key* is a format string with the field ``trial_index``; by default it is where Ax's own `TorchXMetric`
    looks. The store's login comes from the environment.
    """

    def __init__(self, name: str, tracker_base: str, key: str = "{trial_index}") -> None:
        super().__init__(name)
        self.tracker_base = tracker_base
        self.key = key

    def fetch(self, trial_index: int, trial_metadata: Mapping[str, Any]) -> tuple[int, float | tuple[float, float]]:
        """Return 0, the progression, and the value of the metric, or its mean and standard error.

        Raises:
            KeyError: the key has no result, or the result lacks the field.
            ResultFailedError: the trial has failed.
            TypeError: the field is text.
        """
        key = self.key.format(trial_index=trial_index)
        result = open_tracker(self.tracker_base)[key]
        if self.name in result:
            return 0, _number(result, self.name)
        mean, sem = f"{self.name}/mean", f"{self.name}/sem"
        if mean not in result:
            found = ", ".join(map(repr, result)) or "nothing"
            raise KeyError(f"key {key!r} has neither the field {self.name!r} nor {mean!r}; it has: {found}")
        return 0, (_number(result, mean), _number(result, sem) if sem in result else float("nan"))


class ProcessRunner(IRunner):
    """A runner that starts a program for each trial, for `ax.api.client.Client.configure_runner`.

    *command* is the program and its arguments. Each is a format string with the parameters of the trial and
    ``trial_index``: ``["./train", "--lr={lr}"]``. The program runs under ``typedtrack run``, so it finds its key in
    ``TYPEDTRACK_KEY``, and a program that ends without a result is a failed trial. *key* is that of `ResultMetric`. The
    store's login comes from the environment.
    """

    def __init__(self, command: Sequence[str], tracker_base: str, key: str = "{trial_index}") -> None:
        self.command = command
        self.tracker_base = tracker_base
        self.key = key
        self._processes: dict[int, subprocess.Popen[bytes]] = {}

    def run_trial(self, trial_index: int, parameterization: TParameterization) -> dict[str, Any]:
        """Start the program of a trial; return its key.

        Raises:
            ResultExistsError: the key holds a result of an earlier experiment.
            KeyError: *command* names a parameter that the experiment does not have.
        """
        key = self.key.format(trial_index=trial_index)
        tracker = open_tracker(self.tracker_base)
        if key in tracker:  # it would be taken for the result of this trial
            raise ResultExistsError(key, repr(tracker))
        fields = {**parameterization, "trial_index": trial_index}
        program = [argument.format_map(fields) for argument in self.command]
        run = [sys.executable, "-m", "typedtrack", "run", self.tracker_base, key, "--", *program]
        self._processes[trial_index] = subprocess.Popen(run)
        return {"key": key}

    def poll_trial(self, trial_index: int, trial_metadata: Mapping[str, Any]) -> TrialStatus:
        """Return RUNNING while the program runs; then COMPLETED if it has stored a result, else FAILED.

        A program that another process has started, before this experiment was loaded, is not known to run.
        """
        process = self._processes.get(trial_index)
        if process is not None and process.poll() is None:
            return TrialStatus.RUNNING
        try:
            result = open_tracker(self.tracker_base).get(trial_metadata["key"])
        except (ResultFailedError, CorruptResultError):
            return TrialStatus.FAILED
        return TrialStatus.COMPLETED if result else TrialStatus.FAILED

    def stop_trial(self, trial_index: int, trial_metadata: Mapping[str, Any]) -> dict[str, Any]:
        """Send SIGTERM to the program of a trial, and do not wait for its end."""
        if (process := self._processes.get(trial_index)) is not None:
            process.terminate()
        return {}


def _number(result: Result, field: str) -> float:
    value = result[field]
    if isinstance(value, str):
        raise TypeError(f"field {field!r} is text, {value!r}: a metric of Ax is a number")
    return float(value)  # Ax takes any other type for a pair
