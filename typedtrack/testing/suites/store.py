"""What a suite knows of the store that it tests."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import ClassVar

import pytest

from typedtrack import ResultTracker

__all__ = ["Store"]


class Store:
    """The class attributes say what the store can do; the fixture ``tracker`` is to be overridden."""

    real_folders: ClassVar[bool] = False
    """Whether ``a`` and ``a/b`` cannot both hold results."""

    exclusive_create: ClassVar[bool] = True
    """Whether `create` is atomic; if not, it must raise `typedtrack.UnsupportedOperationError`."""

    listed_keys: ClassVar[int] = 10_100
    """How many keys the longest listing has: more than the store, or what is before it, has on one page."""

    race_rounds: ClassVar[int] = 20
    """How often 16 writers race for one key."""

    machine_runs: ClassVar[int] = 10
    """How often the state machine calls tracker and dict alike, 30 calls each time."""

    shared_by_processes: ClassVar[bool] = True
    """Whether the tracker, pickled, reaches the same results from another process."""

    @pytest.fixture
    def tracker(self) -> ResultTracker:
        """Return a tracker on an empty base."""
        raise NotImplementedError("override the fixture `tracker`")

    @pytest.fixture
    def elsewhere(self) -> Iterator[ProcessPoolExecutor]:
        """Return another process, new for each test: it inherits the environment that `tracker` was made in."""
        if not self.shared_by_processes:
            pytest.skip("the store is of one process")
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
            process.submit(int).result()  # it is there
            yield process
