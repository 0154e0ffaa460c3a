"""This release reads the schemas, results, failures, archives and caches of every release, and results of torchx."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars
import pytest

from tests.corpus.records import EVALUATIONS, FAILURES, LIMITS, RELEASE, Evaluation, Latency
from typedtrack import FsspecResultTracker, ResultFailedError, Stat, as_result, open_tracker, schema_of
from typedtrack.frame.cache import _FORMAT, CachedTable
from typedtrack.frame.cache_file import CacheFile
from typedtrack.schemas import MODES, check_history, load_schemas, read_schemas

CORPUS = Path(__file__).parent
RELEASES = sorted(path.parent.name for path in CORPUS.glob("*/results"))


@pytest.fixture(params=RELEASES)
def release(request: pytest.FixtureRequest) -> Path:
    """Return the folder of a release."""
    return CORPUS / str(request.param)


def test_this_release_has_its_corpus() -> None:
    """The corpus has the release that is being made, for the tests of later ones."""
    assert RELEASE in RELEASES


def test_results_of_each_release_read_as_they_were_put(release: Path) -> None:
    """Every value has the same type and bits as when it was put."""
    tracker = FsspecResultTracker(str(release / "results"))
    assert repr(tracker["limits"]) == repr(LIMITS)
    assert tracker["naïve 中文 #1"] == {"größe": 1.5}
    assert repr(tracker["torchx"]) == repr({"accuracy": 0.5, "l2norm/mean": float("nan")})
    assert set(tracker) == {*EVALUATIONS, "limits", "naïve 中文 #1", "torchx"}


def test_records_of_each_release_read_as_they_were_put(release: Path) -> None:
    """Results read as the record of today, and as the record of the schema of their release."""
    tracker = FsspecResultTracker(str(release / "results"))
    made: type[Evaluation] = load_schemas(release / "schemas")["Evaluation"]
    for view in (tracker.typed(Evaluation), tracker.typed(made)):
        for key, evaluation in EVALUATIONS.items():
            assert repr(view[key]) == repr(evaluation)


def test_bytes_are_the_same(release: Path, tmp_path: Path) -> None:
    """This release writes the same bytes as that one."""
    tracker = FsspecResultTracker(str(tmp_path))
    tracker["limits"] = LIMITS
    tracker.typed(Evaluation).put_many(EVALUATIONS)
    for key in ("limits", *EVALUATIONS):
        assert (tmp_path / str(key)).read_bytes() == (release / "results" / str(key)).read_bytes()


def test_schemas_of_each_release_read_as_they_were_exported(release: Path) -> None:
    """The schemas of that release are compatible with those of today, in every mode."""
    today = {schema.name: schema for schema in (schema_of(Evaluation), schema_of(Latency), schema_of(Stat))}
    for schema in read_schemas(release / "schemas").values():
        assert all(check_history(today[schema.name], [schema], mode) == [] for mode in MODES)
        assert schema.fingerprint == today[schema.name].fingerprint


def test_failures_of_each_release_are_failures(release: Path) -> None:
    """Each has the fields that it was stored with, and a get raises it."""
    tracker = open_tracker(release / "failures")
    assert dict(tracker.failures()) == FAILURES
    for key, failure in FAILURES.items():
        with pytest.raises(ResultFailedError) as caught:
            tracker.get(key)
        assert caught.value.failure == failure


def test_this_release_stores_failures_by_the_same_bytes(release: Path, tmp_path: Path) -> None:
    """A failure of today is the file that each release wrote."""
    tracker = open_tracker(tmp_path)
    tracker.put_many({key: as_result(failure) for key, failure in FAILURES.items()})
    for key in FAILURES:
        assert (tmp_path / str(key)).read_bytes() == (release / "failures" / str(key)).read_bytes()


@pytest.mark.parametrize("ending", ["ndjson", "ndjson.gz"])
def test_archives_of_each_release_hold_what_was_archived(release: Path, tmp_path: Path, ending: str) -> None:
    """An archive reads as its folder does, and unpacks to the same files."""
    archived = open_tracker(release / f"results.{ending}")
    stored = open_tracker(release / "results")
    assert repr(sorted(archived.items())) == repr(sorted(stored.items()))
    assert dict(open_tracker(release / f"failures.{ending}").failures()) == FAILURES
    unpacked = open_tracker(tmp_path)
    unpacked.put_many(archived.items())
    for key in ("limits", *EVALUATIONS):
        assert (tmp_path / str(key)).read_bytes() == (release / "results" / str(key)).read_bytes()


def test_a_cache_of_each_release_is_read_or_made_anew(release: Path, tmp_path: Path) -> None:
    """A table by an older cache is the table of what is stored; a cache of the same format has the same rows."""
    tracker = open_tracker("memory://corpus")
    tracker.typed(Evaluation).put_many(EVALUATIONS)
    tracker.put_many({key: as_result(failure) for key, failure in FAILURES.items()})
    whole = polars.DataFrame(tracker.frame()).sort("key")
    shutil.copy(release / "cache.parquet", tmp_path / "cache.parquet")
    assert polars.DataFrame(tracker.frame(cache=tmp_path / "cache.parquet")).sort("key").equals(whole)
    today, then = (_cached(folder / "cache.parquet") for folder in (tmp_path, release))
    assert then is not None or release.name != RELEASE
    assert then is None or (then.failures == len(FAILURES) and repr(_rows(then)) == repr(_rows(today)))


def _cached(path: Path) -> CachedTable | None:
    """Return the table in the cache at *path*; `None` where it is of another format than that of today."""
    rows = open_tracker("memory://corpus").frame().rows
    file = CacheFile.open(str(path), f"{_FORMAT}\n{rows.identity}")
    return None if file is None else CachedTable(file, rows.keys)


def _rows(table: CachedTable | None) -> list[tuple[object, ...]]:
    assert table is not None
    return sorted(
        (text, *sorted((name, row) for name, row in zip(chunk.columns, values, strict=True) if row is not None))
        for chunk in table.chunks()
        for text, *values in zip(chunk.texts, *chunk.columns.values(), strict=True)
    )
