"""Dask reads the parts of a table in the processes of a cluster, on Ceph's S3: through obstore and s3fs.

Only the fixture and the test import Dask: the import takes seconds, and most workers of pytest-xdist do not run them.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from importlib.util import find_spec

import pandas
import pytest

from tests.servers.ceph import S3
from typedtrack import Frame, FsspecResultTracker, KeyTemplate, ResultTracker, Stat, TypedTracker, key, open_tracker

pytestmark = pytest.mark.skipif(
    find_spec("distributed") is None, reason="Dask is not installed; `make test-integrations` installs it"
)


@key("{model}/seed_{seed}")
class RunKey(KeyTemplate[Stat]):
    """A key with a text and a number."""

    model: str
    seed: int


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    """Run a cluster of two processes on this machine."""
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None) as workers,
        Client(workers),
    ):
        yield


@pytest.fixture(params=["obstore", "s3fs"])
def trials(request: pytest.FixtureRequest, ceph: S3) -> TypedTracker[RunKey, Stat]:
    """Return a view with 300 results in a bucket of Ceph."""
    bucket = f"dask-{uuid.uuid4()}"
    ceph.make_bucket(bucket)
    trackers: dict[str, Callable[[str], ResultTracker]] = {
        "obstore": lambda base: open_tracker(base, storage_options=ceph.obstore_options),
        "s3fs": lambda base: FsspecResultTracker(base, storage_options=ceph.s3fs_options),
    }
    view = trackers[request.param](f"s3://{bucket}/results").typed(RunKey)
    view.put_many((RunKey(f"model_{seed % 3}", seed), Stat(mean=seed / 4, sem=0.5)) for seed in range(300))
    return view


def read(part: Frame) -> pandas.DataFrame:
    """Return *part* as a table that tells which process has read it."""
    return pandas.DataFrame.from_arrow(part).assign(process=os.getpid())


def test_parts_are_read_by_the_processes_of_a_cluster(trials: TypedTracker[RunKey, Stat]) -> None:
    """Each part is read where it is used, and all rows are there once."""
    import dask.dataframe

    table = dask.dataframe.from_map(read, trials.frame().parts(6))
    assert table.npartitions == 6
    rows = table.compute().to_dict("records")
    assert os.getpid() not in {row.pop("process") for row in rows}
    rows.sort(key=lambda row: int(row["seed"]))
    assert rows == [{"model": f"model_{n % 3}", "seed": n, "mean": n / 4, "sem": 0.5} for n in range(300)]
