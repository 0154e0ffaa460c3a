from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Self

from ax.api.types import TParameterization
from ax.core.trial_status import TrialStatus

class IRunner(ABC):
    @abstractmethod
    def run_trial(self, trial_index: int, parameterization: TParameterization) -> dict[str, Any]: ...
    @abstractmethod
    def poll_trial(self, trial_index: int, trial_metadata: Mapping[str, Any]) -> TrialStatus: ...
    @abstractmethod
    def stop_trial(self, trial_index: int, trial_metadata: Mapping[str, Any]) -> dict[str, Any]: ...
    def clone(self) -> Self: ...
