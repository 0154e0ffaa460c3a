"""This release reads the schemas and results of every release, and results of torchx."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.corpus.records import EVALUATIONS, LIMITS, RELEASE, Evaluation, Latency
from typedtrack import FsspecResultTracker, Stat, schema_of
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
