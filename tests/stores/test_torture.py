"""Short versions of `tests/torture`: some of its cases, drawn by a seed. ``make torture`` runs all of them."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator

import pytest

from tests.servers.azurite import Azure
from tests.servers.ceph import S3
from tests.servers.gcs import Gcs
from tests.torture import crowd
from tests.torture.answers import LIE, all_cases, outcome_of
from tests.torture.chaos import FAULTS, torture
from tests.torture.stores import Store, azure_stores, gcs_stores, s3_stores

SEED = 20
CASES = 24  # for each server
CALLS = 48  # for each client


@pytest.fixture(scope="module")
def s3(ceph: S3) -> Iterator[list[Store]]:
    """Return the clients of S3."""
    with s3_stores(ceph) as stores:
        yield stores


@pytest.fixture(scope="module")
def azure(azurite: Azure) -> Iterator[list[Store]]:
    """Return the clients of Azure Blob Storage."""
    with azure_stores(azurite) as stores:
        yield stores


@pytest.fixture(scope="module")
def gcs(fake_gcs: Gcs) -> Iterator[list[Store]]:
    """Return the clients of Google Cloud Storage."""
    with gcs_stores(fake_gcs) as stores:
        yield stores


@pytest.fixture(params=["s3", "azure", "gcs"])
def stores(request: pytest.FixtureRequest) -> list[Store]:
    """Return the clients of each store in turn."""
    found: list[Store] = request.getfixturevalue(request.param)
    return found


def test_no_answer_makes_a_call_lie(stores: list[Store]) -> None:
    """Whatever a store sends, no call returns a wrong result, misses a key, or acknowledges what is not stored."""
    for case in random.Random(SEED).sample([*all_cases(stores)], CASES):
        outcome = outcome_of(case)
        assert not outcome.startswith(LIE), (case.store.name, case.call, case.way, outcome)


def test_no_fault_loses_a_put(stores: list[Store]) -> None:
    """While a quarter of the requests fail, each answer, and the store at the end, fits the calls before."""
    for store in stores:
        faults = [fault for fault in FAULTS if fault != "silence"]  # which takes ten seconds each time
        tally = torture(store, calls=CALLS, seed=SEED, faults=faults)
        assert tally.faults.total() > CALLS / 10
        assert tally.lies == []


def test_two_coordinators_on_s3_count_each_job_once(ceph: S3) -> None:
    """Jobs fail, are killed and are started again; one coordinator counts each of them."""
    bucket = f"crowd-{uuid.uuid4()}"
    ceph.make_bucket(bucket)
    tally = crowd.torture(ceph, bucket, producers=8, seed=SEED)
    assert tally.results + tally.failures == 8 < tally.producers
