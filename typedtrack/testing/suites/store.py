"""The settings and fixtures that the parts of the conformance suite share."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import ClassVar

import pytest

from typedtrack import ResultTracker

__all__ = ["Store"]


class Store:
    """The class attributes describe the store. Override the fixture ``tracker``."""

    real_folders: ClassVar[bool] = False
    """Whether the store refuses a result at ``a/b`` beside one at ``a``, as a folder does."""

    exclusive_create: ClassVar[bool] = True
    """Whether `create` is atomic. Where it is not, it must raise `typedtrack.UnsupportedOperationError`."""

    listed_keys: ClassVar[int] = 10_100
    """The number of keys in the longest listing: more than one page of the store, or of a proxy before it."""

    race_rounds: ClassVar[int] = 20
    """The number of races in which 16 writers create one key."""

    machine_runs: ClassVar[int] = 10
    """The number of runs of the state machine, of 30 calls each."""

    shared_by_processes: ClassVar[bool] = True
    """Whether a pickled tracker reaches the same results in another process."""

    @pytest.fixture
    def tracker(self) -> ResultTracker:
        """Return a tracker on an empty base: to be overridden."""
        raise NotImplementedError("override the fixture `tracker`")

    @pytest.fixture
    def elsewhere(self) -> Iterator[ProcessPoolExecutor]:
        """Return another process, new for each test: it inherits the environment in which `tracker` was made."""
        if not self.shared_by_processes:
            pytest.skip("other processes cannot reach the store")
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
            process.submit(int).result()  # wait until the process has started
            yield process
