"""Results and failures of Hydra's jobs, one for each job of a sweep. Needs the extra ``hydra``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from typedtrack._open import open_tracker
from typedtrack._records.instances import as_result
from typedtrack._results.keys import key_text
from typedtrack._results.values import Value
from typedtrack.errors import RecordDefinitionError

try:
    from hydra.core.utils import JobReturn, JobStatus
    from hydra.experimental.callback import Callback
    from omegaconf import DictConfig, OmegaConf
except ModuleNotFoundError as error:
    message = "typedtrack.integrations.hydra needs Hydra: pip install 'typedtrack[hydra]'"
    raise ModuleNotFoundError(message, name=error.name) from error

__all__ = ["ReturnResult"]


class ReturnResult(Callback):
    """A callback of Hydra that stores what the function of a job returns, and stores a failure where it raises.

    The function returns a mapping, a record, or a number, which is then stored as *field*. *key* is a format string
    over the configuration of the job: ``sweep/{hydra.job.num}`` has the number of the job in a sweep, ``lr={lr}`` and
    ``{optimizer.lr:g}`` have values of the application. *storage_options* are those of `typedtrack.open_tracker`. The
    default *tracker_base* is the environment variable ``TYPEDTRACK_BASE``.

    A job whose key cannot be made does not start: the program ends with exit code 1. A job whose result cannot be
    stored fails as if its function had raised that error.

    >>> from hydra.core.utils import JobReturn, JobStatus
    >>> job = JobReturn(cfg=OmegaConf.create({"lr": 0.1}), status=JobStatus.COMPLETED)
    >>> job.return_value = {"loss": 0.25}
    >>> ReturnResult("lr={lr}", "memory://docs/hydra").on_job_end(job.cfg, job)  # as Hydra does
    >>> open_tracker("memory://docs/hydra")["lr=0.1"]
    {'loss': 0.25}
    """

    def __init__(
        self,
        key: str,
        tracker_base: str | None = None,
        field: str = "value",
        storage_options: Mapping[str, Any] | None = None,
    ) -> None:
        if isinstance(storage_options, DictConfig):  # as Hydra passes nested configuration
            storage_options = cast("dict[str, Any]", OmegaConf.to_container(storage_options, resolve=True))
        self._tracker = open_tracker(tracker_base, storage_options=storage_options)
        self._key = key
        self._field = field

    def on_job_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Check the key of the job; end the program if it cannot be made."""
        try:
            self._key_of(config)
        except Exception as error:
            # Hydra turns an `Exception` of a callback into a warning, and would run the job all the same.
            reason = str(error).partition("\n")[0]
            raise SystemExit(f"ReturnResult: no key can be made from {self._key!r}: {reason}") from error

    def on_job_end(self, config: DictConfig, job_return: JobReturn, **kwargs: Any) -> None:
        """Store the result or the failure of the job."""
        key = self._key_of(config)
        # The property `return_value` raises the error of a failed job, after it has printed a line.
        returned = job_return._return_value  # pyright: ignore[reportPrivateUsage]
        try:
            with self._tracker.attempt(key):
                if job_return.status is JobStatus.FAILED:
                    raise returned
                self._tracker[key] = self._result(returned)
        except Exception as error:
            job_return.return_value, job_return.status = error, JobStatus.FAILED

    def _key_of(self, config: DictConfig) -> str:
        return key_text(self._key.format_map(config))

    def _result(self, returned: Any) -> Mapping[str, Value]:
        if isinstance(returned, Mapping):
            return cast("Mapping[str, Value]", returned)  # the tracker refuses any other value
        if returned is None:
            raise TypeError("the job returned None: return a mapping, a record or a number for ReturnResult to store")
        try:
            return as_result(returned)
        except RecordDefinitionError:
            return {self._field: returned}
